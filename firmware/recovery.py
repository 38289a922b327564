"""How far the gate goes when nobody on the network answers, and that it goes no further.

Some Wi-Fi links look alive and carry nothing. An attempt is *unheard* when nothing at all came
back: not associated, no TCP connection, no refusal. Anything else proves that the radio works, and
then none of this happens: a broker that refuses, a hub that sleeps behind it.

| unheard attempts in a row | what |
| --- | --- |
| each LEAVE_EVERY | leave, and join the next network |
| each RESTART_EVERY | start the radio anew; stops the gate 0.8 s, so it waits until nobody taps |
| after RESTARTS of these | ask for a reset by the watchdog, at most once in GIVE_UP_MS |

The time since start counts as the time since the last reset: a gate that has just started has just
been reset, and memory does not outlast it. So a site whose network is off all weekend sees a reset
in six hours, never a gate that resets itself in circles.
"""

LEAVE_EVERY = 5
RESTART_EVERY = 20
RESTARTS = 2
GIVE_UP_MS = 6 * 3600 * 1000


class Recovery:
    """Counts unheard attempts and acts on them.

    Attributes: rejoins (how often the network was left because nobody answered), give_ups (resets
    that were asked for and granted).

    Args:
        wifi: driver with move_on and restart.
        idle: returns whether nobody has tapped for some time, so that a pause hurts nobody.
        give_up: asked for a reset by the watchdog; returns False to refuse it (a badge is being
            served, an update is being written), and is then asked again. None: no reset.
    """

    def __init__(self, wifi, idle, give_up) -> None:
        self._wifi = wifi
        self._idle = idle
        self._give_up = give_up
        self._unheard = 0
        self._restart_due = False
        self._restarts = 0
        self._given_up_ms = 0
        self.rejoins = 0
        self.give_ups = 0

    def heard(self) -> None:
        """Somebody answered, be it with a refusal."""
        self._unheard = 0
        self._restart_due = False
        self._restarts = 0

    def unheard(self, now_ms: int) -> None:
        """An attempt ended and nobody had answered.

        Args:
            now_ms: milliseconds since start.

        Raises:
            OSError: the radio does not do as it was told.
        """
        self._unheard += 1
        if self._unheard % RESTART_EVERY == 0:
            self._restart_due = True
        elif self._unheard % LEAVE_EVERY == 0:
            self.rejoins += 1
            self._wifi.move_on()
        if self._restart_due and self._idle():
            self._restart_due = False
            self._restarts += 1
            self._wifi.restart()
        if (
            self._restarts >= RESTARTS
            and self._give_up is not None
            and now_ms - self._given_up_ms >= GIVE_UP_MS
            and self._give_up()
        ):
            self._given_up_ms = now_ms
            self.give_ups += 1
