#!/usr/bin/env bash
# Memory of the heaviest commands on an account of SCALE (a million time entries), over their time. Fails where one takes
# more than its bound. ENTRIES and DAYS name another number of entries and of days that they are on, PICTURE a file for
# the curves, BIN another build.
set -euo pipefail
cd "$(dirname "$0")/.."
export SCALE=${SCALE:-million}
. tests/fake.sh

PYTHONPATH=tests "${PYTHON:-.tools/pictures/bin/python}" -m compare.memory --binary "$bin/harvest-lake" \
    --origin "${url%/v2}" --work "$work" ${PICTURE:+--picture "$PICTURE"}
