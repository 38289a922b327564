"""What the display says, in French, Dutch, German and English: 16 characters a line, plain ASCII.

Rule: the gate says *kept* (gardé, bewaard, gespeichert), never *registered*. Only the authority's
receipt registers anybody, and the gate does not have it.
"""

from firmware.settings import LANGUAGES

WIDTH = 16

KEPT_IN = 0
KEPT_OUT = 1
KEPT = 2
REPEAT = 3
UNKNOWN = 4
BLOCKED = 5
EXPIRED = 6
NO_ROSTER = 7
UNREADABLE = 8
SEVERAL = 9
FULL = 10
READY = 11
READER_DOWN = 12
CLOCK = 13
UNSENT = 14
NO_WIFI = 15
NO_HUB = 16
HUB_OK = 17
STARTING = 18
NO_SETTINGS = 19
COUNT = 20

# One row per text, one tuple of lines per language of LANGUAGES.
_TEXTS = (
    (  # KEPT_IN
        ("BONJOUR", "GARDE", "> ENTREE"),
        ("GOEDEDAG", "BEWAARD", "> IN"),
        ("GUTEN TAG", "GESPEICHERT", "> EINGANG"),
        ("WELCOME", "KEPT", "> IN"),
    ),
    (  # KEPT_OUT
        ("AU REVOIR", "GARDE", "< SORTIE"),
        ("TOT ZIENS", "BEWAARD", "< UIT"),
        ("BIS BALD", "GESPEICHERT", "< AUSGANG"),
        ("GOODBYE", "KEPT", "< OUT"),
    ),
    (  # KEPT, at a gate without direction
        ("BONJOUR", "GARDE"),
        ("GOEDEDAG", "BEWAARD"),
        ("GUTEN TAG", "GESPEICHERT"),
        ("WELCOME", "KEPT"),
    ),
    (  # REPEAT
        ("DEJA FAIT",),
        ("AL GEDAAN",),
        ("SCHON ERLEDIGT",),
        ("ALREADY DONE",),
    ),
    (  # UNKNOWN
        ("BADGE INCONNU", "VOIR LE BUREAU"),
        ("BADGE ONBEKEND", "NAAR WERFKEET"),
        ("KARTE UNBEKANNT", "BITTE INS BUERO"),
        ("UNKNOWN BADGE", "SEE THE OFFICE"),
    ),
    (  # BLOCKED
        ("BADGE BLOQUE", "VOIR LE BUREAU"),
        ("GEBLOKKEERD", "NAAR WERFKEET"),
        ("KARTE GESPERRT", "BITTE INS BUERO"),
        ("BADGE BLOCKED", "SEE THE OFFICE"),
    ),
    (  # EXPIRED
        ("BADGE EXPIRE", "VOIR LE BUREAU"),
        ("VERVALLEN", "NAAR WERFKEET"),
        ("ABGELAUFEN", "BITTE INS BUERO"),
        ("BADGE EXPIRED", "SEE THE OFFICE"),
    ),
    (  # NO_ROSTER
        ("PAS DE LISTE", "APPELEZ"),
        ("GEEN LIJST", "BEL DE WERF"),
        ("KEINE LISTE", "BITTE ANRUFEN"),
        ("NO LIST YET", "CALL THE OFFICE"),
    ),
    (  # UNREADABLE
        ("BADGE ILLISIBLE", "VOIR LE BUREAU"),
        ("NIET LEESBAAR", "NAAR WERFKEET"),
        ("NICHT LESBAR", "BITTE INS BUERO"),
        ("CANNOT READ IT", "SEE THE OFFICE"),
    ),
    (  # SEVERAL
        ("UN SEUL BADGE", "S.V.P."),
        ("EEN BADGE", "TEGELIJK A.U.B."),
        ("BITTE NUR", "EINE KARTE"),
        ("ONE BADGE", "AT A TIME PLEASE"),
    ),
    (  # FULL
        ("PAS GARDE", "MEMOIRE PLEINE", "APPELEZ"),
        ("NIET BEWAARD", "GEHEUGEN VOL", "BEL DE WERF"),
        ("NICHT GESICHERT", "SPEICHER VOLL", "BITTE ANRUFEN"),
        ("NOT KEPT", "MEMORY FULL", "CALL THE OFFICE"),
    ),
    (  # READY
        ("BADGEZ ICI",),
        ("BADGE HIER",),
        ("KARTE HIER",),
        ("TAP HERE",),
    ),
    (  # READER_DOWN
        ("LECTEUR EN PANNE", "APPELEZ"),
        ("LEZER DEFECT", "BEL DE WERF"),
        ("LESER DEFEKT", "BITTE ANRUFEN"),
        ("READER IS DOWN", "CALL THE OFFICE"),
    ),
    (  # CLOCK
        ("HEURE ?",),
        ("UUR ?",),
        ("UHRZEIT ?",),
        ("CLOCK ?",),
    ),
    (  # UNSENT: a number follows
        ("A ENVOYER",),
        ("TE ZENDEN",),
        ("ZU SENDEN",),
        ("TO SEND",),
    ),
    (  # NO_WIFI
        ("PAS DE WIFI",),
        ("GEEN WIFI",),
        ("KEIN WLAN",),
        ("NO WIFI",),
    ),
    (  # NO_HUB
        ("PAS DE SERVEUR",),
        ("GEEN SERVER",),
        ("KEIN SERVER",),
        ("NO HUB",),
    ),
    (  # HUB_OK
        ("SERVEUR OK",),
        ("SERVER OK",),
        ("SERVER OK",),
        ("HUB OK",),
    ),
    (  # STARTING
        ("DEMARRAGE",),
        ("START OP",),
        ("STARTET",),
        ("STARTING",),
    ),
    (  # NO_SETTINGS
        ("PAS DE REGLAGES",),
        ("GEEN INSTELLING",),
        ("NICHT KONFIGUR.",),
        ("NO SETTINGS",),
    ),
)

_FOLDED = (
    ("a", "àáâãäåăąÀÁÂÃÄÅĂĄ"),
    ("c", "çćčÇĆČ"),
    ("e", "èéêëęěÈÉÊËĘĚ"),
    ("i", "ìíîïÌÍÎÏ"),
    ("l", "łŁ"),
    ("n", "ñńÑŃ"),
    ("o", "òóôõöøÒÓÔÕÖØ"),
    ("s", "śšșşŚŠȘŞ"),
    ("t", "țţȚŢ"),
    ("u", "ùúûüÙÚÛÜ"),
    ("z", "źżžŹŻŽ"),
    ("y", "ýÿÝŸ"),
)


def lines(text: int, language: str) -> tuple:
    """Returns the lines of a text, each 1..16 ASCII characters.

    Args:
        text: one of the constants above.
        language: one of LANGUAGES.
    """
    return _TEXTS[text][LANGUAGES.index(language)]


def line(text: int, language: str) -> str:
    """Returns the first line of a text."""
    return lines(text, language)[0]


def spoken(language: str, otherwise: str) -> str:
    """Returns `language` if the display speaks it, else `otherwise` (the site's)."""
    return language if language in LANGUAGES else otherwise


def ascii_name(name: str) -> str:
    """Returns up to 16 characters of a name as the display's font can show it."""
    shown = ""
    for character in name[:WIDTH]:
        shown += character if 32 <= ord(character) < 127 else _plain(character)
    return shown


def _plain(character: str) -> str:
    for plain, accented in _FOLDED:
        if character in accented:
            # The tables hold the lower-case letters first.
            return plain if accented.index(character) < len(accented) // 2 else plain.upper()
    return "?"
