"""Three engines that read Delta tables, each giving the table as Arrow and counting by a filter."""

from __future__ import annotations

from pathlib import Path

import deltalake
import polars
import pyarrow as pa
import pyarrow.compute as pc

import duck


class ByDeltalake:
    """delta-rs, through a pyarrow dataset."""

    name = "deltalake"

    def __init__(self, folder: Path) -> None:
        self.table = deltalake.DeltaTable(folder)

    def read(self) -> pa.Table:
        return self.table.to_pyarrow_table()

    def count(self, column: str, value: pa.Scalar) -> int:
        dataset = self.table.to_pyarrow_dataset()
        return dataset.count_rows(filter=pc.field(column) == value)

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

    def count(self, column: str, value: pa.Scalar) -> int:
        lazy = polars.scan_delta(self.folder)
        return lazy.filter(polars.col(column) == value.as_py()).select(polars.len()).collect().item()


class ByDuckdb:
    """DuckDB, with delta-kernel."""

    name = "duckdb"

    def __init__(self, folder: Path) -> None:
        self.place = str(folder).replace("'", "''")
        self.connection = duck.connect()

    def read(self) -> pa.Table:
        return self.connection.execute(f"SELECT * FROM delta_scan('{self.place}')").to_arrow_table()

    def count(self, column: str, value: pa.Scalar) -> int:
        query = f"SELECT count(*) FROM delta_scan('{self.place}') WHERE \"{column}\" = ?"
        return self.connection.execute(query, [value.as_py()]).fetchone()[0]


    def unreadable_json(self) -> int:
        """Rows whose `extra_json` the engine's own JSON functions refuse."""
        query = f"SELECT count(*) FROM delta_scan('{self.place}') WHERE NOT json_valid(extra_json)"
        return self.connection.execute(query).fetchone()[0]


def readers(folder: Path) -> tuple[ByDeltalake, ByPolars, ByDuckdb]:
    """One reader of each kind."""
    return ByDeltalake(folder), ByPolars(folder), ByDuckdb(folder)


def wrong_counts(reader, table: pa.Table) -> list[str]:
    """Filters by the least and the greatest value of a column that do not find their rows.

    Readers skip files by the least and greatest values that the log names; where those are not
    exact, or rounded inwards, a filter loses rows that a plain scan shows.
    """
    wrong = []
    for column in table.schema:
        if not _is_ordered(column.type) or table.num_rows == 0:
            continue
        values = table[column.name]
        ends = pc.min_max(values)
        for end in {ends["min"], ends["max"]}:
            if not end.is_valid:
                continue
            expected = pc.sum(pc.equal(values, end)).as_py()
            found = reader.count(column.name, end)
            if found != expected:
                wrong.append(f"{column.name} = {end} finds {found} of {expected} rows")
    return wrong


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
