#!/usr/bin/env bash
# Builds the command twice, from copies of the last commit in folders of different names, and compares the bytes.
# PROFILE and FLAGS name another build than that of a release, such as `PROFILE=demo FLAGS=--no-default-features`.
set -euo pipefail
cd "$(dirname "$0")/.."
profile=${PROFILE:-release}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for place in here else/where; do
    mkdir -p "$work/$place"
    git archive HEAD | tar -x -C "$work/$place"
    # FLAGS are words.
    # shellcheck disable=SC2086
    (cd "$work/$place" && CARGO_TARGET_DIR=target CARGO_INCREMENTAL=0 \
        cargo build --locked --profile "$profile" --package cli --bin harvest-lake ${FLAGS:-})
    mv "$work/$place/target/$profile/harvest-lake" "$work/$(basename "$place")"-command
    rm -rf "${work:?}/${place%%/*}"
done
sha256sum "$work"/*-command
cmp "$work"/*-command
echo "both builds made the same bytes"
