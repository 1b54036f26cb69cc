"""Writes what Trino is to run: tables as the catalogue declares them, a row each, the views and the
saved queries unchanged; all of it twice, over instants with a zone and without. With `--check OUTPUT` compares
what it described with what is declared.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESOURCES = json.loads((ROOT / "infra/catalog.json").read_text())["Resources"]


INSTANTS = ("timestamp(3) with time zone", "timestamp(6)")


def engine(kind: str, instant: str) -> str:
    """A Hive type as Trino names it, where an instant is an `instant`."""
    if inner := re.fullmatch(r"array<(.*)>", kind):
        return f"array({engine(inner[1], instant)})"
    if inner := re.fullmatch(r"struct<(.*)>", kind):
        members = (member.split(":", 1) for member in re.split(r",(?![^(]*\))", inner[1]))
        return f"row({', '.join(f'{name} {engine(kind, instant)}' for name, kind in members)})"
    return {"string": "varchar", "timestamp": instant}.get(kind, kind)


def tables(kind: str):
    for resource in RESOURCES.values():
        table = resource["Properties"].get("TableInput", {})
        if table.get("TableType") == kind:
            yield table


def views():
    for table in tables("VIRTUAL_VIEW"):
        parts = table["ViewOriginalText"]["Fn::Join"][1]
        yield table["Name"], json.loads(parts[1]["Fn::Base64"]["Fn::Sub"])


def write(instant: str) -> None:
    for table in tables("EXTERNAL_TABLE"):
        name = table["Name"]
        columns = [(one["Name"], engine(one["Type"], instant)) for one in table["StorageDescriptor"]["Columns"]]
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
    for name, _ in views():
        print(f"-- run view {name} goes\nDROP VIEW {name}")
    for table in tables("EXTERNAL_TABLE"):
        print(f"-- run table {table['Name']} goes\nDROP TABLE {table['Name']}")


def check(output: str) -> int:
    wrong = 0
    for name, document in views():
        lines = re.findall(rf"^ok   describe {name}(.*)$", Path(output).read_text(), re.MULTILINE)
        wanted = [(one["name"], one["type"]) for one in document["columns"]]
        for line, instant in zip(lines + [""] * (len(INSTANTS) - len(lines)), INSTANTS):
            found = [tuple(one.strip().split(":", 1)) for one in line.split(";") if one.strip()]
            if found != wanted:
                wrong += 1
                differ = [pair for pair in zip(found, wanted) if pair[0] != pair[1]]
                print(f"FAIL {name} over {instant}: {differ}")
    print(f"types of {len(list(views()))} views compared, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(check(sys.argv[2]))
    for kind in INSTANTS:
        write(kind)
