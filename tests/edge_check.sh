#!/usr/bin/env bash
# The answers about the account made by hand, as DuckDB gives them, against the numbers of tests/queries/edge.txt.
set -euo pipefail
cd "$(dirname "$0")/.."
SCALE=edge
. tests/fake.sh
. tests/edge.sh
PYTHONPATH=tests "${PYTHON:-.tools/readers/bin/python}" -m queries.edge --lake "$HARVEST_LAKE" --command "$bin/harvest-lake"
