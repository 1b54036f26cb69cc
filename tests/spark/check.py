"""`python check.py LAKE COMMAND`: exports tables, registers them in Hive by the statements that come
with the export, and compares what Spark answers with the tables' own files.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
from pyspark.sql import SparkSession

# Stream, partition column, a decimal to add up.
CASES = [
    ("time_entries", "spent_month", "hours"),
    ("time_entries", "created_month", "hours"),
    ("expenses", "spent_year", "total_cost"),
    ("invoices", "issue_month", "amount"),
    ("users", None, "cost_rate"),
    ("roles", None, None),
]


def main() -> int:
    lake, command = sys.argv[1], sys.argv[2]
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        spark = session(folder)
        for number, (stream, by, decimal) in enumerate(CASES):
            # A target of its own each: the statements name the table by its stream.
            target = f"{folder}/export-{number}"
            told = exported(command, lake, stream, target, by)
            spark.sql(f"DROP TABLE IF EXISTS {stream}")
            for statement in told["statement"].split(";\n"):
                spark.sql(statement.rstrip(";").strip())
            found = answer(spark, stream, decimal, by)
            wanted = worked_out(command, lake, stream, decimal)
            if by:
                found, folders = found[:2], found[2]
                if by != "created_month" and folders < 2:
                    wrong += 1
                    print(f"FAIL {stream} by {by}: {folders} partitions")
            same = found == wanted
            wrong += not same
            print(f"{'ok  ' if same else 'FAIL'} {stream} by {by}: {found} and {wanted}")
        spark.stop()
    print(f"{len(CASES)} exports, {wrong} wrong")
    return 1 if wrong else 0


def session(folder: str) -> SparkSession:
    return (
        SparkSession.builder.master("local[2]")
        .appName("harvest-lake export")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.warehouse.dir", f"{folder}/warehouse")
        .config(
            "spark.hadoop.javax.jdo.option.ConnectionURL",
            f"jdbc:derby:;databaseName={folder}/metastore;create=true",
        )
        .config("spark.driver.extraJavaOptions", f"-Dderby.system.home={folder}")
        .enableHiveSupport()
        .getOrCreate()
    )


def exported(command: str, lake: str, stream: str, target: str, by: str | None) -> dict:
    line = [command, "export", stream, target, "--json", "--lake", lake]
    line += ["--partition-by", by] if by else []
    told = subprocess.run(line, check=True, capture_output=True).stdout
    return json.loads(told)["exports"][0]


def answer(spark: SparkSession, stream: str, decimal: str | None, by: str | None) -> tuple:
    total = f"sum({decimal})" if decimal else "0"
    folders = f"count(DISTINCT {by})" if by else "0"
    row = spark.sql(f"SELECT count(*), {total}, {folders} FROM {stream}").collect()[0]
    found = (row[0], row[1] or Decimal(0))
    return (*found, row[2]) if by else found


def worked_out(command: str, lake: str, stream: str, decimal: str | None) -> tuple:
    line = [command, "files", stream, "--paths", "--lake", lake]
    paths = subprocess.run(line, check=True, capture_output=True, text=True).stdout.split("\n")
    rows, total = 0, Decimal(0)
    for path in filter(None, paths):
        table = pq.ParquetFile(Path(path)).read()
        rows += table.num_rows
        if decimal:
            total += sum(value for value in table[decimal].to_pylist() if value is not None)
    return rows, total


if __name__ == "__main__":
    sys.exit(main())
