"""The plan over HTTP: the checks of a file, tokens, plain refusals, no number given out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from hub.application.access import COMMAND
from hub.application.overview import AuthorityStatus
from hub.settings import Settings
from hub.storage.engine import reading, writing
from hub.storage.overview import Overview
from hub.storage.plans import by_itself
from hub.storage.schema import api_token, person, plan_entry
from hub.storage.tokens import Tokens, program_finder
from hub.web.api import bearer, plan
from hub.web.api.front import front
from hub.web.api.once import InHand
from hub.web.app import create_app
from hub.web.live import Changes
from hub.web.office import Office
from tests.hub.house import NOON_MS
from tests.hub.plan_site import BASILE, MILAN, PIOTR, TODAY, A, PlanSite, plan_site
from tests.web.actors import Everybody

PATH = "/api/v1/plan"
PER_MINUTE = 30
GOOD = [
    {"inss": MILAN, "day": "2026-11-23", "works_number": A},
    {"limosa": PIOTR, "from": "2026-11-23", "until": "2026-11-25"},
]


@dataclass
class Api:
    """The API of a site, and a program with a token."""

    site: PlanSite
    client: TestClient
    token: str

    def post(self, content: object, query: str = "", **headers: str) -> Any:
        """Hands a JSON value in."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return self.client.post(PATH + query, content=body, headers=self.headers(**headers))

    def headers(self, **more: str) -> dict[str, str]:
        given = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        return given | {name.replace("_", "-"): value for name, value in more.items()}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    with plan_site(tmp_path) as site:
        with writing(site.engine) as connection:
            tokens = Tokens(connection, site.house.house.vault, COMMAND, NOON_MS)
            token = tokens.add("office", ["plan"])
        programs = bearer.Programs(program_finder(site.engine), PER_MINUTE, lambda: site.now_ms)
        house = site.house.house
        office = Office(
            house.engine, by_itself(house.engine), house.vault, lambda: site.now_ms, lambda: None,
            Settings(data=house.folder), house.folder,
        )  # fmt: skip
        router = plan.plan_router(site.plans, front(programs), InHand(office))
        app = create_app(
            Overview(site.engine),
            list,
            lambda: AuthorityStatus("unknown", None, None, None, 0, 0, None),
            Changes(),
            lambda: site.now_ms,
            Everybody(),
            more=[router],
        )
        yield Api(site, TestClient(app, raise_server_exceptions=False), token)


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The problem details of a refusal."""
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    content = answer.json()
    assert content["type"] == f"urn:sitegate:error:{code}"
    assert (content["code"], content["status"]) == (code, status)
    assert content["title"].endswith(".")
    assert content["detail"].endswith(".")
    return content


class TestHandIn:
    def test_a_list_is_planned_once(self, api: Api) -> None:
        first, second = api.post(GOOD), api.post(GOOD)
        assert first.status_code == second.status_code == 200
        assert (first.json()["added"], second.json()["added"]) == (4, 0)
        assert second.json()["unchanged"] == 4
        with reading(api.site.engine) as connection:
            row = connection.execute(select(plan_entry)).first()
        assert row is not None
        assert (row.source, row.actor) == ("api", "token:office")

    @pytest.mark.parametrize(
        "kind", ["text/csv", "text/csv; charset=utf-8", "application/octet-stream"]
    )
    def test_a_file_is_the_body(self, api: Api, kind: str) -> None:
        data = f"INSZ;Datum\n{MILAN};vandaag\n".encode()
        answer = api.post(data, Content_Type=kind)
        assert (answer.status_code, answer.json()["added"]) == (200, 1)

    def test_a_refused_list_names_row_and_column_and_plans_nothing(self, api: Api) -> None:
        answer = api.post(
            [GOOD[0], {"inss": 85031299761, "day": "today"}, {"inss": BASILE, "day": "gisteren"}],
            Accept_Language="nl",
        )
        content = problem(answer, 422, "HUB-1514")
        assert answer.headers["Content-Language"] == "nl"
        assert content["title"] == "De planning wordt niet aanvaard. Fouten: 2."
        assert [(one["row"], one["column"], one["code"]) for one in content["problems"]] == [
            (2, "inss", "IMP-5011"),
            (3, "day", "IMP-5005"),
        ]
        assert api.site.entries() == []
        good = api.post([*GOOD, {"inss": "1"}], "?good_rows_only=true").json()
        assert (good["added"], good["errors"], good["written"]) == (4, 2, True)

    def test_a_dry_run(self, api: Api) -> None:
        answer = api.post(GOOD, "?dry_run=true").json()
        assert (answer["new"], answer["added"], answer["written"]) == (4, 0, False)
        assert api.site.entries() == []

    def test_what_was_withdrawn_is_planned_again_when_asked(self, api: Api) -> None:
        api.post(GOOD[:1])
        api.site.plans.withdraw(api.site.entries(), "HOLIDAY", "test")
        (warning,) = api.post(GOOD[:1]).json()["problems"]
        assert (warning["severity"], warning["code"]) == ("warning", "IMP-5027")
        assert api.post(GOOD[:1], "?again=true").json()["added"] == 1

    @pytest.mark.parametrize(
        ("body", "kind", "status", "code"),
        [
            (b"{", "application/json", 400, "HUB-1527"),
            (b"\xff", "application/json", 400, "HUB-1527"),
            (b"[" * 100_000, "application/json", 400, "HUB-1527"),
            (b"{}", "application/json", 422, "HUB-1514"),
            (b"[]", "application/json", 422, "HUB-1514"),
            (b'[["inss"]]', "application/json", 422, "HUB-1514"),
            (b"", "text/csv", 422, "HUB-1514"),
            (b"PK\x03\x04", "application/octet-stream", 422, "HUB-1514"),
            (b"a=1", "application/x-www-form-urlencoded", 415, "HUB-1526"),
            (b"", "", 415, "HUB-1526"),
        ],
    )
    def test_bodies_that_are_no_plan(
        self, api: Api, body: bytes, kind: str, status: int, code: str
    ) -> None:
        problem(api.post(body, Content_Type=kind), status, code)

    def test_a_body_that_is_too_long_is_refused_unread(
        self, api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(plan.PLANS, "body_max", 100)
        told = api.post(b"x" * 101, Content_Type="text/csv")
        assert problem(told, 413, "HUB-1525")["code"] == "HUB-1525"

        def pieces() -> Iterator[bytes]:
            for _ in range(11):
                yield b"x" * 10

        untold = api.client.post(
            PATH, content=pieces(), headers=api.headers(Content_Type="text/csv")
        )
        problem(untold, 413, "HUB-1525")


class TestShow:
    def test_a_day_with_masked_numbers(self, api: Api) -> None:
        api.post(GOOD)
        answer = api.client.get(f"{PATH}/today", headers=api.headers())
        assert answer.status_code == 200
        assert MILAN not in answer.text
        assert PIOTR not in answer.text
        people = {one["person"]["family_name"]: one for one in answer.json()["entries"]}
        assert people["Aarts"]["person"]["number"] == "85.03.12-***.**"
        assert people["Kowalik"]["problems"] == []
        same = api.client.get(f"{PATH}/{TODAY.isoformat()}", headers=api.headers())
        assert same.json() == answer.json()

    @pytest.mark.parametrize("day", [MILAN, "2026-13-01", "yesterday", "%00"])
    def test_what_is_no_day_is_not_repeated(self, api: Api, day: str) -> None:
        answer = api.client.get(f"{PATH}/{day}", headers=api.headers())
        problem(answer, 404, "HUB-1500")
        assert MILAN not in answer.text

    def test_no_other_method(self, api: Api) -> None:
        assert api.client.delete(PATH, headers=api.headers()).status_code == 405


class TestCompany:
    """A token of the first company: Milan is his, Basile another's, Piotr nobody's."""

    @pytest.fixture
    def own(self, api: Api) -> Api:
        """The program of that company."""
        with writing(api.site.engine) as connection:
            tokens = Tokens(connection, api.site.house.house.vault, COMMAND, NOON_MS)
            token = tokens.add("office", ["plan"], "0999000129")
        return Api(api.site, api.client, token)

    def test_it_plans_its_own_people(self, own: Api) -> None:
        answer = own.post(GOOD[:1])
        assert (answer.status_code, answer.json()["added"]) == (200, 1)
        with reading(own.site.engine) as connection:
            row = connection.execute(select(plan_entry)).one()
        assert (row.person_id, row.actor) == (1, "token:0999000129/office")

    @pytest.mark.parametrize(
        ("others", "nobodys"),
        [
            ({"inss": BASILE}, {"inss": "85031299860"}),
            ({"limosa": PIOTR}, {"limosa": "24999000000000284"}),
            ({"badge_uid": "04A1B2C3D4E507"}, {"badge_uid": "04A1B2C3D4E5FF"}),
        ],
    )
    def test_anybody_elses_is_not_in_the_register(
        self, own: Api, others: dict[str, str], nobodys: dict[str, str]
    ) -> None:
        first = own.post([{**others, "day": "today", "works_number": A}])
        second = own.post([{**nobodys, "day": "today", "works_number": A}])
        assert problem(first, 422, "HUB-1514") == problem(second, 422, "HUB-1514")
        assert first.content == second.content
        assert own.site.entries() == []

    def test_it_sees_its_part_of_a_day_and_no_number_of_a_row(self, api: Api, own: Api) -> None:
        api.site.plan_all()
        answer = own.client.get(f"{PATH}/today", headers=own.headers()).json()
        (entry,) = answer["entries"]
        assert entry["person"]["family_name"] == "Aarts"
        assert "entry" not in entry
        assert "ref" not in entry["person"]
        whole = api.client.get(f"{PATH}/today", headers=api.headers()).json()["entries"]
        assert len(whole) == 3
        assert entry["person"]["token"] in {one["person"]["token"] for one in whole}

    def test_a_person_of_two_employers_is_planned_for_the_one_that_asks(self, own: Api) -> None:
        with writing(own.site.engine) as connection:
            rows = {row.id: row for row in connection.execute(select(person))}
            same = {name: rows[1]._mapping[name] for name in ("inss_sealed", "inss_index")}
            connection.execute(update(person).where(person.c.id == 2).values(same))
            tokens = Tokens(connection, own.site.house.house.vault, COMMAND, NOON_MS)
            second = tokens.add("office", ["plan"], "0999000228")
        assert Api(own.site, own.client, second).post(GOOD[:1]).json()["added"] == 1
        assert own.post(GOOD[:1]).json()["added"] == 1
        with reading(own.site.engine) as connection:
            query = select(plan_entry.c.person_id).order_by(plan_entry.c.id)
            assert list(connection.execute(query).scalars()) == [2, 1]


class TestTokens:
    @pytest.mark.parametrize(
        "header", ["", "Bearer", "Bearer ", "Bearer wrong", "Basic {token}", "{token}", "Bearer é"]
    )
    def test_without_a_right_token_nothing_is_told(self, api: Api, header: str) -> None:
        headers = api.headers()
        value = header.format(token=api.token)
        headers["Authorization"] = value
        sent = [(name.encode(), text.encode("latin-1")) for name, text in headers.items()]
        for answer in (
            api.client.post(PATH, content=b"[]", headers=sent),
            api.client.get(f"{PATH}/today", headers=sent),
        ):
            problem(answer, 401, "HUB-1522")
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="sitegate"'

    def test_a_revoked_token_is_none(self, api: Api) -> None:
        with writing(api.site.engine) as connection:
            Tokens(connection, api.site.house.house.vault, COMMAND, NOON_MS).revoke("office")
        problem(api.post(GOOD), 401, "HUB-1522")

    def test_a_token_for_something_else(self, api: Api) -> None:
        with writing(api.site.engine) as connection:
            connection.execute(update(api_token).values(scopes="other"))
        answer = api.post(GOOD)
        problem(answer, 403, "HUB-1523")
        assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]
        assert api.site.entries() == []

    def test_the_kind_of_token_is_read_in_capitals_or_not(self, api: Api) -> None:
        assert api.post(GOOD, Authorization=f"bearer {api.token}").status_code == 200

    def test_many_wrong_tokens_are_told_to_wait_and_a_right_one_passes(self, api: Api) -> None:
        for _ in range(bearer.WRONG_MAX):
            problem(api.post(GOOD, Authorization="Bearer wrong"), 401, "HUB-1522")
        api.site.now_ms += 10_000
        answer = api.post(GOOD, Authorization="Bearer wrong")
        problem(answer, 429, "HUB-1524")
        assert answer.headers["Retry-After"] == "50"
        assert api.post(GOOD).status_code == 200
        api.site.now_ms += 50_000
        problem(api.post(GOOD, Authorization="Bearer wrong"), 401, "HUB-1522")

    def test_a_token_that_calls_too_often_is_told_to_wait(self, api: Api) -> None:
        assert [api.post(GOOD).status_code for _ in range(PER_MINUTE)] == [200] * PER_MINUTE
        answer = api.post(GOOD)
        problem(answer, 429, "HUB-1701")
        assert answer.headers["Retry-After"] == "2"
        api.site.now_ms += 2_000
        assert api.post(GOOD).status_code == 200

    def test_addresses_are_not_remembered_without_end(self) -> None:
        wrong = bearer.WrongTokens(lambda: 0)
        for number in range(bearer.ADDRESSES_MAX + 10):
            wrong.wait_s(str(number))
        assert len(wrong._seen) == bearer.ADDRESSES_MAX

    def test_the_database_holds_no_token(self, api: Api) -> None:
        folder = api.site.house.house.folder
        for path in folder.iterdir():
            if path.is_file():
                assert api.token.encode() not in path.read_bytes()


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=50),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["inss", "limosa", "badge_uid", "day", "from", "until"])
            | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(VALUES)
def test_any_json_is_planned_or_explained(api: Api, value: object) -> None:
    api.site.now_ms += 60_000 // PER_MINUTE
    answer = api.post(value)
    assert answer.status_code == 422
    assert answer.json()["errors"] >= 1
    assert api.site.entries() == []
