"""Three engines that read Delta tables, each giving the whole table as Arrow."""

from __future__ import annotations

from pathlib import Path

import deltalake
import duckdb
import duckdb_extension_delta
import polars
import pyarrow as pa


def by_deltalake(folder: Path) -> pa.Table:
    return deltalake.DeltaTable(folder).to_pyarrow_table()


def by_polars(folder: Path) -> pa.Table:
    return polars.read_delta(str(folder)).to_arrow()


def by_duckdb(folder: Path) -> pa.Table:
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    try:
        # The package carries the extension, so nothing is downloaded.
        carried = Path(duckdb_extension_delta.__file__).parent.glob("extensions/*/*.duckdb_extension")
        connection.execute(f"LOAD '{next(carried)}'")
        connection.execute("SET TimeZone = 'UTC'")
        place = str(folder).replace("'", "''")
        return connection.execute(f"SELECT * FROM delta_scan('{place}')").to_arrow_table()
    finally:
        connection.close()


READERS = {"deltalake": by_deltalake, "polars": by_polars, "duckdb": by_duckdb}


def account_of(folder: Path) -> int | None:
    """The account that the table says it belongs to."""
    named = deltalake.DeltaTable(folder).metadata().configuration.get("harvest-lake.account")
    return int(named) if named else None


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
