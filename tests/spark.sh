#!/usr/bin/env bash
# Exports of a demo lake, registered in Hive by their own statements and read by Spark.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
target/debug/harvest-lake demo --lake "$work/lake" >"$work/demo.log"
.tools/spark/bin/python tests/spark/check.py "$work/lake" target/debug/harvest-lake 2>"$work/spark.log" ||
    { tail -20 "$work/spark.log"; exit 1; }
# The tables themselves, with Delta's own extension of Spark.
jars=$PWD/.tools/delta-jars
for jar in io.delta:delta-spark_2.13:4.0.0 io.delta:delta-storage:4.0.0 org.antlr:antlr4-runtime:4.13.1; do
    mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy "-Dartifact=$jar" "-DoutputDirectory=$jars"
done
.tools/delta-spark/bin/python tests/spark/delta.py "$work/lake" "$jars" target/debug/harvest-lake 2>"$work/delta.log" ||
    { tail -20 "$work/delta.log"; exit 1; }
# The answers about the account made by hand, in a process of its own with a fake of its own.
(
    BIN=target/debug SCALE=edge
    . tests/fake.sh
    . tests/edge.sh
    .tools/delta-spark/bin/python tests/spark/edge.py "$HARVEST_LAKE" "$jars" "$bin/harvest-lake" 2>"$work/spark.log" ||
        { tail -20 "$work/spark.log"; exit 1; }
)
