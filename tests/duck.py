"""DuckDB with its extension for Delta, which its package carries: nothing is downloaded."""

from __future__ import annotations

import functools
import itertools
from pathlib import Path

import duckdb
import duckdb_extension_delta

_names = itertools.count()


@functools.cache
def _instance() -> duckdb.DuckDBPyConnection:
    """Where the extension is loaded: a third of a second of processor time, so once for each process."""
    instance = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    carried = Path(duckdb_extension_delta.__file__).parent.glob("extensions/*/*.duckdb_extension")
    instance.execute(f"LOAD '{next(carried)}'")
    return instance


def connect() -> duckdb.DuckDBPyConnection:
    """A connection to an empty database of its own, in memory, with times in UTC."""
    connection = _instance().cursor()
    database = f"memory_{next(_names)}"
    connection.execute(f"ATTACH ':memory:' AS {database}")
    connection.execute(f"USE {database}")
    connection.execute("SET TimeZone = 'UTC'")
    return connection
