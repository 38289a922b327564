"""The simulated authority: independent presence-registration services for development.

It shares nothing with the hub on purpose: contract, check rules and day rules are written a second
time here, so that a mistake in one is found by the other. See docs/authority-simulator.md.
"""
