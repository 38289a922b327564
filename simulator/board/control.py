"""The control channel: JSON lines over loopback TCP between a board and its owner.

    owner -> board                            effect
    {"present": "04a1b2c3d4e5f6"}             a badge comes into the field
    {"remove": "04a1b2c3d4e5f6"} or true      that badge leaves, or all of them
    {"network": false}                        the access point is gone (association only)
    {"points": [["werf", "secret", -60]]}     the access points there are: name, password, dBm
    {"fragile": true}                         reading the signal breaks the association
    {"chip": "dead"}                          see Board.set_chip
    {"pass": true}                            a person pushes the arm
    {"fire": true}                            the fire panel raises its alarm
    {"clock_chip": "missing"}                 see Board.set_clock_chip
    {"supply": 4200}                          millivolts of the supply
    {"input": "tamper", "level": 1}           a contact or button; level null lets it go
    {"ask": "counters"}                       answered by a counters line

    board -> owner
    {"board": {...}}                          once: interpreter, version, reset cause
    {"panel": {...}}                          the parts that changed, at most 20 lines a second
    {"counters": {...}}                       the answer to ask
    {"error": "..."}                          a line that could not be carried out

The board ends when the channel does: it never outlives its owner. Runs on both interpreters.
"""

import asyncio
import gc
import json
import sys
from binascii import unhexlify

from simulator.board import registry

PANEL_PERIOD_MS = 50  # a panel line at most 20 times a second
_TICK_MS = 100


async def connect(port, identity, board, changed, host_counters):
    """Open the channel to the owner and say what this board is.

    Args:
        port: on loopback, where the owner listens.
        identity: dict sent first.
        board: the assembly.Board.
        changed: asyncio.Event that the board sets whenever something visible changed.
        host_counters: callable returning the counters the board's models do not know (flash).

    Returns:
        The Control; nothing is served before its `run`.

    Raises:
        OSError: the owner does not listen on this port.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    control = Control(board, changed, host_counters, reader, writer)
    _no_delay(writer)
    await control.send({"board": identity})
    changed.set()
    return control


class Control:
    """Carries out what the owner asks and tells him what changed; see `connect`."""

    def __init__(self, board, changed, host_counters, reader, writer):
        self._board = board
        self._changed = changed
        self._host_counters = host_counters
        self._reader = reader
        self._writer = writer

    async def run(self):
        """Serve until the owner closes the channel, then end the process."""
        reader = self._reader
        pusher = asyncio.create_task(self._push())
        ticker = asyncio.create_task(self._tick())
        try:
            while True:
                line = await reader.readline()
                if not line:
                    break
                await self._serve(line)
        except OSError:
            pass  # the owner is gone without a goodbye
        finally:
            pusher.cancel()
            ticker.cancel()
        sys.exit(0)

    async def send(self, message):
        """One line to the owner."""
        # One write for the whole line: the two tasks that send never mix their bytes.
        self._writer.write((json.dumps(message) + "\n").encode())
        await self._writer.drain()

    async def _push(self):
        while True:
            await self._changed.wait()
            self._changed.clear()
            news = self._board.news()
            if news:
                try:
                    await self.send({"panel": news})
                except OSError:
                    return  # `run` sees the end of the channel as well
            await asyncio.sleep_ms(PANEL_PERIOD_MS)

    async def _tick(self):
        while True:
            await asyncio.sleep_ms(_TICK_MS)
            self._board.turnstile.tick()
            dog = registry.watchdog
            if dog is not None and dog.timed_out():
                sys.exit(registry.EXIT_WATCHDOG)

    async def _serve(self, line):
        try:
            message = json.loads(line)
            answer = self._carry_out(message)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            answer = {"error": "{}: {}".format(type(error).__name__, error)}
        if answer is not None:
            await self.send(answer)

    def _carry_out(self, message):
        board = self._board
        if "present" in message:
            board.present(unhexlify(message["present"]))
        elif "remove" in message:
            uid = message["remove"]
            board.remove(None if uid is True else unhexlify(uid))
        elif "network" in message:
            board.wifi.set_in_range(bool(message["network"]))
        elif "points" in message:
            board.wifi.set_points(message["points"])
        elif "fragile" in message:
            board.wifi.fragile = bool(message["fragile"])
        elif "chip" in message:
            board.set_chip(message["chip"])
        elif "pass" in message:
            board.turnstile.walk_through()
        elif "fire" in message:
            board.turnstile.set_fire(bool(message["fire"]))
        elif "clock_chip" in message:
            board.set_clock_chip(message["clock_chip"])
        elif "supply" in message:
            board.set_supply(int(message["supply"]))
        elif "input" in message:
            board.inputs[message["input"]].set_outside(message.get("level"))
        elif message.get("ask") == "counters":
            return {"counters": self._counters()}
        else:
            raise ValueError("unknown request")
        return None

    def _counters(self):
        counters = self._board.counters()
        counters.update(self._host_counters())
        gc.collect()
        counters["heap_free"] = gc.mem_free()
        counters["heap_used"] = gc.mem_alloc()
        return counters


def _no_delay(writer):
    # A panel line must not wait for the acknowledge of the one before.
    socket = getattr(writer, "s", None)
    if socket is not None:  # MicroPython; CPython's asyncio sets it by itself
        socket.setsockopt(6, 1, 1)  # IPPROTO_TCP, TCP_NODELAY
