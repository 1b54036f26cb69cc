"""What each table must look like, derived from the catalog of the API."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

CATALOG = Path(__file__).resolve().parent.parent / "catalog.json"

INSTANT = pa.timestamp("us", tz="UTC")
TYPES = {
    "int": pa.int64(),
    "text": pa.string(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "instant": INSTANT,
    "money": pa.decimal128(18, 4),
    "decimal": pa.decimal128(18, 6),
    "texts": pa.list_(pa.string()),
    "ints": pa.list_(pa.int64()),
}

# Objects that belong to the record itself; all others repeat values of another record.
OWN_OBJECTS = {"external_reference", "receipt", "payment_gateway"}
# Differ with every answer, so two readings never agree.
VOLATILE = {("expenses", "receipt_url")}

CREATED_MONTH = {"time_entries", "expenses"}
CREATED_YEAR = {"invoices", "estimates"}


@dataclass(frozen=True)
class Column:
    """One column: its name, its type, and where its value comes from."""

    name: str
    type: pa.DataType
    # Catalog type of a value taken from the record; `None` for columns that we add.
    kind: str | None = None
    # Repeats a value of another record, whose change does not move this one's `updated_at`.
    embedded: bool = False
    # The members of a list's structs that do so.
    embedded_members: frozenset[str] = frozenset()


@dataclass
class Shape:
    """The declared members of one JSON object."""

    # Member -> catalog type, or a `Shape` for an object, or a list of one `Shape` for objects.
    members: dict[str, str | Shape | list[Shape]] = field(default_factory=dict)

    def at(self, path: list[str]) -> Shape:
        """The shape of the object that `path` leads to, made where it is new."""
        shape = self
        for step in path:
            name = step.removesuffix("[]")
            inner = shape.members[name]
            shape = inner[0] if isinstance(inner, list) else inner
        return shape


@dataclass
class Table:
    """One stream's table."""

    stream: str
    key: list[str]
    columns: list[Column]
    shape: Shape
    records_key: str | None
    parent: str | None
    parent_column: str | None
    window: bool
    # Whether it has one list, of which only changes are read; nothing of other lists may lag behind.
    is_listing: bool
    partition: str | None

    def schema(self) -> pa.Schema:
        return pa.schema([(column.name, column.type) for column in self.columns])


def load() -> dict[str, Table]:
    """All tables by stream, in the order of the catalog."""
    entries = json.loads(CATALOG.read_text(encoding="utf-8"))
    return {entry["stream"]: _table(entry) for entry in entries}


def _table(entry: dict) -> Table:
    stream = entry["stream"]
    shape = Shape()
    for fact in entry["fields"]:
        if fact["legacy"]:
            continue
        *path, name = fact["path"].split(".")
        kind = fact["type"]
        value = Shape() if kind == "object" else [Shape()] if kind == "objects" else kind
        shape.at(path).members[name] = value
    columns = list(_flat(shape, ""))
    parent, window = entry["parent"], entry["window"]
    parent_column = f"{parent.removesuffix('s')}_id" if parent else None
    if parent_column:
        columns.append(Column(parent_column, pa.int64()))
    key = entry["primary_key"]
    if window:
        columns += [Column(name, pa.date32()) for name in ("period_start", "period_end")]
        key = ["period_start", "period_end", *key]
    columns += [
        Column("account_id", pa.int64()),
        Column("synced_at", INSTANT),
        Column("extra_json", pa.string()),
    ]
    partition = _partition(stream, parent, window)
    if partition:
        kind = pa.string() if partition == "created_month" else pa.int64()
        columns.append(Column(partition, kind))
    is_listing = entry["updated_since"] and not (window or parent)
    records_key = entry["records_key"]
    return Table(
        stream, key, columns, shape, records_key, parent, parent_column, window, is_listing, partition
    )


def _partition(stream: str, parent: str | None, window: bool) -> str | None:
    if window:
        return "period_year"
    if stream in CREATED_MONTH:
        return "created_month"
    if stream in CREATED_YEAR or parent in CREATED_YEAR:
        return "created_year"
    return None


def _flat(shape: Shape, prefix: str, embedded: bool = False):
    for name, kind in shape.members.items():
        column = prefix + name
        if isinstance(kind, Shape):
            yield from _flat(kind, f"{column}_", name not in OWN_OBJECTS)
        elif isinstance(kind, list):
            members = list(_flat(kind[0], ""))
            struct = pa.struct([(member.name, member.type) for member in members])
            borrowed = frozenset(member.name for member in members if member.embedded)
            yield Column(column, pa.list_(struct), "objects", embedded, borrowed)
        else:
            # An object's id says which record it repeats: that is this record's own.
            yield Column(column, TYPES[kind], kind, embedded and name != "id")
