"""Which column a heading means, in French, Dutch, German or English.

A list of people is made by whoever keeps it, so headings are taken as they are written: in capitals
or not, with accents or without, in any order. A column that says nothing we keep (a telephone
number, a remark) is known by name too and not read; what is not known at all is left to a person.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from hub.domain.people import REGISTERED_KINDS, Kind

COLUMNS: Final = (
    "site",
    "works_number",
    "company_number",
    "company_name",
    "family_name",
    "given_name",
    "inss",
    "limosa",
    "badge_uid",
    "language",
    "valid_until",
    "valid_from",
    "badge_state",
    "limosa_from",
    "limosa_until",
    "foreign_vat",
    "kind",
    "user_company_number",
)
"""What a row may say; the names a heading may always use, in any order."""

UNREAD: Final = ""
"""A column that is not read."""

KINDS: Final = tuple(str(kind) for kind in Kind)
UNREGISTERED_KINDS: Final = frozenset(KINDS) - {str(kind) for kind in REGISTERED_KINDS}
"""Who is counted for safety and never sent: no number is asked of him."""

# The first of each language is what the template writes.
HEADINGS_BY_LANGUAGE: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = MappingProxyType(
    {
        "site": {
            "fr": ("Chantier", "Nom du chantier", "Site", "Lieu de travail"),
            "nl": ("Werf", "Naam van de werf", "Werfnaam", "Bouwplaats"),
            "de": ("Baustelle", "Name der Baustelle", "Standort"),
            "en": ("Site", "Site name", "Construction site"),
        },
        "works_number": {
            "fr": (
                "Numéro de chantier",
                "Numéro de déclaration",
                "Déclaration de travaux",
                "N° de chantier",
                "Numéro de la déclaration de travaux",
                "N° Checkinatwork",
            ),
            "nl": (
                "Werfnummer",
                "Aangiftenummer",
                "Nummer van de aangifte",
                "Werfmelding",
                "Nummer werfmelding",
                "Aangifte van werken",
                "Checkinatwork-nummer",
            ),
            "de": (
                "Baustellennummer",
                "Meldenummer",
                "Arbeitsmeldung",
                "Nummer der Arbeitsmeldung",
            ),
            "en": ("Works number", "Works declaration", "Declaration of works", "Works"),
        },
        "company_number": {
            "fr": (
                "Numéro d'entreprise",
                "N° d'entreprise",
                "N° entreprise",
                "BCE",
                "Numéro BCE",
                "N° BCE",
                "TVA",
                "Numéro de TVA",
                "N° TVA",
                "Numéro de l'employeur",
            ),
            "nl": (
                "Ondernemingsnummer",
                "KBO",
                "KBO-nummer",
                "BTW",
                "BTW-nummer",
                "Ondernemingsnr",
                "Nummer werkgever",
            ),
            "de": ("Unternehmensnummer", "ZDU", "ZDU-Nummer", "MwSt-Nummer", "USt-IdNr"),
            "en": ("Company number", "Enterprise number", "VAT number", "VAT", "CBE"),
        },
        "company_name": {
            "fr": ("Nom de l'entreprise", "Entreprise", "Société", "Employeur", "Firme"),
            "nl": ("Naam van de onderneming", "Onderneming", "Bedrijf", "Firma", "Werkgever"),
            "de": ("Name des Unternehmens", "Unternehmen", "Betrieb", "Arbeitgeber"),
            "en": ("Company name", "Company", "Employer", "Firm"),
        },
        "family_name": {
            "fr": ("Nom", "Nom de famille"),
            "nl": ("Naam", "Achternaam", "Familienaam"),
            "de": ("Name", "Nachname", "Familienname", "Zuname"),
            "en": ("Family name", "Surname", "Last name"),
        },
        "given_name": {
            "fr": ("Prénom", "Prénoms"),
            "nl": ("Voornaam", "Voornamen", "Roepnaam"),
            "de": ("Vorname", "Vornamen"),
            "en": ("Given name", "First name", "Forename"),
        },
        "inss": {
            "fr": (
                "Numéro national",
                "NISS",
                "N° NISS",
                "Numéro NISS",
                "N° national",
                "Numéro de registre national",
                "N° de registre national",
                "NRN",
                "Registre national",
                "NISS/BIS",
                "Numéro BIS",
            ),
            "nl": (
                "Rijksregisternummer",
                "INSZ",
                "INSZ-nummer",
                "RRN",
                "RR-nummer",
                "Rijksregister",
                "Rijksregisternr",
                "Nationaal nummer",
                "INSZ/BIS",
                "BIS-nummer",
            ),
            "de": (
                "Nationalregisternummer",
                "Nationale Nummer",
                "ENSS",
                "ENSS-Nummer",
                "Nationalnummer",
            ),
            "en": ("National number", "INSS", "SSIN", "NISS number", "BIS number", "INSZ/NISS"),
        },
        "limosa": {
            "fr": ("Numéro Limosa", "Limosa", "N° Limosa", "L1", "Limosa L1"),
            "nl": ("Limosanummer", "Limosa-nummer", "L-1", "Limosa nr"),
            "de": ("Limosa-Nummer", "Limosa-Nr"),
            "en": ("Limosa number", "L1 number"),
        },
        "badge_uid": {
            "fr": ("Numéro de badge", "Badge", "N° de badge", "N° badge", "UID", "Carte"),
            "nl": ("Badgenummer", "Badge-nummer", "Badge nr", "Kaartnummer", "Badge UID"),
            "de": ("Badgenummer", "Ausweisnummer", "Kartennummer"),
            "en": ("Badge number", "Badge UID", "Card number", "Card"),
        },
        "language": {
            "fr": ("Langue",),
            "nl": ("Taal",),
            "de": ("Sprache",),
            "en": ("Language",),
        },
        "valid_until": {
            "fr": ("Badge valable jusqu'au", "Valable jusqu'au", "Date de fin", "Fin de validité"),
            "nl": ("Badge geldig tot", "Geldig tot", "Geldig tot en met", "Einddatum"),
            "de": ("Badge gültig bis", "Gültig bis", "Enddatum"),
            "en": ("Badge valid until", "Valid until", "End date"),
        },
        "valid_from": {
            "fr": ("Badge valable à partir du", "Valable à partir du", "Date de début"),
            "nl": ("Badge geldig vanaf", "Geldig vanaf", "Begindatum", "Startdatum"),
            "de": ("Badge gültig ab", "Gültig ab", "Anfangsdatum"),
            "en": ("Badge valid from", "Valid from", "Start date"),
        },
        "badge_state": {
            "fr": ("État du badge", "Statut du badge"),
            "nl": ("Toestand van de badge", "Badgestatus", "Status badge"),
            "de": ("Zustand des Badges", "Badgestatus"),
            "en": ("Badge state", "Badge status"),
        },
        "limosa_from": {
            "fr": ("Limosa à partir du", "Début Limosa", "Limosa du"),
            "nl": ("Limosa vanaf", "Begin Limosa", "Limosa van"),
            "de": ("Limosa ab", "Limosa von", "Beginn Limosa"),
            "en": ("Limosa from", "Limosa start"),
        },
        "limosa_until": {
            "fr": ("Limosa jusqu'au", "Fin Limosa", "Limosa au"),
            "nl": ("Limosa tot", "Limosa tot en met", "Einde Limosa"),
            "de": ("Limosa bis", "Ende Limosa"),
            "en": ("Limosa until", "Limosa end"),
        },
        "foreign_vat": {
            "fr": ("TVA étrangère", "Numéro de TVA étranger", "N° TVA étranger"),
            "nl": ("Buitenlands btw-nummer", "Buitenlandse btw", "Btw-nummer buitenland"),
            "de": ("Ausländische MwSt-Nummer", "Ausländische USt-IdNr"),
            "en": ("Foreign VAT", "Foreign VAT number"),
        },
        "kind": {
            "fr": ("Statut", "Type", "Type de travailleur", "Catégorie"),
            "nl": ("Statuut", "Soort", "Soort werknemer", "Categorie"),
            "de": ("Art", "Art des Arbeitnehmers", "Kategorie"),
            "en": ("Kind", "Worker type", "Category"),
        },
        "user_company_number": {
            "fr": (
                "Numéro de l'utilisateur",
                "Entreprise utilisatrice",
                "N° de l'entreprise utilisatrice",
                "Utilisateur",
            ),
            "nl": (
                "Nummer van de gebruiker",
                "Gebruiker",
                "Ondernemingsnummer gebruiker",
                "Inlener",
            ),
            "de": ("Nummer des Entleihers", "Entleiher", "Entleihunternehmen"),
            "en": ("User company number", "User company", "Hirer"),
        },
    }
)

UNREAD_HEADINGS: Final = (
    "N°", "Nr", "No", "Remarque", "Remarques", "Opmerking", "Opmerkingen", "Bemerkung",
    "Bemerkungen", "Remark", "Remarks", "Comment", "Téléphone", "GSM", "Telefoon", "Telefon",
    "Phone", "E-mail", "Mail", "Courriel", "Date de naissance", "Geboortedatum", "Geburtsdatum",
    "Date of birth", "Fonction", "Functie", "Funktion", "Adresse", "Adres", "Address",
    "À corriger", "Te verbeteren", "Zu berichtigen", "To be corrected",
)  # fmt: skip
"""Headings of columns that are often there and never read."""

_KIND_WORDS: Final = {
    "employee": "employee worker travailleur salarie salariee ouvrier ouvriere employe employee "
    "werknemer arbeider bediende arbeitnehmer angestellter arbeiter",
    "self_employed": "self_employed independent independant independante zelfstandige zelfstandig "
    "selbststandiger selbstandiger selbstandige selbststandige",
    "agency": "agency agency_worker interimaire interim uitzendkracht uitzend interimaris "
    "leiharbeiter leiharbeitnehmer zeitarbeiter",
    "trainee": "trainee apprentice stagiaire stagiair apprenti apprentie leerling leerjongere "
    "praktikant lehrling auszubildender",
    "active_partner": "active_partner partner associe_actif associe associee werkend_vennoot "
    "vennoot teilhaber geschaftsfuhrender_gesellschafter gesellschafter",
    "foreign": "foreign foreign_worker posted_worker etranger etrangere detache detachee "
    "buitenlands buitenlandse buitenlandse_werknemer gedetacheerd gedetacheerde limosa "
    "auslandisch auslandischer entsandt entsandter",
    "visitor": "visitor visiteur visiteuse bezoeker besucher besucherin",
    "delivery": "delivery driver livreur livraison chauffeur levering leverancier bezorger "
    "lieferant lieferung fahrer",
}


def plain(text: str) -> str:
    """Returns letters and digits of a heading without accents, what lies between as one `_`."""
    bare = unicodedata.normalize("NFKD", text.casefold().replace("°", " "))
    letters = "".join(sign for sign in bare if not unicodedata.combining(sign))
    return re.sub(r"[^a-z0-9]+", "_", letters).strip("_")


def _all_headings() -> dict[str, str]:
    known = {plain(heading): UNREAD for heading in UNREAD_HEADINGS}
    for column in COLUMNS:
        known[column] = column
        for headings in HEADINGS_BY_LANGUAGE[column].values():
            known.update({plain(heading): column for heading in headings})
    return known


HEADINGS: Final[Mapping[str, str]] = MappingProxyType(_all_headings())
"""From each heading that is understood, made `plain`, to its column."""

_CLOSED_UP: Final = {name.replace("_", ""): column for name, column in HEADINGS.items()}

KIND_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {word: kind for kind, words in _KIND_WORDS.items() for word in words.split()}
)
"""From each word for a kind of worker, made `plain`, to the kind."""


def recognise(headings: Sequence[str]) -> list[str | None]:
    """Returns for each heading its column, UNREAD, or None when a person must say.

    Of two headings that mean the same the first is taken and the second left to a person. `Name`
    beside a heading for the given name is the family name, in German as in English.

    Args:
        headings: the cells of the first row.
    """
    found: list[str | None] = []
    for heading in headings:
        name = plain(heading)
        column = _CLOSED_UP.get(name.replace("_", "")) if name else None if heading else UNREAD
        found.append(None if column and column in found else column)
    return found


def read_kind(text: str) -> str | None:
    """Returns the kind of worker that this word means in one of four languages; None: no kind."""
    return KIND_WORDS.get(plain(text))
