#!/bin/sh
# Runs Twilio's own Python library against the simulator. SIMULATOR_BIN names the program; without it, cargo builds it.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
version=$(sha256sum "$here/requirements.txt" | cut -c1-16)
venv="${XDG_CACHE_HOME:-$HOME/.cache}/conversation-webhook-operator/python-$version"

if [ ! -e "$venv/.complete" ]; then
    echo "Installing $(grep -v '^#' "$here/requirements.in" | tr '\n' ' ')into $venv" >&2
    python3 -m venv --clear "$venv"
    # Nothing but what requirements.txt names, by its checksum, and nothing that would have to be built by what nobody pinned.
    "$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
        --requirement "$here/requirements.txt"
    touch "$venv/.complete"
fi

if [ -z "${SIMULATOR_BIN:-}" ]; then
    manifest="$here/../../Cargo.toml"
    cargo build --quiet --locked --manifest-path "$manifest"
    target=$(cargo metadata --manifest-path "$manifest" --no-deps --locked --format-version 1 |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
    SIMULATOR_BIN="$target/debug/twilio-conversations-simulator"
fi
export SIMULATOR_BIN

# What is tested here is never behind a proxy.
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1
exec "$venv/bin/python" -m pytest -q -p no:cacheprovider "$here" "$@"
