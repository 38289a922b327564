"""Opens one connection to the broker: name, TCP, TLS; and says how far it came.

`stage` is the trouble an attempt would end with if it ended now, `answered` whether anybody at all
had a part in it: a connection, a refusal, a name server that knows no such name. An attempt without
an answer says something about the radio (`recovery`), any other does not.

TLS trusts the CA certificate of the settings and nothing else, and checks that the certificate is
for the host of the settings, be that a name or an address. Keys are EC P-256 (the hub's choice):
the smallest and fastest a Pico can verify.
"""

import asyncio
import errno
import gc
import select
import ssl
from binascii import a2b_base64

from firmware import resolve
from protocol.errors import ProtocolError

TROUBLE_NONE = 0
TROUBLE_WIFI = 1  # not joined
TROUBLE_NAME = 2  # the broker's name was not found
TROUBLE_UNHEARD = 3  # nobody answered
TROUBLE_NO_BROKER = 4  # the machine answers, no broker listens
TROUBLE_TLS = 5  # no encrypted connection came about
TROUBLE_CERTIFICATE = 6  # not the hub's, of another name, or ended
TROUBLE_LOGIN = 7  # the broker refused login or subscription
TROUBLE_BROKEN = 8  # what came was no MQTT, too long or too much
TROUBLE_CLOSED = 9  # the other side ended it
TROUBLE_SILENT = 10  # an answer was overdue
TROUBLE_MEMORY = 11

RESERVE_BYTES = 24 * 1024

_IPPROTO_TCP = 6
_TCP_NODELAY = 1


class LinkError(Exception):
    """The session cannot go on.

    Args:
        trouble: TROUBLE constant.
    """

    def __init__(self, trouble: int) -> None:
        super().__init__(trouble)
        self.trouble = trouble


LINK_ERRORS = (OSError, ValueError, MemoryError, ProtocolError, LinkError)


class Reserve:
    """Room in the heap for the buffers of TLS, which need it in one piece.

    A Pico's port takes them from the same heap as everything else: 16.7 KB for what comes in and
    4.4 KB for what goes out, at each connection anew. A gate that has run for weeks has as much
    memory free, and perhaps no such piece. So the piece is taken at start, before anything else
    lies in its place, given up for the buffers right before they are made, and taken back after.

    Args:
        size: bytes.
    """

    def __init__(self, size: int = RESERVE_BYTES) -> None:
        self._size = size
        self._block = None
        self.take()

    def release(self) -> None:
        """Makes the room free; allocate at once."""
        self._block = None
        gc.collect()

    def take(self) -> None:
        """Keeps the room again; without it, should it be gone, one connects all the same."""
        gc.collect()
        try:
            self._block = bytearray(self._size)
        except MemoryError:
            self._block = None


class Connection:
    """The way to the broker; one connection at a time.

    Attributes: stage (TROUBLE constant), answered.

    Args:
        settings: host, port, tls and ca.
        wifi: tells the name server.
        reserve: `Reserve` for TLS, made as early as can be; None: make it now if it is needed.
    """

    def __init__(self, settings, wifi, reserve=None) -> None:
        if reserve is None and settings.tls:
            reserve = Reserve()
        self._reserve = reserve
        self._host = settings.host
        self._port = settings.port
        self._ca = settings.ca if settings.tls else ""
        self._tls = settings.tls
        self._wifi = wifi
        self._context = None
        self._address = ""
        self._open = None
        self.stage = TROUBLE_NONE
        self.answered = False

    async def open(self) -> tuple:
        """Returns (reader, writer); with TLS the handshake follows with the first bytes written.

        Raises:
            OSError, ValueError, MemoryError: it could not be opened; `close` it all the same.
        """
        self.answered = False
        self.stage = TROUBLE_NAME
        address = await self._find()
        self.stage = TROUBLE_UNHEARD
        reader, writer = await asyncio.open_connection(address, self._port)
        self._open = writer
        _check_connected(writer)
        self.answered = True
        _no_delay(writer)
        if not self._tls:
            self.stage = TROUBLE_BROKEN
            return reader, writer
        self.stage = TROUBLE_TLS
        if self._context is None:
            self._context = _trusting(self._ca)
        if self._reserve is not None:
            self._reserve.release()
        if hasattr(writer, "start_tls"):  # CPython
            await writer.start_tls(self._context, server_hostname=self._host)
            return reader, writer
        stream = _wrapped(self._context, writer, self._host)
        self._open = stream
        return stream, stream

    async def close(self) -> None:
        """Closes what is open; nothing if nothing is."""
        writer = self._open
        self._open = None
        if writer is not None:
            await _close(writer)
            writer = None
            if self._reserve is not None:
                self._reserve.take()

    def explain(self, error) -> int:
        """Returns the TROUBLE constant for an error around this connection; notes an answer."""
        if isinstance(error, LinkError):
            return error.trouble
        if isinstance(error, MemoryError):
            gc.collect()
            return TROUBLE_MEMORY
        if isinstance(error, ProtocolError):
            return TROUBLE_BROKEN
        if isinstance(error, ValueError):
            # Of a name: the name server knows none. Of TLS: a certificate came, and was refused.
            self.answered = True
            return TROUBLE_CERTIFICATE if self.stage == TROUBLE_TLS else self.stage
        code = error.args[0] if error.args else 0
        if code in (errno.ECONNREFUSED, errno.ECONNRESET):
            # Somebody said no: the way there works.
            self.answered = True
            return TROUBLE_NO_BROKER if self.stage == TROUBLE_UNHEARD else TROUBLE_CLOSED
        return TROUBLE_CLOSED if self.stage == TROUBLE_BROKEN else self.stage

    async def _find(self) -> str:
        if resolve.is_address(self._host):
            return self._host
        try:
            self._address = await resolve.resolve(self._host, self._wifi.name_server())
        except OSError:
            if not self._address:
                raise
        return self._address  # where it was the last time is better than nothing


def _trusting(ca: str):
    """Returns a TLS context that trusts this CA certificate (PEM text) and no other.

    Raises:
        ValueError: it is no certificate.
    """
    # Not every build of the interpreter reads PEM; what is between its two lines is the same bytes.
    body = [line for line in ca.split("\n") if not line.startswith("-----")]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_mode = ssl.CERT_REQUIRED  # not the default of MicroPython
    context.load_verify_locations(cadata=a2b_base64("".join(body)))
    return context


def _wrapped(context, writer, host: str):
    """Returns an encrypted stream over MicroPython's plain one."""
    return asyncio.StreamReader(
        context.wrap_socket(writer.s, server_hostname=host, do_handshake_on_connect=False)
    )


async def _close(writer) -> None:
    try:
        if hasattr(writer, "transport"):  # CPython would wait for a silent peer to take leave
            writer.transport.abort()
            return
        writer.close()
        await writer.wait_closed()
    except LINK_ERRORS:
        return  # it is gone either way


def _check_connected(writer) -> None:
    """Tells a connection from an attempt that failed: MicroPython's `open_connection` does not.

    Raises:
        OSError: it failed.
    """
    socket = getattr(writer, "s", None)
    if socket is None:
        return
    poll = select.poll()
    poll.register(socket, select.POLLOUT)
    for ready in poll.ipoll(0):
        if ready[1] & ~select.POLLOUT:
            socket.write(b"\0")  # raises the reason
            raise OSError(errno.ENOTCONN)


def _no_delay(writer) -> None:
    """A tap is one small packet: it must not wait for the answer to the one before (Nagle)."""
    # MicroPython's stream holds its socket as `s`; CPython sets the option by itself.
    socket = getattr(writer, "s", None)
    if socket is None:
        return
    try:
        socket.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)
    except OSError:
        return  # a network stack without the option sends all the same, only later
