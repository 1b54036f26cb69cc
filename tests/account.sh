#!/usr/bin/env bash
# An account of 100,000 time entries: what its sync costs, what the next ones cost, and whether the
# tables are true. Fails where a bound is broken. BIN names another build, SCALE another account.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-.tools/readers/bin/python}
SCALE=${SCALE:-issue}
. tests/fake.sh

"$python" - "$bin/harvest-lake" "${url%/v2}" <<'PY'
import json
import os
import subprocess
import sys
import urllib.request

BINARY, ORIGIN = sys.argv[1:]
# What a sync of the whole account may cost, and one right after it.
MOST_CPU_SECONDS, MOST_MEGABYTES, MOST_GENERAL_AGAIN = 15, 300, 60
# Where a timer that was just started shows.
SHOW_A_TIMER = {
    "time_entries", "time_report_clients", "time_report_projects", "time_report_tasks",
    "time_report_team", "uninvoiced_report", "project_budget_report",
}
broken = []


def ask(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(ORIGIN + path, data=data, method=method)
    return json.loads(urllib.request.urlopen(request).read())


def bound(holds, text):
    print(f"  {'ok  ' if holds else 'FAIL'} {text}")
    if not holds:
        broken.append(text)


def sync(title):
    """Its summary and the requests that the server saw."""
    ask("POST", "/_sim/reset-stats")
    child = subprocess.Popen([BINARY, "sync", "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    summary = json.loads(child.stdout.read())
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    stats = ask("GET", "/_sim/stats")
    cpu, megabytes = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    general, reports = stats["general"]["requests"], stats["reports"]["requests"]
    print(f"\n{title}: {summary['milliseconds'] / 1000:.1f} s, {cpu:.1f} CPU seconds "
          f"({used.ru_utime:.1f} user), peak memory {megabytes:.0f} MB, "
          f"{general} general and {reports} report requests")
    bound(child.returncode == 0 and summary["complete"], "complete")
    return summary, stats, cpu, megabytes


def committed(summary):
    return {line["stream"] for line in summary["streams"] if line["commits"]}


summary, stats, cpu, megabytes = sync("first sync")
bound(cpu <= MOST_CPU_SECONDS, f"at most {MOST_CPU_SECONDS} CPU seconds")
bound(megabytes <= MOST_MEGABYTES, f"at most {MOST_MEGABYTES} MB of memory")
print(f"  {'stream':26} {'requests':>8} {'rows':>8} {'files':>6} {'bytes':>11}")
for line in [*summary["streams"], summary["total"]]:
    print(f"  {line['stream']:26} {line['requests']:8} {line['rows']:8} {line['files']:6} {line['bytes']:11}")

summary, stats, _, _ = sync("again, right after")
general = stats["general"]["requests"]
bound(general <= MOST_GENERAL_AGAIN, f"at most {MOST_GENERAL_AGAIN} general requests: {general}")
bound(not committed(summary), f"no commit: {sorted(committed(summary))}")

ask("POST", "/_sim/apply", {"op": "start_timer"})
summary, stats, _, _ = sync("again, with a timer that was started")
general = stats["general"]["requests"]
bound(general <= MOST_GENERAL_AGAIN, f"at most {MOST_GENERAL_AGAIN} general requests: {general}")
bound("time_entries" in committed(summary), "time_entries commits")
others = committed(summary) - SHOW_A_TIMER
bound(not others, f"only what shows the timer commits: {sorted(committed(summary))}")
# A timer that runs changes with every reading: it stops before the tables are compared.
ask("POST", "/_sim/apply", {"op": "stop_timer"})
summary, _, _, _ = sync("again, with the timer stopped")
bound(not committed(summary) - SHOW_A_TIMER, f"only what shows the entry commits: {sorted(committed(summary))}")
sys.exit(1 if broken else 0)
PY

echo
echo "the tables as deltalake, polars and DuckDB read them"
PYTHONPATH=tests "$python" -m lake_check --lake "$HARVEST_LAKE" --truth "${url%/v2}"
