"""`python -m queries --lake DIR --truth URL --command BIN`: exit code 1 where a view or an answer fails or is wrong.

The statements are those that `harvest-lake sql --engine duckdb` prints. Those of the template are parsed as Athena's SQL. What
some of them answer is worked out again from what Harvest serves.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import sqlglot

import duck
from lake_check.truth import Truth
from queries import edge

ROOT = Path(__file__).resolve().parents[2]
ZERO = Decimal(0)


def main() -> int:
    parser = argparse.ArgumentParser(prog="queries", description=__doc__)
    parser.add_argument("--lake", required=True, type=Path)
    parser.add_argument("--truth", required=True)
    parser.add_argument("--command", required=True)
    wanted = parser.parse_args()
    truth, lake = Truth(wanted.truth), Lake()
    failed = 0
    views, queries = of_the_template()
    for name, sql in [*((name, sql) for name, _, sql in views), *queries.items()]:
        failed += told(f"{name} as Athena's", lambda: parsed(sql))
    for name, sql in edge.statements(wanted.command, "duckdb", str(wanted.lake)):
        failed += told(name or sql, lambda: lake.run(sql))
    for name, columns, _ in views:
        failed += told(f"columns of {name}", lambda: lake.compare_columns(name, columns))
    checks = {
        "hours_by_person_and_week": hours,
        "unbilled_work": unbilled,
        "invoice_ageing": ageing,
        "invoice_line_items": line_items,
        "role_users": role_users,
        "reconcile_time": reconciled,
        "reconcile_expenses": reconciled,
        "reconcile_uninvoiced": reconciled,
    }
    for name in [*(name for name, _, _ in views), *queries]:
        check = checks.get(name, lambda *_: "")
        failed += told(name, lambda: lake.ask(name, lambda rows: check(rows, truth, lake.today)))
    failed += told("entries worth more than a million", lake.large)
    print(f"{len(views)} views, {len(queries)} queries, {failed} failed")
    return 1 if failed else 0


def told(name: str, action) -> int:
    """1 where `action` fails or finds a difference."""
    try:
        said = action()
    except Exception as error:  # noqa: BLE001: one broken query must not hide the others
        said = f"{type(error).__name__}: {error}"
        print(f"FAIL {name}: {said}")
        return 1
    if said is not None:
        print(f"ok   {name}{f': {said}' if said else ''}")
    return 0


def of_the_template() -> tuple[list[tuple[str, list[dict], str]], dict[str, str]]:
    """Name, columns and statement of each view, and the saved queries, as the template has them."""
    resources = json.loads((ROOT / "infra/catalog.json").read_text())["Resources"]
    views, queries = [], {}
    for resource in resources.values():
        properties = resource["Properties"]
        if resource["Type"] == "AWS::Athena::NamedQuery":
            queries[properties["Name"]] = properties["QueryString"]
        table = properties.get("TableInput", {})
        if table.get("TableType") == "VIRTUAL_VIEW":
            parts = table["ViewOriginalText"]["Fn::Join"][1]
            document = json.loads(parts[1]["Fn::Base64"]["Fn::Sub"])
            views.append((table["Name"], document["columns"], document["originalSql"]))
    return views, queries


class Lake:
    """The lake in DuckDB."""

    def __init__(self) -> None:
        self.connection = duck.connect()
        self.today = self.connection.execute("SELECT CURRENT_DATE").fetchone()[0]

    def run(self, sql: str) -> None:
        # The extension is loaded from its package: tests use no network.
        if sql not in ("INSTALL delta", "LOAD delta"):
            self.connection.execute(sql)

    def compare_columns(self, name: str, columns: list[dict]) -> str:
        described = self.connection.execute(f"DESCRIBE {name}").fetchall()
        shown = [(column, plain(kind, "duckdb")) for column, kind, *_ in described]
        wanted = [(one["name"], plain(one["type"], "trino")) for one in columns]
        if shown != wanted:
            differ = [pair for pair in zip(shown, wanted) if pair[0] != pair[1]]
            raise AssertionError(f"columns differ from those declared: {differ[:3]}")
        return f"{len(columns)} columns"

    def large(self) -> str:
        """Eight hours at 150,000 each, as in a currency of small units: a product of hours and rate needs more digits than both."""
        self.connection.execute(
            "CREATE TABLE entries AS SELECT * REPLACE (CAST(8 AS DECIMAL(18, 6)) AS hours, CAST(8 AS DECIMAL(18, 6)) AS "
            "rounded_hours, CAST(150000 AS DECIMAL(18, 6)) AS billable_rate) FROM time_entries LIMIT 100"
        )
        self.connection.execute("CREATE OR REPLACE VIEW time_entries AS SELECT * FROM entries")
        amounts = self.connection.execute("SELECT DISTINCT billable_amount FROM fact_time WHERE billable_amount > 0").fetchall()
        if amounts != [(Decimal(1_200_000),)]:
            raise AssertionError(f"amounts are {amounts}")
        return f"{amounts[0][0]:,}"

    def ask(self, name: str, check) -> str:
        cursor = self.connection.execute(f"SELECT * FROM {name}")
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, row)) for row in cursor.fetchall()]
        if not rows:
            raise AssertionError("it answers nothing")
        return f"{len(rows)} rows{check(rows) or ''}"


def plain(kind: str, dialect: str) -> str:
    """A type as DuckDB names it."""
    kind = sqlglot.exp.DataType.build(kind, dialect=dialect)
    return kind.sql("duckdb").replace('"', "").replace("TIMESTAMP(3)", "TIMESTAMP_MS")


def parsed(sql: str) -> None:
    """Refuses what Athena could not parse."""
    if len(sqlglot.parse(sql, read="athena", error_level=sqlglot.ErrorLevel.RAISE)) != 1:
        raise AssertionError("not one statement")


def same(found: dict, wanted: dict, growing: frozenset = frozenset()) -> str:
    """Where both say the same of every key, but for those that grow while somebody looks."""
    for key in sorted((found.keys() | wanted.keys()) - growing, key=str):
        if found.get(key) != wanted.get(key):
            raise AssertionError(f"{key}: {found.get(key)} instead of {wanted.get(key)}")
    return ", as worked out by hand"


def records(truth: Truth, stream: str) -> list[dict]:
    return [held["record"] if "record" in held else held for held in truth.records(f"/_sim/truth/{stream}")]


def day(text: str | None) -> dt.date | None:
    return text and dt.date.fromisoformat(text)


def hours(rows: list[dict], truth: Truth, today: dt.date) -> str:
    wanted: dict = defaultdict(lambda: ZERO)
    growing = set()
    for entry in records(truth, "time_entries"):
        spent = day(entry["spent_date"])
        # Weeks of the made-up account begin on Monday.
        monday = spent - dt.timedelta(days=spent.weekday())
        if (today - monday).days <= 91 and spent <= today:
            wanted[monday, entry["user"]["id"]] += Decimal(entry["hours"])
            if entry["is_running"]:
                growing.add((monday, entry["user"]["id"]))
    found = {(row["week_start"], row["user_id"]): row["hours"] for row in rows}
    parts = [row["billable_rounded_hours"] + row["other_rounded_hours"] - row["rounded_hours"] for row in rows]
    assert not any(parts), "the parts do not make the whole"
    return same(found, dict(wanted), frozenset(growing))


def unbilled(rows: list[dict], truth: Truth, today: dt.date) -> str:
    wanted: dict = defaultdict(lambda: [ZERO, ZERO, ZERO, ZERO])
    growing = set()
    projects = {project["id"]: project for project in records(truth, "projects")}
    for entry in records(truth, "time_entries"):
        if entry["billable"] and not entry["is_billed"] and day(entry["spent_date"]) <= today:
            key = entry["client"]["id"], entry["project"]["id"], entry["client"]["currency"]
            sums = wanted[key]
            if entry["is_running"]:
                growing.add(key)
            sums[0] += Decimal(entry["rounded_hours"])
            if not projects[key[1]]["is_fixed_fee"]:
                # Each entry is rounded to four places before it is added, as in reports.
                amount = Decimal(entry["rounded_hours"]) * Decimal(entry["billable_rate"] or 0)
                sums[1] += amount.quantize(Decimal("0.0001"), ROUND_HALF_UP)
    for expense in records(truth, "expenses"):
        if expense["billable"] and not expense["is_billed"] and day(expense["spent_date"]) <= today:
            sums = wanted[expense["client"]["id"], expense["project"]["id"], expense["client"]["currency"]]
            sums[2] += Decimal(expense["total_cost"] or 0)
    expenses = {
        one["name"] for one in records(truth, "invoice_item_categories") if one["use_as_expense"]
    }
    invoiced: dict = defaultdict(lambda: ZERO)
    for invoice in records(truth, "invoices"):
        for line in invoice["line_items"]:
            if line["project"] and line["kind"] not in expenses:
                invoiced[line["project"]["id"]] += Decimal(line["amount"])
    for project in projects.values():
        if project["is_fixed_fee"] and project["is_active"]:
            fee = Decimal(project["fee"]) - invoiced[project["id"]]
            if fee:
                wanted[project["client"]["id"], project["id"], project["client"]["currency"]][3] += fee
    found = {
        (row["client_id"], row["project_id"], row["currency"]): [
            row["rounded_hours"],
            row["time_amount"],
            row["expense_amount"],
            row["open_fee"],
        ]
        for row in rows
    }
    return same(found, dict(wanted), frozenset(growing))


def ageing(rows: list[dict], truth: Truth, today: dt.date) -> str:
    wanted: dict = defaultdict(lambda: [0, ZERO, ZERO])
    for invoice in records(truth, "invoices"):
        due = Decimal(invoice["due_amount"] or 0)
        if invoice["state"] == "open" and due:
            sums = wanted[invoice["client"]["id"], invoice["currency"]]
            late = invoice["due_date"] and (today - day(invoice["due_date"])).days
            sums[0] += 1
            sums[1] += due
            sums[2] += due if late and late > 90 else ZERO
    found = {
        (row["client_id"], row["currency"]): [row["invoices"], row["due"], row["over_90_days"]]
        for row in rows
    }
    classes = ["not_due_yet", "days_1_to_30", "days_31_to_60", "days_61_to_90", "over_90_days"]
    assert all(sum(row[one] for one in classes) == row["due"] for row in rows), "an amount is lost"
    return same(found, dict(wanted))


def line_items(rows: list[dict], truth: Truth, _today: dt.date) -> str:
    wanted = {
        (invoice["id"], item["id"]): (place, Decimal(item["amount"]))
        for invoice in records(truth, "invoices")
        for place, item in enumerate(invoice["line_items"], 1)
    }
    found = {
        (row["invoice_id"], row["line_item_id"]): (row["position"], row["amount"]) for row in rows
    }
    return same(found, wanted)


def role_users(rows: list[dict], truth: Truth, _today: dt.date) -> str:
    wanted = {
        (role["id"], user): True for role in records(truth, "roles") for user in role["user_ids"]
    }
    return same({(row["role_id"], row["user_id"]): True for row in rows}, wanted)


def reconciled(rows: list[dict], _truth: Truth, _today: dt.date) -> str:
    """Every window of a report equals its records, but for timers that run on between two readings."""
    odd = [row for row in rows if row["compared"] != "equal" and not row.get("running_hours")]
    assert not odd, f"{len(odd)} rows, such as {odd[0]}"
    return ", equal to the report"


if __name__ == "__main__":
    sys.exit(main())
