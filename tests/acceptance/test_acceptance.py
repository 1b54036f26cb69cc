"""The acceptance run itself, over a stand-in for AWS; and its list of assumptions."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import unittest
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from acceptance import __main__ as run
from acceptance.assumptions import ASSUMPTIONS
from acceptance.athena import Athena, QueryFailed
from acceptance.stack import Stack

ROOT = Path(__file__).resolve().parents[2]
OUTPUTS = {
    "Lake": "s3://some-bucket/lake",
    "State": "dynamodb://some-table",
    "OrchestratorName": "orchestrator-1",
    "WorkerName": "worker-1",
    "Workgroup": "group",
    "Database": "base",
    "TokenParameter": "/harvest-lake/s/token",
    "FailureQueueUrl": "https://queue",
}
PAYLOAD = {"stream": "acceptance", "pass": "full"}


class Refused(Exception):
    """What the S3 client raises."""

    response = {"ResponseMetadata": {"HTTPStatusCode": 412}}


class FakeAws:
    """Answers as a healthy stack would; `broken` names what is not."""

    def __init__(self, broken: str = "", rows: int = 7):
        self.broken = broken
        self.rows = rows
        self.region_name = "eu-west-1"
        self.queries: dict[str, str] = {}
        self.puts: set[str] = set()
        self.stored = ""

    def client(self, name: str):
        return SimpleNamespace(**getattr(self, name.replace("-", "_"))())

    def cloudformation(self):
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in OUTPUTS.items()]
        parameters = [{"ParameterKey": "HarvestAccountId", "ParameterValue": "7"}]
        stack = {"Outputs": outputs, "Parameters": parameters}
        return {"describe_stacks": lambda StackName: {"Stacks": [stack]}}

    def s3(self):
        def put(Bucket, Key, Body, IfNoneMatch):
            if Key in self.puts and self.broken != "conditional-put":
                raise Refused
            self.puts.add(Key)

        return {
            "put_object": put,
            "delete_object": lambda **_: None,
            "generate_presigned_url": lambda *_, **__: "https://host/path?x=1",
            "exceptions": SimpleNamespace(ClientError=Refused),
        }

    def dynamodb(self):
        body = {} if self.broken == "state" else {"version": 3}
        item = {"body": {"S": json.dumps(body)}}
        return {"get_item": lambda **_: {"Item": item}}

    def glue(self):
        tables = [
            {"Name": "company", "TableType": "EXTERNAL_TABLE"},
            {"Name": "lines", "TableType": "VIRTUAL_VIEW"},
        ]
        if self.broken == "views":
            tables.pop()
        return {"get_paginator": lambda _: pages({"TableList": tables})}

    def lambda_(self):
        body = json.dumps({"streams": []}).encode()
        return {
            "invoke": lambda **_: {"Payload": io.BytesIO(body)},
            "get_function_configuration": lambda FunctionName: {},
        }

    def ssm(self):
        def put(Name, Value, Type, Overwrite):
            self.stored = Value

        return {
            "put_parameter": put,
            "get_parameter": lambda Name, WithDecryption: {"Parameter": {"Value": self.stored}},
            "exceptions": SimpleNamespace(ParameterNotFound=Refused),
        }

    def sqs(self):
        message = {"requestPayload": PAYLOAD, "responsePayload": {"errorType": "UnknownStream"}}
        found = {"Messages": [{"Body": json.dumps(message), "ReceiptHandle": "r"}]}
        return {"receive_message": lambda **_: found, "delete_message": lambda **_: None}

    def logs(self):
        denied = self.broken == "policies"
        events = [{"message": "AccessDenied for x"}] if denied else []

        def paginate(filterPattern, **_):
            return [{"events": [one for one in events if filterPattern.strip('"') in one["message"]]}]

        return {"get_paginator": lambda _: SimpleNamespace(paginate=paginate)}

    def cloudwatch(self):
        def statistics(MetricName, Statistics, **_):
            if MetricName == "RecursiveInvocationsDropped" and self.broken != "no-loop":
                return {"Datapoints": []}
            if MetricName == self.broken:
                return {"Datapoints": []}
            return {"Datapoints": [{Statistics[0]: 2.0}]}

        return {"get_metric_statistics": statistics}

    def athena(self):
        def start(QueryString, **_):
            self.queries[str(len(self.queries))] = QueryString
            return {"QueryExecutionId": str(len(self.queries) - 1)}

        def execution(QueryExecutionId):
            failed = self.broken == "athena"
            status = {"State": "FAILED" if failed else "SUCCEEDED", "StateChangeReason": "no table"}
            kind = "UTILITY" if "SHOW" in self.queries[QueryExecutionId] else "DML"
            statistics = {"DataScannedInBytes": 10}
            return {
                "QueryExecution": {
                    "QueryExecutionId": QueryExecutionId,
                    "Status": status,
                    "StatementType": kind,
                    "Statistics": statistics,
                }
            }

        queries = {"NamedQueries": [{"Name": "hours", "QueryString": "SELECT 1"}]}
        return {
            "start_query_execution": start,
            "get_query_execution": execution,
            "get_paginator": lambda _: SimpleNamespace(
                paginate=lambda QueryExecutionId: [self.results(self.queries[QueryExecutionId])]
            ),
            "list_named_queries": lambda **_: {"NamedQueryIds": ["1"]},
            "batch_get_named_query": lambda **_: queries,
        }

    def results(self, sql: str) -> dict:
        if "SHOW COLUMNS" in sql:
            values = ["id", "hours", "spent_date", "synced_at"]
        elif "synced_at" in sql:
            values = ["_", "timestamp(3)"]
        elif "typeof" in sql:
            values = ["_", "double" if self.broken == "decimals" else "decimal(18,6)"]
        elif "varchar" in sql:
            values = ["_", "2026-11-20"]
        else:
            values = ["_", str(self.rows)]
        return {"ResultSet": {"Rows": [{"Data": [{"VarCharValue": value}]} for value in values]}}

    def __getattr__(self, name: str):
        if name == "lambda":
            return self.lambda_
        raise AttributeError(name)


def pages(page: dict):
    return SimpleNamespace(paginate=lambda **_: [page])


def confirmed(broken: str) -> tuple[int, str]:
    """How many assumptions were not confirmed, and what was printed."""
    stack = Stack(FakeAws(broken), "s", token="hush")
    out = io.StringIO()
    status = 403 if broken != "tls-only" else 200
    with mock.patch.object(Stack, "plain_http_status", lambda _: status), redirect_stdout(out):
        return run.confirm(stack), out.getvalue()


class AcceptanceTest(unittest.TestCase):
    def test_a_healthy_stack_confirms_everything(self):
        failures, told = confirmed("")
        self.assertEqual(failures, 0, told)
        self.assertEqual(told.count("✓"), len(ASSUMPTIONS))
        self.assertNotIn("hush", told)

    def test_the_key_of_the_hashes_outlives_a_new_token(self):
        aws = FakeAws()
        for before in ({}, {"access_token": "old"}, {"access_token": "old", "hash_key": "of many letters"}):
            aws.stored = json.dumps(before) if before else ""
            Stack(aws, "s", token="hush").put_token()
            self.assertEqual(json.loads(aws.stored), before | {"access_token": "hush"})

    def test_what_is_broken_is_named(self):
        for broken in ("conditional-put", "state", "views", "policies", "no-loop", "decimals", "tls-only"):
            failures, told = confirmed(broken)
            self.assertEqual(failures, 1, told)
            self.assertIn(f"✗ {broken}:", told)
        failures, told = confirmed("OldestStreamLagSeconds")
        self.assertIn("✗ metrics:", told)

    def test_counts_are_compared_with_the_log(self):
        stack = Stack(FakeAws(rows=7), "s")
        for rows, findings in ((7, 0), (8, 1)):
            told = {"streams": [{"stream": "company", "rows": rows}]}
            with mock.patch.object(run, "status", lambda *_: told), redirect_stdout(io.StringIO()):
                self.assertEqual(run.compare(None, stack), findings)

    def test_a_failed_query_says_why(self):
        athena = Athena(FakeAws("athena").client("athena"), "group", "base")
        with self.assertRaisesRegex(QueryFailed, "no table"):
            athena.count("company")

    def test_the_document_lists_every_assumption(self):
        document = (ROOT / "docs/acceptance.md").read_text()
        listed = re.findall(r"^\| `([a-z-]+)` \| (.*?) \| (.*?) \|$", document, re.MULTILINE)
        self.assertEqual(listed, [(one.name, one.statement, one.place) for one in ASSUMPTIONS])

    def test_every_place_exists(self):
        for one in ASSUMPTIONS:
            place = one.place.split(" ")[0]
            found = (ROOT / place).exists() or (ROOT / f"{place}.rs").exists()
            self.assertTrue(found, f"{one.name}: {place}")

    def test_the_template_has_the_outputs_that_the_checks_need(self):
        template = (ROOT / "infra/template.yaml").read_text()
        outputs = template.split("\nOutputs:\n", 1)[1]
        for name in OUTPUTS:
            self.assertRegex(outputs, rf"(?m)^  {name}:$")

    def test_help_needs_no_account(self):
        told = subprocess.run(
            [sys.executable, "-m", "acceptance", "--help"],
            cwd=ROOT / "tests",
            capture_output=True,
            text=True,
            check=True,
        )
        self.assertIn("--existing", told.stdout)


if __name__ == "__main__":
    unittest.main()
