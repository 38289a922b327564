"""The door of the hub: what a login, a second factor and a link come to.

Theory of operation. A password opens a session; when the account has a second factor, that session
is nobody's until a code of it is given, and then a new one takes its place. A wrong password, an
unknown login, an account without a password, one that waits and one that is disabled are refused
with the same words after the same work: one Argon2 and one write. Each wrong try counts for its
address and, where there is one, for the account.

Everything here blocks, some of it for a tenth of a second: `quietly` runs it in threads of its own,
`AT_ONCE` at a time, so that a flood of logins takes neither the threads of the pages nor all cores.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, NoReturn, TypeVar, overload

from sqlalchemy import Connection

from hub.application.accounts import Passwords, Tries, check_password, clean_login, code_step
from hub.domain.audit import Noted
from hub.errors import TransientError, UsageError
from hub.storage.accounts import add_first, worker_account
from hub.storage.audit import note
from hub.storage.credentials import (
    Credentials,
    credentials_of,
    drop_second_factor,
    note_login,
    note_refused,
    renew_hash,
    set_password,
    set_second_factor,
    use_step,
)
from hub.storage.engine import reading
from hub.storage.links import LinkRow, Purpose, look_at_link, revoke_links, use_link
from hub.storage.sessions import Sessions, begin_session, end_session, end_sessions
from hub.web.office import Office

T = TypeVar("T")
AT_ONCE: Final = 2
"""Passwords that are checked at the same time; each takes 64 MiB and a core."""
QUEUE_MAX: Final = 40
"""Logins that wait for one of these places; one more is asked to come back."""
_MINUTE_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Entered:
    """A session was begun.

    Args:
        cookie: of the session.
        complete: False: the second factor is due.
    """

    cookie: str
    complete: bool

    def __repr__(self) -> str:
        return f"Entered(complete={self.complete})"


class Door:
    """Lets people in; one for a running hub. Its methods block and are safe from every thread.

    Args:
        office: the store, the keys and the time.
        passwords: how passwords are hashed.
    """

    def __init__(self, office: Office, passwords: Passwords | None = None) -> None:
        self._office = office
        self._settings = office.settings.access
        self._passwords = passwords or Passwords()
        self._tries = Tries(office.clock)
        self._threads = ThreadPoolExecutor(AT_ONCE, "door")
        self._under_way = 0
        self.sessions = Sessions(office.engine, office.write, office.clock, self._settings)

    @property
    def passwords(self) -> Passwords:
        """How passwords are hashed here; slow on purpose."""
        return self._passwords

    async def quietly(self, work: Callable[[], T]) -> T:
        """Returns what `work` returns, in one of the few threads for it.

        Raises:
            TransientError: HUB-1608, too many wait already.
        """
        if self._under_way >= AT_ONCE + QUEUE_MAX:
            raise TransientError("HUB-1608")
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._under_way -= 1

    # ------------------------------------------------------------ logging in

    def log_in(self, login: str, password: str, address: str, before: str = "") -> Entered:
        """Begins a session for whoever knows the password.

        Args:
            login: as typed.
            address: where the request came from.
            before: cookie of a session of the same browser, which ends.

        Raises:
            TransientError: HUB-1601, this address was wrong too often.
            UsageError: HUB-1600, refused; why is not told.
        """
        self.may_try(address)
        office, now_ms = self._office, self._office.clock()
        try:
            name = clean_login(login)
        except UsageError:
            name = ""
        with reading(office.engine) as connection:
            known = credentials_of(connection, office.vault, login=name)
        verdict = self._passwords.check(known.password_hash if known else None, password)
        open_now = known is not None and not known.disabled and known.locked_until_ms <= now_ms
        if known is None or not verdict.right or not open_now:
            self.refuse(known, address, now_ms)
        fresh = self._passwords.make(password) if verdict.outdated else None
        entered = self.enter(known, "password", before)
        if fresh is not None:
            office.write(lambda connection: renew_hash(connection, known, fresh))
        return entered

    def prove(self, cookie: str, code: str, address: str) -> Entered:
        """Makes a session complete with a code of the second factor; it gets a new cookie.

        Raises:
            TransientError: HUB-1601, this address was wrong too often.
            UsageError: HUB-1606 the code is wrong or used, or the account waits; HUB-1600 there is
                no session that waits for one any more.
        """
        self.may_try(address)
        office, now_ms = self._office, self._office.clock()
        pending = self.sessions.pending(cookie)
        if pending is None:
            raise UsageError("HUB-1600")
        known = self.known(pending.account_id)
        step = code_step(known.totp, code, now_ms, known.totp_step) if known.totp else None
        if step is None or known.locked_until_ms > now_ms:
            self.refuse(known, address, now_ms, "HUB-1606")

        def enter(connection: Connection) -> Entered | None:
            if not use_step(connection, known.account_id, step):
                return None
            end_session(connection, cookie)
            note_login(connection, office.vault, known, now_ms, "second factor")
            fresh = begin_session(connection, known.account_id, now_ms, self._until(now_ms))
            return Entered(fresh, True)

        entered = office.write(enter)
        if entered is None:
            self.refuse(known, address, now_ms, "HUB-1606")
        return entered

    @overload
    def enter(
        self, known: Credentials, how: str, before: str, *, both: bool = False
    ) -> Entered: ...

    @overload
    def enter(
        self,
        known: Credentials,
        how: str,
        before: str,
        *,
        both: bool = False,
        also: Callable[[Connection], bool],
    ) -> Entered | None: ...

    def enter(
        self,
        known: Credentials,
        how: str,
        before: str,
        *,
        both: bool = False,
        also: Callable[[Connection], bool] | None = None,
    ) -> Entered | None:
        """Begins a session of an account that was proved; what it is proved by was checked before.

        Args:
            how: for the audit.
            before: cookie of a session of the same browser, which ends.
            both: both factors were proved: no code is asked.
            also: what the same transaction keeps; when it returns False, nobody is let in.
        """
        office, now_ms = self._office, self._office.clock()

        def begin(connection: Connection) -> Entered | None:
            if also is not None and not also(connection):
                return None
            if before:
                end_session(connection, before)
            return self._begin(connection, known, how, now_ms, both)

        return office.write(begin)

    def leave(self, cookie: str, account_id: int, everywhere_else: bool = False) -> None:
        """Ends the session of this cookie, or every other of its account."""
        office, now_ms = self._office, self._office.clock()
        known = self.known(account_id)
        who = f"account:{account_id}"

        def end(connection: Connection) -> None:
            if everywhere_else:
                end_sessions(connection, account_id, but=cookie)
            else:
                end_session(connection, cookie)
            note(
                connection, office.vault, now_ms, who, Noted.LOGOUT, who,
                company_id=known.company_id, everywhere_else=everywhere_else,
            )  # fmt: skip

        office.write(end)

    # ------------------------------------------------------------ links

    def look(self, secret: str) -> tuple[LinkRow, Credentials | None]:
        """Returns what a link is good for, and of which account; changes nothing.

        Raises:
            UsageError: HUB-1602, it is good for nothing (any more).
        """
        office = self._office
        with reading(office.engine) as connection:
            row = look_at_link(connection, secret, office.clock())
            if row.account_id is None:
                return row, None
            return row, credentials_of(connection, office.vault, account_id=row.account_id)

    def set_up(self, secret: str, login: str, name: str, password: str) -> Entered:
        """Makes the first account with the link that the first start printed, and enters.

        Raises:
            UsageError: HUB-1602 the link, HUB-1611 the login, HUB-1614 the name, HUB-1603 and
                HUB-1604 the password; the link is not spent then.
        """
        office, now_ms = self._office, self._office.clock()
        login = clean_login(login)
        check_password(password, login)
        if self.look(secret)[0].purpose is not Purpose.SETUP:
            raise UsageError("HUB-1602")
        made = self._passwords.make(password)

        def add(connection: Connection) -> Entered:
            use_link(connection, office.vault, secret, now_ms)
            account_id = add_first(connection, office.vault, login, name, made, now_ms)
            cookie = begin_session(connection, account_id, now_ms, self._until(now_ms))
            return Entered(cookie, True)

        return office.write(add)

    def take_password(self, secret: str, password: str) -> Entered:
        """Sets a password with an invitation or a reset link, and enters; other sessions end.

        Raises:
            UsageError: HUB-1602 the link, HUB-1603 and HUB-1604 the password; the link is not
                spent then.
        """
        office, now_ms = self._office, self._office.clock()
        row, known = self.look(secret)
        if known is None or row.purpose not in (Purpose.INVITATION, Purpose.RESET):
            raise UsageError("HUB-1602")
        check_password(password, known.login)
        made = self._passwords.make(password)

        def keep(connection: Connection) -> Entered:
            use_link(connection, office.vault, secret, now_ms)
            revoke_links(connection, now_ms, known.account_id)
            set_password(connection, office.vault, known, made, now_ms)
            end_sessions(connection, known.account_id)
            return self._begin(connection, known, "link", now_ms)

        return office.write(keep)

    def take_login(self, secret: str) -> Entered:
        """Enters with a link that logs in, or with a worker's own.

        Raises:
            UsageError: HUB-1602 the link.
        """
        office, now_ms = self._office, self._office.clock()

        def enter(connection: Connection) -> Entered:
            row = use_link(connection, office.vault, secret, now_ms)
            account_id = row.account_id
            if row.purpose is Purpose.WORKER and row.person_id is not None:
                account_id = worker_account(connection, office.vault, row.person_id, now_ms)
            elif row.purpose is not Purpose.LOGIN:
                raise UsageError("HUB-1602")
            known = credentials_of(connection, office.vault, account_id=account_id or 0)
            if known is None or known.disabled:
                raise UsageError("HUB-1602")
            return self._begin(connection, known, "link", now_ms)

        return office.write(enter)

    # ------------------------------------------------------------ one's own account

    def known(self, account_id: int) -> Credentials:
        """Returns the credentials of an account that exists."""
        with reading(self._office.engine) as connection:
            found = credentials_of(connection, self._office.vault, account_id=account_id)
        if found is None:
            raise UsageError("HUB-1610")
        return found

    def change_password(
        self, account_id: int, current: str, password: str, address: str
    ) -> Entered:
        """Sets another password; every session ends and this browser gets a new one.

        Raises:
            TransientError: HUB-1601, this address was wrong too often.
            UsageError: HUB-1607 the current one is wrong, HUB-1603 and HUB-1604 the new one.
        """
        office, now_ms = self._office, self._office.clock()
        known = self.confirmed(account_id, current, address)
        check_password(password, known.login)
        made = self._passwords.make(password)

        def keep(connection: Connection) -> Entered:
            set_password(connection, office.vault, known, made, now_ms)
            end_sessions(connection, account_id)
            return Entered(begin_session(connection, account_id, now_ms, self._until(now_ms)), True)

        return office.write(keep)

    def take_second_factor(self, account_id: int, secret: str, code: str) -> None:
        """Turns the second factor on once a code of it was right.

        Raises:
            UsageError: HUB-1606, the code is wrong, or there is a second factor already.
        """
        office, now_ms = self._office, self._office.clock()
        known = self.known(account_id)
        step = None if known.totp else code_step(secret, code, now_ms, 0)
        if step is None:
            raise UsageError("HUB-1606")
        office.write(
            lambda connection: set_second_factor(
                connection, office.vault, known, secret, step, now_ms
            )
        )

    def drop_second_factor(self, account_id: int, current: str, address: str) -> None:
        """Turns the second factor off.

        Raises:
            TransientError: HUB-1601, this address was wrong too often.
            UsageError: HUB-1607, the password is wrong.
        """
        office, now_ms = self._office, self._office.clock()
        known = self.confirmed(account_id, current, address)
        office.write(lambda connection: drop_second_factor(connection, office.vault, known, now_ms))

    # ------------------------------------------------------------ inside

    def confirmed(self, account_id: int, current: str, address: str) -> Credentials:
        """Asks again for the password of who is logged in; an account without one has no other.

        Raises:
            TransientError: HUB-1601, this address was wrong too often.
            UsageError: HUB-1607, the password is wrong.
        """
        self.may_try(address)
        known = self.known(account_id)
        if known.password_hash is not None:
            now_ms = self._office.clock()
            right = self._passwords.check(known.password_hash, current).right
            if not right or known.locked_until_ms > now_ms:
                self.refuse(known, address, now_ms, "HUB-1607")
        return known

    def _begin(
        self, connection: Connection, known: Credentials, how: str, now_ms: int, both: bool = False
    ) -> Entered:
        complete = both or not known.totp
        if complete:
            # With a second factor it is no login yet, and wrong tries are not forgotten.
            note_login(connection, self._office.vault, known, now_ms, how)
        until_ms = self._until(now_ms)
        cookie = begin_session(connection, known.account_id, now_ms, until_ms, complete)
        return Entered(cookie, complete)

    def _until(self, now_ms: int) -> int:
        return now_ms + self._settings.session_hours * 60 * _MINUTE_MS

    def may_try(self, address: str) -> None:
        """Refuses an address that was wrong too often.

        Raises:
            TransientError: HUB-1601.
        """
        wait_ms = self._tries.wait_ms(address)
        if wait_ms > 0:
            raise TransientError("HUB-1601", minutes=-(-wait_ms // _MINUTE_MS))

    def refuse(
        self,
        known: Credentials | None,
        address: str,
        now_ms: int,
        code: str = "HUB-1600",
        **detail: str,
    ) -> NoReturn:
        """Counts and notes a wrong try, and refuses it with this code.

        Args:
            known: the account that was tried; None: there is none.
            **detail: how, and why, for the audit.

        Raises:
            UsageError: always.
        """
        self._tries.wrong(address)
        office = self._office
        after = self._settings.lock_after
        office.write(
            lambda connection: note_refused(
                connection, office.vault, known, now_ms, after, **detail
            )
        )
        raise UsageError(code)
