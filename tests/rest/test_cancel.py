"""Cancelling: never a call unless the settings say that there is one, and then one for each."""

from __future__ import annotations

import pytest

from hub.application.evidence import Exchange
from hub.application.ports import Cancel, Refused, Registered
from hub.errors import InDoubtError, LocalProtocolError, StoppedError, TransientError, UsageError
from tests.rest.acts import reference, wire
from tests.rest.conftest import Make
from tests.rest.service import Asked, Reply, Service, problem, shown

ON = {"can_cancel": True, "cancel_path": "/presenceRegistrations/{number}/cancel"}


def cancels(count: int) -> list[Cancel]:
    return [Cancel(reference(n), 100 + n, "PLANNING") for n in range(count)]


def withdrawn(asked: Asked) -> Reply:
    number = int(asked.path.split("/")[-2])
    return Reply(shown(wire(0), number, status={"code": "cancelled"}))


def test_without_the_capability_nothing_leaves(make: Make) -> None:
    with Service() as service, pytest.raises(UsageError) as caught:
        make(service, cancel_path=ON["cancel_path"]).cancel(cancels(1))
    assert caught.value.code == "HUB-1344"
    assert service.asked == service.token_asked == []


def test_the_capability_needs_a_path(make: Make) -> None:
    with Service() as service, pytest.raises(UsageError) as caught:
        make(service, can_cancel=True)
    assert (caught.value.code, caught.value.extra["key"]) == ("HUB-1343", "in_out.cancel_path")


def test_each_is_withdrawn_by_a_call_of_its_own(make: Make, kept: list[Exchange]) -> None:
    with Service(withdrawn) as service:
        results = make(service, **ON).cancel(cancels(2))
    assert [(one.reference, getattr(one, "number", 0)) for one in results] == [
        (reference(0), 100),
        (reference(1), 101),
    ]
    assert {getattr(one, "status", "") for one in results} == {"SUCCESSFULLY CANCELLED"}
    assert [asked.path.rsplit("/v1", 1)[1] for asked in service.asked] == [
        "/presenceRegistrations/100/cancel",
        "/presenceRegistrations/101/cancel",
    ]
    assert service.asked[0].json == {"cancellationReason": "PLANNING"}
    assert [exchange.items for exchange in kept] == [((reference(0), 100),), ((reference(1), 101),)]


def test_one_that_is_refused_does_not_keep_the_others(make: Make) -> None:
    refusal = problem(
        "badRequest",
        400,
        issues=[{"type": "urn:problem-type:belgif-ext:input-validation:rejectedInput"}],
    )
    with Service(refusal, withdrawn, problem("resourceNotFound", 404)) as service:
        results = make(service, **ON).cancel(cancels(3))
    assert results[0] == Refused(reference(0), (("badRequest", "rejectedInput"),))
    assert isinstance(results[1], Registered)
    assert results[2] == Refused(reference(2), (("resourceNotFound", ""),))


def test_a_failure_after_the_first_was_withdrawn_is_in_doubt(make: Make) -> None:
    with (
        Service(withdrawn, problem("serviceUnavailable", 503)) as service,
        pytest.raises(InDoubtError) as caught,
    ):
        make(service, **ON).cancel(cancels(3))
    assert caught.value.extra["withdrawn"] == 1
    assert len(service.asked) == 2


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (problem("serviceUnavailable", 503), TransientError),
        (problem("missingPermission", 403), StoppedError),
        (problem("internalServerError", 500), InDoubtError),
        (Reply({"id": 999}), InDoubtError),
    ],
)
def test_a_failure_of_the_first_is_what_it_is(
    make: Make, reply: Reply, kind: type[Exception]
) -> None:
    with Service(reply) as service, pytest.raises(kind):
        make(service, **ON).cancel(cancels(2))


@pytest.mark.parametrize(
    "bad",
    [
        [],
        [Cancel("a", 1, "PLANNING")] * 2,
        [Cancel("a", 1, "SICKNESS")],
        [Cancel("a", 0, "PLANNING")],
        cancels(201),
    ],
)
def test_what_cannot_be_a_cancellation_does_not_leave(make: Make, bad: list[Cancel]) -> None:
    with Service() as service, pytest.raises(LocalProtocolError):
        make(service, **ON).cancel(bad)
    assert service.asked == []
