"""Piezo buzzer on a PWM output."""

from machine import PWM, Pin

_LOUDEST = 32768  # duty of 65,536: a square wave is the loudest a passive piezo gives


class Buzzer:
    """One tone at a time, silent at the start.

    Attributes: level (loudness 0..100, from the next tone on; 0 is silence. The ear hears half of
    100 at about 50, so the duty goes with the square).

    Args:
        pin: GPIO of the buzzer.
    """

    def __init__(self, pin: int) -> None:
        self._pwm = PWM(Pin(pin))
        self._pwm.duty_u16(0)
        self.level = 100

    def tone(self, hertz: int) -> None:
        """Sounds until the next call.

        Args:
            hertz: 0 for silence, else 8..20000.
        """
        if hertz and self.level:
            self._pwm.freq(hertz)
            self._pwm.duty_u16(_LOUDEST * self.level * self.level // 10000)
        else:
            self._pwm.duty_u16(0)
