#!/usr/bin/env bash
# The test of a whole deployment with each process of the small worker in a control group of LIMIT megabytes (256, as in the
# template), swap included, and the memory that each took at most: process and page cache together. It needs root. PROGRAM
# names the program of the tests, if it is built already, BIN the folder of the functions.
set -euo pipefail
cd "$(dirname "$0")/.."
limit=${LIMIT:-256}
target=${CARGO_TARGET_DIR:-target}
bin=$(realpath "${BIN:-$target/proof}")
groups=/sys/fs/cgroup/memory
peak=memory.max_usage_in_bytes most=memory.limit_in_bytes tries=memory.failcnt
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    groups=/sys/fs/cgroup peak=memory.peak most=memory.max tries=memory.events
fi
groups=$groups/harvest-lake
mkdir -p "$groups" || { echo "control groups of memory need root"; exit 1; }
folder=small
. tests/beside.sh
ln -s "$bin/orchestrator" "$beside"
cat >"$beside/worker" <<W
#!/bin/sh
if [ "\$AWS_LAMBDA_FUNCTION_MEMORY_SIZE" -le 256 ]; then
    group=$groups/\$\$
    mkdir "\$group" && echo $((limit * 1024 * 1024)) >"\$group/$most" && echo \$\$ >"\$group/cgroup.procs" || exit 1
fi
exec $bin/worker
W
chmod +x "$beside/worker"
ended=0
deployment || ended=$?
processes=0 largest=0
for group in "$groups"/[0-9]*; do
    [ -d "$group" ] || continue
    used=$(cat "$group/$peak")
    processes=$((processes + 1)) largest=$((used > largest ? used : largest))
    [ "$used" -lt $((limit * 1024 * 1024)) ] || { echo "the limit was met: $(cat "$group/$tries")"; ended=1; }
    rmdir "$group" 2>/dev/null || true
done
rmdir "$groups" 2>/dev/null || true
[ "$processes" -gt 0 ] || { echo "no process of the small worker ran"; ended=1; }
echo "$processes processes of the small worker, at most $((largest / 1024 / 1024)) MB of $limit"
exit "$ended"
