#!/usr/bin/env bash
# Views and saved queries as they are, on the engine that Athena's is one of: over declared tables, and over a lake of the
# fake account through Trino's Delta connector. BIN is the folder of the binaries.
set -euo pipefail
cd "$(dirname "$0")/.."
home=${TRINO_JAVA_HOME:-${JAVA_HOME:-}}
version=$("${home:+$home/bin/}java" -version 2>&1 | sed -n '1s/^[^"]*"\([0-9]*\).*/\1/p')
if [ "${version:-0}" -lt 24 ]; then
    echo "Trino needs Java 24 or later and found ${version:-none}: set TRINO_JAVA_HOME" >&2
    exit 1
fi
trino=$PWD/target/trino
rm -rf "$trino/root"
mkdir -p "$trino/root/metastore"
JAVA_HOME=$home mvn -q -B -f tests/trino/pom.xml -Dproject.build.directory="$trino" \
    compile dependency:build-classpath -Dmdep.outputFile="$trino/classpath"
classes=$PWD/tests/trino/target/classes
[ -d "$classes" ] || classes=$trino/classes
# Runs the statements of $1, with the tables in folder $2 if there is one; $3 is the command that prints them.
run() {
    python3 tests/trino.py "$1" ${3+"$3" "$2/lake"} >"$trino/$1.sql"
    "${home:+$home/bin/}java" -Xmx2g -cp "$classes:$(cat "$trino/classpath")" Check \
        "$trino/$1.sql" "$trino/$1" ${2+"$2"} >"$trino/log" 2>&1 || { grep FAIL "$trino/$1" || tail "$trino/log"; exit 1; }
    grep -v '^ok   table\|^ok   describe\|^ok   answer' "$trino/$1"
}
run declared
python3 tests/trino.py check-declared "$trino/declared"

SCALE=demo
. tests/fake.sh
export HARVEST_LAKE=$trino/root/lake
"$bin/harvest-lake" sync --wait >"$trino/synced"
# Two commits and a table of changes with more than its beginning.
curl -fsS -X POST "${HARVEST_BASE_URL%/v2}/_sim/mutate?steps=200&seed=5" >"$trino/mutated"
"$bin/harvest-lake" sync --wait >>"$trino/synced"
"$bin/harvest-lake" status --json >"$trino/status.json"
run lake "$trino/root"
python3 tests/trino.py check-lake "$trino/lake" "$trino/status.json"

# The account made by hand, in a process of its own, since each account has its own fake.
kill "$fake_pid"
fake_pid=
rm -rf "$trino/root"
mkdir -p "$trino/root/metastore"
(
    SCALE=edge
    . tests/fake.sh
    export HARVEST_LAKE=$trino/root/lake
    . tests/edge.sh
    run edge "$trino/root" "$bin/harvest-lake" >"$trino/edge.log" || { cat "$trino/edge.log"; exit 1; }
    python3 tests/trino.py check-edge "$trino/edge"
)
