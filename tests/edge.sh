# Sourced after tests/fake.sh with SCALE=edge: fills the lake of the account made by hand. Ben's capacity changes between two
# syncs, so that only the tables of changes know both.
"$bin/harvest-lake" sync --wait >"$work/synced"
ben=$(curl -fsS "${HARVEST_BASE_URL%/v2}/_sim/truth/users" | python3 -c "
import json, sys
people = (held['record'] for held in json.load(sys.stdin)['records'])
print(next(one['id'] for one in people if one['first_name'] == 'Ben'))")
curl -fsS -X POST "${HARVEST_BASE_URL%/v2}/_sim/apply" -d "{\"op\":\"set_capacity\",\"user\":$ben,\"seconds\":72000}" >"$work/applied"
"$bin/harvest-lake" sync --wait >>"$work/synced"
