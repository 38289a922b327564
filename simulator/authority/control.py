"""Control endpoints under /sim for tests and the console; the real service has nothing like them.

Bodies are JSON, unknown keys are refused, and no error repeats a value that was sent.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from simulator.authority import numbers
from simulator.authority.availability import Availability, Mode
from simulator.authority.clock import brussels_day, brussels_iso, instant_ms
from simulator.authority.operations import Authority
from simulator.authority.presence import Registration, Validation
from simulator.authority.registers import Dimona, Period
from simulator.authority.soap import urls

# Ten years either way keep every date inside what `date` can hold.
_SHIFT_MAX_S = 10 * 366 * 86_400


def _company(text: str) -> str:
    if not numbers.digits_only(text, 10) or not numbers.company_ok(int(text)):
        raise ValueError("enterprise number of ten digits expected")
    return text


Calls = Annotated[int, Field(ge=1, le=1_000_000)]
Company = Annotated[str, AfterValidator(_company)]


class Order(BaseModel):
    """Base of what can be asked for; anything unknown is refused."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class AvailabilityOrder(Order):
    """Sets the mode, for a number of calls or for good."""

    mode: Mode
    calls: Calls | None = None


class FaultOrder(Order):
    """Answers the next calls with a SOAP fault; code null ends it."""

    code: Annotated[str, Field(pattern=r"^SOA-\d{5}$")] | None
    calls: Calls | None = 1
    element: Literal["SystemError", "BusinessError"] = "SystemError"


class LatencyOrder(Order):
    """Delays the next calls before they are carried out."""

    ms: Annotated[int, Field(ge=0, le=600_000)]
    calls: Calls | None = None


class AnswerOrder(Order):
    """Answers the items of a batch last first."""

    backwards: bool


class DimonaOrder(Order):
    """A Dimona that becomes known now."""

    inss: str
    company: Company
    start: date | None = None
    until: date | None = None


class ReplacementOrder(Order):
    """A person's number is replaced by another."""

    inss: str
    replaced_by: str


class ClockOrder(Order):
    """Shifts the clock by seconds, or sets it to an ISO instant."""

    shift_s: Annotated[int, Field(ge=-_SHIFT_MAX_S, le=_SHIFT_MAX_S)] | None = None
    now: str | None = None

    @model_validator(mode="after")
    def _one(self) -> ClockOrder:
        if (self.shift_s is None) == (self.now is None):
            raise ValueError("either shift_s or now")
        return self


def control_router(authority: Authority, availability: Availability) -> APIRouter:
    """The /sim endpoints.

    Args:
        authority: what the endpoints look into and change.
        availability: the disturbances; endpoints run on its event loop.
    """
    router = APIRouter(prefix="/sim")

    async def state() -> dict[str, object]:
        now_ms = authority.clock()
        return {
            **availability.as_json(),
            "now": brussels_iso(now_ms),
            "day": brussels_day(now_ms).isoformat(),
            "shift_s": authority.clock.shift_ms / 1000,
            "validation_delay_s": authority.settings.validation_delay_ms / 1000,
            "counts": await run_in_threadpool(authority.counts),
        }

    def person(inss: str) -> str:
        if not numbers.inss_ok(inss, brussels_day(authority.clock())):
            raise HTTPException(422, "INSS or BIS number expected")
        return inss

    def instant(text: str) -> int:
        try:
            at_ms = instant_ms(text)
        except ValueError:
            raise HTTPException(422, "now: ISO instant expected") from None
        # Days before and after it must exist too.
        if abs(at_ms - authority.clock()) > _SHIFT_MAX_S * 1000:
            raise HTTPException(422, "now: at most ten years away")
        return at_ms

    @router.get("/state")
    async def show_state(request: Request) -> dict[str, object]:
        return {**await state(), **urls(str(request.base_url))}

    @router.post("/availability")
    async def set_availability(order: AvailabilityOrder) -> dict[str, object]:
        availability.set_mode(order.mode, order.calls)
        return await state()

    @router.post("/fault")
    async def set_fault(order: FaultOrder) -> dict[str, object]:
        availability.set_fault(order.code, order.element, order.calls)
        return await state()

    @router.post("/latency")
    async def set_latency(order: LatencyOrder) -> dict[str, object]:
        availability.set_latency(order.ms, order.calls)
        return await state()

    @router.post("/answers")
    async def set_answers(order: AnswerOrder) -> dict[str, object]:
        availability.set_backwards(order.backwards)
        return await state()

    @router.post("/clock")
    async def set_clock(order: ClockOrder) -> dict[str, object]:
        if order.shift_s is not None:
            authority.move_clock(shift_ms=order.shift_s * 1000)
        if order.now is not None:
            authority.move_clock(to_ms=instant(order.now))
        return await state()

    @router.post("/dimona")
    async def add_dimona(order: DimonaOrder) -> dict[str, object]:
        dimona = Dimona(person(order.inss), int(order.company), Period(order.start, order.until))
        await run_in_threadpool(authority.add_dimona, dimona)
        return {"validated": await run_in_threadpool(authority.validate_due)}

    @router.post("/person")
    async def replace_number(order: ReplacementOrder) -> dict[str, object]:
        before, after = person(order.inss), person(order.replaced_by)
        await run_in_threadpool(authority.replace_inss, before, after)
        return {"validated": await run_in_threadpool(authority.validate_due)}

    @router.post("/validate")
    async def validate() -> dict[str, object]:
        return {"validated": await run_in_threadpool(authority.validate_now)}

    @router.get("/registrations")
    async def show_registrations() -> list[dict[str, object]]:
        held = await run_in_threadpool(authority.everything)
        return [registration_json(registration) for registration in held]

    return router


def registration_json(registration: Registration) -> dict[str, object]:
    """Everything held about one registration; numbers in full, they are all invented."""
    submission = registration.submission
    return {
        "number": registration.number,
        "day": registration.day.isoformat(),
        "date_sent": submission.date_text,
        "inss": submission.inss,
        "latest_inss": registration.person,
        "company": None if submission.company is None else numbers.company_text(submission.company),
        "limosa_id": submission.limosa,
        "works": submission.works,
        "reference": submission.reference,
        "sector": registration.sector,
        "created": brussels_iso(registration.created_ms),
        "channel": registration.channel,
        "sender": registration.sender.id,
        "cancel_reason": registration.cancel_reason,
        **_validation_json(registration.last),
        "history": [_validation_json(validation) for validation in registration.history],
    }


def _validation_json(validation: Validation) -> dict[str, object]:
    return {
        "status": validation.status,
        "at": None if validation.at_ms is None else brussels_iso(validation.at_ms),
        "remarks": list(validation.remarks),
    }
