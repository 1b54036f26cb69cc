"""`python foreign.py LAKE`: writes the files of all tables anew as other engines do.

deltalake sorts what it compacts, in a codec of its own for each table; after that PyArrow writes some
files once more with what deltalake never does: instants of 96 bits, pages of version 2, other types of
text, columns in another order, none that holds nothing. No row changes by it.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from pathlib import Path

import deltalake
import pyarrow as pa
import pyarrow.parquet as pq

# What all engines of the check read.
CODECS = ["SNAPPY", "GZIP", "BROTLI", "LZ4_RAW", "ZSTD", "UNCOMPRESSED"]


def large(rows: pa.Table) -> pa.Table:
    """Text with long offsets, and columns backwards."""
    fields = [
        field.with_type(pa.large_string()) if pa.types.is_string(field.type) else field
        for field in reversed(rows.schema)
    ]
    schema = pa.schema(fields)
    return rows.select(schema.names).cast(schema)


def few(rows: pa.Table) -> pa.Table:
    """Without the columns that hold nothing, and text as categories."""
    empty = [name for name in rows.schema.names if rows[name].null_count == len(rows)]
    rows = rows.drop_columns(empty)
    for index, field in enumerate(rows.schema):
        if pa.types.is_string(field.type):
            rows = rows.set_column(index, field.name, rows[index].dictionary_encode())
    return rows


# How PyArrow writes: what becomes of the rows, and the options.
WAYS = [
    (large, {"compression": "snappy", "version": "1.0"}),
    (lambda rows: rows, {"compression": "gzip", "data_page_version": "2.0"}),
    (few, {"compression": "brotli", "use_dictionary": True, "write_page_checksum": True}),
    (lambda rows: rows, {"compression": "lz4", "use_deprecated_int96_timestamps": True}),
    (lambda rows: rows, {"compression": "snappy", "use_dictionary": False, "store_schema": False}),
]


def main() -> int:
    tables = sorted((Path(sys.argv[1]) / "tables").iterdir())
    sorted_by, written = 0, 0
    for folder, codec in zip(tables, itertools.cycle(CODECS)):
        table = deltalake.DeltaTable(folder)
        if not table.file_uris():
            continue
        properties = deltalake.WriterProperties(compression=codec)
        key = "id" if "id" in table.schema().to_arrow().names else "synced_at"
        table.optimize.z_order([key], writer_properties=properties)
        sorted_by += 1
    of_streams = [folder for folder in tables if not folder.name.endswith("_changes") and not folder.name.startswith("_")]
    for folder, (change, options) in zip(of_streams, itertools.cycle(WAYS)):
        written += rewrite(folder, change, options)
    print(f"{sorted_by} tables compacted by deltalake, {written} files written by PyArrow")
    return 0 if sorted_by > 50 and written > 50 else 1


def rewrite(folder: Path, change, options: dict) -> int:
    """Writes all files of the table anew, by one commit of the kind that compactions make."""
    table = deltalake.DeltaTable(folder)
    adds = pa.table(table.get_add_actions()).to_pylist()
    now = int(time.time() * 1000)
    lines = [{"commitInfo": {"timestamp": now, "operation": "OPTIMIZE", "operationParameters": {}}}]
    for number, add in enumerate(adds):
        old = folder / add["path"]
        rows = pq.ParquetFile(old).read()
        path = f"{add['path'].rpartition('/')[0]}/part-{number:05}-{now}.parquet".lstrip("/")
        pq.write_table(change(rows), folder / path, **options)
        values = {name.removeprefix("partition."): text(value) for name, value in partition(add)}
        stats = json.dumps({"numRecords": rows.num_rows})
        size = (folder / path).stat().st_size
        common = {"partitionValues": values, "dataChange": False}
        lines.append({"add": {"path": path, "size": size, "modificationTime": now, "stats": stats, **common}})
        lines.append({"remove": {"path": add["path"], "deletionTimestamp": now, **common}})
    if adds:
        commit = folder / "_delta_log" / f"{table.version() + 1:020}.json"
        commit.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return len(adds)


def partition(add: dict):
    nested = add.get("partition") or add.get("partition_values") or {}
    flat = [(name, value) for name, value in add.items() if name.startswith("partition.")]
    return [*nested.items(), *flat]


def text(value) -> str | None:
    return None if value is None else str(value)


if __name__ == "__main__":
    sys.exit(main())
