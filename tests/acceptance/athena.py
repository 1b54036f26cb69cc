"""Queries through Athena."""

from __future__ import annotations

import time


class QueryFailed(Exception):
    """Athena's own words."""


class Athena:
    """One workgroup and database."""

    def __init__(self, client, workgroup: str, database: str, pause: float = 1.0):
        self.client = client
        self.workgroup = workgroup
        self.database = database
        self.pause = pause

    def run(self, sql: str) -> dict:
        """The finished execution of `sql`."""
        started = self.client.start_query_execution(
            QueryString=sql,
            WorkGroup=self.workgroup,
            QueryExecutionContext={"Catalog": "AwsDataCatalog", "Database": self.database},
        )
        while True:
            found = self.client.get_query_execution(QueryExecutionId=started["QueryExecutionId"])
            execution = found["QueryExecution"]
            state = execution["Status"]["State"]
            if state == "SUCCEEDED":
                return execution
            if state in ("FAILED", "CANCELLED"):
                why = execution["Status"].get("StateChangeReason", state)
                raise QueryFailed(f"{why} (query: {' '.join(sql.split())[:200]})")
            time.sleep(self.pause)

    def rows(self, sql: str) -> list[list[str]]:
        """All rows; the header of a SELECT is left out."""
        execution = self.run(sql)
        pages = self.client.get_paginator("get_query_results").paginate(
            QueryExecutionId=execution["QueryExecutionId"]
        )
        rows = [
            [cell.get("VarCharValue", "") for cell in row["Data"]]
            for page in pages
            for row in page["ResultSet"]["Rows"]
        ]
        return rows[1:] if execution.get("StatementType") == "DML" else rows

    def value(self, sql: str) -> str:
        """The only value of a query."""
        rows = self.rows(sql)
        return rows[0][0] if rows else ""

    def count(self, table: str) -> int:
        """Rows of a table or view."""
        return int(self.value(f'SELECT count(*) FROM "{table}"'))

    def scanned(self, sql: str) -> int:
        """Bytes that a query reads."""
        return int(self.run(sql)["Statistics"].get("DataScannedInBytes", 0))
