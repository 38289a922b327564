"""The quick gate with a cable: a host that is gone is noticed in less than a second."""

from firmware import carriers, mqtt_link
from protocol import frames
from tests.firmware.board_scripts import quick_gate

frames.PING_MS = 150
frames.SILENT_MS = 800
carriers.SILENCE_MS = 1500
carriers.AWAY_MS = 3000
carriers.WATCH_MS = 50
mqtt_link.JOIN_MS = 600

run = quick_gate.run
