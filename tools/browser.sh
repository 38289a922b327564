#!/bin/sh
# Sees to it that the browser tests find a Chromium. Without one they are skipped, and say so: the
# other tests are worth running on a machine where nobody may install a browser.
set -eu

runs() { # on Ubuntu the command is a stub that fails where snaps do not work, as in a container
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        if "$name" --version >/dev/null 2>&1; then return 0; fi
    done
    return 1
}

if runs; then exit 0; fi
package=chromium
if grep -q '^ID=ubuntu' /etc/os-release 2>/dev/null; then package=chromium-browser; fi
if ! command -v "$package" >/dev/null; then
    "$(dirname "$0")/apt.sh" "the browser tests drive it" "$package" || true
fi
runs || echo "sitegate: no Chromium runs here, so the browser tests will be skipped" >&2
