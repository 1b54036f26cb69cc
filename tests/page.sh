#!/usr/bin/env bash
# The page of the report in Chromium: its chart library is the pinned package, and tests/page/test_page.py. Needs `chromium` in
# the path. BIN names the folder of the binaries.
set -euo pipefail
cd "$(dirname "$0")/.."
for file in dist/index.umd.js dist/index.css LICENSE-MIT; do
    cmp ".tools/charts/node_modules/chartist/$file" "shared/report/assets/chartist/$(basename "$file")"
done
SCALE=edge
. tests/fake.sh
. tests/edge.sh
# A client whose name is no name, but what a page must not take for its own text.
PYTHONPATH=tests "${PYTHON:-.tools/browser/bin/python}" - "${HARVEST_BASE_URL%/v2}" <<'PY'
import json
import sys
import urllib.request

from page.hostile import NAME

opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
held = json.load(opener.open(sys.argv[1] + "/_sim/truth/clients"))["records"]
bolt = next(one["record"]["id"] for one in held if one["record"]["name"] == "Bolt")
change = {"op": "rename", "stream": "clients", "id": bolt, "name": NAME}
opener.open(urllib.request.Request(sys.argv[1] + "/_sim/apply", json.dumps(change).encode(), method="POST")).read()
PY
"$bin/harvest-lake" sync --wait >>"$work/synced"
PYTHONPATH=tests .tools/readers/bin/python -c 'import sys; from pathlib import Path; from queries.report import move; move(Path(sys.argv[1]))' \
    "$HARVEST_LAKE"
"$bin/harvest-lake" report --today 2026-03-18 --out "$work/report.html"
cd tests
PAGE=$work/report.html "${PYTHON:-../.tools/browser/bin/python}" -m unittest page.test_page
