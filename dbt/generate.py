"""Writes the models of this package, so that their SQL stands in one place.

The statements are those of `infra/model` and `infra/queries`; tables, their columns and the views over lists are those of
`infra/catalog.json`, which follows from the declarations of the streams. The macros of the texts become macros of dbt
(`macros/dialect.sql`), names of tables and views become `ref`.

`python dbt/generate.py` writes `models/`; `--check` tells what differs from it, with exit code 1. It needs PyYAML.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
MODELS = HERE / "models"
SOURCE = "harvest_lake"
STAGED = "stg_harvest__"
CHANGES = "_changes"
NOTE = "Written by dbt/generate.py; do not edit."

# What makes a row of a view the only one.
KEYS = {
    "report_day": ["today"],
    "dim_days": ["day"],
    "dim_people": ["user_id", "valid_from"],
    "dim_clients": ["client_id", "valid_from"],
    "dim_projects": ["project_id", "valid_from"],
    "dim_tasks": ["task_id", "valid_from"],
    "fact_time": ["time_entry_id"],
    "fact_expenses": ["expense_id"],
    "fact_invoices": ["invoice_id"],
    "fact_invoice_lines": ["invoice_id", "position"],
    "fact_payments": ["payment_id"],
    "fact_estimates": ["estimate_id"],
    "fact_capacity": ["user_id", "day"],
    "invoice_line_items": ["invoice_id", "position"],
    "estimate_line_items": ["estimate_id", "position"],
    "user_task_assignments": ["user_id", "project_assignment_id", "task_assignment_id"],
    "role_users": ["role_id", "user_id"],
}
# Harvest deletes no client, person or task with work on it, and the work with its project. A stream may be read some minutes
# before another, so that these are warnings.
PARENTS = {
    "user_id": ("dim_people", "user_id"),
    "client_id": ("dim_clients", "client_id"),
    "project_id": ("dim_projects", "project_id"),
    "task_id": ("dim_tasks", "task_id"),
}
RELATED = {
    "fact_time": ["user_id", "client_id", "project_id", "task_id"],
    "fact_expenses": ["user_id", "client_id", "project_id"],
    "fact_invoices": ["client_id"],
    "fact_invoice_lines": ["client_id"],
    "fact_estimates": ["client_id"],
    "fact_capacity": ["user_id"],
}
# Values that the comments of these columns name. Harvest may add some, so that others are a warning.
APPROVAL = ["unsubmitted", "submitted", "approved"]
INVOICE_STATES = ["draft", "open", "paid", "closed"]
VALUES = {
    ("fact_time", "approval_status"): APPROVAL,
    ("fact_expenses", "approval_status"): APPROVAL,
    ("fact_invoices", "state"): INVOICE_STATES,
    ("fact_invoice_lines", "state"): INVOICE_STATES,
    ("fact_estimates", "state"): ["draft", "sent", "accepted", "declined"],
    ("dim_projects", "bill_by"): ["Project", "Tasks", "People", "none"],
    ("dim_projects", "budget_by"): ["project", "task", "person", "project_cost", "task_fees", "none"],
}
WARNING = {"severity": "warn"}


class Text:
    """A view or an answer: its name, its head, its columns with their meanings, its statement as a model of dbt."""

    def __init__(self, name: str, head: str, columns: dict[str, tuple[str, str]], sql: str) -> None:
        self.name, self.head, self.columns, self.sql = name, head, columns, sql
        self.needs: set[str] = set()


def main() -> int:
    wanted = files()
    found = {path.relative_to(MODELS).as_posix(): path.read_text() for path in MODELS.rglob("*") if path.is_file()}
    if sys.argv[1:] == ["--check"]:
        differ = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
        print("".join(f"dbt/models/{name} is not what dbt/generate.py writes\n" for name in differ), end="")
        return 1 if differ else 0
    for name in found.keys() - wanted.keys():
        (MODELS / name).unlink()
    for name, text in wanted.items():
        (MODELS / name).parent.mkdir(parents=True, exist_ok=True)
        (MODELS / name).write_text(text)
    print(f"{len(wanted)} files")
    return 0


def files() -> dict[str, str]:
    """Every file of `models/`."""
    tables, views = of_the_catalog()
    keys = {name: key_of(views[f"{name}_with_deleted"]) for name in tables if not name.endswith(CHANGES)}
    lists = {name: list_view(name, view, tables) for name, view in views.items() if "parent" in view["sql"].split()}
    found: dict[str, Text] = dict(lists)
    model = in_order({path.stem: path.read_text() for path in sorted((ROOT / "infra/model").glob("*.sql"))})
    answers = {path.stem: path.read_text() for path in sorted((ROOT / "infra/queries").glob("*.sql"))}
    for name, text in [*model.items(), *answers.items()]:
        found[name] = of_a_text(name, text, tables, found)
    staged = {name.removeprefix(STAGED) for text in found.values() for name in re.findall(rf"{STAGED}\w+", text.sql)}
    deleted = [deleted_view(name, views[f"{name}_with_deleted"]) for name in keys]
    written = {
        "staging/sources.yml": properties({"sources": [source(tables)]}),
        "staging/staging.yml": properties({"models": [staged_properties(name, tables, keys) for name in tables]}),
    }
    for name, table in tables.items():
        is_used = name in staged or not name.endswith(CHANGES)
        written[f"staging/{STAGED}{name}.sql"] = staging(name, table, is_used)
    for text in deleted:
        written[f"with_deleted/{text.name}.sql"] = model_file(text, "a view of the lake", of_deleted=True)
    described = [{"name": text.name, "description": text.head} for text in deleted]
    written["with_deleted/with_deleted.yml"] = properties({"models": described})
    for name in [*lists, *model]:
        origin = f"infra/model/{name}.sql" if name in model else "a view of the lake"
        written[f"model/{name}.sql"] = model_file(found[name], origin)
    for name in answers:
        written[f"answers/{name}.sql"] = model_file(found[name], f"infra/queries/{name}.sql")
    written["model/model.yml"] = properties({"models": [model_properties(found[name]) for name in [*lists, *model]]})
    shown = [answer_properties(found[name]) for name in answers]
    written["answers/answers.yml"] = properties({"models": shown, "exposures": [exposure(found[name]) for name in answers]})
    return written


def of_the_catalog() -> tuple[dict[str, dict], dict[str, dict]]:
    """Tables and views as Glue is told of them."""
    tables, views = {}, {}
    for resource in json.loads((ROOT / "infra/catalog.json").read_text())["Resources"].values():
        table = resource["Properties"].get("TableInput")
        # Tables that begin with an underscore tell of harvest-lake, not of the account.
        if table is None or table["Name"].startswith("_"):
            continue
        columns = {
            column["Name"]: (column["Type"], column.get("Comment", ""))
            for column in table["StorageDescriptor"]["Columns"]
        }
        one = {"head": sentence(table["Description"]), "columns": columns}
        if table["TableType"] != "VIRTUAL_VIEW":
            tables[table["Name"]] = one
            continue
        document = json.loads(table["ViewOriginalText"]["Fn::Join"][1][1]["Fn::Base64"]["Fn::Sub"])
        one["sql"] = document["originalSql"]
        views[table["Name"]] = one
    return tables, views


def sentence(text: str) -> str:
    """A description with a capital and a full stop."""
    text = text[:1].upper() + text[1:]
    return text if not text or text.endswith(".") else f"{text}."


def in_order(texts: dict[str, str]) -> dict[str, str]:
    """The texts, each after those that it reads."""
    ordered: dict[str, str] = {}
    while len(ordered) < len(texts):
        for name, text in texts.items():
            read = set(re.findall(r"\b(?:FROM|JOIN) (\w+)", statement(text))) & texts.keys()
            if name not in ordered and read <= ordered.keys():
                ordered[name] = text
    return ordered


def statement(text: str) -> str:
    """A text without its comments."""
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--"))


def of_a_text(name: str, text: str, tables: dict, known: dict[str, Text]) -> Text:
    """A text of `infra` as a model. `known` are the views before it."""
    lines = text.splitlines()
    head = []
    while lines[0].startswith("--"):
        head.append(lines.pop(0).removeprefix("--").strip())
    sql = macros(statement(text).replace("CURRENT_DATE", "{{today()}}"))
    made = Text(name, " ".join(head), columns_of(lines), "")
    made.sql = with_refs(sql, tables, known, made.needs)
    return made


def with_refs(sql: str, tables: dict, known: dict[str, Text], needs: set[str]) -> str:
    """The statement with `ref` in place of names, and with the tables that it needs in `needs`. A column may be named after
    its table, so that each gets its own name as an alias."""

    def referred(found: re.Match) -> str:
        word, name, alias = found.groups()
        if name in tables:
            needs.add(name)
            model = f"{STAGED}{name}"
        elif name in known:
            needs.update(known[name].needs)
            model = name
        else:
            raise ValueError(f"nobody knows {name}")
        return f"{word} {{{{ ref('{model}') }}}} AS {alias or name}"

    # Not a day, as in EXTRACT(YEAR FROM entries.day), and not a part of a statement.
    return re.sub(r"\b(FROM|JOIN) (?!\w+\.)(\w+)(?: AS (\w+))?", referred, sql)


def macros(sql: str) -> str:
    """The statement with macros of dbt: `{{days(a; b)}}` is `{{ harvest_lake.days("a", "b") }}`."""
    return "".join(part if plain else f"{{{{ {call(part)} }}}}" for plain, part in parts(sql))


def parts(sql: str) -> list[tuple[bool, str]]:
    """Text between the outermost macros, and what is within their braces."""
    found, begin, depth = [], 0, 0
    for brace in re.finditer(r"\{\{|\}\}", sql):
        depth += 1 if brace[0] == "{{" else -1
        if (brace[0], depth) in (("{{", 1), ("}}", 0)):
            found.append((depth == 1, sql[begin : brace.start()]))
            begin = brace.end()
    return [*found, (True, sql[begin:])]


def call(macro: str) -> str:
    """A macro and its arguments as an expression of Jinja."""
    name, arguments = re.fullmatch(r"(\w+)\((.*)\)", macro, re.DOTALL).groups()
    arguments = [] if not arguments else split(arguments)
    return f"harvest_lake.{name}({', '.join(expression(' '.join(one.split())) for one in arguments)})"


def split(arguments: str) -> list[str]:
    """Arguments between semicolons that are not within a macro."""
    found = [""]
    for plain, part in parts(arguments):
        pieces = part.split(";") if plain else [f"{{{{{part}}}}}"]
        found[-1] += pieces[0]
        found += pieces[1:]
    return found


def expression(text: str) -> str:
    """A text with macros as an expression of Jinja."""
    assert '"' not in text and "\\" not in text, text
    shown = [f'"{part}"' if plain else call(part) for plain, part in parts(text) if part]
    return " ~ ".join(shown)


def columns_of(lines: list[str], indent: int = 2) -> dict[str, tuple[str, str]]:
    """Type and meaning of each column, from the comments before them. `x.*` stands for the columns of the part of the
    statement after it."""
    found: dict[str, tuple[str, str]] = {}
    comment: list[str] = []
    item = ""
    space = " " * indent
    begin = lines.index(f"{space[2:]}SELECT") + 1
    for place, line in enumerate(lines[begin:], begin):
        if not line.startswith(space):
            break
        line = line.strip()
        if line.startswith("--"):
            comment.append(line.removeprefix("--").strip())
            continue
        item += f" {line}"
        is_open = item.count("(") > item.count(")") or len(re.findall(r"\bCASE\b", item)) > len(re.findall(r"\bEND\b", item))
        is_last = not "".join(lines[place + 1 : place + 2]).startswith(space)
        if is_open or not (line.endswith(",") or is_last):
            continue
        if item.endswith(".*,"):
            found |= columns_of(lines[place:], indent + 2)
        else:
            name = re.search(r"(?: AS |\.)(\w+),?$", item)[1]
            meaning = " ".join(comment)
            kind = re.match(r"(bigint|varchar|boolean|date|timestamp|decimal\(18,[46]\)): ", meaning)
            found[name] = (kind[1], meaning[kind.end() :]) if kind else ("", meaning)
        item, comment = "", []
    return found


def list_view(name: str, view: dict, tables: dict) -> Text:
    """A view over a list of records. In staging, instants have no zone, but for those within lists."""
    sql = re.sub(r"CAST\((parent\.\w+) AS timestamp\(3\)\)", r"\1", view["sql"])
    item = r"ELEMENT_AT\((parent\.\w+), place\.position\)"
    sql = re.sub(rf"CAST\({item}(\.\w+) AS timestamp\(3\)\)", r"{{ harvest_lake.in_utc(harvest_lake.item('\1') ~ '\2') }}", sql)
    sql = re.sub(item, r"{{ harvest_lake.item('\1') }}", sql)
    places = r"CROSS JOIN UNNEST\(SEQUENCE\(1, GREATEST\(CARDINALITY\(([\w.]+)\), 1\)\)\) AS place \(position\)"
    sql = re.sub(places, r"{{ harvest_lake.places('\1') }}", sql)
    sql = re.sub(r"CARDINALITY\(([\w.]+)\)", r"{{ harvest_lake.count_items('\1') }}", sql)
    sql = sql.replace("place.position AS position", "{{ harvest_lake.position() }} AS position")
    left = re.search(r"CAST|ELEMENT_AT|SEQUENCE", sql)
    assert left is None, f"{name}: {left}"
    # A column that is kept of the record means what it means in the table.
    told = tables[re.search(r"FROM (\w+)", view["sql"])[1]]["columns"]
    kept = {name: told[of] for of, name in re.findall(r"\bparent\.(\w+) AS (\w+)", view["sql"])}
    made = Text(name, view["head"], view["columns"] | kept, "")
    made.sql = with_refs(sql, tables, {}, made.needs)
    return made


def key_of(view: dict) -> list[str]:
    """Key of a table, from the statement that looks for its newest changes."""
    return re.search(r"PARTITION BY ([\w, ]+) ORDER BY", view["sql"])[1].split(", ")


def deleted_view(name: str, view: dict) -> Text:
    """A view of deleted rows together with the existing ones. In staging, instants have no zone."""
    sql = re.sub(r"CAST\(NULL AS timestamp\(3\)\)", '{{ harvest_lake.instant("NULL") }}', view["sql"])
    sql = re.sub(r"CAST\((\w+) AS (?:timestamp\(3\)|array\(row\([^()]*(?:\([\d,]+\)[^()]*)*\)\))\)", r"\1", sql)
    sql = re.sub(r"\b(\w+) AS \1\b", r"\1", sql)
    assert "CAST" not in sql, sql
    made = Text(f"{name}_with_deleted", view["head"], view["columns"], "")
    tables = {name, f"{name}{CHANGES}"}
    made.sql = with_refs(sql, tables, {}, made.needs)
    return made


def needed(needs: set[str]) -> list[str]:
    """Names by which the variable `harvest_lake_missing` may tell that the lake lacks one of these tables."""
    return sorted(needs | ({"changes"} if any(name.endswith(CHANGES) for name in needs) else set()))


def model_file(text: Text, origin: str, of_deleted: bool = False) -> str:
    """A model: where it comes from, whether it is on, its statement."""
    is_on = [f"harvest_lake.has({needed(text.needs)})"] if text.needs else []
    if of_deleted:
        is_on.append("var('harvest_lake_with_deleted', false)")
    config = f"{{{{ config(enabled={' and '.join(is_on)}) }}}}\n" if is_on else ""
    return f"{{# {NOTE} From {origin}. #}}\n{config}{text.sql}\n"


def staging(name: str, table: dict, is_used: bool) -> str:
    """A table as it is, with instants in UTC without a zone: Athena refuses zones in views."""
    shown = []
    for column, (kind, _) in table["columns"].items():
        if kind == "timestamp":
            shown.append(f'{{{{ harvest_lake.in_utc("{column}") }}}} AS {column}')
        elif "timestamp" in kind:
            shown.append(f'{{{{ harvest_lake.records("{column}", "{trino(kind)}") }}}} AS {column}')
        else:
            shown.append(column)
    columns = ",\n".join(f"  {one}" for one in shown)
    sql = f"SELECT\n{columns}\nFROM {{{{ source('{SOURCE}', '{name}') }}}}"
    text = Text(name, table["head"], table["columns"], sql)
    text.needs = {name}
    return model_file(text, "the declaration of the stream", of_deleted=not is_used)


def trino(hive: str) -> str:
    """A list of records in Trino's words."""
    members = hive.removeprefix("array<struct<").removesuffix(">>")
    named = [member.split(":") for member in re.split(r",(?![^(]*\))", members)]
    kinds = {"string": "varchar", "timestamp": "timestamp(3)"}
    return f"array(row({', '.join(f'{name} {kinds.get(kind, kind)}' for name, kind in named)}))"


def column(name: str, meaning: str = "", kind: str = "", tests: list | None = None) -> dict:
    """Properties of a column."""
    told = {"name": name, "description": sentence(meaning), "data_type": kind, "data_tests": tests}
    return {key: value for key, value in told.items() if value}


def source(tables: dict) -> dict:
    """The tables of the lake."""
    root = "var('harvest_lake_root', none)"
    quoted = f"{root} | replace(\"'\", \"''\")"
    place = (
        f"{{{{ \"delta_scan('\" ~ {quoted} ~ \"/tables/{{identifier}}')\" if {root}"
        """ else '(SELECT * FROM "{database}"."{schema}"."{identifier}")' }}"""
    )
    shown = [
        {
            "name": name,
            "description": table["head"],
            "columns": [column(one, meaning, kind) for one, (kind, meaning) in table["columns"].items()],
        }
        for name, table in tables.items()
    ]
    return {
        "name": SOURCE,
        "description": "Tables of the lake: one for each stream of Harvest's API, and one with its changes.",
        "database": "{{ var('harvest_lake_database', none) or target.database | default(none) }}",
        "schema": "{{ var('harvest_lake_schema', 'harvest_lake') }}",
        "config": {"meta": {"external_location": place}},
        "tables": shown,
    }


def staged_properties(name: str, tables: dict, keys: dict) -> dict:
    """Properties of a table in staging. A table of changes repeats the columns of its table."""
    columns = tables[name]["columns"]
    shown = {"name": f"{STAGED}{name}", "description": tables[name]["head"]}
    if name.endswith(CHANGES):
        own = [column(one, meaning) for one, (_, meaning) in list(columns.items())[:3]]
        own[0]["data_tests"] = ["not_null", accepted(["I", "U", "D"])]
        return shown | {"columns": own}
    key = keys[name]
    if len(key) > 1:
        shown["data_tests"] = [unique(key)]
    tests = {key[0]: ["unique", "not_null"]} if len(key) == 1 else {}
    return shown | {"columns": [column(one, meaning, "", tests.get(one)) for one, (_, meaning) in columns.items()]}


def unique(key: list[str]) -> dict:
    """Test of a key of several columns."""
    return {"harvest_lake.unique_key": {"arguments": {"columns": key}}}


def accepted(values: list[str]) -> dict:
    """Test of values, as a warning."""
    return {"accepted_values": {"arguments": {"values": values}, "config": WARNING}}


def model_properties(text: Text) -> dict:
    """Properties of a view of the model."""
    key = KEYS.get(text.name, [])
    tests: dict[str, list] = {one: ["not_null"] for one in key}
    if len(key) == 1:
        tests[key[0]] = ["unique", "not_null"]
    for one in RELATED.get(text.name, []):
        to, field = PARENTS[one]
        arguments = {"to": f"ref('{to}')", "field": field}
        tests.setdefault(one, []).append({"relationships": {"arguments": arguments, "config": WARNING}})
    for (name, one), values in VALUES.items():
        if name == text.name:
            assert all(re.search(rf"\b{value}\b", text.columns[one][1]) for value in values), (name, one)
            tests.setdefault(one, []).append(accepted(values))
    assert tests.keys() <= text.columns.keys(), text.name
    shown = {"name": text.name, "description": text.head}
    if len(key) > 1:
        shown["data_tests"] = [unique(key)]
    columns = [column(one, meaning, "", tests.get(one)) for one, (_, meaning) in text.columns.items()]
    return shown | {"columns": columns}


def answer_properties(text: Text) -> dict:
    """Properties of an answer."""
    head = re.sub(r" (?=Assumptions: |Harvest cannot tell: )", "\n\n", text.head)
    lacking = [name for name, (_, meaning) in text.columns.items() if not meaning]
    assert not lacking, f"{text.name}: {lacking} without a comment"
    return {
        "name": text.name,
        "description": head,
        "columns": [column(name, meaning) for name, (_, meaning) in text.columns.items()],
    }


def exposure(text: Text) -> dict:
    """An answer as a use of the model."""
    question = re.match(r"Question: (.*?\?)", text.head)[1]
    missing = f"var('harvest_lake_missing', []) | select('in', {needed(text.needs)}) | list"
    return {
        "name": text.name,
        "label": text.name.replace("_", " ").capitalize(),
        "type": "analysis",
        "maturity": "high",
        "description": sentence(question).removesuffix("."),
        "owner": {"name": "harvest-lake"},
        "config": {"enabled": f"{{{{ ({missing} | length == 0) | as_bool }}}}"},
        "depends_on": [f"ref('{text.name}')"],
    }


def properties(document: dict) -> str:
    """A file of properties."""
    text = yaml.safe_dump({"version": 2, **document}, sort_keys=False, width=120, allow_unicode=True)
    return f"# {NOTE}\n{text}"


if __name__ == "__main__":
    sys.exit(main())
