"""`python -m changes_check --lake DIR --memory FILE --command HARVEST-LAKE`: exit code 1 on any difference.

Runs the very blocks of docs/changes.md. What was read so far is kept in FILE, so that the next call
reads only what is new since then; snapshots of the tables are kept there, too, to be compared with
the state at their time.
"""

from __future__ import annotations

import argparse
import datetime
import os
import pickle
import re
import sys
from pathlib import Path

import deltalake

from duck import connect
from lake_check.declaration import load
from queries.__main__ import told
from queries.edge import statements

ROOT = Path(__file__).resolve().parents[2]
FIRST = ["op", "changed_at", "sequence"]
LAST = "changed_month"


def main() -> int:
    parser = argparse.ArgumentParser(prog="changes_check", description=__doc__)
    parser.add_argument("--lake", required=True, type=Path)
    parser.add_argument("--memory", required=True, type=Path)
    parser.add_argument("--command", required=True, help="harvest-lake, which prints the views")
    parser.add_argument("--begun-anew", action="store_true", help="most histories must have begun anew")
    wanted = parser.parse_args()
    memory = pickle.loads(wanted.memory.read_bytes()) if wanted.memory.exists() else {}
    blocks = read_blocks((ROOT / "docs/changes.md").read_text())
    views = dict(statements(wanted.command, "duckdb", str(wanted.lake)))
    # The blocks say `lake/tables/...`.
    os.chdir(wanted.lake.parent)
    assert wanted.lake.name == "lake", "the blocks name the folder `lake`"
    failed, begun = 0, []
    for stream, table in load().items():
        kept = memory.setdefault(stream, {"since": 0, "mine": {}, "sql": 0, "rows": None, "then": []})
        key = tuple(table.key)
        failed += told(stream, lambda: check(stream, key, blocks, kept, begun, views))
    wanted.memory.write_bytes(pickle.dumps(memory))
    print(f"{len(memory)} tables of changes, {failed} failed, {len(begun)} begun anew")
    if wanted.begun_anew != (len(begun) > 20):
        failed += 1
        print("FAIL so many histories should not have begun anew, or should have")
    return 1 if failed else 0


def read_blocks(text: str) -> dict[str, str]:
    """The blocks that carry a name."""
    return dict(re.findall(r"<!-- run: (\w+) -->\n```\w+\n(.*?)```", text, re.DOTALL))


def check(
    stream: str, key: tuple[str, ...], blocks: dict[str, str], kept: dict, begun: list, views: dict[str, str]
) -> str:
    main = deltalake.DeltaTable(f"lake/tables/{stream}").to_pyarrow_table()
    changes = deltalake.DeltaTable(f"lake/tables/{stream}_changes")
    names = changes.to_pyarrow_table().schema.names
    equal(names, [*FIRST, *main.schema.names, LAST], "columns")
    rows = {tuple(row[part] for part in key): row for row in main.to_pylist()}
    before = kept["since"]
    oldest = min(changes.to_pyarrow_table(columns=["sequence"])["sequence"].to_pylist(), default=None)
    anew = before > 0 and (oldest is None or oldest > before)
    if anew:
        begun.append(stream)
        kept["then"] = []

    namespace: dict = {}
    exec(blocks["python"], namespace)  # noqa: S102: it is what the page says
    kept["since"] = namespace["follow"](f"lake/tables/{stream}_changes", before, kept["mine"], key)
    same(kept["mine"], rows, main.schema.names, "deltalake")

    said = f"{len(rows)} rows, sequence {before} to {kept['since']}"
    if key == ("id",):
        said += by_duckdb(stream, blocks, kept, rows, main.schema.names, anew)
    with_deleted(stream, key, rows, changes, views)
    return said


def by_duckdb(stream, blocks, kept, rows, columns, anew) -> str:
    connection = connect()

    def run(name: str):
        """The answer of the block's last statement, for the table of `stream`."""
        return connection.execute(blocks[name].replace("time_entries", stream))

    connection.execute(f"SET VARIABLE since = {kept['sql']}")
    if kept["rows"] is not None:
        held = kept["rows"]
        connection.execute("CREATE TABLE mine AS SELECT * FROM held")
    run("news")
    start_over = run("start_over").fetchone()[0]
    equal(start_over, kept["sql"] == 0 or anew, "whether to start over")
    if start_over:
        run("forget")
        run("news")
    kept["sql"] = run("apply").fetchone()[0]
    mine = connection.execute("SELECT * FROM mine").to_arrow_table()
    kept["rows"] = mine
    equal(mine.schema.names, columns, "columns of DuckDB's copy")
    same({(row["id"],): row for row in mine.to_pylist()}, rows, columns, "duckdb")
    equal(kept["sql"], kept["since"], "what both followers know")
    for at, then in kept["then"]:
        connection.execute(f"SET VARIABLE moment = '{at}'")
        answer = run("as_of").to_arrow_table().to_pylist()
        same({(row["id"],): row for row in answer}, then, columns, f"the state at {at}")
    newest = f"SELECT max(changed_at) FROM delta_scan('lake/tables/{stream}_changes')"
    at = connection.execute(newest).fetchone()[0]
    if at is not None:
        kept["then"].append((at.isoformat(), rows))
    return f", as at {len(kept['then'])} times"


def with_deleted(stream, key, rows, changes, views: dict[str, str]) -> None:
    """The view that the command prints for DuckDB."""
    connection = connect()
    for name in (stream, f"{stream}_changes"):
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM delta_scan('lake/tables/{name}')")
    view = f"{stream}_with_deleted"
    connection.execute(views[view])
    answer = connection.execute(f"SELECT * FROM {view}").to_arrow_table().to_pylist()
    there = {tuple(row[part] for part in key): row for row in answer if row["deleted_at"] is None}
    seen = {key: shown(row) for key, row in rows.items()}
    same(there, seen, list(next(iter(rows.values()), {})), "rows that are there")
    last = {}
    for row in changes.to_pyarrow_table().sort_by("sequence").to_pylist():
        last[tuple(row[part] for part in key)] = row
    gone = {key: row["changed_at"] for key, row in last.items() if row["op"] == "D"}
    found = {tuple(row[part] for part in key): row["deleted_at"] for row in answer if row["deleted_at"]}
    equal(found, shown(gone), "deleted rows")


def shown(value):
    """A value as a view shows it: instants in UTC without a zone, rounded to milliseconds."""
    if isinstance(value, dict):
        return {name: shown(part) for name, part in value.items()}
    if isinstance(value, list):
        return [shown(part) for part in value]
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        plain = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        up = datetime.timedelta(microseconds=(plain.microsecond + 500) // 1000 * 1000 - plain.microsecond)
        return plain + up
    return value


def equal(found, wanted, what: str) -> None:
    if found != wanted:
        raise AssertionError(f"{what}: {found!r} instead of {wanted!r}")


def same(found: dict, wanted: dict, columns: list[str], what: str) -> None:
    """Where both hold the same rows, as far as `columns` goes."""
    for key in found.keys() ^ wanted.keys():
        there = "is there and should not be" if key in found else "is missing"
        raise AssertionError(f"{what}: {key} {there}")
    for key, row in wanted.items():
        for column in columns:
            equal(found[key][column], row[column], f"{what}: {column} of {key}")


if __name__ == "__main__":
    sys.exit(main())
