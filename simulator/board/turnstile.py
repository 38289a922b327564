"""The turnstile behind the relay, and the fire panel that does not ask us.

The relay releases the arm while it is energised. A person who passes closes the passage contact.
The fire contact drops the arm by its own wire: software sees a copy of it and can do nothing
against it. Runs on CPython and on MicroPython.
"""

PASSAGE_MS = 300  # how long the contact stays closed while the arm turns


class Turnstile:
    """One arm.

    Args:
        relay, passage, fire: registry lines.
        now_ms: monotonic milliseconds that never wrap.
        on_change: called when the arm opens or closes.
    """

    def __init__(self, relay, passage, fire, now_ms, on_change):
        self._relay = relay
        self._passage = passage
        self._fire = fire
        self._now_ms = now_ms
        self._on_change = on_change
        self._turning_until = -1
        self.passages = 0
        relay.listeners.append(self._relay_moved)
        passage.set_outside(1)  # open contact, pulled up
        fire.set_outside(0)  # closed contact: no alarm

    def _relay_moved(self, level):
        self._on_change()

    @property
    def is_open(self):
        return bool(self._relay.driven) or bool(self._fire.value())

    def set_fire(self, alarm):
        self._fire.set_outside(1 if alarm else 0)
        self._on_change()

    def walk_through(self):
        """A person pushes the arm: True if it turned. `tick` opens the contact again."""
        if not self.is_open:
            return False
        self.passages += 1
        self._turning_until = self._now_ms() + PASSAGE_MS
        self._passage.set_outside(0)
        return True

    def tick(self):
        """Open the passage contact when the arm has come to rest; milliseconds left, or -1."""
        if self._turning_until < 0:
            return -1
        left = self._turning_until - self._now_ms()
        if left > 0:
            return left
        self._turning_until = -1
        self._passage.set_outside(1)
        return -1
