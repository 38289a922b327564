"""The real gate with shorter times on the link: a lost broker is noticed in half a second."""

from firmware import app, mqtt_link, panel, recovery, resolve, uplink
from firmware.drivers import wifi

mqtt_link.PING_MS = 300
mqtt_link.ANSWER_MS = 400
mqtt_link.HANDSHAKE_MS = 600
mqtt_link.WATCH_MS = 50
mqtt_link.FIRST_BACKOFF_MS = 50
mqtt_link.BACKOFF_MAX_MS = 200
mqtt_link.HARM_MS = 200
uplink.SILENCE_MS = 600
uplink.PROBE_MS = 500
recovery.LEAVE_EVERY = 2
recovery.RESTART_EVERY = 5
wifi.RSSI_EVERY_MS = 2000
resolve.TRY_MS = 200

panel.TEXT_MS = 500

run = app.run
