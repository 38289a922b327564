"""What a people file says once it is read: a person for each row, and what is wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from hub.application.people_table import Problem, Severity
from hub.domain.identifiers import BadgeUid, CompanyNumber, Inss, Limosa, WorksNumber


@dataclass(frozen=True, slots=True)
class Rules:
    """What a file may say, for the one who hands it in; as given, whatever a file can say.

    Args:
        own_company: whose people it must be about; the column of the company may be left out and
            no other may be named.
        works: the works numbers that may be named; with exactly one, none need be. None = any.
        users: the companies that may be named as the user of an agency's worker; None = any.
        language: of a person whose row does not say it; empty = each row must.
    """

    own_company: CompanyNumber | None = None
    works: tuple[str, ...] | None = None
    users: frozenset[str] | None = None
    language: str = ""

    @property
    def needs_site(self) -> bool:
        """Whether a row must name the site of its works: where works may be made by it."""
        return self.works is None

    @property
    def needs_works(self) -> bool:
        """Whether a row must name its works number."""
        return self.works is None or len(self.works) != 1

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that must be there; `a / b` is one of several."""
        wanted = [
            ("site", self.needs_site),
            ("works_number", self.works is None),
            ("family_name", True),
            ("given_name", True),
            ("inss / limosa / kind", True),
            ("language", not self.language),
        ]
        return tuple(column for column, needed in wanted if needed)


@dataclass(frozen=True, slots=True, repr=False)
class PersonRow:
    """One person, every value checked. The `repr` shows the row number only.

    Args:
        row: row number as a spreadsheet shows it.
        site: name of the site of the works; empty = the works are known.
        company_number: employer; None only for a person with a Limosa number, a visitor or a
            delivery.
        company_name: may be empty.
        inss: with `company_number`; None for a person named by Limosa alone, or by none.
        limosa: when given, the only number that is sent.
        badge_uid: None = the badge is linked later.
        language: one of `hub.domain.badges.LANGUAGE_CODES`.
        valid_until: last Brussels day on which the badge opens; None = no end.
        valid_from: first Brussels day on which it opens; None = always.
        badge_state: a state of `hub.domain.badges`; empty = as it is, open when it is new.
        limosa_from, limosa_until: first and last Brussels day of the Limosa declaration; None =
            not said.
        foreign_vat: VAT number of a foreign employer; empty = not said.
        kind: one of KINDS; empty = as it is.
        user_company_number: for whom an agency's worker works; None = not said.
    """

    row: int
    site: str
    works_number: WorksNumber
    company_number: CompanyNumber | None
    company_name: str
    family_name: str
    given_name: str
    inss: Inss | None
    limosa: Limosa | None
    badge_uid: BadgeUid | None
    language: str
    valid_until: date | None
    valid_from: date | None = None
    badge_state: str = ""
    limosa_from: date | None = None
    limosa_until: date | None = None
    foreign_vat: str = ""
    kind: str = ""
    user_company_number: CompanyNumber | None = None

    def __repr__(self) -> str:
        return f"PersonRow({self.row})"


@dataclass(frozen=True, slots=True)
class PeopleFile:
    """A people file as it was read.

    Args:
        rows: the people; empty when there is any error.
        problems: in the order of the rows.
        row_count: rows read, headings and blank rows not counted.
        good: the people of the rows without an error; empty when the file itself is wrong.
    """

    rows: tuple[PersonRow, ...]
    problems: tuple[Problem, ...]
    row_count: int
    good: tuple[PersonRow, ...] = field(default=())

    @property
    def accepted(self) -> bool:
        """Whether the rows may be written: no error anywhere in the file."""
        return not self.errors

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What must be corrected."""
        return tuple(entry for entry in self.problems if entry.severity == Severity.ERROR)

    @property
    def wrong_rows(self) -> tuple[int, ...]:
        """The numbers of the rows with an error."""
        return tuple(sorted({entry.row for entry in self.errors if entry.row is not None}))

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What looks wrong and is taken as it is."""
        return tuple(entry for entry in self.problems if entry.severity == Severity.WARNING)
