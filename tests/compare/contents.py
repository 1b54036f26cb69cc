"""What the tables of a side hold: rows, records, and the sum of all hours."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import deltalake
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

# A teammate has a row for each of his managers; the two sides name the manager's column differently.
KEYS = {"user_teammates": [("user_id", "_users_id"), ("id",)], "company": [("full_domain",)]}


def delta(folder: Path) -> pa.Table:
    """Current version; a stream without records may have no table."""
    if not deltalake.DeltaTable.is_deltatable(str(folder)):
        return pa.table({})
    return pa.table(deltalake.DeltaTable(folder).to_pyarrow_table())


def parquet(folder: Path) -> pa.Table:
    """All files of a folder; a later file may have more columns."""
    files = [pq.read_table(path) for path in sorted(folder.rglob("*.parquet"))]
    return pa.concat_tables(files, promote_options="permissive") if files else pa.table({})


def records(table: pa.Table, stream: str) -> int:
    """Number of different keys: rows that were appended again are one record."""
    names = []
    for choices in KEYS.get(stream, [("id",)]):
        names += [name for name in choices if name in table.column_names]
    return table.group_by(names).aggregate([]).num_rows if names else 0


def hours(table: pa.Table) -> Decimal:
    """Sum as a reader gets it: exact for decimals, otherwise that of floating-point numbers."""
    return Decimal(str(pc.sum(table["hours"]).as_py())) if table.num_rows else Decimal(0)
