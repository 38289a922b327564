"""The gate with short times that prints how its link is, in one line at each change:

    link TROUBLE sessions N refused N resets N rejoins N give-ups N

With NAME_SERVER_PORT in the environment, names are asked for at that port.
"""

import asyncio
import gc
import os

from firmware import connection, mqtt_link, recovery, resolve
from tests.firmware.board_scripts import quick_gate

# A handshake with TLS, and a machine that has other things to do.
mqtt_link.HANDSHAKE_MS = 1200
mqtt_link.ANSWER_MS = 1200
recovery.GIVE_UP_MS = 3000
recovery.RESTARTS = 1

if os.getenv("NAME_SERVER_PORT"):
    resolve.PORT = int(os.getenv("NAME_SERVER_PORT"))

# The interpreter here keeps the buffers of TLS outside the heap, a Pico's port keeps them in it: as
# many pieces of the same size are held for as long as a connection may last.
TLS_PIECES = (16717, 4429, 6000)
_pieces = []
_wrapped = connection._wrapped


def _wrap(context, writer, host):
    _pieces.clear()
    gc.collect()
    for size in TLS_PIECES:
        _pieces.append(bytearray(size))
    return _wrapped(context, writer, host)


connection._wrapped = _wrap

_links = []
_Link = mqtt_link.MqttLink


def _give_up():
    print("asked for a reset")
    return True


def _link(settings, wifi, uplink, now_ms, _idle, _asked, reserve):
    link = _Link(settings, wifi, uplink, now_ms, None, _give_up, reserve)
    _links.append((link, wifi))
    return link


async def _tell():
    last = ""
    while True:
        for link, wifi in _links:
            line = "link {} sessions {} refused {} resets {} rejoins {} give-ups {} rssi {}".format(
                link.trouble,
                link.sessions,
                link.refused,
                wifi.resets,
                link.recovery.rejoins,
                link.recovery.give_ups,
                wifi.rssi(),
            )
            if line != last:
                last = line
                print(line)
        await asyncio.sleep_ms(20)


async def run(root):
    mqtt_link.MqttLink = _link
    telling = asyncio.create_task(_tell())
    try:
        await quick_gate.run(root)
    finally:
        telling.cancel()
