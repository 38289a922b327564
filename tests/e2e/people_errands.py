"""What somebody does so that there is something behind every page: files handed in, lists ordered.

Each goes through the forms of the pages, as the one whose errand it is.
"""

from __future__ import annotations

import re
from typing import Any, Final

from pyotp.totp import TOTP

from hub.domain.rights import Role
from tests.e2e.people_crawl import Crawl
from tests.e2e.people_site import ROOFER, PeopleSite, Somebody
from tests.hub.house import HEADER

ROWS: Final = f"""{HEADER}
Werf Noord;1Y19FAKE001AZ;0999000228;Toitures Exemple;Hadji;Samir;00010199875;;;fr;
Werf Noord;1Y19FAKE001AZ;0999000228;Toitures Exemple;Hadji;Sami;00010199876;;;fr;
"""
"""A list with one who is good, and one whose number is none."""
PLAN: Final = """inss;limosa;day;works_number;company_number
03072199766;;tomorrow;1Y19FAKE001AZ;0999000228
03072199767;;tomorrow;1Y19FAKE001AZ;0999000228
"""


def has_errands(crawl: Crawl, role: Role) -> None:
    """Does what somebody of this role may."""
    if role in (Role.ADMINISTRATOR, Role.SUPERVISOR, Role.CONTRACTOR):
        hands_in_a_list(crawl)
        hands_in_a_plan(crawl)
        waits_for_a_badge(crawl)
        orders_a_report(crawl)
    if role is Role.ADMINISTRATOR:
        looks_at_a_reminder(crawl)
        plans_too_late(crawl)
    if role is Role.SUPERVISOR:
        looks_at_a_reminder(crawl)
        sounds_a_roll_call(crawl)
    if role is not Role.GUARD:
        asks(crawl)


def hands_in_a_list(crawl: Crawl) -> None:
    """Sends a list of people, and sees what would be imported."""
    page = crawl.who.page
    page.goto(f"{crawl.who.base}/imports")
    page.set_input_files("#f-file", _file("people.csv", ROWS))
    page.click("form[action='/imports'] button.main")
    page.wait_for_url("**/imports/*")
    crawl.looks()


def hands_in_a_plan(crawl: Crawl) -> None:
    """Sends a plan of tomorrow, and sees what would be planned."""
    page = crawl.who.page
    page.goto(f"{crawl.who.base}/plan")
    form = page.locator("form[action='/plan/import']")
    form.evaluate("(form) => form.closest('details')?.setAttribute('open', '')")
    form.locator("input[type=file]").set_input_files(_file("plan.csv", PLAN))
    form.locator("button").first.click()
    page.wait_for_url("**/plan/import/*")
    crawl.looks()


def waits_for_a_badge(crawl: Crawl) -> None:
    """Has a gate wait for a badge, and thinks better of it."""
    page = crawl.who.page
    page.goto(f"{crawl.who.base}/enrol")
    with page.expect_response(re.compile(r"/state\.json$")):
        page.locator("form[action='/enrol/gate'] button").first.click()
    crawl.looks()
    page.locator("form[action$='/end'] button").first.click()
    page.wait_for_url("**/enrol?said=ended")


def orders_a_report(crawl: Crawl) -> None:
    """Has a report sent by mail from now on."""
    page = crawl.who.page
    page.goto(f"{crawl.who.base}/reports/schedule/new")
    page.fill("#f-recipients", "office@example.invalid")
    page.click(".schedule-form button.main")
    page.wait_for_url("**/reports/schedule?*")
    crawl.looks()


def gives_an_address(crawl: Crawl, company: str) -> None:
    """Says where a company is written to."""
    page = crawl.who.page
    page.goto(f"{crawl.who.base}/companies/{company}/contact")
    page.fill("#f-address", "werf@example.invalid")
    page.click("main form button.main")
    page.wait_for_url("**/companies/*said=*")


def waits_for_a_remark(crawl: Crawl) -> None:
    """Watches the board until the authority's remark on somebody is there."""
    crawl.who.page.goto(f"{crawl.who.base}/?site=1")
    remark = crawl.who.page.get_by_text("RELATED DIMONA NOT OK").first
    remark.wait_for(state="attached", timeout=90_000)


def reminds(crawl: Crawl) -> None:
    """Writes to whoever has something to put in order, once there is somebody."""
    waits_for_a_remark(crawl)
    gives_an_address(crawl, ROOFER)
    looks_at_a_reminder(crawl)
    crawl.who.page.click("form.remind button.main")
    crawl.who.page.wait_for_url("**/reports/reminders?said=*")
    crawl.looks()


def looks_at_a_reminder(crawl: Crawl) -> None:
    """Sees what would be written to whoever has something to put in order."""
    page = crawl.who.page
    page.goto(f"{crawl.who.base}/reports/reminders/new")
    page.locator("form.remind [name=to]").first.check()
    page.click("form.remind button.main")
    page.wait_for_url("**/reports/reminders/preview*")
    crawl.looks()


def sounds_a_roll_call(crawl: Crawl) -> None:
    """Begins a roll call."""
    page = crawl.who.page
    page.goto(f"{crawl.who.base}/roll-call")
    with page.expect_navigation():
        page.click("form[action='/roll-call/start'] button")
    crawl.looks()


def asks(crawl: Crawl) -> None:
    """Consults the registrations of this month."""
    page = crawl.who.page
    page.goto(f"{crawl.who.base}/consult")
    with page.expect_navigation():
        page.click("main form[action='/consult'] button.main")
    crawl.looks()


def plans_too_late(crawl: Crawl) -> None:
    """Changes a plan that somebody else has changed since he opened it."""
    page = crawl.who.page
    page.goto(f"{crawl.who.base}/plan")
    page.goto(
        page.locator("details.plan-company a.button.main").first.evaluate("(one) => one.href")
    )
    page.locator("input[name=stamp]").first.evaluate("(one) => { one.value = 'of-before'; }")
    page.locator("tr input[name=row]").first.check()
    crawl.is_told(409, lambda: page.locator("button[name=do][value=add]").first.click())


def logs_in_twice(crawl: Crawl, place: PeopleSite, one: Somebody) -> None:
    """Turns a second factor on, and is asked for it at the next login."""
    who, page = crawl.who, crawl.who.page
    _opens_a_link(crawl, place, one)
    page.goto(f"{who.base}/account/second")
    secret = page.locator("code.secret").inner_text().replace(" ", "")
    page.fill("#f-code", TOTP(secret).now())
    page.click("main form button.main")
    page.wait_for_url("**/account?said=*")
    page.locator("form[action='/logout'] button").click()
    page.wait_for_url("**/login?said=*")
    crawl.looks()
    _opens_a_link(crawl, place, one)
    page.wait_for_url("**/login/second*")
    crawl.looks()


def _opens_a_link(crawl: Crawl, place: PeopleSite, one: Somebody) -> None:
    crawl.who.page.goto(place.link(one))
    crawl.who.clicks_on("button", crawl.who.says("access.link.login.do"))
    crawl.who.page.wait_for_url(lambda url: "/link/" not in url)


def _file(name: str, text: str) -> Any:
    return {"name": name, "mimeType": "text/csv", "buffer": text.encode()}
