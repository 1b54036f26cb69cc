"""`python edge.py LAKE JARS COMMAND`: Spark makes the views that `harvest-lake sql --engine spark` prints, and answers as
`tests/queries/edge.txt` says about the account made by hand.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from pyspark.sql import SparkSession

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from queries import edge  # noqa: E402


def main() -> int:
    lake, jars, command = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
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
            # A handful of rows, and dozens of tables: not fifty tasks for each log.
            .config("spark.sql.shuffle.partitions", "1")
            .config("spark.databricks.delta.snapshotPartitions", "1")
            .config("spark.sql.warehouse.dir", folder)
            .getOrCreate()
        )
        wrong = 0
        for name, sql in edge.statements(command, "spark", lake):
            spark.sql(edge.present(sql) if name == "report_day" else sql)
            if name in edge.MOVED:
                scan = sql.split(" FROM ")[1]
                moved = edge.moved(name, spark.table(name).columns, scan)
                spark.sql(f"CREATE OR REPLACE TEMPORARY VIEW {name} AS {moved}")
        for name in edge.sections():
            answer = spark.table(name)
            differs = edge.compare(name, answer.columns, [list(row) for row in answer.collect()])
            wrong += bool(differs)
            print(f"{'FAIL' if differs else 'ok  '} {name}{': ' + differs if differs else ''}")
        spark.stop()
    print(f"{len(edge.sections())} answers, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
