#!/bin/sh
# Writes the seven locks with the uv program $1. They hold names, versions and hashes of all platforms,
# and no address: each machine fetches from where its pip is set to.
set -eu
uv=$1

# Wheels only: an install compiles nothing and runs no setup script. skidl, which is plain Python, is
# published as sources only, and so is pyscard, which is C: it stands in a lock of its own, which only
# `make test` and a hub with a card reader install. Nothing else may be; tests/repository holds the list.
compile() { # $1 output, rest: inputs
    output=$1
    shift
    "$uv" pip compile --quiet --system-certs --upgrade --universal --generate-hashes \
        --only-binary :all: --no-binary skidl --no-binary pyscard \
        --no-emit-index-url --no-emit-find-links --annotation-style line \
        --custom-compile-command "make lock" --output-file "$output" "$@"
    echo "sitegate: $output has $(grep -c == "$output") packages"
}

compile requirements/lock.txt requirements/lock.in
compile requirements/build.txt requirements/build.in
compile requirements/typings.txt requirements/typings.in
compile requirements/eid.txt requirements/eid.in
compile requirements/node.txt requirements/node.in
compile requirements/demo.txt pyproject.toml --extra demo
compile requirements/dev.txt pyproject.toml --extra demo --extra dev --extra pi \
    --constraint requirements/demo.txt
