"""What the project takes for granted about AWS and could not try without an account.

Each entry names the one place in the code that relies on it. `docs/acceptance.md` lists them; a test
compares the two. The checks run against a deployed stack and answer with what they saw.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Callable

from acceptance.stack import Stack


@dataclass(frozen=True)
class Assumption:
    """One thing that only AWS can confirm."""

    name: str
    statement: str
    place: str
    check: Callable[[Stack], str]


class NotConfirmed(Exception):
    """AWS showed something else."""


def expect(condition: bool, seen: str) -> str:
    """What was seen, where the condition holds."""
    if not condition:
        raise NotConfirmed(seen)
    return seen


def delta_by_location(stack: Stack) -> str:
    rows = stack.athena.rows("SHOW COLUMNS IN time_entries")
    names = {row[0].strip() for row in rows}
    return expect({"id", "hours", "spent_date", "synced_at"} <= names, f"{len(names)} columns")


def instants_lose_their_zone(stack: Stack) -> str:
    kind = stack.athena.value("SELECT typeof(max(synced_at)) FROM company_with_deleted")
    return expect(kind == "timestamp(3)", kind)


def decimals_are_exact(stack: Stack) -> str:
    kind = stack.athena.value("SELECT typeof(max(hours)) FROM time_entries")
    return expect(kind == "decimal(18,6)", kind)


def views_by_template(stack: Stack) -> str:
    seen = [f"{name}: {stack.athena.count(name)} rows" for name in stack.views()]
    return expect(bool(seen), "; ".join(seen) or "no views in the catalogue")


def files_are_skipped(stack: Stack) -> str:
    day = stack.athena.value("SELECT CAST(max(spent_date) AS varchar) FROM time_entries")
    if not day:
        return "no time entries: nothing to skip"
    one = stack.athena.scanned(f"SELECT count(notes) FROM time_entries WHERE spent_date = DATE '{day}'")
    every = stack.athena.scanned("SELECT count(notes) FROM time_entries")
    return expect(one <= every, f"{one} of {every} bytes read for one day")


def conditional_put(stack: Stack) -> str:
    key = stack.lake_key("work/acceptance/once")
    stack.s3.put_object(Bucket=stack.bucket, Key=key, Body=b"1", IfNoneMatch="*")
    try:
        stack.s3.put_object(Bucket=stack.bucket, Key=key, Body=b"2", IfNoneMatch="*")
    except stack.s3.exceptions.ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return expect(status == 412, f"the second PUT was answered with {status}")
    else:
        raise NotConfirmed("a second PUT replaced the object")
    finally:
        stack.s3.delete_object(Bucket=stack.bucket, Key=key)


def plain_http_is_refused(stack: Stack) -> str:
    status = stack.plain_http_status()
    return expect(status == 403, f"plain HTTP was answered with {status}")


def ticks_arrive(stack: Stack) -> str:
    count = stack.metric("AWS/Lambda", "Invocations", stack.orchestrator, "Sum")
    return expect(count >= 1, f"{count:.0f} ticks")


def nothing_is_dropped_as_a_loop(stack: Stack) -> str:
    count = stack.metric("AWS/Lambda", "RecursiveInvocationsDropped", stack.worker, "Sum")
    return expect(count == 0, f"{count:.0f} invocations dropped")


def metrics_arrive(stack: Stack) -> str:
    lag = stack.metric("HarvestLake", "OldestStreamLagSeconds", stack.orchestrator, "Maximum")
    return expect(lag is not None, f"lag {lag} s")


def nothing_is_denied(stack: Stack) -> str:
    found = stack.logged("AccessDenied") + stack.logged("not authorized")
    return expect(not found, found[0] if found else "no refusal in the logs")


def no_secret_in_the_logs(stack: Stack) -> str:
    found = stack.logged(stack.token) if stack.token else []
    return expect(not found, "a log line holds it" if found else "it is in no log line")


def state_comes_back(stack: Stack) -> str:
    item = stack.dynamodb.get_item(
        TableName=stack.state_table,
        Key={"pk": {"S": f"account#{stack.account}"}, "sk": {"S": "stream#company"}},
        ConsistentRead=True,
    ).get("Item")
    body = json.loads(item["body"]["S"]) if item else {}
    return expect(bool(body.get("version") or body.get("lease")), "the state of `company` is there")


def saved_queries_run(stack: Stack) -> str:
    names = []
    for name, query in stack.saved_queries():
        stack.athena.rows(query)
        names.append(name)
    return expect(bool(names), ", ".join(names) or "no saved queries in the workgroup")


def failures_end_in_the_queue(stack: Stack) -> str:
    return stack.failed_event_reaches_the_queue()


ASSUMPTIONS = (
    Assumption(
        "delta-by-location",
        "Athena reads a Delta table that the catalogue knows only by its location and properties.",
        "shared/catalog (Glue tables)",
        delta_by_location,
    ),
    Assumption(
        "instants",
        "An instant of a view is a `timestamp(3)` without a zone, whatever the table shows.",
        "shared/catalog (view columns)",
        instants_lose_their_zone,
    ),
    Assumption(
        "decimals",
        "`decimal(18,6)` kept as INT64 in Parquet comes back as that type.",
        "shared/lake/src/partition (Parquet)",
        decimals_are_exact,
    ),
    Assumption(
        "views",
        "A view made by the template (`presto_view`, base64 of JSON) can be queried.",
        "shared/catalog (views)",
        views_by_template,
    ),
    Assumption(
        "saved-queries",
        "The saved queries run in the stack's workgroup as they are.",
        "infra/queries",
        saved_queries_run,
    ),
    Assumption(
        "skipping",
        "Athena skips files by the minima and maxima in the log.",
        "shared/delta/src/table (statistics)",
        files_are_skipped,
    ),
    Assumption(
        "conditional-put",
        "`If-None-Match: *` on PutObject creates at most once; the loser gets 412.",
        "shared/aws/src/s3.rs",
        conditional_put,
    ),
    Assumption(
        "tls-only",
        "The bucket's policy refuses plain HTTP.",
        "infra/template.yaml (bucket policy)",
        plain_http_is_refused,
    ),
    Assumption(
        "ticks",
        "The schedule of a stack without a fixed name calls the orchestrator every minute.",
        "infra/template.yaml (ScheduleV2)",
        ticks_arrive,
    ),
    Assumption(
        "no-loop",
        "Scheduler to orchestrator to worker is no loop to Lambda's loop detection.",
        "functions/orchestrator (one hop, no self-invocation)",
        nothing_is_dropped_as_a_loop,
    ),
    Assumption(
        "metrics",
        "A metric line on standard output becomes a metric with the dimension `FunctionName`.",
        "shared/runtime/src/metrics",
        metrics_arrive,
    ),
    Assumption(
        "policies",
        "The functions' statements allow all that they do; a missing object is answered with 404.",
        "infra/template.yaml (policies)",
        nothing_is_denied,
    ),
    Assumption(
        "no-secret",
        "No log line holds the token.",
        "shared/harvest-api (Token)",
        no_secret_in_the_logs,
    ),
    Assumption(
        "state",
        "DynamoDB keeps the items as DynamoDB Local does.",
        "shared/aws/src/dynamo.rs",
        state_comes_back,
    ),
    Assumption(
        "failure-queue",
        "An event that a worker refuses ends in the failure queue at once: Lambda tries nothing again.",
        "infra/template.yaml (EventInvokeConfig)",
        failures_end_in_the_queue,
    ),
)
