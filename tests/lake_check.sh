#!/usr/bin/env bash
# The tables of a lake, cell by cell against the fake account's truth, as three other engines read
# them: after a full run, after changes and an incremental run, and after those engines wrote into them.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${BIN:-target/debug}
python=${PYTHON:-.tools/readers/bin/python}
work=$(mktemp -d)
fake_pid=
trap '[ -z "$fake_pid" ] || kill "$fake_pid" 2>/dev/null; rm -rf "$work"' EXIT

"$bin/fake-harvest" --port 0 --seed "${SEED:-7}" --scale "${SCALE:-demo}" --general off --reports off \
    --running-timers 2 >"$work/fake.out" 2>"$work/fake.err" &
fake_pid=$!
for _ in $(seq 100); do
    grep -q '^listening on' "$work/fake.out" && break
    kill -0 "$fake_pid" || { cat "$work/fake.err"; exit 1; }
    sleep 0.1
done
read -r _ _ url rest <<<"$(grep '^listening on' "$work/fake.out")"
origin=${url%/v2}
export HARVEST_ACCESS_TOKEN=${rest#*token=} HARVEST_ACCOUNT_ID=${rest#*account=}
HARVEST_ACCESS_TOKEN=${HARVEST_ACCESS_TOKEN%% *}
HARVEST_ACCOUNT_ID=${HARVEST_ACCOUNT_ID%% *}
sync() {
    "$bin/harvest-lake" sync --base-url "$url" --lake "$work/lake" --general 100000/1s --reports 100000/1s "$@"
}
check() {
    PYTHONPATH=tests "$python" -m lake_check --lake "$work/lake" --truth "$origin" "$@"
}
filters() {
    PYTHONPATH=tests "$python" -m lake_check.filters --lake "$work/lake"
}
verify() {
    "$bin/harvest-lake" verify --lake "$work/lake"
}
follow() {
    PYTHONPATH=tests "$python" -m changes_check --command "$bin/harvest-lake" --lake "$work/lake" --memory "$work/followed" "$@"
}
mutate() {
    "$python" - "$origin/_sim/mutate?steps=300&seed=$1" <<'PY'
import sys, urllib.request
urllib.request.urlopen(urllib.request.Request(sys.argv[1], method="POST")).read()
PY
}

echo "== full run"
sync
check
echo "== filters by each column"
filters
echo "== tables of changes"
follow
echo "== views and saved queries"
PYTHONPATH=tests "$python" -m queries --lake "$work/lake" --truth "$origin" --command "$bin/harvest-lake"
echo "== exports"
"$python" tests/export_check.py "$work/lake" "$bin/harvest-lake"
echo "== changes, then an incremental run"
mutate 3
sync
check --lenient
follow
echo "== a sweep"
sync --pass full --accept-deletes
check --deleted
follow
echo "== files that other engines wrote"
"$python" tests/foreign.py "$work/lake"
verify
mutate 5
sync
verify
check --lenient
filters
sync --pass full --accept-deletes
verify
check --deleted
follow
echo "== changes begin anew after commits without"
mutate 4
sync --pass full --accept-deletes --no-changes
sync
follow --begun-anew
