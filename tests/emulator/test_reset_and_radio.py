"""The watchdog and the radio of the emulated Pico W, without a MicroPython image."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from rp2040py.external.cyw43 import net
from rp2040py.external.cyw43.nat import GATEWAY_IP, GATEWAY_MAC, GUEST_IP
from rp2040py.simulator import Simulator
from rp2040py.utils import assembler as asm

from tests.emulator import registers
from tests.emulator.radio import HUB_ADDRESS, Radio
from tests.emulator.registers import Bus
from tests.emulator.test_wires import PINS
from tests.emulator.thumb import new_chip
from tests.emulator.wires import Station

FLASH = 0x10000000
WATCHDOG = 0x40058000
LOAD, REASON = WATCHDOG + 4, WATCHDOG + 8
ENABLE = 1 << 30
TIMED_OUT = 1
PSM_WDSEL = 0x40010008
ALL_BUT_OSCILLATORS = 0x0001FFFC
TIMEOUT_MS = 20
GUEST_MAC = bytes.fromhex("28cdc1000001")
WAIT_S = 10.0


def words(*values: int) -> list[int]:
    """Words of 32 bits as half words."""
    return [half for value in values for half in (value & 0xFFFF, value >> 16)]


def _literal(register: int, here: int, number: int) -> int:
    """Loads the word `number` behind the 14 instructions; this is instruction `here`."""
    return asm.opcode_ldr_lit(register, 28 + 4 * number - (2 * here + 4) // 4 * 4)


def test_a_program_that_hangs_is_reset_and_the_relay_lets_go() -> None:
    chip = new_chip()
    station = Station(PINS)
    station.attach(chip)
    station.follow_resets(chip)
    relay = PINS["relay"]
    program = [
        _literal(0, 0, 0),  # the reason of this start
        asm.opcode_ldr_imm(1, 0, 0),
        asm.opcode_cmp_imm(1, 0),
        asm.opcode_b_t1(0, 2),
        0xBE00,  # after the reset: done
        asm.opcode_nop(),
        _literal(0, 6, 1),
        _literal(1, 7, 2),
        asm.opcode_str(1, 0, 0),  # the pin is an output of the program
        _literal(0, 9, 3),
        _literal(1, 10, 4),
        asm.opcode_str(1, 0, 0),
        asm.opcode_b_t2(-4),  # and there it hangs
        asm.opcode_nop(),
        *words(REASON, registers.IO_BANK0 + 4 + 8 * relay, registers.FUNCTION_SIO),
        *words(registers.SIO + 0x20, 1 << relay),
    ]
    for number, half in enumerate(program):
        chip.flash[2 * number : 2 * number + 2] = half.to_bytes(2, "little")
    bus = Bus(chip)
    bus.put(registers.OUT_SET, 1 << relay)
    bus.put(PSM_WDSEL, ALL_BUT_OSCILLATORS)
    # In half microseconds: the counter of an RP2040 goes down by two (errata RP2040-E1).
    bus.put(LOAD, 2 * TIMEOUT_MS * 1000)
    bus.put(WATCHDOG, ENABLE)
    chip.core.pc = FLASH

    async def play() -> None:
        async with asyncio.timeout(WAIT_S):
            await Simulator(rp2040=chip).execute()

    asyncio.run(play())
    assert station.relay.history == [1, None]
    assert not station.relay.line.driven
    assert station.resets == 1
    assert bus.get(REASON) == TIMED_OUT
    assert abs(station.now_us() - TIMEOUT_MS * 1000) < 1000


class Guest:
    """What the driver and lwIP of the gate would do, as Ethernet frames made by hand."""

    def __init__(self) -> None:
        self.chip = new_chip()
        self.simulator = Simulator(rp2040=self.chip)
        self.radio = Radio()
        self.radio.attach(self.chip)
        self.frames: list[bytes] = []
        self.came = asyncio.Event()
        self.radio.bridge._queue_ethernet_frame = self._take
        self.radio.bridge._tcp._queue_ethernet_frame = self._take
        self.simulator.bind_loop()

    def _take(self, frame: bytes) -> None:
        self.frames.append(frame)
        self.came.set()

    def send(self, kind: int, payload: bytes) -> None:
        self.radio.bridge.handle_outbound_ethernet_frame(
            net.pack_ethernet(GATEWAY_MAC, GUEST_MAC, kind, payload)
        )

    def segment(self, to: bytes, port: int, flags: int, seq: int, ack: int, data: bytes) -> None:
        tcp = net.pack_tcp(
            GUEST_IP, to, 49152, port, seq=seq, ack=ack, flags=flags, window=8192, payload=data
        )
        self.send(net.ETHERTYPE_IPV4, net.pack_ipv4(GUEST_IP, to, net.IP_PROTO_TCP, tcp))

    async def wait(self, found: Callable[[net.TcpSegment], bool]) -> net.TcpSegment:
        """Waits for a segment that fits."""
        async with asyncio.timeout(WAIT_S):
            while True:
                for frame in self.frames:
                    eth = net.parse_ethernet(frame)
                    ip = net.parse_ipv4(eth.payload) if eth is not None else None
                    tcp = net.parse_tcp(ip.payload) if ip is not None else None
                    if tcp is not None and found(tcp):
                        return tcp
                self.came.clear()
                await self.came.wait()


def test_every_connection_of_the_gate_goes_to_this_machine() -> None:
    async def play() -> None:
        heard = asyncio.Queue[bytes]()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard.put_nowait(await reader.readexactly(5))
            writer.write(b"answer")
            with contextlib.suppress(ConnectionError):
                await reader.read()
            writer.close()
            heard.put_nowait(b"end")

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        guest = Guest()
        hub = bytes(int(part) for part in HUB_ADDRESS.split("."))
        guest.segment(hub, port, net.TCP_SYN, 1000, 0, b"")
        greeting = await guest.wait(lambda tcp: bool(tcp.flags & net.TCP_SYN))
        assert greeting.ack == 1001
        guest.segment(hub, port, net.TCP_ACK, 1001, greeting.seq + 1, b"hello")
        assert await asyncio.wait_for(heard.get(), WAIT_S) == b"hello"
        answer = await guest.wait(lambda tcp: bool(tcp.payload))
        assert answer.payload == b"answer"
        assert guest.radio.bridge.asked == [(HUB_ADDRESS, port)]
        await guest.radio.bridge.close()
        assert await asyncio.wait_for(heard.get(), WAIT_S) == b"end"
        server.close()

    asyncio.run(play())


def test_a_hub_that_is_not_there_refuses_and_no_datagram_leaves() -> None:
    async def play() -> None:
        server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        guest = Guest()
        question = net.pack_udp(GUEST_IP, GATEWAY_IP, 5000, 53, b"who?")
        guest.send(
            net.ETHERTYPE_IPV4,
            net.pack_ipv4(GUEST_IP, GATEWAY_IP, net.IP_PROTO_UDP, question),
        )
        guest.segment(bytes([198, 51, 100, 7]), port, net.TCP_SYN, 1, 0, b"")
        await guest.wait(lambda tcp: bool(tcp.flags & net.TCP_RST))
        assert guest.radio.bridge.asked == [("198.51.100.7", port)]
        assert len(guest.frames) == 1

    asyncio.run(play())
