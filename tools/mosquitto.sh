#!/bin/sh
# Sees to it that the link's tests find a Mosquitto to run beside nats-server. Without one they are
# skipped, and say so. Debian's package also starts a broker of its own with the machine, on the port
# a hub uses: that service is not wanted, so it is masked before it can come up.
set -eu

found() { command -v mosquitto >/dev/null || [ -x /usr/sbin/mosquitto ]; }

if found; then exit 0; fi
unit=/etc/systemd/system/mosquitto.service
if [ -d /run/systemd/system ] && [ ! -e "$unit" ]; then
    as_root=
    [ "$(id -u)" -eq 0 ] || as_root=sudo
    echo "sitegate: the tests start Mosquitto themselves: its system service is masked ($unit)"
    $as_root ln -s /dev/null "$unit" || exit 0
fi
"$(dirname "$0")/apt.sh" "the gates' link is tested with it as well" mosquitto || true
found || echo "sitegate: no Mosquitto here, so the tests that need it will be skipped" >&2
