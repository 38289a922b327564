"""Control endpoints under /sim for tests and the console; the real service has nothing like them.

Bodies are JSON, unknown keys are refused, and no error repeats a value that was sent.
"""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter, HTTPException
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from simulator.authority import numbers
from simulator.authority.addresses import urls
from simulator.authority.availability import Availability
from simulator.authority.clock import brussels_day, brussels_iso, moment_ms
from simulator.authority.entries import CompanyText
from simulator.authority.operations import Authority
from simulator.authority.orders import (
    SHIFT_MAX_S,
    AnswerOrder,
    AvailabilityOrder,
    ClockOrder,
    DoorOrder,
    DripOrder,
    FaultOrder,
    LatencyOrder,
    MaintenanceOrder,
    Order,
    ScriptOrder,
    SkewOrder,
)
from simulator.authority.presence import Registration, Validation
from simulator.authority.registers import Dimona, Period
from simulator.authority.script import Script


class DimonaOrder(Order):
    """A Dimona that becomes known now."""

    inss: str
    company: CompanyText
    start: date | None = None
    until: date | None = None


class ReplacementOrder(Order):
    """A person's number is replaced by another."""

    inss: str
    replaced_by: str


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
            "rate": authority.clock.rate,
            "skew_ms": authority.clock.skew_ms,
            "maintenance": window(),
            "validation_delay_s": authority.settings.validation_delay_ms / 1000,
            "counts": await run_in_threadpool(authority.counts),
        }

    def person(inss: str) -> str:
        if not numbers.inss_ok(inss, brussels_day(authority.clock())):
            raise HTTPException(422, "INSS or BIS number expected")
        return inss

    def window() -> dict[str, str | None] | None:
        if availability.maintenance is None:
            return None
        starts, ends = availability.maintenance
        return {
            "from": None if starts is None else brussels_iso(starts),
            "until": None if ends is None else brussels_iso(ends),
        }

    def instant(text: str, key: str) -> int:
        try:
            at_ms = moment_ms(text, authority.clock.world())
        except ValueError:
            raise HTTPException(422, f"{key}: ISO instant expected") from None
        # Days before and after it must exist too.
        if abs(at_ms - authority.clock()) > SHIFT_MAX_S * 1000:
            raise HTTPException(422, f"{key}: at most ten years away")
        return at_ms

    @router.get("/state")
    async def show_state(request: Request) -> dict[str, object]:
        return {**await state(), **urls(str(request.base_url))}

    @router.post("/availability")
    async def set_availability(order: AvailabilityOrder) -> dict[str, object]:
        availability.set_mode(
            order.mode,
            order.calls,
            order.operations,
            status=order.status,
            retry_after_s=order.retry_after_s,
        )
        return await state()

    @router.post("/fault")
    async def set_fault(order: FaultOrder) -> dict[str, object]:
        availability.set_fault(order.code, order.element, order.calls, order.operations)
        return await state()

    @router.post("/latency")
    async def set_latency(order: LatencyOrder) -> dict[str, object]:
        availability.set_latency(
            order.ms, order.calls, order.operations, to_ms=order.to_ms, seed=order.seed
        )
        return await state()

    @router.post("/drip")
    async def set_drip(order: DripOrder) -> dict[str, object]:
        availability.set_drip(order.ms, order.calls, order.operations)
        return await state()

    @router.post("/answers")
    async def set_answers(order: AnswerOrder) -> dict[str, object]:
        backwards = "backwards" if order.backwards else "asked"
        availability.set_order(order.order or backwards, order.calls, order.operations)
        return await state()

    @router.post("/maintenance")
    async def set_maintenance(order: MaintenanceOrder) -> dict[str, object]:
        if order.from_ is None and order.until is None:
            availability.end_maintenance()
        else:
            starts = None if order.from_ is None else instant(order.from_, "from")
            ends = None if order.until is None else instant(order.until, "until")
            if starts is not None and ends is not None and ends <= starts:
                raise HTTPException(422, "until: later than from expected")
            availability.set_maintenance(starts, ends)
        return await state()

    @router.post("/door")
    async def shut_door(order: DoorOrder) -> dict[str, object]:
        if availability.shut_door is None:
            raise HTTPException(409, "this server has no door to shut")
        availability.shut_door(order.shut_s)
        return {"shut_s": order.shut_s}

    @router.post("/skew")
    async def set_skew(order: SkewOrder) -> dict[str, object]:
        authority.clock.skew(order.ms)
        return await state()

    @router.post("/script")
    async def set_script(order: ScriptOrder) -> dict[str, object]:
        now_ms = authority.clock.world()
        try:
            availability.script = order.script(now_ms)
        except ValueError:
            raise HTTPException(422, "at, until: ISO instant or time of day expected") from None
        authority.clock.scripted_skew(0)
        return availability.script.as_json(now_ms)

    @router.get("/script")
    async def show_script() -> dict[str, object]:
        script = availability.script or Script(0, ())
        return script.as_json(authority.clock.world())

    @router.post("/clock")
    async def set_clock(order: ClockOrder) -> dict[str, object]:
        if order.rate is not None:
            authority.run_clock_at(order.rate)
        if order.shift_s is not None:
            authority.move_clock(shift_ms=order.shift_s * 1000)
        if order.now is not None:
            authority.move_clock(to_ms=instant(order.now, "now"))
        # So that a test that moves the time finds everything as it is at that time.
        await run_in_threadpool(authority.validate_due)
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
