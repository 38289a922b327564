"""The box of a gate: its source is terminal.scad."""
