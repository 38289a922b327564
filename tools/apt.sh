#!/bin/sh
# Installs system packages: apt.sh REASON PACKAGE... It says what and why before it does so, and uses
# sudo when it is not run by root.
set -eu
reason=$1
shift

if ! command -v apt-get >/dev/null; then
    echo "sitegate: $* is missing; $reason." >&2
    echo "sitegate: there is no apt here: install it your own way, then run make again." >&2
    exit 1
fi
as_root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "sitegate: $* is missing; $reason." >&2
        echo "sitegate: have root install it (apt-get install $*), then run make again." >&2
        exit 1
    fi
    as_root=sudo
fi
echo "sitegate: installing the system package $*, since $reason"
set -- apt-get install --yes --quiet -o Dpkg::Use-Pty=0 --no-install-recommends "$@"
echo "sitegate: ${as_root:+$as_root }apt-get update, then ${as_root:+$as_root }$*"
# A foreign package source that is down must not stop us: what counts is the install below.
$as_root apt-get update --quiet || echo "sitegate: apt-get update failed; trying with the old lists" >&2
$as_root env DEBIAN_FRONTEND=noninteractive "$@"
