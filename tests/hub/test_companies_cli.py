"""`sitegate company`, `works party`, `works threshold` and `site`: what they do and say."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

from pypdf import PdfReader

from hub.i18n import text
from tests.hub.command_line import Sitegate, explained, stored

WORKS = "1Y19FAKE001AZ"
MAIN, SUB, FOREIGN = "0999000129", "0999000228", "PL5260001246"


def test_companies_are_added_changed_and_listed(sitegate: Sitegate) -> None:
    assert sitegate("company", "list").out.strip() == text("works.cli.no_companies", "en")
    assert sitegate("company", "add", "BE 0999.000.129", "Bouwwerken", "--json").json == {
        "company": MAIN
    }
    assert sitegate("company", "add", "pl 526-000-12-46", "Budowa", "--agency").code == 0
    explained(sitegate("company", "add", MAIN, "Again"), "HUB-1652", company=MAIN)
    explained(sitegate("company", "add", "P1", "None"), "HUB-1650")
    explained(sitegate("company", "set", SUB, "--name", "X"), "HUB-1651", company=SUB)
    assert sitegate("company", "set", FOREIGN, "--no-agency", "--name", "Budowa Sp").code == 0
    assert sitegate("company", "set", MAIN, "--number", SUB, "--json").json == {"company": SUB}
    assert sitegate("company", "list", "--json").json == {
        "companies": [
            {"number": SUB, "name": "Bouwwerken", "agency": False, "people": 0, "works": []},
            {"number": FOREIGN, "name": "Budowa Sp", "agency": False, "people": 0, "works": []},
        ]
    }
    assert "0999.000.228" in sitegate("company", "list").out
    assert [row[3] for row in stored()["audit"]] == ["company.added"] * 2 + ["company.changed"] * 2


def test_a_chain_is_built_and_measured(sitegate: Sitegate) -> None:
    sitegate("import", "people.csv")
    sitegate("works", "set", WORKS, "--from", "2026-01-05", "--customer", "  Stad  Gent")
    assert sitegate("works", "party", WORKS, MAIN, "--amount", "499.999,99").code == 0
    assert sitegate("works", "party", WORKS, SUB, "--under", MAIN, "--json").json == {
        "works": WORKS,
        "company": SUB,
        "removed": False,
    }
    found = sitegate("works", "threshold", WORKS, "--json").json
    assert (found["verdict"], found["total_cents"], found["untold"]) == ("not", 499_999_99, 0)
    assert [(one["company"], one["level"]) for one in found["parties"]] == [(MAIN, 0), (SUB, 1)]
    # What is not given stays: the amount changes, the place does not.
    assert sitegate("works", "party", WORKS, SUB, "--amount", "500 000").code == 0
    found = sitegate("works", "threshold", WORKS, "--json").json
    assert (found["verdict"], found["from_day"]) == ("is", "2026-01-05")
    assert found["parties"][1]["under"] == MAIN
    said = sitegate("works", "threshold", WORKS).out
    assert text("works.meter.headline.is_since", "en", day="5 January 2026") in said
    explained(sitegate("works", "party", WORKS, MAIN, "--remove"), "HUB-1659")
    explained(sitegate("works", "party", WORKS, SUB, "--amount", "x"), "HUB-1654")
    assert sitegate("works", "party", WORKS, SUB, "--remove").code == 0
    explained(sitegate("works", "threshold", "1Y19FAKE002BZ"), "HUB-1407", works="1Y19FAKE002BZ")
    assert "Stad Gent" in str(stored()["works"])


def test_a_site_and_its_poster(sitegate: Sitegate, tmp_path: Path) -> None:
    sitegate("import", "people.csv")
    explained(sitegate("site", "poster", "Werf Noord", "poster.pdf"), "HUB-1665")
    Path("sitegate.toml").write_text('[access]\npublic_url = "https://werf.example"\n')
    assert sitegate("site", "set", "Werf Noord", "--address", "Kaai 12").code == 0
    explained(sitegate("site", "set", "Werf Noord", "--languages", "nl,es"), "HUB-1663")
    assert sitegate("site", "set", "Werf Oost", "--languages", "de, en").code == 0
    assert sitegate("site", "list", "--json").json == {
        "sites": [
            {"name": "Werf Noord", "address": "Kaai 12", "languages": ["nl", "fr"],
             "works": [WORKS]},
            {"name": "Werf Oost", "address": "", "languages": ["de", "en"], "works": []},
        ]
    }  # fmt: skip
    explained(sitegate("site", "poster", "Werf West", "poster.pdf"), "HUB-1661")
    explained(sitegate("site", "poster", "Werf Noord", "x.pdf", "--languages", "es"), "HUB-1663")
    missing = sitegate("site", "poster", "Werf Noord", "no/x.pdf")
    explained(missing, "HUB-1669", file="no/x.pdf", reason="FileNotFoundError")
    said = sitegate("site", "poster", "Werf Noord", "poster.pdf", "--languages", "en", "--json")
    assert re.fullmatch(r"https://werf\.example/phone/[0-9a-f]{16}", said.json["url"])
    (page,) = PdfReader(BytesIO((tmp_path / "poster.pdf").read_bytes())).pages
    written = " ".join(page.extract_text().split())
    for told in ("Werf Noord", "Kaai 12", WORKS, text("poster.headline", "en")):
        assert told in written
