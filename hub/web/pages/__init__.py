"""The pages of the office: one file each, put together here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fastapi import APIRouter

from hub.application.alerting import Tells
from hub.application.card_reading import IdentityReader
from hub.application.consultation import Search
from hub.application.enrolment import Enrolment
from hub.application.evidence import ReadItems, read_nothing
from hub.application.overview import GateStatus
from hub.application.ports import Seen
from hub.application.roll_call_desk import RollCallDesk
from hub.errors import SitegateError, UsageError
from hub.settings import link_base
from hub.storage.held_uploads import HeldUploads
from hub.storage.passing import Passings
from hub.web.door import Door
from hub.web.elsewhere import Elsewhere
from hub.web.kiosk_acts import KioskActs
from hub.web.kiosk_device import Turns
from hub.web.later import Later
from hub.web.live import Changes
from hub.web.office import Office
from hub.web.pages.account import account_page, account_pages
from hub.web.pages.accounts import accounts_pages
from hub.web.pages.alerts import alerts_pages
from hub.web.pages.audit import audit_pages
from hub.web.pages.companies import companies_pages
from hub.web.pages.consult import consult_pages
from hub.web.pages.contacts import contacts_pages
from hub.web.pages.day_list import DrawDays, day_list_files
from hub.web.pages.eid import eid_pages
from hub.web.pages.elsewhere import elsewhere_pages
from hub.web.pages.enrol import enrol_pages
from hub.web.pages.enrol_tap import enrol_tap_pages
from hub.web.pages.entering import Entering
from hub.web.pages.guard import guard_pages
from hub.web.pages.import_page import import_pages
from hub.web.pages.imports import imports_pages
from hub.web.pages.kiosk import kiosk_pages
from hub.web.pages.kiosk_guard import kiosk_guard_pages
from hub.web.pages.kiosks import kiosks_pages
from hub.web.pages.login import login_pages
from hub.web.pages.own import own_pages
from hub.web.pages.parties import parties_pages
from hub.web.pages.passkeys import passkey_pages
from hub.web.pages.people import every_people_page
from hub.web.pages.people_export import people_export_pages
from hub.web.pages.phone import phone_pages
from hub.web.pages.plan import plan_pages
from hub.web.pages.plan_import import plan_import_pages
from hub.web.pages.privacy import privacy_pages
from hub.web.pages.registration import registration_pages
from hub.web.pages.remind import remind_pages
from hub.web.pages.reminders import DrawReminder, reminders_pages
from hub.web.pages.report_files import DrawReport, report_files
from hub.web.pages.report_schedule import schedule_pages
from hub.web.pages.reports import reports_pages
from hub.web.pages.retention import retention_pages
from hub.web.pages.roll_call import DrawList, roll_call_pages
from hub.web.pages.site_day import site_day_pages
from hub.web.pages.site_phone import site_phone_pages
from hub.web.pages.sites import DrawPoster, sites_pages
from hub.web.pages.tokens import tokens_pages
from hub.web.pages.works import works_pages
from hub.web.passkeys import Passkeys
from hub.web.phone_acts import PhoneActs
from hub.web.phone_device import Paces
from hub.web.provider import Provider, label_of


def _no_list(*_: object) -> bytes:
    return b""


def _no_paper(*_: object) -> bytes:
    return b""


def _nothing() -> None:
    pass


def _pins_work() -> SitegateError | None:
    return None


def _no_service(*_: object) -> Sequence[Seen]:
    raise UsageError("HUB-1844")


@dataclass(frozen=True, slots=True)
class Running:
    """What only a running hub knows.

    Args:
        changes: notified of whatever a live page shows.
        gates: live state of every gate; called in worker threads, must not block.
        modes: gates and desks that wait for a badge.
        cards: the reader of identity cards.
        draw_poster: makes a poster a PDF.
        draw_days: makes the list of a day a PDF.
        pins: why the reader on the hub's own pins does not work; None when it does.
        roll_call: lists and roll calls; None: there is no page of them.
        draw_list: makes a list of a roll call a PDF.
        read_items: finds one registration in the bodies of the evidence.
        acted: called after each act without a badge that is on disk; must not block.
        search: asks the authority what it holds.
        telling: who is told of alerts, and by what; None: nobody is.
        draw_report: makes a report over a period a PDF.
        draw_reminder: makes the attestation of a reminder a PDF.
        report_wanted: called after somebody wants a scheduled report now; must not block.
    """

    changes: Changes
    gates: Callable[[], list[GateStatus]]
    modes: Enrolment
    cards: IdentityReader
    draw_poster: DrawPoster
    draw_days: DrawDays
    pins: Callable[[], SitegateError | None] = _pins_work
    roll_call: RollCallDesk | None = None
    draw_list: DrawList = _no_list
    read_items: ReadItems = read_nothing
    acted: Callable[[], None] = _nothing
    search: Search = _no_service
    telling: Tells | None = None
    draw_report: DrawReport = _no_paper
    draw_reminder: DrawReminder = _no_paper
    report_wanted: Callable[[], None] = _nothing


def office_pages(office: Office, running: Running, door: Door) -> list[APIRouter]:
    """Returns the addresses of every page but the board and the balance.

    Args:
        office: the store, the keys and the time.
        running: what only a running hub knows.
        door: who lets people in.
    """
    uploads = HeldUploads(office.folder, office.vault)
    uploads.erase_all()
    passkeys = Passkeys(office, door)
    draw_account = account_page(office, door, passkeys)
    oidc = office.settings.oidc
    entering = Entering(office, door, passkeys.reached is not None, label_of(oidc))
    elsewhere = Elsewhere(office, door, Provider(oidc, office.clock))
    acts, turns = KioskActs(office, running.acted), Turns(office.clock)
    desk, telling = running.roll_call, running.telling
    base_url = link_base(office.settings) if telling is None else telling.wanted.base_url
    roll_call = (
        []
        if desk is None
        else [
            Later(
                "roll-call",
                lambda: roll_call_pages(desk, running.draw_list, running.changes, office.clock),
            )
        ]
    )
    return [
        *roll_call,
        Later("login logout link", lambda: login_pages(office, door, entering)),
        Later(
            "login account",
            lambda: passkey_pages(office, door, entering, passkeys, draw_account),
        ),
        Later("login link", lambda: elsewhere_pages(door, entering, elsewhere)),
        Later("account", lambda: account_pages(office, door, draw_account)),
        Later("accounts", lambda: accounts_pages(office)),
        Later("guard", lambda: guard_pages(Passings(office.engine), running.changes, office.clock)),
        # Before the page of one badge, whose address begins alike.
        Later("enrol", lambda: eid_pages(office, running.cards)),
        Later("enrol", lambda: enrol_tap_pages(office, running.modes)),
        Later("enrol", lambda: enrol_pages(office, running.modes, running.gates, running.pins)),
        Later("people", lambda: privacy_pages(office)),
        # Before the page of one person, whose address begins alike.
        Later("people", lambda: people_export_pages(office)),
        Later("people", *every_people_page(office)),
        Later("imports", lambda: imports_pages(office, uploads)),
        Later("imports", lambda: import_pages(office, uploads)),
        Later("own people", lambda: own_pages(office)),
        Later("registrations", lambda: registration_pages(office, running.read_items)),
        Later("companies", lambda: companies_pages(office)),
        Later("companies", lambda: contacts_pages(office)),
        Later("works", lambda: works_pages(office)),
        Later("works", lambda: parties_pages(office)),
        Later("sites", lambda: sites_pages(office, running.draw_poster)),
        Later("sites", lambda: site_phone_pages(office)),
        # Before the page of one company, whose address begins alike.
        Later("plan", lambda: plan_import_pages(office, uploads), lambda: plan_pages(office)),
        Later("day", lambda: site_day_pages(office, running.changes)),
        Later("day", lambda: day_list_files(office, running.draw_days)),
        # Before the page of one report, whose address begins alike.
        Later(
            "reports",
            lambda: remind_pages(
                office, base_url, running.draw_report, _nothing if telling is None else telling.wake
            ),
            lambda: reminders_pages(office, base_url, running.draw_reminder),
        ),
        Later("reports", lambda: schedule_pages(office, running.report_wanted)),
        Later("reports", lambda: report_files(office, running.draw_report)),
        Later("reports", lambda: reports_pages(office)),
        Later("kiosks", lambda: kiosks_pages(office, door)),
        Later("kiosk", lambda: kiosk_guard_pages(office, acts, turns, door)),
        Later("kiosk", lambda: kiosk_pages(office, acts, turns, running.cards)),
        Later(
            "phone",
            lambda: phone_pages(office, PhoneActs(office, running.acted), Paces(office.clock)),
        ),
        Later("consult", lambda: consult_pages(office, running.search)),
        Later("alerts", lambda: alerts_pages(office, running.telling)),
        Later("audit", lambda: audit_pages(office)),
        Later("retention", lambda: retention_pages(office)),
        Later("tokens", lambda: tokens_pages(office)),
    ]
