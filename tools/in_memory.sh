#!/bin/sh
# Runs the tests ("$@") with their temporary folders in memory where there is room for them: they make
# thousands of databases, each of which waits for the disk with every change.
set -eu
free_kb() { awk '/^MemAvailable:/ { print $2 }' /proc/meminfo 2>/dev/null || echo 0; }
room_kb() { df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }'; }
needed=8000000
free=$(free_kb) room=$(room_kb)
if [ "${free:-0}" -lt "$needed" ] || [ "${room:-0}" -lt "$needed" ] || [ ! -w /dev/shm ]; then
    exec "$@"
fi
folder=$(mktemp -d -p /dev/shm)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
"$@" --basetemp="$folder/of"
