#!/bin/sh
# Writes the four locks with the uv program $1. They hold names, versions and hashes of all platforms,
# and no address: each machine fetches from where its pip is set to.
set -eu
uv=$1

compile() { # $1 output, rest: inputs
    output=$1
    shift
    "$uv" pip compile --quiet --system-certs --upgrade --universal --no-build --generate-hashes \
        --no-emit-index-url --no-emit-find-links --annotation-style line \
        --custom-compile-command "make lock" --output-file "$output" "$@"
    echo "sitegate: $output has $(grep -c == "$output") packages"
}

compile requirements/lock.txt requirements/lock.in
compile requirements/typings.txt requirements/typings.in
compile requirements/demo.txt pyproject.toml --extra demo
compile requirements/dev.txt pyproject.toml --extra demo --extra dev --extra pi \
    --constraint requirements/demo.txt
