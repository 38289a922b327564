#!/bin/sh
# Makes the virtual environment $1 of the checkout $2 with the first suitable Python of this machine.
# PYTHON=... chooses another. Packages are locked and tested for 3.11 to 3.14; a newer Python is taken
# when there is nothing else.
set -eu
folder=$1
checkout=$2

between() { # $1 python, $2 and $3 lowest and highest version
    "$1" -c "import sys; sys.exit(not ($2 <= sys.version_info[:2] <= $3))" >/dev/null 2>&1
}

python=
for range in "(3,11) (3,14)" "(3,15) (3,99)"; do
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        # shellcheck disable=SC2086
        if [ -z "$python" ] && between "$candidate" $range; then python=$candidate; fi
    done
done
if [ -z "$python" ]; then
    {
        echo "sitegate: needs Python 3.11 or newer, and found none here:"
        for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
            "$candidate" --version 2>/dev/null | sed "s/^/  $candidate is /" || true
        done
        echo "Debian 12, Ubuntu 24.04 and later bring it; on Ubuntu 22.04 install python3.11 and"
        echo "python3.11-venv. Then run make again, or name one: make PYTHON=/path/to/python3.12 ..."
    } >&2
    exit 1
fi

version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    "$(dirname "$0")/apt.sh" "this Python $version cannot make a virtual environment without it" \
        "python$version-venv"
fi
echo "sitegate: making $folder with Python $version ($(command -v "$python"))"
rm -rf "$folder"
"$python" -m venv "$folder"
printf '%s\n' "$checkout" >"$folder/.checkout"
