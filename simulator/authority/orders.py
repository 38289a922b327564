"""What can be asked of the simulator: bodies of the /sim endpoints and script files, read strictly.

Unknown keys are refused, and no error repeats a value that was sent.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from simulator.authority.availability import Arrangement, Mode, Operation
from simulator.authority.clock import moment_ms
from simulator.authority.script import Effect, Entry, Script, ScriptedMode

# Ten years either way keep every date inside what `date` can hold.
SHIFT_MAX_S = 10 * 366 * 86_400


class ScriptFileError(Exception):
    """The script file must be changed by its author; the text names the place."""


Calls = Annotated[int, Field(ge=1, le=1_000_000)]
Milliseconds = Annotated[int, Field(ge=0, le=600_000)]
Seconds = Annotated[int, Field(ge=-SHIFT_MAX_S, le=SHIFT_MAX_S)]
Skew = Annotated[int, Field(ge=-86_400_000, le=86_400_000)]
Shut = Annotated[float, Field(gt=0, le=600)]
Status = Annotated[int, Field(ge=400, le=599)]
RetryAfter = Annotated[int, Field(ge=0, le=86_400)]
FaultCode = Annotated[str, Field(pattern=r"^SOA-\d{5}$")]
FaultElement = Literal["SystemError", "BusinessError"]


class Order(BaseModel):
    """Base of what can be asked for; anything unknown is refused."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class SwitchOrder(Order):
    """Base of a switch: for so many calls or until changed, for all operations or for some."""

    calls: Calls | None = None
    operations: list[Operation] = []


class AvailabilityOrder(SwitchOrder):
    """Sets the mode; status and retry_after_s belong to `down` (and Retry-After to REST)."""

    mode: Mode
    status: Status = 503
    retry_after_s: RetryAfter | None = None


class FaultOrder(SwitchOrder):
    """Answers the next calls with a SOAP fault; code null ends it."""

    code: FaultCode | None
    calls: Calls | None = 1
    element: FaultElement = "SystemError"


class LatencyOrder(SwitchOrder):
    """Delays the next calls before they are carried out: fixed, or drawn from a range."""

    ms: Milliseconds
    to_ms: Milliseconds | None = None
    seed: int | None = None

    @model_validator(mode="after")
    def _range(self) -> LatencyOrder:
        if self.to_ms is not None and self.to_ms < self.ms:
            raise ValueError("to_ms is less than ms")
        return self


class DripOrder(SwitchOrder):
    """Answers the next calls in small pieces over so many milliseconds."""

    ms: Milliseconds


class AnswerOrder(SwitchOrder):
    """Answers the items of a batch in another order."""

    backwards: bool | None = None
    order: Arrangement | None = None

    @model_validator(mode="after")
    def _one(self) -> AnswerOrder:
        if (self.backwards is None) == (self.order is None):
            raise ValueError("either backwards or order")
        return self


class SkewOrder(Order):
    """Puts the service's clock ahead of the world's, or behind."""

    ms: Skew


class MaintenanceOrder(Order):
    """Closes the service from an instant until another; both null ends it."""

    from_: Annotated[str | None, Field(alias="from")] = None
    until: str | None = None


class DoorOrder(Order):
    """Stops listening for some seconds, so that connections are really refused."""

    shut_s: Shut


class ClockOrder(Order):
    """Shifts the clock by seconds, sets it to an ISO instant, or changes its pace."""

    shift_s: Seconds | None = None
    now: str | None = None
    rate: Annotated[float, Field(ge=0, le=100_000)] | None = None

    @model_validator(mode="after")
    def _one(self) -> ClockOrder:
        if self.shift_s is not None and self.now is not None:
            raise ValueError("either shift_s or now")
        if self.shift_s is None and self.now is None and self.rate is None:
            raise ValueError("shift_s, now or rate")
        return self


class EntryOrder(Order):
    """One entry of a script: when, for how long, how likely, for which calls, and what.

    `at` and `until` are instants, or times of day of the Belgian day on which the script is set.
    """

    at: str | None = None
    after_s: Annotated[float, Field(ge=0, le=SHIFT_MAX_S)] | None = None
    from_call: Calls = 1
    until: str | None = None
    for_s: Annotated[float, Field(gt=0, le=SHIFT_MAX_S)] | None = None
    calls: Calls | None = None
    probability: Annotated[float, Field(ge=0, le=1)] = 1.0
    operations: list[Operation] = []
    mode: ScriptedMode | None = None
    status: Status = 503
    retry_after_s: RetryAfter | None = None
    fault: FaultCode | None = None
    element: FaultElement = "SystemError"
    latency_ms: Milliseconds | tuple[Milliseconds, Milliseconds] = 0
    drip_ms: Milliseconds = 0
    answers: Arrangement = "asked"
    shut_s: Annotated[float, Field(ge=0, le=600)] = 0
    skew_ms: Skew = 0

    @model_validator(mode="after")
    def _sense(self) -> EntryOrder:
        if self.at is not None and self.after_s is not None:
            raise ValueError("either at or after_s")
        if self.until is not None and self.for_s is not None:
            raise ValueError("either until or for_s")
        low, high = self.latency
        if high < low:
            raise ValueError("latency_ms: the second is less than the first")
        if not (self.mode or self.fault or high or self.drip_ms or self.shut_s or self.skew_ms):
            if self.answers == "asked":
                raise ValueError("an entry without an effect")
        return self

    @property
    def latency(self) -> tuple[int, int]:
        """Shortest and longest latency."""
        both = self.latency_ms
        return both if isinstance(both, tuple) else (both, both)

    def entry(self, now_ms: int) -> Entry:
        """The entry with its times worked out.

        Raises:
            ValueError: `at` or `until` is no time.
        """
        at_ms = None if self.at is None else moment_ms(self.at, now_ms)
        if self.after_s is not None:
            at_ms = now_ms + round(self.after_s * 1000)
        until_ms = None if self.until is None else moment_ms(self.until, now_ms)
        if self.for_s is not None:
            until_ms = (now_ms if at_ms is None else at_ms) + round(self.for_s * 1000)
        low, high = self.latency
        effect = Effect(
            mode=self.mode,
            status=self.status,
            retry_after_s=self.retry_after_s,
            fault=self.fault,
            element=self.element,
            latency_ms=low,
            drip_ms=self.drip_ms,
            answers=self.answers,
            shut_s=self.shut_s,
            skew_ms=self.skew_ms,
        )
        return Entry(
            effect,
            latency_to_ms=high,
            at_ms=at_ms,
            from_call=self.from_call,
            until_ms=until_ms,
            calls=self.calls,
            probability=self.probability,
            operations=frozenset(self.operations),
        )


class ScriptOrder(Order):
    """A whole script; an empty list of entries ends the one that runs."""

    seed: int = 0
    entry: Annotated[list[EntryOrder], Field(max_length=1000)]

    def script(self, now_ms: int) -> Script:
        """The script, beginning now.

        Raises:
            ValueError: a time in it is none.
        """
        return Script(self.seed, [one.entry(now_ms) for one in self.entry])


def load_script(path: Path, now_ms: int) -> Script:
    """Reads a script from a TOML file: `seed`, and tables `[[entry]]`.

    Args:
        path: the file.
        now_ms: the world's time, from which times of day and `after_s` count.

    Raises:
        ScriptFileError: unreadable, an unknown key, a wrong value.
    """
    try:
        values: object = tomllib.loads(path.read_text(encoding="utf-8"))
        return ScriptOrder.model_validate(values).script(now_ms)
    except ValidationError as problem:
        first = problem.errors()[0]
        where = " ".join(str(step) for step in first["loc"])
        raise ScriptFileError(f"{path.name}: {where}: {first['msg']}") from None
    except (OSError, ValueError) as problem:
        raise ScriptFileError(f"{path.name}: {type(problem).__name__}: {problem}") from None
