"""The only files of the firmware that touch `machine`, `network`, `neopixel` and `framebuf`."""
