"""Three engines that read Delta tables, each giving the table as Arrow and counting the rows that filters find."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from pathlib import Path

import deltalake
import polars
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pyarrow.fs import LocalFileSystem, SubTreeFileSystem

import duck

# Column, sign (`=`, `is null` or `is not null`) and value.
Filter = tuple[str, str, object]
# How an engine counts the rows that each of some filters finds.
Count = Callable[[list[Filter]], list[int]]
_names = itertools.count()


class ByDeltalake:
    """delta-rs, through a pyarrow dataset."""

    name = "deltalake"

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)
        self.table = deltalake.DeltaTable(folder)

    @functools.cached_property
    def dataset(self) -> ds.Dataset:
        """The files that the table has now, with what the log says of them."""
        # Arrow reads the files itself. Through deltalake's own file system, which is Python, DuckDB waits
        # for a thread that waits for the interpreter's lock, which DuckDB holds: now and then for ever.
        files = SubTreeFileSystem(self.folder, LocalFileSystem())
        return self.table.to_pyarrow_dataset(filesystem=files)

    def read(self) -> pa.Table:
        return self.table.to_pyarrow_table()

    def count(self, filters: list[Filter]) -> list[int]:
        # `DeltaTable.to_pyarrow_table(filters=...)` asks the same of a dataset that it makes each time, for ten milliseconds.
        return [
            self.dataset.to_table(columns=[column], filter=self._condition(column, sign, value)).num_rows
            for column, sign, value in filters
        ]

    def _condition(self, column: str, sign: str, value: object) -> ds.Expression:
        field = pc.field(column)
        if sign == "=":
            return field == pa.scalar(value, self.dataset.schema.field(column).type)
        return field.is_null() if sign == "is null" else field.is_valid()

    def account(self) -> int | None:
        """The account that the table says it belongs to."""
        named = self.table.metadata().configuration.get("harvest-lake.account")
        return int(named) if named else None


class ByPolars:
    """Polars, with its own reader of Parquet."""

    name = "polars"

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)

    def read(self) -> pa.Table:
        return polars.read_delta(self.folder).to_arrow()

    def count(self, filters: list[Filter]) -> list[int]:
        return lazy_counts(polars.scan_delta(self.folder), filters)


class ByDuckdb:
    """DuckDB, with delta-kernel."""

    name = "duckdb"

    def __init__(self, folder: Path) -> None:
        self.connection = duck.connect()
        # One snapshot for all questions.
        self.table = f"attached_{next(_names)}"
        place = str(folder).replace("'", "''")
        self.connection.execute(f"ATTACH '{place}' AS {self.table} (TYPE delta, PIN_SNAPSHOT)")

    def read(self) -> pa.Table:
        return self.connection.execute(f"SELECT * FROM {self.table}").to_arrow_table()

    def count(self, filters: list[Filter]) -> list[int]:
        return self.count_in(self.table, filters)

    def count_in(self, source: str, filters: list[Filter]) -> list[int]:
        """Counts in another table of the connection."""
        if not filters:
            return []
        # One query: each part is planned by itself, and skips files by its own filter.
        parts = [
            f"SELECT {place}, count(*) FROM {source} WHERE \"{column}\" {'= ?' if sign == '=' else sign}"
            for place, (column, sign, _) in enumerate(filters)
        ]
        values = [value for _, sign, value in filters if sign == "="]
        counts = self.connection.execute(" UNION ALL ".join(parts), values).fetchall()
        return [count for _, count in sorted(counts)]

    def unreadable_json(self) -> int:
        """Rows whose `extra_json` the engine's own JSON functions refuse."""
        query = f"SELECT count(*) FROM {self.table} WHERE NOT json_valid(extra_json)"
        return self.connection.execute(query).fetchone()[0]


def lazy_counts(lazy: polars.LazyFrame, filters: list[Filter]) -> list[int]:
    """How many rows each filter finds, as Polars counts them."""
    questions = []
    for column, sign, value in filters:
        cell = polars.col(column)
        holds = {"is null": cell.is_null, "is not null": cell.is_not_null}
        condition = cell == value if sign == "=" else holds[sign]()
        questions.append(lazy.filter(condition).select(polars.len()))
    # Each question by itself: what several share takes twice the time to find.
    apart = polars.QueryOptFlags(comm_subplan_elim=False)
    return [answer.item() for answer in polars.collect_all(questions, optimizations=apart)]


def readers(folder: Path) -> tuple[ByDeltalake, ByPolars, ByDuckdb]:
    """One reader of each kind."""
    return ByDeltalake(folder), ByPolars(folder), ByDuckdb(folder)


def ends(table: pa.Table) -> list[Filter]:
    """Filters by the least and the greatest value of each column that has an order.

    Readers skip files by the least and greatest values that the log names; where those are not
    exact, or rounded inwards, a filter loses rows that a plain scan shows.
    """
    found = []
    for column in table.schema:
        if _is_ordered(column.type) and table.num_rows:
            both = pc.min_max(table[column.name])
            values = {both["min"], both["max"]}
            found += [(column.name, "=", value.as_py()) for value in values if value.is_valid]
    return found


def wrong_counts(name: str, count: Count, table: pa.Table, filters: list[Filter]) -> list[str]:
    """The filters that do not find the rows of `table` that they should, a line each."""
    wrong = []
    for (column, sign, value), found in zip(filters, count(filters), strict=True):
        expected = _held(table[column], sign, value)
        if found != expected:
            what = f"{column} {sign} {'' if value is None else value!r}"
            wrong.append(f"{name}: {what} finds {found} of {expected} rows")
    return wrong


def _held(values: pa.ChunkedArray, sign: str, value: object) -> int:
    if sign == "is null":
        return values.null_count
    if sign == "is not null":
        return len(values) - values.null_count
    return pc.sum(pc.equal(values, pa.scalar(value, values.type))).as_py()


def _is_ordered(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_date(kind) or pa.types.is_timestamp(kind)


def alike(actual: pa.DataType, expected: pa.DataType) -> bool:
    """Whether two Arrow types mean the same column type, whatever their layout in memory."""
    return _plain(actual) == _plain(expected)


def _plain(kind: pa.DataType):
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_list_view(kind):
        return ("list", _plain(kind.value_type))
    if pa.types.is_struct(kind):
        return ("struct", *((member.name, _plain(member.type)) for member in kind))
    if pa.types.is_timestamp(kind) and kind.tz in ("UTC", "Etc/UTC", "+00:00"):
        return pa.timestamp(kind.unit, tz="UTC")
    return kind
