"""`python delta.py LAKE JARS COMMAND`: Delta-enabled Spark reads every table, and compares rows, and
the decimals' sums, with the tables' own files.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql.types import DecimalType


def main() -> int:
    lake, jars, command = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        spark = (
            SparkSession.builder.master("local[2]")
            .config("spark.jars", ",".join(str(jar) for jar in sorted(jars.glob("*.jar"))))
            .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
            .config(
                "spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog"
            )
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.sql.warehouse.dir", folder)
            .getOrCreate()
        )
        tables = sorted((lake / "tables").iterdir())
        for table in tables:
            try:
                found = answer(spark, spark.read.format("delta").load(str(table)))
                wanted = files(spark, lake, table.name, command, found)
            except Exception as error:  # noqa: BLE001: the others are read all the same
                found, wanted = None, str(error).splitlines()[0]
            wrong += found != wanted
            print(f"{'ok  ' if found == wanted else 'FAIL'} {table.name}: {found}")
            if found != wanted:
                print(f"       instead of {wanted}")
        spark.stop()
    print(f"{len(tables)} tables, {wrong} wrong")
    return 1 if wrong else 0


def answer(spark, frame) -> dict:
    """Rows, and the sum of each decimal column."""
    decimals = [field.name for field in frame.schema if isinstance(field.dataType, DecimalType)]
    frame.createOrReplaceTempView("it")
    sums = ", ".join(f"sum(`{name}`) AS `{name}`" for name in decimals)
    row = spark.sql(f"SELECT count(*) AS rows{', ' + sums if sums else ''} FROM it").collect()[0]
    return {name: value or Decimal(0) for name, value in row.asDict().items()}


def files(spark, lake: Path, stream: str, command: str, found: dict) -> dict:
    """The same of the files that the log names, read without it."""
    line = [command, "files", stream, "--paths", "--lake", str(lake)]
    told = subprocess.run(line, check=True, capture_output=True, text=True).stdout
    paths = [path for path in told.split("\n") if path]
    if not paths:
        return {name: Decimal(0) if name != "rows" else 0 for name in found}
    return answer(spark, spark.read.parquet(*paths))


if __name__ == "__main__":
    sys.exit(main())
