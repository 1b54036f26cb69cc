"""`python -m queries --lake DIR --truth URL`: exit code 1 where a query fails or is wrong.

The SQL is Athena's; it is parsed in that dialect and written in DuckDB's. What three of the queries
answer is worked out again from what Harvest serves.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import duckdb
import duckdb_extension_delta
import sqlglot

from lake_check.truth import Truth

ROOT = Path(__file__).resolve().parents[2]
ZERO = Decimal(0)


def main() -> int:
    parser = argparse.ArgumentParser(prog="queries", description=__doc__)
    parser.add_argument("--lake", required=True, type=Path)
    parser.add_argument("--truth", required=True)
    wanted = parser.parse_args()
    truth, lake = Truth(wanted.truth), Lake(wanted.lake)
    failed = 0
    views = statements()
    for name, columns, sql in views:
        failed += told(name, lambda: lake.make_view(name, columns, sql))
    checks = {
        "hours_by_person_and_week": hours,
        "unbilled_work": unbilled,
        "invoice_ageing": ageing,
        "invoice_line_items": line_items,
        "role_users": role_users,
    }
    queries = sorted((ROOT / "infra/queries").glob("*.sql"))
    answers = {name: f"SELECT * FROM {name}" for name, _, _ in views}
    answers |= {path.stem: path.read_text() for path in queries}
    for name, sql in answers.items():
        check = checks.get(name, lambda *_: "")
        failed += told(name, lambda: lake.ask(sql, lambda rows: check(rows, truth, lake.today)))
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
    print(f"ok   {name}{f': {said}' if said else ''}")
    return 0


def statements() -> list[tuple[str, list[dict], str]]:
    """Name, columns and statement of each view, as the template has them."""
    resources = json.loads((ROOT / "infra/catalog.json").read_text())["Resources"]
    found = []
    for resource in resources.values():
        table = resource["Properties"].get("TableInput", {})
        if table.get("TableType") != "VIRTUAL_VIEW":
            continue
        parts = table["ViewOriginalText"]["Fn::Join"][1]
        document = json.loads(parts[1]["Fn::Base64"]["Fn::Sub"])
        found.append((table["Name"], document["columns"], document["originalSql"]))
    return found


class Lake:
    """The tables, as views of DuckDB."""

    def __init__(self, folder: Path) -> None:
        self.connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
        carried = Path(duckdb_extension_delta.__file__).parent.glob("extensions/*/*.duckdb_extension")
        self.connection.execute(f"LOAD '{next(carried)}'")
        self.connection.execute("SET TimeZone = 'UTC'")
        for table in sorted((folder / "tables").iterdir()):
            place = str(table).replace("'", "''")
            scan = f"SELECT * FROM delta_scan('{place}')"
            self.connection.execute(f'CREATE VIEW "{table.name}" AS {scan}')
        self.today = self.connection.execute("SELECT CURRENT_DATE").fetchone()[0]

    def make_view(self, name: str, columns: list[dict], sql: str) -> str:
        self.connection.execute(f"CREATE VIEW {name} AS {duck(sql)}")
        described = self.connection.execute(f"DESCRIBE {name}").fetchall()
        shown = [(column, plain(kind, "duckdb")) for column, kind, *_ in described]
        wanted = [(one["name"], plain(one["type"], "trino")) for one in columns]
        if shown != wanted:
            differ = [pair for pair in zip(shown, wanted) if pair[0] != pair[1]]
            raise AssertionError(f"columns differ from those declared: {differ[:3]}")
        return f"{len(columns)} columns"

    def ask(self, sql: str, check) -> str:
        cursor = self.connection.execute(duck(sql))
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, row)) for row in cursor.fetchall()]
        if not rows:
            raise AssertionError("it answers nothing")
        return f"{len(rows)} rows{check(rows) or ''}"


def plain(kind: str, dialect: str) -> str:
    """A type as DuckDB names it."""
    kind = sqlglot.exp.DataType.build(kind, dialect=dialect)
    return kind.sql("duckdb").replace('"', "").replace("TIMESTAMP(3)", "TIMESTAMP_MS")


def duck(sql: str) -> str:
    """Athena's statement as DuckDB's; anything that Athena could not parse is refused."""
    parsed = sqlglot.parse(sql, read="athena", error_level=sqlglot.ErrorLevel.RAISE)
    if len(parsed) != 1:
        raise AssertionError("not one statement")
    return parsed[0].sql(dialect="duckdb", unsupported_level=sqlglot.ErrorLevel.RAISE)


def same(found: dict, wanted: dict, growing: frozenset = frozenset()) -> str:
    """Where both say the same of every key, but for those that grow while somebody looks."""
    for key in sorted((found.keys() | wanted.keys()) - growing, key=str):
        if found.get(key) != wanted.get(key):
            raise AssertionError(f"{key}: {found.get(key)} instead of {wanted.get(key)}")
    return ", as worked out by hand"


def records(truth: Truth, stream: str) -> list[dict]:
    return [held["record"] if "record" in held else held for held in truth.records(f"/_sim/truth/{stream}")]


def day_of(week: dt.date) -> dt.date:
    return week.date() if isinstance(week, dt.datetime) else week


def months_before(day: dt.date, months: int) -> dt.date:
    first = (day.year * 12 + day.month - 1) - months
    year, month = divmod(first, 12)
    last = (dt.date(year + (month == 11), (month + 1) % 12 + 1, 1) - dt.timedelta(days=1)).day
    return dt.date(year, month + 1, min(day.day, last))


def hours(rows: list[dict], truth: Truth, today: dt.date) -> str:
    wanted: dict = defaultdict(lambda: ZERO)
    growing = set()
    first = months_before(today, 3)
    for entry in records(truth, "time_entries"):
        day = dt.date.fromisoformat(entry["spent_date"])
        if day >= first:
            monday = day - dt.timedelta(days=day.weekday())
            wanted[monday, entry["user"]["id"]] += Decimal(entry["hours"])
            if entry["is_running"]:
                growing.add((monday, entry["user"]["id"]))
    # DuckDB makes an instant of a truncated date; Athena leaves it a date.
    found = {(day_of(row["week"]), row["user_id"]): row["hours"] for row in rows}
    parts = [row["billable_hours"] + row["other_hours"] - row["hours"] for row in rows]
    assert not any(parts), "the parts do not make the whole"
    return same(found, dict(wanted), frozenset(growing))


def unbilled(rows: list[dict], truth: Truth, _today: dt.date) -> str:
    wanted: dict = defaultdict(lambda: [ZERO, ZERO, ZERO])
    growing = set()
    for entry in records(truth, "time_entries"):
        if entry["billable"] and not entry["is_billed"]:
            key = entry["client"]["id"], entry["project"]["id"], entry["client"]["currency"]
            sums = wanted[key]
            if entry["is_running"]:
                growing.add(key)
            sums[0] += Decimal(entry["rounded_hours"])
            sums[1] += Decimal(entry["rounded_hours"]) * Decimal(entry["billable_rate"] or 0)
    for expense in records(truth, "expenses"):
        if expense["billable"] and not expense["is_billed"]:
            sums = wanted[expense["client"]["id"], expense["project"]["id"], expense["client"]["currency"]]
            sums[2] += Decimal(expense["total_cost"] or 0)
    found = {
        (row["client_id"], row["project_id"], row["currency"]): [
            row["hours"],
            row["time_amount"],
            row["expense_amount"],
        ]
        for row in rows
    }
    return same(found, dict(wanted), frozenset(growing))


def ageing(rows: list[dict], truth: Truth, today: dt.date) -> str:
    wanted: dict = defaultdict(lambda: [0, ZERO, ZERO])
    for invoice in records(truth, "invoices"):
        due = Decimal(invoice["due_amount"] or 0)
        if invoice["state"] == "open" and due > 0:
            sums = wanted[invoice["client"]["id"], invoice["currency"]]
            late = invoice["due_date"] and (today - dt.date.fromisoformat(invoice["due_date"])).days
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


if __name__ == "__main__":
    sys.exit(main())
