"""Later validation: fake registers turn a stored registration into VALIDATED or FAILED.

Theory of operation. A registration is stored at once and validated later. Everything that asks for
a validation only sets the instant at which it is due; one queue serves all of them:

    event                                   what becomes due
    registered                              that registration, after the configured delay
    a Dimona appears, a register changes    all validated ones of the window, at once
    the nightly hour in Belgium             all validated ones of the window, at once
    validated, when repeating is on         that registration, after the configured time
    an earlier twin is cancelled            its later twins, at once

`FAILED` means stored, with remarks; it is not a refusal. A new validation is written to the history
only when its outcome differs from the last one.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final, final

from simulator.authority.clock import brussels_day, next_at_hour
from simulator.authority.numbers import is_bis
from simulator.authority.presence import (
    FAILED,
    REGISTERED,
    REMARKS_MAX,
    VALIDATED,
    Registration,
    Validation,
)
from simulator.authority.registers import Company, Dimona, Registers
from simulator.authority.store import Store

# The 17 official values, verbatim: spelling and double spaces belong to them.
DIMONA: Final = "RELATED DIMONA NOT OK"
NOT_THE_FOUNDER: Final = "GIVEN INSS IS NOT THE FOUNDER OF THE COMPANY"
NO_FOUNDER: Final = "EMPLOYER IS NOT KNOWN AS COMPANY FOUNDER"
NO_COMPANY: Final = "THE COMPANY DOESN'T EXISTS"
FOUNDER_OF_NOTHING: Final = "INDEPENDANT IS NOT KNOWN AS COMPANY FOUNDER"
NO_LIMOSA: Final = "LIMOSA ID IS NOT KNOWN"
LIMOSA_INACTIVE: Final = "LIMOSA ID IS NOT ACTIVE AT DATE"
BIS_NO_LIMOSA: Final = "NISS-BIS IS NOT KNOWN IN LIMOSA"
BIS_LIMOSA_INACTIVE: Final = "NISS-BIS IS NOT ACTIVE AT THIS DATE IN LIMOSA"
NO_WORKS: Final = "DUC IS NOT EXISTING"
WORKS_INACTIVE: Final = "DUC IS NOT ACTIVE AT THIS DATE"
NOT_A_PARTY: Final = "COMPANY IS NOT KNOWN  AS BUILDER OR  SUBCONTRACTOR IN THIS DUC"
NOT_SUBJECT: Final = "SITE IS NOT SUBJECT TO PRESENCE REGISTRATION"
TWIN: Final = "SAME DECLARATION HAS ALREADY BEEN REGISTERED"
NO_PERSON: Final = "NISS IS NOT KNOW IN THE NATIONAL REGISTER"
EMPLOYER_INACTIVE: Final = "EMPLOYER NOT ACTIVE"
CONTRACT_INACTIVE: Final = "THE COMPANY ID ASSOCIATED AT A NOT ACTIVE CONTRACT"
# Ours: what the real service says when the wrong face was used is not known.
REGISTERS_IN_OUT: Final = "SIM WORKS REGISTER IN AND OUT"
REGISTERS_DAYS: Final = "SIM WORKS REGISTER DAYS"

REMARKS: Final = (
    DIMONA,
    NOT_THE_FOUNDER,
    NO_FOUNDER,
    NO_COMPANY,
    FOUNDER_OF_NOTHING,
    NO_LIMOSA,
    LIMOSA_INACTIVE,
    BIS_NO_LIMOSA,
    BIS_LIMOSA_INACTIVE,
    NO_WORKS,
    WORKS_INACTIVE,
    NOT_A_PARTY,
    NOT_SUBJECT,
    TWIN,
    NO_PERSON,
    EMPLOYER_INACTIVE,
    CONTRACT_INACTIVE,
)

_CHUNK = 200


def remarks(
    registration: Registration, registers: Registers, *, twin: bool, in_out: bool = False
) -> tuple[str, ...]:
    """The remarks on a registration as the registers stand, at most ten; none means VALIDATED.

    Args:
        registration: judged for its own day, which may be tomorrow.
        registers: the facts known now.
        twin: the same person was registered earlier on the same works and day.
        in_out: judged as going in or out, not as a day presence.
    """
    submission = registration.submission
    found: list[str] = []
    party: int | str | None = None
    if submission.limosa is not None:
        limosa = registers.limosa(submission.limosa)
        if limosa is None:
            found.append(NO_LIMOSA)
        else:
            party = limosa.employer
            if not limosa.period.covers(registration.day):
                found.append(LIMOSA_INACTIVE)
    elif submission.inss is not None and submission.company is not None:
        company = registers.company(submission.company)
        if company is None:
            found.append(NO_COMPANY)
        else:
            party = company.number
            if not company.active.covers(registration.day):
                found.append(EMPLOYER_INACTIVE)
        found += _person(registration, submission.inss, company, registers)
    elif submission.inss is not None:
        party = submission.foreign_vat
        found += _posted(registration, submission.inss, submission.foreign_vat, registers)
    found += _place(registration, party, registers, in_out=in_out)
    if twin:
        found.append(TWIN)
    return tuple(found[:REMARKS_MAX])


def _person(
    registration: Registration, inss: str, company: Company | None, registers: Registers
) -> list[str]:
    person = registers.person(inss)
    bis = is_bis(registers.latest_inss(inss))
    if person is None and not bis:
        return [NO_PERSON]
    if company is None:
        return []
    if person is not None and person.self_employed:
        return _founder(inss, company, registers)
    if registers.has_dimona(inss, company.number, registration.day):
        return []
    if not bis:
        return [DIMONA]
    limosas = registers.limosas_of(inss)
    if not limosas:
        return [BIS_NO_LIMOSA]
    if not any(limosa.period.covers(registration.day) for limosa in limosas):
        return [BIS_LIMOSA_INACTIVE]
    return []


def _founder(inss: str, company: Company, registers: Registers) -> list[str]:
    # Which of the three official remarks fits which case is our reading of their words.
    if registers.is_founder(inss, company):
        return []
    if not company.founders:
        return [NO_FOUNDER]
    return [NOT_THE_FOUNDER if registers.founds_any(inss) else FOUNDER_OF_NOTHING]


def _posted(
    registration: Registration, inss: str, employer: str | None, registers: Registers
) -> list[str]:
    # A foreign employer has no Dimona: the person's Limosa declaration by it stands for one.
    if registers.person(inss) is None and not is_bis(registers.latest_inss(inss)):
        return [NO_PERSON]
    limosas = [one for one in registers.limosas_of(inss) if one.employer == employer]
    if not limosas:
        return [BIS_NO_LIMOSA]
    if not any(limosa.period.covers(registration.day) for limosa in limosas):
        return [BIS_LIMOSA_INACTIVE]
    return []


def _place(
    registration: Registration, party: int | str | None, registers: Registers, *, in_out: bool
) -> list[str]:
    works = registers.works(registration.submission.works)
    if works is None:
        return [NO_WORKS]
    found: list[str] = []
    if not works.subject:
        found.append(NOT_SUBJECT)
    if works.in_out(registration.day) != in_out:
        found.append(REGISTERS_DAYS if in_out else REGISTERS_IN_OUT)
    if not works.period.covers(registration.day):
        return [WORKS_INACTIVE, *found]
    contracts = [contract for contract in works.parties if contract.company == party]
    if party is not None and not contracts:
        found.append(NOT_A_PARTY)
    elif contracts and not any(one.period.covers(registration.day) for one in contracts):
        found.append(CONTRACT_INACTIVE)
    return found


@final
class Validator:
    """Works off the queue. Not safe for concurrent use: `Authority` holds its lock around it.

    Args:
        store: where registrations and the queue live.
        registers: the facts; Dimonas announced for later are added here when their time has come.
        started_ms: the instant from which announced Dimonas count.
        nightly_hour: Belgian hour of the nightly validation, 3..23.
        window_days: registrations older than this are no longer validated again.
        repeat_ms: time after which what was validated is validated again, 0 for never.
    """

    def __init__(
        self,
        store: Store,
        registers: Registers,
        *,
        started_ms: int,
        nightly_hour: int,
        window_days: int,
        repeat_ms: int = 0,
    ) -> None:
        # Remarks a test dictates, by registration number.
        self.verdicts: dict[int, tuple[str, ...]] = {}
        self._repeat_ms = repeat_ms
        self._store = store
        self._registers = registers
        self._window_days = window_days
        self._nightly_hour = nightly_hour
        known = {(dimona.inss, dimona.company) for dimona in store.dimonas()}
        self._announced: list[tuple[int, Dimona]] = sorted(
            (
                (_appears_ms(dimona, started_ms), dimona)
                for dimona in registers.announced
                if (dimona.inss, dimona.company) not in known
            ),
            key=lambda entry: entry[0],
        )
        # A night missed while stopped is made up for at once; a clock set back starts anew.
        kept = store.setting("nightly_ms")
        self._nightly_ms = next_at_hour(started_ms, nightly_hour)
        if kept is not None:
            self._nightly_ms = min(self._nightly_ms, int(kept))
        else:
            with store.transaction():
                store.set_setting("nightly_ms", str(self._nightly_ms))

    def next_ms(self) -> int:
        """The earliest instant at which `run` has something to do."""
        instants = [self._nightly_ms, self._store.next_due_ms()]
        instants += [at_ms for at_ms, _ in self._announced[:1]]
        return min(at_ms for at_ms in instants if at_ms is not None)

    def run(self, now_ms: int) -> int:
        """Does a share of what is due; returns how many registrations were validated, 0 at the end.

        A share and not all of it: callers wait meanwhile, and after a night everything is due.
        """
        self._appear(now_ms)
        self._nightly(now_ms)
        batch = self._store.due(now_ms, _CHUNK)
        if batch:
            with self._store.transaction():
                for registration in batch:
                    self._validate(registration, now_ms)
                self._store.settled([(one.number, self._again_ms(one, now_ms)) for one in batch])
        return len(batch)

    def learned(self, now_ms: int) -> None:
        """The registers changed: what was validated becomes due. Call inside a transaction."""
        self._store.expedite(now_ms, brussels_day(now_ms) - timedelta(days=self._window_days))

    def announce(self, dimona: Dimona, at_ms: int) -> None:
        """Has a Dimona become known at an instant, in place of one that is announced already."""
        self.forget(dimona.inss, dimona.company, dimona.period.start)
        self._announced.append((at_ms, dimona))
        self._announced.sort(key=lambda entry: entry[0])

    def forget(self, inss: str, company: int, start: date | None) -> None:
        """Takes back the announcement of a Dimona, if there is one."""
        key = (inss, company, start)
        self._announced = [
            (at_ms, one)
            for at_ms, one in self._announced
            if (one.inss, one.company, one.period.start) != key
        ]

    def announced(self) -> list[tuple[int, Dimona]]:
        """The Dimonas to come, with their instants, soonest first."""
        return list(self._announced)

    def _appear(self, now_ms: int) -> None:
        due = [dimona for at_ms, dimona in self._announced if at_ms <= now_ms]
        if not due:
            return
        with self._store.transaction():
            for dimona in due:
                # Kept in the store, so that a restart does not make it unknown again.
                self._store.add_dimona(dimona)
            self.learned(now_ms)
        for dimona in due:
            self._registers.add_dimona(dimona)
        self._announced = [entry for entry in self._announced if entry[0] > now_ms]

    def _nightly(self, now_ms: int) -> None:
        if now_ms < self._nightly_ms:
            return
        self._nightly_ms = next_at_hour(now_ms, self._nightly_hour)
        with self._store.transaction():
            self.learned(now_ms)
            self._store.set_setting("nightly_ms", str(self._nightly_ms))

    def _validate(self, registration: Registration, now_ms: int) -> None:
        found = self.verdicts.get(registration.number)
        if found is None:
            twin = self._store.has_earlier_twin(registration)
            found = remarks(registration, self._registers, twin=twin)
        outcome = Validation(FAILED if found else VALIDATED, now_ms, found)
        last = registration.last
        changed = (last.status, last.remarks) != (outcome.status, outcome.remarks)
        if last.status == REGISTERED or changed:
            self._store.record(registration.number, outcome)

    def _again_ms(self, registration: Registration, now_ms: int) -> int | None:
        since = brussels_day(now_ms) - timedelta(days=self._window_days)
        return now_ms + self._repeat_ms if self._repeat_ms and registration.day >= since else None


def _appears_ms(dimona: Dimona, started_ms: int) -> int:
    if dimona.appears_ms is not None:
        return dimona.appears_ms
    return started_ms + dimona.appears_after_s * 1000
