"""Names of hosts: what is asked, and what foreign answers are worth."""

import struct

from standins import equal

from firmware.resolve import answer, is_address, question

NUMBER = 0x1234
HEAD = struct.pack(">HHHHHH", NUMBER, 0x8180, 1, 1, 0, 0)
ASKED = b"\x03hub\x07example\x00" + struct.pack(">HH", 1, 1)
A = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + bytes((192, 0, 2, 10))
GOOD = HEAD + ASKED + A


def check_what_is_an_address_is_not_asked_for():
    for host in ("192.0.2.10", "127.0.0.1", "2001:db8::1"):
        assert is_address(host)
    for host in ("hub", "hub.local", "10.example", "a.b.c.d"):
        assert not is_address(host)


def check_the_question():
    equal(question(NUMBER, "hub.example", False), HEAD[:2] + b"\1\0\0\1\0\0\0\0\0\0" + ASKED)
    equal(question(NUMBER, "hub.example.", False)[12:], ASKED)
    local = question(1, "hub.local", True)
    equal(local, b"\0\1\0\0\0\1\0\0\0\0\0\0\x03hub\x05local\0\0\1\x80\1")
    for name in ("", "a..b", "x" * 64, "x." + "y" * 64):
        try:
            question(1, name, False)
        except ValueError:
            continue
        raise AssertionError(name)


def check_an_answer():
    equal(answer(GOOD, NUMBER), "192.0.2.10")
    cname = b"\xc0\x0c" + struct.pack(">HHIH", 5, 1, 60, 6) + b"\x03www\xc0\x0c"
    head = struct.pack(">HHHHHH", NUMBER, 0x8180, 1, 2, 0, 0)
    equal(answer(head + ASKED + cname + A, NUMBER), "192.0.2.10")
    # Multicast: no question repeated, the name in full, the bit for "forget what you knew".
    full = b"\x03hub\x05local\x00" + struct.pack(">HHIH", 1, 0x8001, 120, 4) + bytes((10, 0, 0, 7))
    head = struct.pack(">HHHHHH", NUMBER, 0x8400, 0, 1, 0, 0)
    equal(answer(head + full, NUMBER), "10.0.0.7")


def check_what_is_no_answer():
    equal(answer(GOOD, NUMBER + 1), None)
    equal(answer(HEAD[:2] + b"\1" + GOOD[3:], NUMBER), None)  # a question
    equal(answer(HEAD[:3] + b"\x82" + GOOD[4:], NUMBER), None)  # the server could not
    equal(answer(HEAD[:3] + b"\x83" + GOOD[4:], NUMBER), "")  # no such name
    head = struct.pack(">HHHHHH", NUMBER, 0x8180, 1, 0, 0, 0)
    equal(answer(head + ASKED, NUMBER), "")  # a name without an IPv4 address


def check_no_bytes_from_outside_do_harm():
    for end in range(len(GOOD)):
        found = answer(GOOD[:end], NUMBER)
        assert found is None or found == "", (end, found)
    for at in range(len(GOOD)):
        for value in (0, 1, 0x3F, 0x7F, 0xC0, 0xFF):
            found = answer(GOOD[:at] + bytes((value,)) + GOOD[at + 1 :], NUMBER)
            assert found is None or isinstance(found, str)
    huge = struct.pack(">HHHHHH", NUMBER, 0x8180, 0xFFFF, 0xFFFF, 0, 0)
    assert not answer(huge + b"\0" * 400, NUMBER)
