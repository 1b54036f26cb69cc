#!/usr/bin/env bash
# harvest-lake and a pipeline of dlt copy the same fake account in turn: CPU, memory, requests and bytes, as ratios.
# SCALE names the account, RUNS the number of rounds, SIDES the programs (lake delta parquet all), JSON a file for
# the figures; BIN names another build.
set -euo pipefail
cd "$(dirname "$0")/.."
export SCALE=${SCALE:-issue}
. tests/fake.sh

PYTHONPATH=tests "${PYTHON:-.tools/compare/bin/python}" -m compare --binary "$bin/harvest-lake" \
    --origin "${url%/v2}" --work "$work" ${JSON:+--json "$JSON"}
