"""What the report says about the account made by hand: the answers that its page adds up are those of `edge.txt`.

`python -m queries.report --lake DIR --command BIN` brings the lake into the account's present, as `edge.py` does with views, runs
`report --json` on it, lets the page's own model add up its answers (`tests/page/answers.mjs`, with Node), and compares them. The
sums under all choices of a filter must make the whole. Exit code 1 where something differs.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import subprocess
import sys
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import deltalake

from queries import edge

TESTS = Path(__file__).parents[1]
MODEL = TESTS.parent / "shared/report/assets/model.js"
# Filters that do not divide an answer: invoices belong to clients alone, budgets to no person, capacity to no project, and a fee
# to no person.
UNDIVIDED = {
    "invoice_ageing": {"project", "person"},
    "revenue_and_cash_by_month": {"project", "person"},
    "project_budget_burn": {"person"},
    "unbilled_work": {"person"},
    "margin_by_client": {"person"},
    "margin_by_project": {"person"},
}
NOT_SUMMED = {"utilisation": {"capacity_hours"}}


def move(lake: Path) -> None:
    """Writes the rows that the account's present has otherwise: see `edge.MOVED`."""
    changed = dt.datetime(2026, 3, 9, tzinfo=dt.timezone.utc)
    deltalake.DeltaTable(lake / "tables/users_changes").update(new_values={"changed_at": changed})
    nothing = {"client_currency": "NULL", "rounded_hours": "NULL"}
    entries = deltalake.DeltaTable(lake / "tables/time_entries")
    entries.update(updates=nothing, predicate="spent_date = DATE '2026-01-15'")


def number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except ArithmeticError:
        return None


def sums(parts: list[list[dict]]) -> dict:
    """Sums of the sums of all parts, by currency and column."""
    found: dict = defaultdict(Decimal)
    for row in (row for part in parts for row in part):
        for name, text in row.items():
            value = number(text)
            # A percentage is no sum, and of rows without a margin there is none.
            if value is not None and "percent" not in name and "share" not in name:
                found[row.get("currency"), name] += value
    return {key: value for key, value in found.items() if value}


def main() -> int:
    parser = argparse.ArgumentParser(prog="queries.report", description=__doc__)
    parser.add_argument("--lake", type=Path, required=True)
    parser.add_argument("--command", required=True)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    move(asked.lake)
    line = [asked.command, "report", "--lake", asked.lake, "--today", edge.TODAY, "--out", asked.out, "--json"]
    told = subprocess.run(line, check=True, capture_output=True).stdout
    line = ["node", TESTS / "page/answers.mjs", MODEL]
    found = json.loads(subprocess.run(line, check=True, capture_output=True, input=told).stdout)
    wrong = 0
    for name, answer in found["answers"].items():
        rows = answer["rows"]
        columns = list(rows[0]) if rows else []
        differs = edge.compare(name, columns, [[row[column] for column in columns] for row in rows])
        whole = sums([answer["totals"]])
        for kind, parts in found["filtered"][name].items():
            divided = sums(parts)
            skipped = NOT_SUMMED.get(name, set()) if kind != "person" else set()
            told_apart = {key for key in whole.keys() | divided.keys() if whole.get(key) != divided.get(key)}
            told_apart = {key for key in told_apart if key[1] not in skipped}
            if told_apart and kind not in UNDIVIDED.get(name, set()):
                differs += f"\n  by {kind}: {[(key, whole.get(key), divided.get(key)) for key in sorted(told_apart, key=str)]}"
        wrong += bool(differs)
        print(f"{'FAIL' if differs else 'ok  '} {name} on the page{': ' + differs if differs else ''}")
    print(f"{len(found['answers'])} answers of the page, {wrong} wrong")
    return 1 if wrong or not found["answers"] else 0


if __name__ == "__main__":
    sys.exit(main())
