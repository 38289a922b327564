"""The roll call as one HTML file: a browser opens and prints it, with no hub and no network."""

from __future__ import annotations

from html import escape
from typing import Final

from hub.application.roll_call import Mark, Row, Sheet, by_company
from hub.i18n import text, time_text
from hub.reports.roll_call import as_of, company_of, groups_of, name_of, title_of, where_of

_STYLE: Final = """
body{margin:1.5rem;color:#111820;background:#fff;font:1rem/1.4 "Noto Sans",Arial,sans-serif}
h1{margin:0;font-size:1.6rem}.when{font-weight:700;font-size:1.1rem;margin:.25rem 0}
.caution{border:2px solid #111820;padding:.5rem .75rem;max-width:50rem}
h2{border-bottom:3px solid #111820;margin:1.5rem 0 .5rem}
h3{border-bottom:1px solid #111820;margin:1rem 0 .25rem;break-after:avoid}
ul{list-style:none;margin:0;padding:0;columns:20rem;column-gap:2rem}
li{display:flex;gap:.75rem;padding:.3rem 0;break-inside:avoid}
.box{flex:none;width:1.7rem;height:1.7rem;border:2px solid #111820;
font:700 1.4rem/1.6rem Arial,sans-serif;text-align:center}
small{display:block;color:#46525e}
@page{size:A4;margin:12mm 12mm 16mm;@bottom-right{content:counter(page) "/" counter(pages)}}
@media print{body{margin:0}ul{columns:2}}
"""


def roll_call_page(sheet: Sheet, language: str) -> bytes:
    """Returns the sheet as one file of HTML: here, then left, then not come; each person once.

    Args:
        language: one of `hub.i18n.LANGUAGES`.
    """
    title = f"{text('roll_call.title', language)} - {sheet.list.site}"
    said = text("roll_call.caution", language)
    if sheet.opened_ms is not None:
        opened = time_text(sheet.opened_ms, language, seconds=False)
        said += " " + text("roll_call.sheet.filled", language, time=opened)
    parts = [
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # Whoever leaves it open sees the list of this minute.
        '<meta http-equiv="refresh" content="60">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n"
        f'<p class="when">{escape(as_of(sheet, language))}</p>\n'
        f'<p class="caution">{escape(said)}</p>\n'
    ]
    for key, rows in groups_of(sheet):
        parts.append(f"<h2>{escape(title_of(key, len(rows), language))}</h2>\n")
        for company, people in by_company(rows):
            parts.append(
                f"<h3>{escape(company_of(company, language))} ({len(people)})</h3>\n<ul>\n"
            )
            parts += [_item(row, language) for row in people]
            parts.append("</ul>\n")
    return "".join([*parts, "</body>\n</html>\n"]).encode()


def _item(row: Row, language: str) -> str:
    box = "✓" if row.mark is Mark.PRESENT else ""
    name, where = escape(name_of(row, language)), escape(where_of(row, language))
    return (
        f'<li><span class="box">{box}</span>'
        f"<span><strong>{name}</strong><small>{where}</small></span></li>\n"
    )
