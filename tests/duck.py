"""DuckDB with its extension for Delta, which its package carries: nothing is downloaded. As a program, the command `duckdb`."""

from __future__ import annotations

import argparse
import functools
import itertools
import sys
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


def main() -> int:
    """The command `duckdb`, as far as documents use it: `-init FILE` and `-c SQL`."""
    parser = argparse.ArgumentParser(prog="duckdb")
    parser.add_argument("-init", dest="first", type=Path)
    parser.add_argument("-c", dest="sql", required=True)
    wanted = parser.parse_args()
    connection = connect()
    answer = None
    for text in [wanted.first.read_text() if wanted.first else "", wanted.sql]:
        for statement in connection.extract_statements(text):
            if statement.query.strip().rstrip(";") not in ("INSTALL delta", "LOAD delta"):
                answer = connection.sql(statement.query)
    if answer is not None:
        answer.show(max_width=120)
    return 0


if __name__ == "__main__":
    sys.exit(main())
