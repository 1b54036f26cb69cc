#!/usr/bin/env bash
# Exports of a demo lake, registered in Hive by their own statements and read by Spark.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
target/debug/harvest-lake demo --lake "$work/lake" >"$work/demo.log"
.tools/spark/bin/python tests/spark/check.py "$work/lake" target/debug/harvest-lake 2>"$work/spark.log" ||
    { tail -20 "$work/spark.log"; exit 1; }
