#!/usr/bin/env bash
# The fenced blocks of README and docs, run as they stand, with a lake of a small fake account that has older versions.
set -euo pipefail
cd "$(dirname "$0")/.."
SCALE=tiny
. tests/fake.sh
python=${PYTHON:-.tools/readers/bin/python}
for _ in $(seq 8); do
    "$python" - "${HARVEST_BASE_URL%/v2}/_sim/apply" <<'PY'
import sys
import urllib.request

# Loopback only: no proxy of the environment.
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
opener.open(urllib.request.Request(sys.argv[1], b'{"op": "create", "stream": "clients"}', method="POST"))
PY
    "$bin/harvest-lake" sync --wait --keep --pass full >"$work/synced" 2>&1
done
# Blocks name their lake, and those without mean the default: both are the copy in their folder.
lake=$HARVEST_LAKE
unset HARVEST_LAKE
[ $# -gt 0 ] || set -- README.md docs/*.md
"$python" tests/blocks.py --bin "$bin" --lake "$lake" "$@"
