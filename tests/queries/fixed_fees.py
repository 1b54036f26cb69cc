"""`python -m queries.fixed_fees --lake DIR --command BIN`: a lake of the account made by hand whose time reports value hours of a fixed
fee at their rates. `reconcile_time` tells that difference by name, and no other; exit code 1 otherwise.
"""

from __future__ import annotations

import argparse
import sys
from decimal import Decimal
from pathlib import Path

import duck
from queries import edge
from queries.reports import verified

# 6.5 x 90 + 3 x 120: Relaunch, the project with a fee.
AT_RATES = Decimal(945)
COLUMNS = "project, compared, reported_amount, billable_amount"


def main() -> int:
    parser = argparse.ArgumentParser(prog="queries.fixed_fees", description=__doc__)
    parser.add_argument("--lake", required=True)
    parser.add_argument("--command", required=True)
    asked = parser.parse_args()
    connection = duck.connect()
    for name, sql in edge.statements(asked.command, "duckdb", asked.lake):
        if sql not in ("INSTALL delta", "LOAD delta"):
            is_today = name == "report_day" and not sql.startswith("COMMENT")
            connection.execute(edge.present(sql) if is_today else sql)
    rows = connection.execute(f"SELECT {COLUMNS} FROM reconcile_time").fetchall()
    valued = [row for row in rows if row[1] == "fixed fee"]
    # The timer that runs may have grown between two readings.
    others = [row for row in rows if row[1] not in ("equal", "timer runs", "fixed fee")]
    right = valued == [("Relaunch", "fixed fee", AT_RATES, Decimal(0))] and not others
    print(f"{'ok  ' if right else 'FAIL'} reconcile_time with amounts of fixed fees: {valued} {others or ''}")
    code, reports = verified(asked.command, Path(asked.lake))
    reasons = {name: number for name, number in reports["time_report_projects"]["reasons"].items() if name != "timer_runs"}
    agrees = code == 0 and reasons == {"fixed_fee": 1}
    print(f"{'ok  ' if agrees else 'FAIL'} verify with amounts of fixed fees: {reasons}")
    return 0 if right and agrees else 1


if __name__ == "__main__":
    sys.exit(main())
