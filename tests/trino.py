"""Writes what Trino is to run, and compares what it answered with what the catalogue declares.

`declared`: tables as the catalogue declares them, in memory, a row each, the views and the saved queries unchanged; all of
it twice, over instants with a zone and without. `lake`: the tables of a real lake through Trino's Delta connector, the views
and the saved queries unchanged. `edge COMMAND LAKE`: the lake of the account made by hand, with its present. `check-declared ANSWERS`,
`check-edge ANSWERS` and `check-lake ANSWERS STATUS`, where STATUS is what
`harvest-lake status --json` printed, compare.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import sys
from decimal import Decimal
from pathlib import Path

from queries import edge

ROOT = Path(__file__).resolve().parents[1]
RESOURCES = json.loads((ROOT / "infra/catalog.json").read_text())["Resources"]


INSTANTS = ("timestamp(3) with time zone", "timestamp(6)")
# An instant of a Delta table to Trino's connector.
OF_DELTA = INSTANTS[0]


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
    """Names and documents of the views, each after those that it reads; the template has them in the order of their names."""
    waiting = {}
    for table in tables("VIRTUAL_VIEW"):
        parts = table["ViewOriginalText"]["Fn::Join"][1]
        waiting[table["Name"]] = json.loads(parts[1]["Fn::Base64"]["Fn::Sub"])
    while waiting:
        for name, document in list(waiting.items()):
            read = set(re.findall(r"[a-z_]+", document["originalSql"])) - {name}
            if not read & waiting.keys():
                yield name, waiting.pop(name)


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
    write_views()
    for name, _ in reversed(list(views())):
        print(f"-- run view {name} goes\nDROP VIEW {name}")
    for table in tables("EXTERNAL_TABLE"):
        print(f"-- run table {table['Name']} goes\nDROP TABLE {table['Name']}")


def write_views() -> None:
    for name, document in views():
        print(f"-- run view {name}\nCREATE VIEW {name} AS {document['originalSql']}")
        print(f"-- run describe {name}\nDESCRIBE {name}")
        print(f"-- run query of {name}\nSELECT * FROM {name}")
    for name, sql in saved_queries():
        print(f"-- run {name}\n{sql}")


def saved_queries():
    for resource in RESOURCES.values():
        if resource["Type"] == "AWS::Athena::NamedQuery":
            yield resource["Properties"]["Name"], resource["Properties"]["QueryString"]


def write_lake() -> None:
    print("-- run schema\nCREATE SCHEMA default WITH (location = 'local:///metastore/default')")
    for table in tables("EXTERNAL_TABLE"):
        name = table["Name"]
        place = f"local:///lake/tables/{name}"
        print(f"-- run table {name}\nCALL system.register_table('default', '{name}', '{place}')")
        print(f"-- run describe {name}\nDESCRIBE {name}")
        print(f"-- run count {name}\nSELECT count(*) FROM {name}")
    write_views()


def write_edge(command: str, lake: str) -> None:
    print("-- run schema\nCREATE SCHEMA default WITH (location = 'local:///metastore/default')")
    columns = {one["Name"]: [it["Name"] for it in one["StorageDescriptor"]["Columns"]] for one in tables("EXTERNAL_TABLE")}
    for name, sql in edge.statements(command, "athena", lake):
        if name in columns:
            # Athena's statement for a table is Hive's.
            own = f"{name}_of_lake" if name in edge.MOVED else name
            place = f"local:///lake/tables/{name}"
            print(f"-- run table {own}\nCALL system.register_table('default', '{own}', '{place}')")
            if name in edge.MOVED:
                print(f"-- run view {name}\nCREATE VIEW {name} AS {edge.moved(name, columns[name], own)}")
        else:
            print(f"-- run view {name}\n{edge.present(sql) if name == 'report_day' else sql}")
    for name in edge.sections():
        print(f"-- run answer {name}\nSELECT * FROM {name}")


def check_edge(file: str) -> int:
    text, wrong = Path(file).read_text(), 0
    for name in edge.sections():
        found = re.search(rf"^ok   answer {name} (.*)$", text, re.MULTILINE)
        lines = [line.split("|") for line in found[1].split("\t")] if found else [[]]
        differs = edge.compare(name, lines[0], [[value(cell) for cell in line] for line in lines[1:]])
        wrong += bool(differs)
        print(f"{'FAIL' if differs else 'ok  '} {name}{': ' + differs if differs else ''}")
    print(f"{len(edge.sections())} answers, {wrong} wrong")
    return 1 if wrong else 0


def value(cell: str):
    """A value that Java wrote."""
    if cell == "null":
        return None
    if re.fullmatch(r"-?[0-9.]+(E-?[0-9]+)?", cell):
        return Decimal(cell)
    if re.fullmatch(r"\d{4}-\d\d-\d\d[T ][0-9:.]+", cell):
        return dt.datetime.fromisoformat(cell)
    return cell


class Answers:
    """What Trino answered, and how much of it is wrong."""

    def __init__(self, file: str):
        self.text = Path(file).read_text()
        self.compared = self.wrong = 0

    def described(self, name: str) -> list[list[tuple[str, str]]]:
        """Columns with their types, each time that it was described."""
        lines = re.findall(rf"^ok   describe {name} (.*)$", self.text, re.MULTILINE)
        parts = ([one.strip() for one in line.split(";") if one.strip()] for line in lines)
        return [[tuple(one.replace('"', "").split(":", 1)) for one in line] for line in parts]

    def compare(self, what: str, found: list, wanted: list) -> None:
        self.compared += 1
        if found != wanted:
            self.wrong += 1
            differ = [pair for pair in zip(found, wanted) if pair[0] != pair[1]]
            print(f"FAIL {what}: {differ or (len(found), len(wanted))}")

    def compare_views(self, instants: tuple[str, ...]) -> None:
        for name, document in views():
            wanted = [(one["name"], one["type"]) for one in document["columns"]]
            found = self.described(name)
            for column, instant in zip(found + [[]] * (len(instants) - len(found)), instants, strict=True):
                self.compare(f"{name} over {instant}", column, wanted)

    def end(self) -> int:
        print(f"{self.compared} comparisons, {self.wrong} wrong")
        return 1 if self.wrong or not self.compared else 0


def check_declared(file: str) -> int:
    answers = Answers(file)
    answers.compare_views(INSTANTS)
    return answers.end()


def check_lake(file: str, status: str) -> int:
    answers = Answers(file)
    rows = {one["stream"]: one["rows"] for one in json.loads(Path(status).read_text())["streams"]}
    for table in tables("EXTERNAL_TABLE"):
        name = table["Name"]
        wanted = [(one["Name"], engine(one["Type"], OF_DELTA)) for one in table["StorageDescriptor"]["Columns"]]
        answers.compare(f"columns of {name}", (answers.described(name) or [[]])[0], wanted)
        counted = re.findall(rf"^ok   count {name} (\d+)$", answers.text, re.MULTILINE)
        if name in rows:
            answers.compare(f"rows of {name}", counted, [str(rows[name])])
    answers.compare_views((OF_DELTA,))
    return answers.end()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["declared"]:
            for kind in INSTANTS:
                write(kind)
        case ["lake"]:
            write_lake()
        case ["edge", command, lake]:
            write_edge(command, lake)
        case ["check-edge", answers]:
            sys.exit(check_edge(answers))
        case ["check-declared", answers]:
            sys.exit(check_declared(answers))
        case ["check-lake", answers, status]:
            sys.exit(check_lake(answers, status))
        case _:
            sys.exit(__doc__)
