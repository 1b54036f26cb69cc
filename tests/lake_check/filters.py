"""`python -m lake_check.filters --lake DIR`: exit code 1 where a filter does not find its rows.

Each column of each table, tables of changes included, by one value that is there and by null: as
deltalake filters by itself, as DuckDB and Polars do over its dataset, and as both do by readers of
their own. Those that skip files by what the log says of a column lose rows where it says too much.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import polars
import pyarrow as pa

from .readers import Count, Filter, lazy_counts, readers, wrong_counts

SHOWN = 12


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
    engines = readers(folder)
    rows = engines[0].read()
    wanted = list(filters(rows))
    wrong = []
    for name, count in counts(*engines):
        try:
            wrong += wrong_counts(name, count, rows, wanted)
        except Exception as error:  # noqa: BLE001: the others are asked all the same
            wrong.append(f"{name}: {type(error).__name__}: {error}")
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


def counts(by_deltalake, by_polars, by_duckdb) -> Iterator[tuple[str, Count]]:
    """Five ways to count the rows that each of some filters finds."""
    dataset = by_deltalake.dataset
    by_duckdb.connection.register("dataset", dataset)
    yield "deltalake", by_deltalake.count
    yield "DuckDB over deltalake", partial(by_duckdb.count_in, "dataset")
    yield "Polars over deltalake", partial(lazy_counts, polars.scan_pyarrow_dataset(dataset))
    yield "DuckDB", by_duckdb.count
    yield "Polars", by_polars.count


if __name__ == "__main__":
    sys.exit(main())
