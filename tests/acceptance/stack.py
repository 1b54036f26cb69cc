"""A deployed stack: its outputs, and what can be seen of it."""

from __future__ import annotations

import datetime
import http.client
import json
import sys
import time
from pathlib import Path

from acceptance.athena import Athena

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "infra"))

from operate import KEPT, TokenPlace  # noqa: E402: it is no package

MINUTES = 60


class Stack:
    """Everything that the checks ask a stack for."""

    def __init__(self, session, name: str, token: str | None = None, pause: float = 5.0):
        self.name = name
        self.token = token
        self.pause = pause
        self.s3 = session.client("s3")
        self.dynamodb = session.client("dynamodb")
        self.glue = session.client("glue")
        self.lambdas = session.client("lambda")
        self.sqs = session.client("sqs")
        self.logs = session.client("logs")
        self.cloudwatch = session.client("cloudwatch")
        self.region = session.region_name
        found = session.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        self.outputs = {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])}
        parameters = {one["ParameterKey"]: one["ParameterValue"] for one in found["Parameters"]}
        self.account = parameters["HarvestAccountId"]
        self.token_place = TokenPlace(session.client, self.outputs, parameters)
        self.lake = self.outputs["Lake"]
        self.bucket, _, self.prefix = self.lake.removeprefix("s3://").partition("/")
        self.state_table = self.outputs["State"].removeprefix("dynamodb://")
        self.orchestrator = self.outputs["OrchestratorName"]
        self.worker = self.outputs["WorkerName"]
        self.athena_client = session.client("athena")
        self.athena = Athena(
            self.athena_client, self.outputs["Workgroup"], self.outputs["Database"]
        )
        self.since = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=5)

    def lake_key(self, key: str) -> str:
        """A key below the lake's prefix."""
        return f"{self.prefix}/{key}" if self.prefix else key

    def put_token(self) -> None:
        """Stores the token where the functions look for it, beside a key of hashes that is there."""
        key = {name: value for name, value in self.token_place.read().items() if name in KEPT}
        self.token_place.write({"access_token": self.token} | key)

    def invoke(self, event: dict) -> dict:
        """The orchestrator's answer to `event`."""
        answer = self.lambdas.invoke(FunctionName=self.orchestrator, Payload=json.dumps(event))
        body = json.loads(answer["Payload"].read() or b"null")
        if "FunctionError" in answer:
            raise RuntimeError(f"the orchestrator failed: {body}")
        return body

    def tables(self) -> list[str]:
        """Delta tables of the catalogue."""
        return [one["Name"] for one in self._catalogued() if one["TableType"] == "EXTERNAL_TABLE"]

    def views(self) -> list[str]:
        """Views of the catalogue."""
        return [one["Name"] for one in self._catalogued() if one["TableType"] == "VIRTUAL_VIEW"]

    def _catalogued(self) -> list[dict]:
        pages = self.glue.get_paginator("get_tables").paginate(DatabaseName=self.athena.database)
        return [table for page in pages for table in page["TableList"]]

    def saved_queries(self) -> list[tuple[str, str]]:
        """Name and text of the queries that came with the stack."""
        listed = self.athena_client.list_named_queries(WorkGroup=self.athena.workgroup)
        ids = listed["NamedQueryIds"]
        if not ids:
            return []
        found = self.athena_client.batch_get_named_query(NamedQueryIds=ids)["NamedQueries"]
        return [(query["Name"], query["QueryString"]) for query in found]

    def metric(self, namespace: str, name: str, function: str, statistic: str):
        """The metric since the stack came up; 0 for a sum without data, otherwise `None`."""
        found = self.cloudwatch.get_metric_statistics(
            Namespace=namespace,
            MetricName=name,
            Dimensions=[{"Name": "FunctionName", "Value": function}],
            StartTime=self.since,
            EndTime=datetime.datetime.now(datetime.timezone.utc),
            Period=MINUTES,
            Statistics=[statistic],
        )["Datapoints"]
        values = [point[statistic] for point in found]
        if statistic == "Sum":
            return sum(values)
        return max(values) if values else None

    def logged(self, text: str) -> list[str]:
        """Log lines of both functions that hold `text`."""
        lines = []
        for function in (self.orchestrator, self.worker):
            settings = self.lambdas.get_function_configuration(FunctionName=function)
            group = settings.get("LoggingConfig", {}).get("LogGroup", f"/aws/lambda/{function}")
            pages = self.logs.get_paginator("filter_log_events").paginate(
                logGroupName=group,
                startTime=int(self.since.timestamp() * 1000),
                filterPattern=f'"{text}"',
            )
            lines += [event["message"] for page in pages for event in page["events"]]
        return lines

    def plain_http_status(self) -> int:
        """What S3 answers to a signed request without TLS."""
        url = self.s3.generate_presigned_url(
            "list_objects_v2", Params={"Bucket": self.bucket, "MaxKeys": 1}
        )
        host, _, path = url.removeprefix("https://").partition("/")
        connection = http.client.HTTPConnection(host, timeout=30)
        try:
            connection.request("GET", f"/{path}")
            return connection.getresponse().status
        finally:
            connection.close()

    def failed_event_reaches_the_queue(self) -> str:
        """Sends the worker an event that it refuses, and waits for it in the failure queue."""
        event = {"stream": "acceptance", "pass": "full"}
        self.lambdas.invoke(
            FunctionName=self.worker, InvocationType="Event", Payload=json.dumps(event)
        )
        url = self.outputs["FailureQueueUrl"]
        deadline = time.monotonic() + 6 * MINUTES
        while time.monotonic() < deadline:
            found = self.sqs.receive_message(
                QueueUrl=url, WaitTimeSeconds=20, MaxNumberOfMessages=10
            ).get("Messages", [])
            for message in found:
                body = json.loads(message["Body"])
                if body.get("requestPayload") == event:
                    self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                    return f"it came: {body['responsePayload'].get('errorType')}"
        raise TimeoutError("the event did not come to the failure queue within six minutes")
