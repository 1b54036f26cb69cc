#!/usr/bin/env bash
# The answers about the account made by hand, as DuckDB and the page of the report give them, against tests/queries/edge.txt.
set -euo pipefail
cd "$(dirname "$0")/.."
SCALE=edge
. tests/fake.sh
. tests/edge.sh
PYTHONPATH=tests "${PYTHON:-.tools/readers/bin/python}" -m queries.edge --lake "$HARVEST_LAKE" --command "$bin/harvest-lake"
# Last: they write some of the tables anew.
PYTHONPATH=tests "${PYTHON:-.tools/readers/bin/python}" -m queries.reports --lake "$HARVEST_LAKE" --command "$bin/harvest-lake"
PYTHONPATH=tests "${PYTHON:-.tools/readers/bin/python}" -m queries.report --lake "$HARVEST_LAKE" --command "$bin/harvest-lake" \
    --out "$work/report.html"
# Another lake, with amounts of fixed fees in its time reports.
HARVEST_LAKE=$work/at-rates HARVEST_REPORT_FIXED_FEES=rates "$bin/harvest-lake" sync --wait >>"$work/synced"
PYTHONPATH=tests "${PYTHON:-.tools/readers/bin/python}" -m queries.fixed_fees --lake "$work/at-rates" --command "$bin/harvest-lake"
