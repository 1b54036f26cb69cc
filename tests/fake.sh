# Sourced: starts a fake Harvest of SCALE without limits, and says in the environment where it is and where a lake of
# its own is. ENTRIES and DAYS replace the scale's number of time entries and of days that they are on. BIN names the folder
# of the binaries; both go with the shell.
bin=${BIN:-target/quick}
work=$(mktemp -d)
fake_pid=
trap '[ -z "$fake_pid" ] || kill "$fake_pid" 2>/dev/null; rm -rf "$work"' EXIT
for binary in fake-harvest harvest-lake; do
    [ -x "$bin/$binary" ] || { echo "$bin/$binary is not built"; exit 1; }
done
: >"$work/fake.out"
"$bin/fake-harvest" --port 0 --seed "${SEED:-7}" --scale "$SCALE" --general off --reports off \
    ${ENTRIES:+--time-entries "$ENTRIES"} ${DAYS:+--days "$DAYS"} \
    >"$work/fake.out" 2>"$work/fake.err" &
fake_pid=$!
for _ in $(seq 1200); do
    grep -q '^listening on' "$work/fake.out" && break
    kill -0 "$fake_pid" || { cat "$work/fake.err"; exit 1; }
    sleep 0.1
done
read -r _ _ url rest <<<"$(grep '^listening on' "$work/fake.out")"
token=${rest#*token=}
account=${rest#*account=}
export HARVEST_ACCESS_TOKEN=${token%% *} HARVEST_ACCOUNT_ID=${account%% *}
export HARVEST_BASE_URL=$url HARVEST_LAKE=$work/lake
export HARVEST_GENERAL=100000/1s HARVEST_REPORTS=100000/1s
