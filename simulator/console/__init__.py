"""The page of the demo: gates to look at, badges to tap, and switches for what can fail.

It shows what a simulated site shows and does what people at a gate do. It never decides anything
about a tap: the firmware does, on its own interpreter, and the page draws the answer.
"""
