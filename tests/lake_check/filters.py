"""`python -m lake_check.filters --lake DIR`: exit code 1 where a filter does not find its rows.

Each column of each table, tables of changes included, by one value that is there and by null: as
deltalake filters by itself, as DuckDB and Polars do over its dataset, and as both do by readers of
their own. Those that skip files by what the log says of a column lose rows where it says too much.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import deltalake
import polars
import pyarrow as pa
import pyarrow.compute as pc

from .readers import ByDuckdb

SHOWN = 12
Filter = tuple[str, str, object]


def main() -> int:
    parser = argparse.ArgumentParser(prog="lake_check.filters", description=__doc__)
    parser.add_argument("--lake", required=True, type=Path, help="folder of the lake")
    folders = sorted((parser.parse_args().lake / "tables").iterdir())
    failed = asked = 0
    for folder in folders:
        number, wrong = check(folder)
        asked += number
        failed += bool(wrong)
        for line in wrong[:SHOWN]:
            print(f"FAIL {folder.name}: {line}", flush=True)
        if len(wrong) > SHOWN:
            print(f"     and {len(wrong) - SHOWN} more")
    print(f"{len(folders)} tables, {asked} filters by 5 readers each, {failed} tables failed")
    return 1 if failed or not asked else 0


def check(folder: Path) -> tuple[int, list[str]]:
    """How many filters were asked, and which did not find their rows."""
    table = deltalake.DeltaTable(folder)
    rows = table.to_pyarrow_table()
    wanted = list(filters(rows))
    wrong = []
    for name, count in readers(folder, table):
        for column, sign, value in wanted:
            expected = held(rows[column], sign, value)
            try:
                found = count(column, sign, value)
            except Exception as error:  # noqa: BLE001: the others are asked all the same
                found = f"{type(error).__name__}: {error}"
            if found != expected:
                wrong.append(f"{name}: {column} {sign} {value!r} finds {found} of {expected} rows")
    return len(wanted), wrong


def filters(rows: pa.Table) -> Iterator[Filter]:
    """One that finds rows for each column, and those with null."""
    for column in rows.schema.names:
        values = rows[column]
        if values.null_count < len(values):
            if pa.types.is_nested(values.type):
                yield column, "is not null", None
            else:
                yield column, "=", values.drop_null()[0].as_py()
        if values.null_count:
            yield column, "is null", None


def held(values: pa.ChunkedArray, sign: str, value: object) -> int:
    """How many rows a filter must find."""
    if sign == "is null":
        return values.null_count
    if sign == "is not null":
        return len(values) - values.null_count
    return pc.sum(pc.equal(values, pa.scalar(value, values.type))).as_py()


def readers(folder: Path, table: deltalake.DeltaTable) -> Iterator[tuple[str, Callable]]:
    """Five ways to count the rows that a filter finds."""
    dataset = table.to_pyarrow_dataset()
    native = ByDuckdb(folder)

    def by_deltalake(column: str, sign: str, value: object) -> int:
        if sign == "=":
            return table.to_pyarrow_table(columns=[column], filters=[(column, "=", value)]).num_rows
        field = pc.field(column)
        return dataset.count_rows(field.is_null() if sign == "is null" else field.is_valid())

    def by_sql(source: str) -> Callable:
        def count(column: str, sign: str, value: object) -> int:
            query = f'SELECT count(*) FROM {source} WHERE "{column}" '
            if sign == "=":
                return native.connection.execute(query + "= ?", [value]).fetchone()[0]
            return native.connection.execute(query + sign).fetchone()[0]

        return count

    def by_polars(lazy: polars.LazyFrame) -> Callable:
        def count(column: str, sign: str, value: object) -> int:
            cell = polars.col(column)
            wanted = {"=": cell == value, "is null": cell.is_null(), "is not null": cell.is_not_null()}
            return lazy.filter(wanted[sign]).select(polars.len()).collect().item()

        return count

    native.connection.register("dataset", dataset)
    yield "deltalake", by_deltalake
    yield "DuckDB over deltalake", by_sql("dataset")
    yield "Polars over deltalake", by_polars(polars.scan_delta(str(folder), use_pyarrow=True))
    yield "DuckDB", by_sql(f"delta_scan('{native.place}')")
    yield "Polars", by_polars(polars.scan_delta(str(folder)))


if __name__ == "__main__":
    sys.exit(main())
