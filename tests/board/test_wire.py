"""The proxy that is one gate's network: open, cut, stalled, delayed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest

from simulator.wire import Wire

WAIT_S = 5.0


def run(story: Callable[[Wire], Awaitable[None]], delay_s: float = 0.0) -> None:
    """Play a story on a wire in front of an echo server."""

    async def play() -> None:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while data := await reader.read(65536):
                    writer.write(data)
                    await writer.drain()
            except ConnectionError:
                pass  # the wire was cut
            finally:
                writer.close()

        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        target = server.sockets[0].getsockname()[1]
        try:
            async with Wire(target, delay_s=delay_s) as wire:
                await story(wire)
        finally:
            server.close()

    asyncio.run(asyncio.wait_for(play(), 20))


class Client:
    """One connection through the wire."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, wire: Wire) -> Client:
        return cls(*await asyncio.open_connection("127.0.0.1", wire.port))

    async def ask(self, data: bytes) -> bytes:
        self.writer.write(data)
        return await asyncio.wait_for(self.reader.readexactly(len(data)), WAIT_S)

    async def is_closed(self) -> bool:
        """Whether the peer hung up; waits for it."""
        try:
            return not await asyncio.wait_for(self.reader.read(1), WAIT_S)
        except ConnectionError:
            return True

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):  # reset by the wire
            await self.writer.wait_closed()


def test_carries_both_ways_and_counts() -> None:
    async def story(wire: Wire) -> None:
        client = await Client.connect(wire)
        big = bytes(range(256)) * 1000
        assert await client.ask(big) == big
        assert (wire.bytes_up, wire.bytes_down, wire.connections) == (len(big), len(big), 1)
        await client.close()

    run(story)


def test_cut_resets_and_refuses() -> None:
    async def story(wire: Wire) -> None:
        port = wire.port
        client = await Client.connect(wire)
        await client.ask(b"x")
        await wire.cut()
        assert await client.is_closed()
        await client.close()
        with pytest.raises(ConnectionRefusedError):
            await Client.connect(wire)
        await wire.cut()  # again: nothing to cut
        await wire.restore()
        assert wire.port == port
        client = await Client.connect(wire)
        assert await client.ask(b"back") == b"back"
        await client.close()

    run(story)


def test_stall_swallows_and_keeps_connections_open() -> None:
    async def story(wire: Wire) -> None:
        client = await Client.connect(wire)
        await client.ask(b"x")
        up, down = wire.bytes_up, wire.bytes_down
        await wire.stall()
        client.writer.write(b"swallowed")
        late = await Client.connect(wire)  # accepted
        late.writer.write(b"hello")
        for silent in (client, late):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(silent.reader.read(1), 0.1)
        assert (wire.bytes_up, wire.bytes_down) == (up, down)
        await wire.restore()
        assert await client.is_closed()  # its stream has a hole
        assert await late.is_closed()
        for done in (client, late):
            await done.close()
        client = await Client.connect(wire)
        assert await client.ask(b"again") == b"again"
        await client.close()

    run(story)


def test_stall_after_cut_accepts() -> None:
    async def story(wire: Wire) -> None:
        await wire.cut()
        await wire.stall()
        client = await Client.connect(wire)
        await wire.cut()
        assert await client.is_closed()
        await client.close()

    run(story)


def test_delay_keeps_order() -> None:
    async def story(wire: Wire) -> None:
        loop = asyncio.get_running_loop()
        client = await Client.connect(wire)
        started = loop.time()
        for n in range(50):  # apart, so that they do not travel as one
            client.writer.write(bytes([n]) * 100)
            await asyncio.sleep(0.002)
        data = await asyncio.wait_for(client.reader.readexactly(5000), WAIT_S)
        assert data == b"".join(bytes([n]) * 100 for n in range(50))
        # Two ways of 50 ms, whatever the number of pieces: delay, not bandwidth.
        assert 0.1 <= loop.time() - started < 1.0
        await client.close()

    run(story, delay_s=0.05)


def test_target_that_refuses_hangs_up() -> None:
    async def play() -> None:
        server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        async with Wire(port) as wire:
            client = await Client.connect(wire)
            assert await client.is_closed()
            await client.close()
            assert wire.connections == 0

    asyncio.run(play())


def test_end_of_stream_passes_through() -> None:
    async def story(wire: Wire) -> None:
        client = await Client.connect(wire)
        client.writer.write(b"last words")
        client.writer.write_eof()
        assert await asyncio.wait_for(client.reader.read(), WAIT_S) == b"last words"
        await client.close()

    run(story)
