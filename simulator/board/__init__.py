"""A gate's electronics: device models, MicroPython shims, and the boot that runs firmware."""
