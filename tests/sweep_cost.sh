#!/usr/bin/env bash
# What a sweep costs on a million time entries, of which 0.1 % are deleted and 1 % renamed. SCALE names another account.
set -euo pipefail
cd "$(dirname "$0")/.."
SCALE=${SCALE:-million}
. tests/fake.sh

python3 - "$bin/harvest-lake" "${url%/v2}" <<'PY'
import json
import os
import subprocess
import sys
import urllib.request
from collections import Counter

BINARY, ORIGIN = sys.argv[1:]


def ask(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(ORIGIN + path, data=data, method=method)
    try:
        return json.loads(urllib.request.urlopen(request).read())
    except urllib.error.HTTPError as error:
        return {"refused": error.code}


def command(*line):
    """What it says, and what it used."""
    child = subprocess.Popen([BINARY, *line, "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    said = json.loads(child.stdout.read())
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, said
    return said, used


def run(title, *line):
    ask("POST", "/_sim/reset-stats")
    summary, used = command(*line)
    one = next(line for line in summary["streams"] if line["stream"] == "time_entries")
    requests = ask("GET", "/_sim/stats")["general"]["requests"]
    print(f"{title}: {requests} requests, {used.ru_utime + used.ru_stime:.1f} CPU seconds, "
          f"peak {used.ru_maxrss / 1024:.0f} MB, {summary['milliseconds'] / 1000:.1f} s; inserted {one['inserted']}, "
          f"updated {one['updated']}, deleted {one['deleted']}, {one['rows']} rows in {one['files']} files of {one['bytes']} bytes")
    return one


def sizes():
    """Bytes of each file that is there now."""
    found = {}
    for folder, _, names in os.walk(os.environ["HARVEST_LAKE"] + "/tables/time_entries"):
        found.update({f"{folder}/{name}": os.path.getsize(f"{folder}/{name}") for name in names if name.endswith(".parquet")})
    return found


def swept(title):
    before = sizes()
    one = run(title, "sweep", "time_entries")
    after = sizes()
    fresh = sum(size for path, size in after.items() if path not in before)
    print(f"  rewritten: {fresh} of {sum(after.values())} bytes in {sum(path not in before for path in after)} of {len(after)} files")
    return one


first = run("first load", "sync", "--streams", "time_entries")
swept("sweep with nothing to do")
wanted = first["rows"] // 1000
deleted = 0
while deleted < wanted:
    deleted += "refused" not in ask("POST", "/_sim/apply", {"op": "delete", "stream": "time_entries"})
print(f"\n{deleted} entries deleted one by one; a client renamed")
ask("POST", "/_sim/apply", {"op": "rename", "stream": "clients"})
one = swept("sweep")
two = swept("the sweep after it")
assert one["deleted"] + two["deleted"] == deleted, (one, two, deleted)
ask("POST", "/_sim/apply", {"op": "delete", "stream": "projects"})
print("\na project deleted")
three = swept("sweep")
assert three["deleted"] > 0, three
said, used = command("verify", "time_entries")
print(f"\nverify, all changes replayed: {used.ru_utime + used.ru_stime:.1f} CPU seconds, peak {used.ru_maxrss / 1024:.0f} MB")
PY
