"""Reads hardware/pinout.csv, the only place that says which signal is on which GPIO.

Runs on CPython and on MicroPython.
"""


def read_pinout(path):
    """{signal: GPIO number} of a pin table with the columns signal,gpio,function,note."""
    pins = {}
    with open(path) as file:
        file.readline()
        for line in file:
            fields = line.split(",")
            if len(fields) > 1:
                pins[fields[0]] = int(fields[1])
    return pins
