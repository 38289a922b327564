"""Finds the address of a host by its name, without stopping anything else.

The port's own `getaddrinfo` waits for the name server inside the call, for many seconds when there
is none, and no badge is read in that time. So the question is asked here: one datagram, a short
wait that gives way, one more try (RFC 1035). A name under `.local` is asked of the whole network
instead (RFC 6762, section 5.1: a question from another port than 5353 is answered to that port).

IPv4 only, as the Pico W's Wi-Fi is used here. Everything that comes back is foreign: an answer is
taken only with our number and from the address asked, and whatever is malformed is no answer.
"""

import asyncio
import os
import socket
import struct

PORT = 53
MDNS_ADDRESS = "224.0.0.251"
MDNS_PORT = 5353
TRY_MS = 1500
TRIES = 2
STEP_MS = 20
ANSWER_MAX = 512
RECORDS_MAX = 16

_A = 1
_IN = 1
_UNICAST = 0x8000  # "answer me alone", in the class of a question (RFC 6762, section 5.4)


def is_address(host: str) -> bool:
    """Returns whether `host` is an IP address already."""
    return ":" in host or not host.strip("0123456789.")


def question(number: int, name: str, local: bool) -> bytes:
    """Returns the datagram that asks for the IPv4 address of a name.

    Raises:
        ValueError: a part of the name is empty or longer than 63 bytes.
    """
    parts = [struct.pack(">HHHHHH", number, 0 if local else 0x0100, 1, 0, 0, 0)]
    for label in name.rstrip(".").split("."):
        data = label.encode()
        if not 1 <= len(data) <= 63:
            raise ValueError("name")
        parts.append(bytes((len(data),)) + data)
    parts.append(struct.pack(">BHH", 0, _A, _IN | _UNICAST if local else _IN))
    return b"".join(parts)


def answer(data: bytes, number: int):
    """Returns the first IPv4 address in an answer to question `number`.

    Returns:
        The address as text; "" when the answer says that there is none; None when it is no answer
        to this question, or malformed.
    """
    if len(data) < 12:
        return None
    got, flags, questions, answers = struct.unpack_from(">HHHH", data, 0)
    if got != number or not flags & 0x8000:
        return None
    if flags & 0x000F:  # 2: the server could not, which may pass; 3: no such name
        return "" if flags & 0x000F == 3 else None
    position = 12
    for _ in range(min(questions, RECORDS_MAX)):
        position = _after_name(data, position) + 4
    for _ in range(min(answers, RECORDS_MAX)):
        position = _after_name(data, position)
        if position + 10 > len(data):
            return None
        kind, family, _ttl, size = struct.unpack_from(">HHIH", data, position)
        position += 10
        if position + size > len(data):
            return None
        if kind == _A and family & 0x7FFF == _IN and size == 4:
            return ".".join([str(byte) for byte in data[position : position + 4]])
        position += size
    return ""


def _after_name(data: bytes, position: int) -> int:
    """Returns where the name at `position` ends; beyond the data when it has no end."""
    while position < len(data):
        size = data[position]
        if size >= 0xC0:  # the rest stands elsewhere; the reference itself has two bytes
            return position + 2
        position += size + 1
        if not size:
            return position
    return len(data) + 1


async def resolve(name: str, server: str) -> str:
    """Returns the IPv4 address of `name`.

    Args:
        name: a host name, for example ``hub.example`` or ``hub.local``.
        server: address of the name server; not used for ``.local``.

    Raises:
        OSError: nobody answered in TRIES times TRY_MS, or the network is not there.
        ValueError: it is no host name, or the name server says that nobody has it.
    """
    local = name.rstrip(".").endswith(".local")
    target = (MDNS_ADDRESS, MDNS_PORT) if local else (server, PORT)
    where = socket.getaddrinfo(target[0], target[1])[0][-1]  # an address: answered at once
    asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        asker.setblocking(False)
        for _ in range(TRIES):
            number = struct.unpack(">H", os.urandom(2))[0]
            asker.sendto(question(number, name, local), where)
            for _ in range(TRY_MS // STEP_MS):
                await asyncio.sleep_ms(STEP_MS)
                try:
                    data, sender = asker.recvfrom(ANSWER_MAX)
                except OSError:
                    continue  # nothing yet
                if not local and sender != where:
                    continue
                # RFC 6762, section 6.7: such an answer carries the number of the question.
                found = answer(data, number)
                if found:
                    return found
                if found is not None:
                    raise ValueError("name")
    finally:
        asker.close()
    raise OSError("name")
