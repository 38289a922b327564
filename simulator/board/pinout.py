"""Reads hardware/pinout.toml, the only place that says which signal is on which GPIO.

Runs on CPython and on MicroPython, which has no TOML parser: the file keeps to lines that this can
read, and a test compares with a real parser.
"""


def read_tables(path):
    """{table: {key: int or str}} of a file of table headers and `key = value` lines.

    Raises:
        ValueError: a line is neither, nor empty, nor a comment.
    """
    tables = {}
    table = {}
    with open(path) as file:
        for line in file:
            line = line.strip()
            if not line or line[0] == "#":
                continue
            if line[0] == "[" and line[-1] == "]":
                table = tables[line[1:-1]] = {}
                continue
            key, equals, value = line.partition(" = ")
            if not equals:
                raise ValueError("pinout: " + line)
            if value[0] == '"':
                if len(value) < 2 or value.find('"', 1) != len(value) - 1:
                    raise ValueError("pinout: " + line)
                table[key] = value[1:-1]
            else:
                table[key] = int(value[2:], 16) if value[:2] == "0x" else int(value)
    return tables


def read_pinout(path):
    """{signal: GPIO number}."""
    pins = {}
    for name, fields in read_tables(path).items():
        if name.startswith("signal."):
            pins[name[7:]] = fields["gpio"]
    return pins


def read_constants(path):
    """{name: number} of what else the wiring fixes: addresses, lamps, dividers."""
    constants = {}
    for name, fields in read_tables(path).items():
        if name.startswith("constant."):
            constants[name[9:]] = fields["value"]
    return constants
