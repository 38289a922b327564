"""The rules of accounts: logins, passwords, waiting after wrong ones, one-time codes.

A password is long and says not its own login; nothing else is asked of it (NIST SP 800-63B-4,
3.1.1.2: no rules of composition, no regular change). It is kept as Argon2id (RFC 9106, second
recommended option: 64 MiB, 3 passes, 4 lanes) in the PHC form, and made anew at a login once these
change.

Who is wrong too often waits, longer each time: an account after `lock_after` wrong tries, an
address after `ADDRESS_MAX`. Nobody waits for ever, since else anybody could lock somebody out.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from pyotp.totp import TOTP

from hub.errors import UsageError

PASSWORD_MIN: Final = 12
PASSWORD_MAX: Final = 128
LOGIN_MAX: Final = 80
NAME_MAX: Final = 80
_LOGIN: Final = re.compile(r"[a-z0-9][a-z0-9._@+-]{1,79}")

LOCK_FIRST_MS: Final = 60_000
LOCK_MOST_MS: Final = 3_600_000

ADDRESS_MAX: Final = 30
"""Wrong tries of one address in `ADDRESS_WINDOW_MS`; a whole site office may share one."""
ADDRESS_WINDOW_MS: Final = 15 * 60_000
ADDRESSES_KEPT: Final = 5_000

STEP_S: Final = 30
"""Seconds of one time step of the second factor (RFC 6238, 4.1)."""
CODE: Final = re.compile(r"\d{6}")


def clean_login(typed: str) -> str:
    """Returns a login as it is kept: lower case, without the blanks around it.

    Raises:
        UsageError: HUB-1611, it has other signs than letters a to z, digits and `. _ @ + -`, or
            not 2 to 80 of them.
    """
    login = typed.strip().lower()
    if not _LOGIN.fullmatch(login):
        raise UsageError("HUB-1611")
    return login


def check_password(password: str, login: str) -> None:
    """Refuses a password that is too short, too long, or says the login.

    Raises:
        UsageError: HUB-1603 its length, HUB-1604 the login is in it.
    """
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        raise UsageError("HUB-1603", least=PASSWORD_MIN, most=PASSWORD_MAX)
    said = password.lower()
    # Of an address the part before the sign is as easily guessed as the whole.
    if any(len(part) > 2 and part in said for part in (login, login.partition("@")[0])):
        raise UsageError("HUB-1604")


def lock_ms(failures: int, lock_after: int) -> int:
    """Returns how long an account waits after so many wrong tries in a row, in milliseconds.

    Nothing before `lock_after`, then one minute, and twice as long each time up to an hour.
    """
    beyond = failures - lock_after
    if beyond < 0:
        return 0
    return min(LOCK_FIRST_MS << min(beyond, 16), LOCK_MOST_MS)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of checking a password.

    Args:
        right: it is the one.
        outdated: it is, and its hash was made with other parameters than today's.
    """

    right: bool
    outdated: bool = False


class Passwords:
    """Hashes and checks passwords. Slow on purpose: call it in a worker thread.

    Args:
        hasher: its parameters; the default is Argon2id as RFC 9106 recommends it.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._nobody = self._hasher.hash("the password of nobody")

    def make(self, password: str) -> str:
        """Returns what is kept of a password."""
        return self._hasher.hash(password)

    def check(self, kept: str | None, password: str) -> Verdict:
        """Returns whether it is the password; it takes as long when there is none to compare with.

        Args:
            kept: what `make` returned, None where there is no account or it has no password.
        """
        try:
            right = self._hasher.verify(kept or self._nobody, password[:PASSWORD_MAX])
        except (Argon2Error, InvalidHashError):
            return Verdict(False)
        if not right or kept is None or len(password) > PASSWORD_MAX:
            return Verdict(False)
        return Verdict(True, self._hasher.check_needs_rehash(kept))


def code_step(secret: str, code: str, now_ms: int, last_step: int) -> int | None:
    """Returns the time step that a one-time code is of; None when it is wrong or was used.

    One step before and after is taken too, since the clocks of telephones differ (RFC 6238, 5.2).

    Args:
        secret: base32.
        code: as typed.
        now_ms: UTC milliseconds.
        last_step: the newest step that was used: neither it nor one before is good again.
    """
    given = "".join(code.split())
    if not CODE.fullmatch(given):
        return None
    now = now_ms // 1000 // STEP_S
    made = TOTP(secret)
    found = None
    for step in (now - 1, now, now + 1):
        same = hmac.compare_digest(made.generate_otp(step), given)
        if same and step > last_step:
            found = step
    return found


class Tries:
    """Counts the wrong tries of each address. Safe from every thread.

    Kept in memory: a restart forgets, and the accounts have their own count in the database.

    Args:
        clock: UTC milliseconds.
        most: wrong tries of an address in `ADDRESS_WINDOW_MS`.
    """

    def __init__(self, clock: Callable[[], int], most: int = ADDRESS_MAX) -> None:
        self._clock = clock
        self._most = most
        self._lock = threading.Lock()
        self._wrong: dict[str, deque[int]] = {}

    def wait_ms(self, address: str) -> int:
        """Returns how long this address has to wait until it may try again; 0: not at all."""
        now_ms = self._clock()
        with self._lock:
            wrong = self._recent(network_of(address), now_ms)
            if len(wrong) < self._most:
                return 0
            return wrong[-self._most] + ADDRESS_WINDOW_MS - now_ms

    def wrong(self, address: str) -> None:
        """Counts one wrong try."""
        now_ms = self._clock()
        with self._lock:
            key = network_of(address)
            wrong = self._recent(key, now_ms)
            self._wrong.pop(key, None)
            while len(self._wrong) >= ADDRESSES_KEPT:
                del self._wrong[next(iter(self._wrong))]
            wrong.append(now_ms)
            self._wrong[key] = wrong

    def _recent(self, key: str, now_ms: int) -> deque[int]:
        wrong = self._wrong.get(key) or deque[int](maxlen=self._most)
        while wrong and not 0 <= now_ms - wrong[0] < ADDRESS_WINDOW_MS:
            wrong.popleft()
        return wrong


def network_of(address: str) -> str:
    """Returns by what an address is counted: itself, and of IPv6 the network of one customer."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((found, 64), strict=False))
    return str(found)
