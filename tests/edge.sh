# Sourced after tests/fake.sh with SCALE=edge: fills the lake of the account made by hand. Ben's capacity changes between two
# syncs, so that only the tables of changes know both.
"$bin/harvest-lake" sync --wait >"$work/synced"
python3 - "${HARVEST_BASE_URL%/v2}" <<'PY'
import json
import sys
import urllib.request

# Loopback only: no proxy of the environment.
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
held = json.load(opener.open(sys.argv[1] + "/_sim/truth/users"))["records"]
ben = next(one["record"]["id"] for one in held if one["record"]["first_name"] == "Ben")
change = {"op": "set_capacity", "user": ben, "seconds": 72000}
opener.open(urllib.request.Request(sys.argv[1] + "/_sim/apply", json.dumps(change).encode(), method="POST")).read()
PY
"$bin/harvest-lake" sync --wait >>"$work/synced"
