#!/usr/bin/env bash
# Views and saved queries as they are, on the engine that Athena's is one of: declared tables, no data.
set -euo pipefail
cd "$(dirname "$0")/.."
home=${TRINO_JAVA_HOME:-${JAVA_HOME:-}}
version=$("${home:+$home/bin/}java" -version 2>&1 | sed -n '1s/^[^"]*"\([0-9]*\).*/\1/p')
if [ "${version:-0}" -lt 24 ]; then
    echo "Trino needs Java 24 or later and found ${version:-none}: set TRINO_JAVA_HOME" >&2
    exit 1
fi
work=$PWD/target/trino
mkdir -p "$work"
python3 tests/trino.py >"$work/statements.sql"
JAVA_HOME=$home mvn -q -B -f tests/trino/pom.xml -Dproject.build.directory="$work" \
    compile dependency:build-classpath -Dmdep.outputFile="$work/classpath"
classes=$PWD/tests/trino/target/classes
[ -d "$classes" ] || classes=$work/classes
"${home:+$home/bin/}java" -Xmx2g -cp "$classes:$(cat "$work/classpath")" Check \
    "$work/statements.sql" "$work/answers" >"$work/log" 2>&1 || { grep FAIL "$work/answers" || tail "$work/log"; exit 1; }
grep -v '^ok   table' "$work/answers"
python3 tests/trino.py --check "$work/answers"
