"""Writes what Trino is to run: tables as the catalogue declares them, a row each, the views and the
saved queries unchanged. With `--check OUTPUT` compares what it described with what is declared.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESOURCES = json.loads((ROOT / "infra/catalog.json").read_text())["Resources"]


def engine(kind: str) -> str:
    """A Hive type as Trino names it."""
    if inner := re.fullmatch(r"array<(.*)>", kind):
        return f"array({engine(inner[1])})"
    if inner := re.fullmatch(r"struct<(.*)>", kind):
        members = (member.split(":", 1) for member in re.split(r",(?![^(]*\))", inner[1]))
        return f"row({', '.join(f'{name} {engine(kind)}' for name, kind in members)})"
    return {"string": "varchar", "timestamp": "timestamp(3) with time zone"}.get(kind, kind)


def tables(kind: str):
    for resource in RESOURCES.values():
        table = resource["Properties"].get("TableInput", {})
        if table.get("TableType") == kind:
            yield table


def views():
    for table in tables("VIRTUAL_VIEW"):
        parts = table["ViewOriginalText"]["Fn::Join"][1]
        yield table["Name"], json.loads(parts[1]["Fn::Base64"]["Fn::Sub"])


def write() -> None:
    for table in tables("EXTERNAL_TABLE"):
        name = table["Name"]
        columns = [(one["Name"], engine(one["Type"])) for one in table["StorageDescriptor"]["Columns"]]
        shown = ", ".join(f'"{column}" {kind}' for column, kind in columns)
        print(f"-- run table {name}\nCREATE TABLE {name} ({shown})")
        nulls = ", ".join(f"CAST(NULL AS {kind})" for _, kind in columns)
        print(f"-- run table {name} with a row of nulls\nINSERT INTO {name} SELECT {nulls}")
        empty = ", ".join(
            f"CAST({'ARRAY[]' if kind.startswith('array') else 'NULL'} AS {kind})" for _, kind in columns
        )
        print(f"-- run table {name} with empty lists\nINSERT INTO {name} SELECT {empty}")
    for name, document in views():
        print(f"-- run view {name}\nCREATE VIEW {name} AS {document['originalSql']}")
        print(f"-- run describe {name}\nDESCRIBE {name}")
        print(f"-- run query of {name}\nSELECT * FROM {name}")
    for path in sorted((ROOT / "infra/queries").glob("*.sql")):
        print(f"-- run {path.stem}\n{path.read_text()}")


def check(output: str) -> int:
    wrong = 0
    for name, document in views():
        line = re.search(rf"^ok   describe {name}(.*)$", Path(output).read_text(), re.MULTILINE)
        found = [tuple(one.strip().split(":", 1)) for one in line[1].split(";") if one.strip()] if line else []
        wanted = [(one["name"], one["type"]) for one in document["columns"]]
        if found != wanted:
            wrong += 1
            print(f"FAIL {name}: {[pair for pair in zip(found, wanted) if pair[0] != pair[1]]}")
    print(f"types of {len(list(views()))} views compared, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(check(sys.argv[2]) if len(sys.argv) > 1 else write())
