"""Which link a gate has: Wi-Fi, the USB cable, or both of them (`carriers`)."""

from firmware.settings import LINK_SERIAL, LINK_WIFI


def reserve(settings):
    """Returns the room that TLS needs later, None without TLS; call it before anything else."""
    if not settings.tls:
        return None
    from firmware.connection import Reserve

    return Reserve()


def fitted(settings, wifi, uplink, now_ms, idle, give_up, console, room=None):
    """Returns the link of a gate; its `run` never ends.

    Args:
        settings: of this gate; `link` decides.
        wifi: driver of the radio; None for a gate that has only the cable.
        uplink: what is carried.
        now_ms: monotonic milliseconds that never wrap.
        idle, give_up: see `mqtt_link`.
        console: called when somebody at the cable asks for the prompt.
        room: what `reserve` returned.
    """
    # Imported only where it is used: each link costs some KB of heap.
    if settings.link == LINK_WIFI:
        from firmware.mqtt_link import MqttLink

        return MqttLink(settings, wifi, uplink, now_ms, idle, give_up, room)
    from firmware.drivers.usb import Usb
    from firmware.serial_link import SerialLink

    if settings.link == LINK_SERIAL:
        return SerialLink(settings.terminal, Usb(), uplink, now_ms, console)
    from firmware.carriers import Links, SpareWifi
    from firmware.mqtt_link import MqttLink

    both = Links(uplink, now_ms)
    cable, radio = both.carriers

    def no_way_left() -> bool:
        return both.carrying is not cable and give_up()

    both.fit(SerialLink(settings.terminal, Usb(), cable, now_ms, console))
    both.fit(MqttLink(settings, SpareWifi(wifi, both), radio, now_ms, idle, no_way_left, room))
    return both
