"""Compares one reading of a table, cell by cell, with the rows that it must hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import pyarrow as pa

from .declaration import VOLATILE, Column, Table
from .readers import alike

LIMIT = 100_000


# Computed by Harvest when it answers, so they change without `updated_at`.
COMPUTED = {"is_locked", "locked_reason", "is_explicitly_locked", "over_budget_notification_date"}
# What grows with every second of a running timer, and what shrinks.
GROWING = {
    "hours", "rounded_hours", "total_hours", "billable_hours", "billable_amount",
    "uninvoiced_hours", "uninvoiced_amount", "budget_spent",
}  # fmt: skip
SHRINKING = {"budget_remaining"}


@dataclass
class Leave:
    """What may differ: next to nothing, unless it follows an incremental run.

    Harvest changes some things without `updated_at`, so only the next full pass can see them.
    """

    # Time entries whose timer runs, as rows; asked for only where a difference may be theirs.
    running: Callable[[], list[dict]]
    lenient: bool = False
    # Listings may hold records that Harvest deleted.
    deleted: bool = False
    # Parents whose children were read again because they changed.
    moved_parents: set[int] = field(default_factory=set)
    # Report windows that were not read again.
    old_windows: set[tuple] = field(default_factory=set)

    def row(self, table: Table, key: tuple, parent: int | None, missing: bool) -> bool:
        """Whether this row may be missing in the table, or be there without being in Harvest."""
        if table.window:
            return key[:2] in self.old_windows
        if table.parent:
            return self.lenient and parent not in self.moved_parents
        return (self.lenient or self.deleted) and table.is_listing and not missing

    def cell(self, table: Table, key: tuple, column: Column, wanted: dict, held: Held) -> bool:
        """Whether this cell may hold an older value."""
        if self._runs_on(table, column, wanted, held.value):
            return True
        if table.window or table.parent:
            return self.row(table, key, wanted.get(table.parent_column), missing=False)
        moved = held.updated_at != wanted.get("updated_at")
        if not self.lenient or not table.is_listing or moved:
            return False
        if column.kind == "objects":
            return _same_structs(held.value, wanted[column.name], column.embedded_members)
        return column.embedded or column.name in COMPUTED

    def _runs_on(self, table: Table, column: Column, wanted: dict, old) -> bool:
        """Whether a timer explains the difference: it ran on between the reading and now."""
        new = wanted.get(column.name)
        if old is None or new is None:
            return False
        if not (column.name in GROWING and old <= new or column.name in SHRINKING and old >= new):
            return False
        if "is_running" in wanted:
            return wanted["is_running"] is True
        subjects = [name for name in table.key if name.endswith("_id")]
        return any(
            all(entry.get(name) == wanted[name] for name in subjects)
            and (
                not table.window
                or wanted["period_start"] <= entry["spent_date"] <= wanted["period_end"]
            )
            for entry in self.running()
        )


@dataclass
class Held:
    """A cell of the table, and when Harvest last touched its row."""

    value: object
    updated_at: object


def differences(
    table: Table, truth: dict[tuple, dict], actual: pa.Table, account: int, leave: Leave
) -> list[str]:
    """What is wrong with the table, one line each; at most `LIMIT`."""
    wrong = _schema(table, actual.schema)
    if wrong:
        return wrong
    columns = {column.name: column for column in table.columns}
    keys = _keys(table, actual)
    places: dict[tuple, int] = {}
    for place, key in enumerate(keys):
        if key in places:
            wrong.append(f"row {_shown(table, key)} is there twice")
        places[key] = place
    parents = actual[table.parent_column].to_pylist() if table.parent_column else None
    for key, place in places.items():
        parent = parents[place] if parents else None
        if key not in truth and not leave.row(table, key, parent, missing=False):
            wrong.append(f"row {_shown(table, key)} is not in Harvest")
    for key, wanted in truth.items():
        parent = wanted.get(table.parent_column)
        if key not in places and not leave.row(table, key, parent, missing=True):
            wrong.append(f"row {_shown(table, key)} is missing")
    common = sorted(truth.keys() & places.keys(), key=_order)
    rows = [truth[key] for key in common]
    aligned = actual.take(pa.array([places[key] for key in common], pa.int64()))
    updated = (
        aligned["updated_at"].to_pylist() if "updated_at" in columns else [None] * len(common)
    )
    for column in table.columns:
        held = aligned[column.name]
        for place, old, new in _cells(table, column, held, rows, account):
            key = common[place]
            if not leave.cell(table, key, column, rows[place], Held(old, updated[place])):
                row = _shown(table, key)
                wrong.append(f"row {row}: {column.name} is {old!r}, in Harvest {new!r}")
                if len(wrong) >= LIMIT:
                    return wrong
    # Rows without a counterpart carry our own columns all the same.
    for name, wanted in (("account_id", account), ("synced_at", None)):
        values = actual[name]
        if values.null_count:
            wrong.append(f"{values.null_count} rows have no {name}")
        if wanted is not None and any(value != wanted for value in values.unique().to_pylist()):
            wrong.append(f"{name} is not {wanted} everywhere")
    return wrong


def _schema(table: Table, schema: pa.Schema) -> list[str]:
    expected = [column.name for column in table.columns]
    if schema.names != expected:
        return [f"columns are {schema.names}, declared {expected}"]
    return [
        f"column {column.name} is {schema.field(column.name).type}, declared {column.type}"
        for column in table.columns
        if not alike(schema.field(column.name).type, column.type)
    ]


def _keys(table: Table, actual: pa.Table) -> list[tuple]:
    return list(zip(*(actual[name].to_pylist() for name in table.key), strict=True))


def key_of(table: Table, row: dict) -> tuple:
    """The primary key of a row."""
    return tuple(row[name] for name in table.key)


def _order(key: tuple) -> list:
    """Nulls first, as the tables are sorted."""
    return [(part is not None, part) for part in key]


def _shown(table: Table, key: tuple) -> str:
    return ", ".join(f"{name}={part}" for name, part in zip(table.key, key, strict=True))


def _cells(table: Table, column: Column, held: pa.ChunkedArray, rows: list[dict], account: int):
    """The cells of a column that differ: place, value held, value wanted."""
    if column.name == "synced_at":
        return
    if column.name == "account_id":
        wanted = [account] * len(rows)
    else:
        wanted = [row.get(column.name) for row in rows]
    if column.name == "extra_json":
        for place, (old, new) in enumerate(zip(held.to_pylist(), wanted, strict=True)):
            if not _same_json(old, new):
                yield place, old, new
        return
    if column.kind != "objects" and not (table.stream, column.name) in VOLATILE:
        expected = pa.array(wanted, column.type)
        if pa.types.is_nested(column.type):
            same = held.to_pylist() == expected.to_pylist()
        else:
            same = pa.chunked_array([expected]).equals(held.cast(column.type))
        if same:
            return
    for place, (old, new) in enumerate(zip(held.to_pylist(), wanted, strict=True)):
        if (table.stream, column.name) in VOLATILE:
            same = (old is None) == (new is None)
        elif column.kind == "objects":
            same = _same_structs(old, new)
        else:
            same = type(old) is type(new) and old == new
        if not same:
            yield place, old, new


def _same_structs(old: list | None, new: list | None, but: frozenset[str] = frozenset()) -> bool:
    if old is None or new is None:
        return old is new
    if len(old) != len(new):
        return False
    for one, other in zip(old, new, strict=True):
        if one is None or other is None:
            if one is not other:
                return False
        elif any(not _same(one[name], other.get(name)) for name in one.keys() - but):
            return False
    return True


def _same(old, new) -> bool:
    return type(old) is type(new) and old == new


def _same_json(text: str | None, wanted: dict | None) -> bool:
    if text is None or wanted is None:
        return text is wanted
    held = json.loads(text, parse_float=Decimal, parse_int=int)
    return _same_value(held, wanted)


def _same_value(old, new) -> bool:
    """Equal to the last digit: `1`, `1.0` and `true` are three values."""
    if type(old) is not type(new):
        return False
    if isinstance(old, dict):
        return old.keys() == new.keys() and all(_same_value(old[name], new[name]) for name in old)
    if isinstance(old, list):
        return len(old) == len(new) and all(map(_same_value, old, new))
    if isinstance(old, Decimal):
        return old.as_tuple() == new.as_tuple()
    return old == new
