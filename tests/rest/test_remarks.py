"""Texts of remarks: the service's own, asked for once a day, and a code where there is none."""

from __future__ import annotations

from typing import Any

import pytest

from hub.authority.remarks import AGAIN_MS, DAY_MS
from tests.rest.acts import act
from tests.rest.conftest import Clock, Make
from tests.rest.service import Asked, Reply, Service, created, problem

LIST = [
    {"code": "CAW_14", "labels": {"nl": "Dubbel", "FR": "Double"}},
    {"code": "SIM_01", "labels": {"it": "Uno"}},
    {"code": "SIM_02", "labels": {}},
]


@pytest.mark.parametrize("body", [LIST, {"items": LIST}], ids=["list", "items"])
def test_a_text_comes_in_the_language_asked_for_or_the_next_best(make: Make, body: Any) -> None:
    with Service(Reply(body)) as service:
        authority = make(service)
        assert authority.remark_label("CAW_14", "nl") == "Dubbel"
        assert authority.remark_label("CAW_14", "FR") == "Double"
        assert authority.remark_label("CAW_14", "de") == "Double"
        assert authority.remark_label("SIM_01", "nl") == "Uno"
        assert authority.remark_label("SIM_02", "nl") == "SIM_02"
        assert authority.remark_label("CAW_99", "nl") == "CAW_99"
    assert [(asked.method, asked.path.rsplit("/v1")[1]) for asked in service.asked] == [
        ("GET", "/refData/remarks")
    ]


def test_the_list_is_asked_for_again_after_a_day(make: Make, clock: Clock) -> None:
    newer = [{"code": "CAW_14", "labels": {"nl": "Tweemaal"}}]
    with Service(Reply(LIST), Reply(newer)) as service:
        authority = make(service)
        assert authority.remark_label("CAW_14", "nl") == "Dubbel"
        clock.at_ms += DAY_MS - 1
        assert authority.remark_label("CAW_14", "nl") == "Dubbel"
        clock.at_ms += 1
        assert authority.remark_label("CAW_14", "nl") == "Tweemaal"


BROKEN = {
    "away": problem("serviceUnavailable", 503),
    "forbidden": problem("missingScope", 403),
    "malformed": Reply("{"),
    "no list": Reply({"code": "x"}),
    "no code": Reply([{"labels": {}}]),
    "no texts": Reply([{"code": "CAW_14", "labels": {"nl": 7}}]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_without_a_list_the_code_is_shown_and_the_list_asked_for_after_a_minute(
    make: Make, clock: Clock, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with Service(BROKEN[name]) as service:
        authority = make(service)
        assert authority.remark_label("CAW_14", "nl") == "CAW_14"
        asked = len(service.asked)
        assert authority.remark_label("CAW_14", "nl") == "CAW_14"
        assert len(service.asked) == asked
        service.scripts = [lambda asked: Reply(LIST)]
        clock.at_ms += AGAIN_MS
        assert authority.remark_label("CAW_14", "nl") == "Dubbel"
    assert "remarks not loaded: HUB-13" in caplog.text


def test_a_text_that_came_with_an_answer_is_known_to_all_threads(makes: Any) -> None:
    def script(asked: Asked) -> Reply:
        if asked.method == "GET":
            return problem("serviceUnavailable", 503)
        remark = {"code": "CAW_14", "labels": {"de": "Doppelt"}}
        return Reply({"items": [created(asked.items[0], 1, remarks=[remark])]})

    with Service(script) as service:
        factory = makes(service)
        factory().register([act(1)])
        assert factory().remark_label("CAW_14", "de") == "Doppelt"


def test_no_evidence_is_kept_of_the_list(make: Make, kept: list[Any]) -> None:
    with Service(Reply(LIST)) as service:
        make(service).remark_label("CAW_14", "nl")
    assert kept == []
