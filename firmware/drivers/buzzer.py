"""Piezo buzzer on a PWM output."""

from machine import PWM, Pin

_HALF = 32768  # duty of 65,536: a square wave is the loudest a passive piezo gives


class Buzzer:
    """One tone at a time, silent at the start.

    Args:
        pin: GPIO of the buzzer.
    """

    def __init__(self, pin: int) -> None:
        self._pwm = PWM(Pin(pin))
        self._pwm.duty_u16(0)

    def tone(self, hertz: int) -> None:
        """Sounds until the next call.

        Args:
            hertz: 0 for silence, else 8..20000.
        """
        if hertz:
            self._pwm.freq(hertz)
            self._pwm.duty_u16(_HALF)
        else:
            self._pwm.duty_u16(0)
