#!/bin/sh
# Sees to it that the tests of the identity card find a smart card service with a virtual reader, and
# pyscard, which is published as sources only and is built here against this machine's PC/SC library:
# pcsc.sh PYTHON INSTALL..., where INSTALL is the command that installs requirements/eid.txt. Without
# them these tests are skipped, and say so. Debian's service would start with the machine and open the
# virtual reader's port: that is not wanted, the tests start it themselves, so it is masked.
set -eu
python=$1
shift
wanted=$(sed -n 's/^pyscard==\([^ ]*\).*/\1/p' requirements/eid.txt)

service() { command -v pcscd >/dev/null || [ -x /usr/sbin/pcscd ]; }
reader() {
    for file in /usr/lib/pcsc/drivers/serial/libifdvpcd.so /usr/lib/*/pcsc/drivers/serial/libifdvpcd.so; do
        if [ -e "$file" ]; then return 0; fi
    done
    return 1
}
library() {
    "$python" - "$wanted" 2>/dev/null <<'END'
import sys
from importlib.metadata import version

import smartcard.scard

sys.exit(version("pyscard") != sys.argv[1])
END
}
headers() { [ -e /usr/include/PCSC/winscard.h ]; }
compiler() { command -v cc >/dev/null || command -v gcc >/dev/null; }
python_headers() {
    [ -e "$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ]
}

lacking=
service || lacking="$lacking pcscd"
reader || lacking="$lacking vsmartcard-vpcd"
if ! library; then
    headers || lacking="$lacking libpcsclite-dev"
    command -v swig >/dev/null || lacking="$lacking swig"
    compiler || lacking="$lacking gcc libc6-dev"
    python_headers || lacking="$lacking python3-dev"
fi
if [ -n "$lacking" ]; then
    if ! service && [ -d /run/systemd/system ]; then
        as_root=
        [ "$(id -u)" -eq 0 ] || as_root=sudo
        for unit in pcscd.socket pcscd.service; do
            if [ ! -e "/etc/systemd/system/$unit" ]; then
                echo "sitegate: the tests start pcscd themselves: $unit is masked (systemctl unmask undoes it)"
                $as_root ln -s /dev/null "/etc/systemd/system/$unit" || exit 0
            fi
        done
    fi
    # Unquoted: one word for each package.
    # shellcheck disable=SC2086
    "$(dirname "$0")/apt.sh" "identity cards are tested with a virtual reader" $lacking || true
fi
if ! library && headers && command -v swig >/dev/null && compiler && python_headers; then
    echo "sitegate: building pyscard $wanted against this machine's PC/SC library"
    "$@" || true
fi
{ service && reader && library; } ||
    echo "sitegate: no smart card service, virtual reader or pyscard here, so the tests that need them will be skipped" >&2
