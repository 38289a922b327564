#!/bin/sh
# Sees to it that the outbox's tests find a PostgreSQL server to run. Without one they are skipped,
# and say so. Debian's package would make and start a cluster of its own: that is not wanted, the
# tests make theirs in a folder and without a port.
set -eu

found() { command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; }

if found; then exit 0; fi
settings=/etc/postgresql-common/createcluster.conf
if [ ! -e "$settings" ]; then
    as_root=
    [ "$(id -u)" -eq 0 ] || as_root=sudo
    echo "sitegate: the tests start PostgreSQL themselves: no cluster of the system's ($settings)"
    $as_root mkdir -p "$(dirname "$settings")" || exit 0
    echo "create_main_cluster = false" | $as_root tee "$settings" >/dev/null || exit 0
fi
"$(dirname "$0")/apt.sh" "the outbox is tested on it as well" postgresql || true
found || echo "sitegate: no PostgreSQL here, so the tests that need it will be skipped" >&2
