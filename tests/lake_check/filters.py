"""`python -m lake_check.filters --lake DIR`: exit code 1 where a filter does not find its rows.

Each column of each table, tables of changes included, by one value that is there and by null: as
deltalake filters by itself, as DuckDB and Polars do over its dataset, and as both do by readers of
their own. Those that skip files by what the log says of a column lose rows where it says too much.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import deltalake
import polars
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow.fs import LocalFileSystem, SubTreeFileSystem

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
    expected = [held(rows[column], sign, value) for column, sign, value in wanted]
    wrong = []
    for name, count in readers(folder, table):
        try:
            counts = count(wanted)
        except Exception as error:  # noqa: BLE001: the others are asked all the same
            wrong.append(f"{name}: {type(error).__name__}: {error}")
            continue
        for (column, sign, value), right, found in zip(wanted, expected, counts, strict=True):
            if found != right:
                what = f"{column} {sign} {'' if value is None else value!r}"
                wrong.append(f"{name}: {what} finds {found} of {right} rows")
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
    """Five ways to count the rows that each of some filters finds."""
    # Arrow reads the files itself. Through deltalake's own file system, which is Python, DuckDB waits
    # for a thread that waits for the interpreter's lock, which DuckDB holds: now and then for ever.
    files = SubTreeFileSystem(str(folder), LocalFileSystem())
    dataset = table.to_pyarrow_dataset(filesystem=files)
    native = ByDuckdb(folder).connection
    native.register("dataset", dataset)
    place = str(folder).replace("'", "''")
    # One snapshot for all questions.
    attached = f"attached_{folder.name}"
    native.execute(f"ATTACH '{place}' AS {attached} (TYPE delta, PIN_SNAPSHOT)")

    # `DeltaTable.to_pyarrow_table(filters=...)` asks the same of a dataset that it makes each time, for ten milliseconds.
    def by_deltalake(wanted: list[Filter]) -> list[int]:
        counts = []
        for column, sign, value in wanted:
            field = pc.field(column)
            if sign == "=":
                condition = field == pa.scalar(value, dataset.schema.field(column).type)
            else:
                condition = field.is_null() if sign == "is null" else field.is_valid()
            counts.append(dataset.to_table(columns=[column], filter=condition).num_rows)
        return counts

    def by_sql(source: str, wanted: list[Filter]) -> list[int]:
        counts = []
        for column, sign, value in wanted:
            sign, values = ("= ?", [value]) if sign == "=" else (sign, [])
            query = f'SELECT count(*) FROM {source} WHERE "{column}" {sign}'
            counts.append(native.execute(query, values).fetchone()[0])
        return counts

    def by_polars(lazy: polars.LazyFrame, wanted: list[Filter]) -> list[int]:
        questions = []
        for column, sign, value in wanted:
            cell = polars.col(column)
            holds = {"is null": cell.is_null, "is not null": cell.is_not_null}
            condition = cell == value if sign == "=" else holds[sign]()
            questions.append(lazy.filter(condition).select(polars.len()))
        return [answer.item() for answer in polars.collect_all(questions)]

    over = polars.scan_pyarrow_dataset(dataset)
    yield "deltalake", by_deltalake
    yield "DuckDB over deltalake", partial(by_sql, "dataset")
    yield "Polars over deltalake", partial(by_polars, over)
    yield "DuckDB", partial(by_sql, attached)
    yield "Polars", partial(by_polars, polars.scan_delta(str(folder)))


if __name__ == "__main__":
    sys.exit(main())
