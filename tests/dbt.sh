#!/usr/bin/env bash
# The dbt package on the lake of the account made by hand: built and tested on DuckDB, its answers compared with the numbers of
# tests/queries/edge.txt; compiled for Athena and Spark, its statements compared with those of `harvest-lake sql`.
set -euo pipefail
cd "$(dirname "$0")/.."
SCALE=edge
. tests/fake.sh
. tests/edge.sh
tools=$PWD/.tools/dbt/bin
export PYTHONPATH=tests DO_NOT_TRACK=1 DBT_SEND_ANONYMOUS_USAGE_STATS=false
export HARVEST_LAKE_PACKAGE=$PWD/dbt EDGE_DATABASE=$work/edge.duckdb
export DBT_PROJECT_DIR=$work/project DBT_PROFILES_DIR=$work/project DBT_TARGET_PATH=$work/target DBT_LOG_PATH=$work/logs
packaged() { "$tools/python" -m queries.packaged "$@" --lake "$HARVEST_LAKE" --command "$bin/harvest-lake" --target "$work/target"; }
dbt() { "$tools/dbt" --quiet --warn-error "$@" --no-use-colors; }
DELTA_EXTENSION=$(packaged extension)
export DELTA_EXTENSION
cp -r tests/dbt "$work/project"
dbt deps
# As it is used: the lake read in place, with all views and all tests.
dbt build --vars "{harvest_lake_root: '$HARVEST_LAKE', harvest_lake_with_deleted: true}"
packaged texts --engine duckdb
# In the present of the account, over declared tables.
rm "$EDGE_DATABASE"
packaged prepare --database "$EDGE_DATABASE"
dbt run --vars "{harvest_lake_today: '2026-03-18'}"
packaged compare --database "$EDGE_DATABASE"
# A lake without some tables has what the others allow.
dbt parse --vars "{harvest_lake_missing: [changes, estimates]}"
for engine in athena spark; do
    dbt compile --target "$engine" --no-introspect --no-populate-cache
    packaged texts --engine "$engine"
done
