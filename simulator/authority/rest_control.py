"""Control endpoints of the in/out face under /sim; the real service has nothing like them.

Bodies are JSON, unknown keys are refused, and no error repeats a value that was sent.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from simulator.authority.clients import Client, KeyMaterialError
from simulator.authority.clock import brussels_iso
from simulator.authority.events import Event
from simulator.authority.numbers import company_text
from simulator.authority.operations import Authority
from simulator.authority.orders import Calls, Order
from simulator.authority.rest_switches import ListShape, RestSwitches, Trouble, TypeCase
from simulator.authority.tokens import Tokens

Seconds = Annotated[int, Field(ge=1, le=86_400)]
Name = Annotated[str, Field(min_length=1, max_length=255)]


class ClientOrder(Order):
    """Registers a REST channel or changes it; what is left out stays as it is."""

    id: Name
    sender: Name | None = None
    scopes: Annotated[list[Name], Field(min_length=1, max_length=20)] | None = None
    certificate: Annotated[str, Field(max_length=20_000)] | None = None
    permitted: bool | None = None


class ShapeOrder(Order):
    """Sets what is named, see `rest_switches.Shape`; window_days_max 0 is no limit."""

    type_case: TypeCase | None = None
    refdata: ListShape | None = None
    backwards: bool | None = None
    can_cancel: bool | None = None
    page_size_max: Annotated[int, Field(ge=1, le=10_000)] | None = None
    window_days_max: Annotated[int, Field(ge=0, le=10_000)] | None = None
    reference_max: Annotated[int, Field(ge=1, le=255)] | None = None


class TroubleOrder(Order):
    """Answers the next calls with a problem; status null ends it."""

    face: Literal["rest", "token"] = "rest"
    status: Literal[429, 500, 502, 503] | None
    calls: Calls | None = 1
    retry_after_s: Seconds | None = None
    limit: Annotated[int, Field(ge=1, le=1_000_000)] = 100


class TokenOrder(Order):
    """Lifetime of tokens given from now on, tolerance for assertions, and an end to those given."""

    lifetime_s: Seconds | None = None
    skew_s: Annotated[int, Field(ge=0, le=3600)] | None = None
    expire: bool = False


def rest_control_router(authority: Authority, tokens: Tokens, switches: RestSwitches) -> APIRouter:
    """The /sim endpoints of the in/out face.

    Args:
        authority: what the endpoints look into and change.
        tokens: who is let in.
        switches: shapes and problems; endpoints run on their event loop.
    """
    router = APIRouter(prefix="/sim")

    def state() -> dict[str, object]:
        return {
            **switches.as_json(),
            "token_lifetime_s": tokens.lifetime_s,
            "token_skew_s": tokens.skew_s,
            "clients": [_client_json(client) for client in authority.clients.all()],
            "counts": authority.in_out.counts(),
        }

    @router.get("/rest")
    async def show_state() -> dict[str, object]:
        return state()

    @router.post("/rest")
    async def set_shape(order: ShapeOrder) -> dict[str, object]:
        changes = order.model_dump(exclude_none=True)
        if changes.get("window_days_max") == 0:
            changes["window_days_max"] = None
        switches.shape = replace(switches.shape, **changes)
        return state()

    @router.post("/trouble")
    async def set_trouble(order: TroubleOrder) -> dict[str, object]:
        trouble = Trouble(order.status, order.calls, order.retry_after_s, order.limit)
        if order.face == "token":
            switches.token_trouble = trouble
        else:
            switches.trouble = trouble
        return state()

    @router.post("/tokens")
    async def set_tokens(order: TokenOrder) -> dict[str, object]:
        if order.lifetime_s is not None:
            tokens.lifetime_s = order.lifetime_s
        if order.skew_s is not None:
            tokens.skew_s = order.skew_s
        expired = tokens.expire() if order.expire else 0
        return {**state(), "expired": expired}

    @router.post("/client")
    async def put_client(order: ClientOrder) -> dict[str, object]:
        known = authority.clients.get(order.id)
        if known is None and order.sender is None:
            raise HTTPException(422, "sender: needed for a new client")
        changes = order.model_dump(exclude_none=True)
        if order.scopes is not None:
            changes["scopes"] = tuple(order.scopes)
        client = replace(known or Client(order.id, order.sender or ""), **changes)
        if authority.registers.sender(client.sender) is None:
            raise HTTPException(422, "sender: unknown")
        try:
            await run_in_threadpool(authority.put_client, client)
        except KeyMaterialError:
            raise HTTPException(422, "certificate: PEM of an RSA key expected") from None
        return _client_json(client)

    @router.get("/events")
    async def show_events() -> list[dict[str, object]]:
        held = await run_in_threadpool(authority.in_out.everything)
        return [event_json(event) for event in held]

    return router


def _client_json(client: Client) -> dict[str, object]:
    return {
        "id": client.id,
        "sender": client.sender,
        "scopes": list(client.scopes),
        "certificate": client.certificate is not None,
        "permitted": client.permitted,
    }


def event_json(event: Event) -> dict[str, object]:
    """Everything held about one in/out registration; numbers in full, they are all invented."""
    act = event.act
    return {
        "number": event.number,
        "act": brussels_iso(act.at_ms),
        "day": event.day.isoformat(),
        "ssin": act.ssin,
        "latest_ssin": event.person,
        "type": act.direction,
        "company": None if act.company is None else company_text(act.company),
        "foreign_vat": act.foreign_vat,
        "works": act.works,
        "place": act.place,
        "reference": act.reference,
        "created": brussels_iso(event.created_ms),
        "channel": event.channel,
        "activity": event.activity,
        "sender": event.sender.id,
        "status": event.status,
        "validity": event.validity,
        "remarks": list(event.remarks),
        "cancel_reason": event.cancel_reason,
    }
