"""A generator of numbers that are the same on every interpreter."""


class Numbers:
    """A linear congruential generator modulo 2^32 (constants of Numerical Recipes)."""

    def __init__(self, seed):
        self.state = seed & 0xFFFFFFFF

    def below(self, limit):
        """Returns 0..limit-1; `limit` is at most 2^24."""
        self.state = (self.state * 1664525 + 1013904223) & 0xFFFFFFFF
        return (self.state >> 8) % limit

    def wide(self):
        """Returns 0..2^32-1."""
        return self.below(1 << 16) << 16 | self.below(1 << 16)

    def data(self, size):
        """Returns `size` bytes."""
        return bytes(self.below(256) for _ in range(size))
