"""`python export_check.py LAKE COMMAND`: exports every table in each format, and compares each cell with the table.

DuckDB reads the table through its log, and the export as plain Parquet in Hive-style folders; Python reads CSV and JSON lines.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import duck

DIVIDED = {
    "time_entries": ["spent_month", "created_month", "client_id"],
    "expenses": ["spent_year"],
    "invoices": ["issue_month", "created_year", "state"],
    "users": ["created_day"],
}


def main() -> int:
    lake, command = Path(sys.argv[1]), sys.argv[2]
    connection = duck.connect()
    wrong = done = 0
    with tempfile.TemporaryDirectory() as target:
        for table in sorted((lake / "tables").iterdir()):
            # Exports are of streams: neither of tables of changes nor of the ledger.
            if table.name.endswith("_changes") or table.name.startswith("_"):
                continue
            for form in ("csv", "jsonl"):
                try:
                    check_text(connection, lake, table.name, form, command, target)
                except Exception as error:  # noqa: BLE001: the others are checked all the same
                    wrong += 1
                    print(f"FAIL {table.name} as {form}: {error}")
                done += 1
            for by in [None, *DIVIDED.get(table.name, [])]:
                try:
                    check(connection, lake, table.name, by, command, target)
                except Exception as error:  # noqa: BLE001: the others are checked all the same
                    wrong += 1
                    print(f"FAIL {table.name} by {by}: {error}")
                done += 1
        refused = subprocess.run(
            [command, "export", "clients", target, "--partition-by", "weekday", "--lake", lake],
            capture_output=True,
            text=True,
        )
        if refused.returncode != 2 or "weekday" not in refused.stderr:
            wrong += 1
            print(f"FAIL an unknown partition ends with {refused.returncode}: {refused.stderr}")
    print(f"{done} exports compared, {wrong} wrong")
    return 1 if wrong else 0


def check(connection, lake: Path, stream: str, by: str | None, command: str, target: str) -> None:
    line = [command, "export", stream, target, "--json", "--lake", str(lake)]
    if by:
        line += ["--partition-by", by]
    (told,) = json.loads(subprocess.run(line, check=True, capture_output=True).stdout)["exports"]
    if told["rows"] == 0:
        return
    assert (Path(told["location"]) / "_SUCCESS").exists(), "it has no mark"
    table = f"delta_scan('{lake / 'tables' / stream}')"
    columns = [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {table}").fetchall()]
    # The partition column comes back as text: the table's says of which type it is.
    files = f"read_parquet('{told['location']}**/*.parquet', hive_partitioning = true, hive_types_autocast = false)"
    kinds = dict(
        (row[0], row[1]) for row in connection.execute(f"DESCRIBE SELECT * FROM {table}").fetchall()
    )
    shown = ", ".join(
        f'CAST("{column}" AS {kinds[column]}) AS "{column}"' if column == by else f'"{column}"'
        for column in columns
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE exported AS SELECT {shown} FROM {files}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE kept AS SELECT * FROM {table}")
    for one, other in (("exported", "kept"), ("kept", "exported")):
        more = connection.execute(
            f"SELECT count(*) FROM (SELECT * FROM {one} EXCEPT ALL SELECT * FROM {other})"
        ).fetchone()[0]
        assert more == 0, f"{more} rows of {one} are not in {other}"
    types = connection.execute("DESCRIBE exported").fetchall(), connection.execute("DESCRIBE kept").fetchall()
    assert [row[:2] for row in types[0]] == [row[:2] for row in types[1]], "types differ"
    if by and by not in columns:
        folders = connection.execute(f"SELECT count(*) FROM {files} WHERE {by} IS NULL").fetchone()[0]
        source = {"spent": "spent_date", "issue": "issue_date", "created": "created_at"}[by.split("_")[0]]
        nulls = connection.execute(f"SELECT count(*) FROM kept WHERE {source} IS NULL").fetchone()[0]
        assert folders == nulls, "null dates are in another folder"


def check_text(connection, lake: Path, stream: str, form: str, command: str, target: str) -> None:
    """Compares a table with its export as text, value by value, as Python's own readers find them."""
    line = [command, "export", stream, target, "--format", form, "--json", "--lake", str(lake)]
    (told,) = json.loads(subprocess.run(line, check=True, capture_output=True).stdout)["exports"]
    table = f"delta_scan('{lake / 'tables' / stream}')"
    described = connection.execute(f"DESCRIBE SELECT * FROM {table}").fetchall()
    names = [row[0] for row in described]
    shown = ", ".join(as_text(name, kind) for name, kind, *_ in described)
    kept = sorted(map(repr, connection.execute(f"SELECT {shown} FROM {table}").fetchall()))
    with open(told["location"], encoding="utf-8", newline="") as file:
        if form == "csv":
            reader = csv.DictReader(file, strict=True)
            found = [[value_of(row[name], kind) for name, kind, *_ in described] for row in reader]
            assert reader.fieldnames == names, "other columns"
        else:
            rows = [json.loads(line, parse_float=str) for line in file]
            found = [[value_of(row[name], kind) for name, kind, *_ in described] for row in rows]
    if form == "csv":
        # The empty text and null are the same in CSV.
        kept = sorted(
            repr(tuple(value or None for value in row))
            for row in connection.execute(f"SELECT {shown} FROM {table}").fetchall()
        )
        found = [[value or None for value in row] for row in found]
    found = sorted(repr(tuple(row)) for row in found)
    assert len(found) == told["rows"], "another number of rows"
    for one, other in zip(found, kept, strict=True):
        assert one == other, f"{one} is {other} in the table"


def as_text(name: str, kind: str) -> str:
    """The text of a value; for a list the number of its elements, whose values `value_of` counts."""
    if kind.endswith("[]"):
        return f'CAST(len("{name}") AS VARCHAR)'
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"""strftime("{name}" AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%f')"""
    return f'CAST("{name}" AS VARCHAR)'


def value_of(value, kind: str) -> str | None:
    """The same text, of a value in CSV or JSON lines."""
    if value is None or (value == "" and kind != "VARCHAR"):
        return None
    if kind.endswith("[]"):
        return str(len(json.loads(value) if isinstance(value, str) else value))
    if kind == "TIMESTAMP WITH TIME ZONE":
        assert value.endswith("Z"), f"{value} is not in UTC"
        whole, _, rest = value[:-1].partition(".")
        return f"{whole}.{rest:0<6}"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


if __name__ == "__main__":
    sys.exit(main())
