"""The dbt package on the lake of the account made by hand (`tests/dbt.sh`).

`prepare` declares the lake's tables in a database of DuckDB, placed in the account's present. `compare` compares the answers that
dbt made there with `edge.txt`, and the columns of all models with what the package says of them. `texts` compares the statements
that dbt compiled for an engine with those that `harvest-lake sql` prints for it.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

import duckdb
import duckdb_extension_delta

from queries import edge

SCHEMA = "harvest_lake"
# The package takes the day and the instants of a list in UTC whatever the zone of DuckDB's session; `harvest-lake sql` sets the
# zone of the session instead.
OWN = {"duckdb": {"report_day", "user_task_assignments"}, "athena": set(), "spark": set()}


def main() -> int:
    parser = argparse.ArgumentParser(prog="queries.packaged", description=__doc__)
    parser.add_argument("act", choices=["extension", "prepare", "compare", "texts"])
    parser.add_argument("--lake")
    parser.add_argument("--command")
    parser.add_argument("--database")
    parser.add_argument("--target", type=Path)
    parser.add_argument("--engine")
    asked = parser.parse_args()
    if asked.act == "extension":
        print(extension())
        return 0
    if asked.act == "prepare":
        prepare(connected(asked.database), asked.lake, asked.command)
        return 0
    if asked.act == "compare":
        return compare(connected(asked.database), json.loads((asked.target / "manifest.json").read_text()))
    return texts(asked.engine, asked.lake, asked.command, asked.target / "compiled/harvest_lake/models")


def extension() -> Path:
    """DuckDB's extension for Delta in its package: tests use no network."""
    return next(Path(duckdb_extension_delta.__file__).parent.glob("extensions/*/*.duckdb_extension"))


def connected(database: str) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(database, config={"autoinstall_known_extensions": "false"})
    connection.execute(f"LOAD '{extension()}'")
    return connection


def prepare(connection: duckdb.DuckDBPyConnection, lake: str, command: str) -> None:
    connection.execute(f"CREATE SCHEMA {SCHEMA}")
    for name, sql in edge.statements(command, "duckdb", lake):
        if name is None or "delta_scan" not in sql:
            continue
        scan = sql.split(" FROM ")[1]
        query = f"SELECT * FROM {scan}"
        if name in edge.MOVED:
            columns = [row[0] for row in connection.execute(f"DESCRIBE {query}").fetchall()]
            query = edge.moved(name, columns, scan).replace("AS TIMESTAMP)", "AS TIMESTAMP) AT TIME ZONE 'UTC'")
        connection.execute(f"CREATE VIEW {SCHEMA}.{name} AS {query}")


def compare(connection: duckdb.DuckDBPyConnection, manifest: dict) -> int:
    wrong = 0
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    for node in models:
        name = node["name"]
        wanted = list(node["columns"])
        found = [row[0] for row in connection.execute(f"DESCRIBE {node['relation_name']}").fetchall()]
        # Tables of changes repeat the columns of their tables, and views with deleted rows those and one more.
        if name.endswith("_changes") or name.endswith("_with_deleted"):
            found = found[: len(wanted)]
        if found != wanted:
            wrong += 1
            print(f"FAIL {name} has the columns {found}, and not {wanted}")
    for name in edge.sections():
        cursor = connection.execute(f"SELECT * FROM {name}")
        columns = [column[0] for column in cursor.description]
        differs = edge.compare(name, columns, cursor.fetchall())
        wrong += bool(differs)
        print(f"{'FAIL' if differs else 'ok  '} {name}{': ' + differs if differs else ''}")
    lacking = connection.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE COALESCE(comment, '') = ''"
        " AND (table_name LIKE 'fact_%' OR table_name LIKE 'dim_%')"
    ).fetchall()
    wrong += bool(lacking)
    print(f"{len(models)} models of dbt, {len(edge.sections())} compared, {wrong} wrong {lacking or ''}")
    return 1 if wrong else 0


def plain(sql: str) -> str:
    """A statement without what dbt and `harvest-lake sql` write differently: space, places of relations, idle aliases."""
    sql = re.sub(r'(?:"[^"]+"\.){2}"(\w+)"|\banalytics\.(\w+)', lambda found: found[1] or found[2], sql)
    sql = re.sub(r"\s*([(),])\s*", r" \1 ", sql.replace("stg_harvest__", ""))
    sql = " ".join(sql.split())
    return re.sub(r"\b(\w+) AS \1\b", r"\1", sql)


def texts(engine: str, lake: str, command: str, compiled: Path) -> int:
    by_dbt = {path.stem: path.read_text() for path in compiled.glob("[ma]*/*.sql")}
    begin = re.compile(r"CREATE OR REPLACE (?:TEMPORARY )?VIEW \w+(?: \(\n.*?\n\))? AS\n", re.DOTALL)
    by_command = {}
    for name, sql in edge.statements(command, engine, lake):
        if (found := begin.match(sql)) and not name.endswith("_with_deleted"):
            by_command[name] = sql[found.end() :]
    wrong = sorted(by_dbt.keys() ^ by_command.keys())
    for name in sorted(by_dbt.keys() & by_command.keys() - OWN[engine]):
        ours, theirs = plain(by_dbt[name]), plain(by_command[name])
        if ours != theirs:
            wrong.append(name)
            print(f"FAIL {name} for {engine}:\n  {ours}\n  {theirs}")
    print(f"{len(by_dbt)} statements of dbt for {engine} compared with those of harvest-lake, wrong: {wrong or 'none'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
