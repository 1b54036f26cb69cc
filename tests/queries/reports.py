"""What `verify` says about Harvest's reports of the account made by hand: the differences of `edge.txt`, and a cent that was planted.

`python -m queries.reports --lake DIR --command BIN` writes the rows of the reports that the account's present has otherwise, as
`edge.py` does with views, runs `verify --json`, and compares its differences with the rows of `reconcile_*` that are not equal.
Exit code 1 where something differs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import deltalake

from queries import edge

# Columns of the answers with the differences, by column of the report.
FIGURES = {
    "reconcile_time": {
        "total_hours": "hours_difference",
        "billable_hours": "billable_hours_difference",
        "billable_amount": "amount_difference",
    },
    "reconcile_expenses": {"total_amount": "amount_difference", "billable_amount": "billable_difference"},
    "reconcile_uninvoiced": {
        "total_hours": "hours_difference",
        "uninvoiced_hours": "uninvoiced_hours_difference",
        "uninvoiced_expenses": "expenses_difference",
        "uninvoiced_amount": "amount_difference",
    },
}
REPORTS = dict(zip(FIGURES, ("time_report_projects", "expense_report_projects", "uninvoiced_report"), strict=True))
# Reasons by what the answers say. `verify` also looks at sweeps and at tables of changes, which answers do not.
REASONS = {
    "no window": {"no_window"},
    "changed since": {"changed_since"},
    "timer runs": {"timer_runs"},
    "rounding": {"rounding"},
    "differs": {"unexplained", "not_swept"},
    "not reported": {"unexplained", "not_swept", "changed_since"},
}


def move(lake: Path) -> None:
    """Writes what the account's present has otherwise."""
    for report in REPORTS.values():
        table = deltalake.DeltaTable(lake / "tables" / report)
        for column, cases in edge.MOVED[report].items():
            for where, value in cases:
                table.update(updates={column: value}, predicate=where)
        if where := edge.LACKING.get(report):
            table.delete(where)


def verified(command: str, lake: Path) -> tuple[int, dict[str, dict]]:
    """Exit code of `verify`, and what it says of each report."""
    ended = subprocess.run([command, "verify", "--lake", lake, "--json"], capture_output=True, check=False)
    told = json.loads(ended.stdout)["reports"]["reports"]
    return ended.returncode, {one["report"]: one for one in told}


def wanted(answer: str) -> dict[tuple, tuple[str, dict[str, str]]]:
    """Reason and differences of the rows of `edge.txt` that are not equal."""
    columns, rows = edge.sections()[answer]
    found = {}
    for cells in rows:
        row = dict(zip(columns, cells, strict=True))
        if row["compared"] != "equal":
            key = tuple("-" if row[name] in ("", "-") else row[name] for name in ("period_start", "project", "currency"))
            figures = {figure: row[column] for figure, column in FIGURES[answer].items()}
            found[key] = row["compared"], {figure: value for figure, value in figures.items() if value not in ("0", "-")}
    return found


def compare(answer: str, told: dict) -> list[str]:
    """What `verify` says otherwise than an answer."""
    expected = wanted(answer)
    wrong = []
    for one in told["differences"]:
        key = tuple(one[name] or "-" for name in ("period_start", "project", "currency"))
        compared, figures = expected.pop(key, ("equal", {}))
        found = {figure["figure"]: figure["difference"] for figure in one["figures"]}
        if found != figures or one["reason"] not in REASONS.get(compared, ()):
            wrong.append(f"{key}: {one['reason']} {found}, and {compared} {figures} in edge.txt")
    return wrong + [f"{key} is missing" for key in expected]


def main() -> int:
    parser = argparse.ArgumentParser(prog="queries.reports", description=__doc__)
    parser.add_argument("--lake", type=Path, required=True)
    parser.add_argument("--command", required=True)
    asked = parser.parse_args()
    failed = 0

    def tell(what: str, wrong: list[str]) -> None:
        nonlocal failed
        failed += bool(wrong)
        print(f"{'FAIL' if wrong else 'ok  '} {what}{''.join(f'{chr(10)}  {one}' for one in wrong)}")

    code, before = verified(asked.command, asked.lake)
    reasons = {reason for told in before.values() for reason in told["reasons"]} - {"timer_runs", "no_window"}
    tell("verify finds no difference between the reports and the records of a lake", [] if code == 0 and not reasons else [str(before)])
    move(asked.lake)
    _, moved = verified(asked.command, asked.lake)
    for answer, report in REPORTS.items():
        tell(f"verify says of {report} what {answer} says", compare(answer, moved[report]))
    table = deltalake.DeltaTable(asked.lake / "tables/time_report_projects")
    support = "project_name = 'Support' AND period_start = DATE '2026-01-01'"
    table.update(updates={"billable_amount": "billable_amount + CAST(0.0101 AS DECIMAL(18, 4))"}, predicate=support)
    code, planted = verified(asked.command, asked.lake)
    told = [one for one in planted["time_report_projects"]["differences"] if one["period_start"] == "2026-01-01"]
    found = [(one["reason"], one["project"], [figure["difference"] for figure in one["figures"]]) for one in told]
    tell("a cent too many is a finding", [] if code == 1 and found == [("unexplained", "Support", ["-0.0101"])] else [f"{code}: {found}"])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
