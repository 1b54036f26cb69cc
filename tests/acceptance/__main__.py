"""`python -m acceptance STACK`: deploys, syncs, queries every table and view, compares, tears down."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time

import boto3

from acceptance.assumptions import ASSUMPTIONS
from acceptance.stack import Stack

FIRST_SYNC = 3 * 60 * 60


def main() -> int:
    arguments = parse()
    token = os.environ.get("HARVEST_ACCESS_TOKEN")
    if not arguments.existing:
        account = os.environ.get("HARVEST_ACCOUNT_ID")
        if not (token and account):
            print("set HARVEST_ACCOUNT_ID and HARVEST_ACCESS_TOKEN first", file=sys.stderr)
            return 2
        deploy(arguments, account)
    stack = Stack(boto3.Session(), arguments.stack, token)
    if token:
        stack.put_token()
    failures = 0
    try:
        sync(arguments, stack)
        failures += compare(arguments, stack)
        failures += confirm(stack)
    finally:
        if not (arguments.keep or arguments.existing):
            tear_down(arguments, stack)
    print("accepted" if failures == 0 else f"not accepted: {failures} findings above")
    return 1 if failures else 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="acceptance", description=__doc__)
    parser.add_argument("stack", help="name of the stack")
    parser.add_argument("--sam", default="sam")
    parser.add_argument("--command", default="target/release/harvest-lake", help="harvest-lake")
    parser.add_argument("--architecture", default="arm64", choices=["arm64", "x86_64"])
    parser.add_argument("--existing", action="store_true", help="check a stack that is there")
    parser.add_argument("--keep", action="store_true", help="leave the stack and its data")
    return parser.parse_args()


def step(text: str) -> None:
    print(f"== {text}", flush=True)


def deploy(arguments: argparse.Namespace, account: str) -> None:
    step("build")
    subprocess.run(["make", "build", f"ARCHITECTURE={arguments.architecture}"], check=True)
    step(f"deploy {arguments.stack}")
    subprocess.run(
        [
            arguments.sam,
            "deploy",
            "--stack-name",
            arguments.stack,
            "--no-confirm-changeset",
            "--no-fail-on-empty-changeset",
            "--parameter-overrides",
            f"HarvestAccountId={account}",
            # With all metrics.
            "Dashboard=true",
        ],
        check=True,
    )


def status(arguments: argparse.Namespace, stack: Stack) -> dict:
    """What `harvest-lake status --json` says of the stack."""
    places = ["--lake", stack.lake, "--state", stack.outputs["State"]]
    command = [arguments.command, "status", "--json", "--account-id", stack.account, *places]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    if not told.stdout.strip():
        raise RuntimeError(f"harvest-lake status said nothing: {told.stderr.strip()}")
    return json.loads(told.stdout)


def sync(arguments: argparse.Namespace, stack: Stack) -> None:
    """Asks for everything now and waits until no stream has its first full pass before it."""
    step("sync")
    print(json.dumps(stack.invoke({"now": True}), indent=2))
    deadline = time.monotonic() + FIRST_SYNC
    while time.monotonic() < deadline:
        streams = status(arguments, stack)["streams"]
        open_streams = [
            one["stream"]
            for one in streams
            if one["state"] not in ("excluded", "skipped", "refused") and not one["last_full"]
        ]
        if not open_streams:
            return
        print(f"   {len(open_streams)} streams to go: {', '.join(open_streams[:6])} ...", flush=True)
        time.sleep(60)
    raise TimeoutError("the first sync did not end within three hours; see `harvest-lake status`")


def compare(arguments: argparse.Namespace, stack: Stack) -> int:
    """Counts of Athena against the rows that the tables' logs tell."""
    step("every table through Athena")
    failures = 0
    rows = {one["stream"]: one["rows"] for one in status(arguments, stack)["streams"]}
    for table in sorted(stack.tables()):
        try:
            counted = stack.athena.count(table)
        except Exception as error:  # noqa: BLE001: each is told, the others still run
            failures += 1
            print(f"✗ {table}: {error}")
            continue
        if table.endswith("_changes"):
            # How many there are is not in the status; that Athena reads them is what counts.
            print(f"✓ {table}: {counted} changes")
            continue
        # A sync may have committed in between: then the newer count counts.
        if counted != rows.get(table):
            rows = {one["stream"]: one["rows"] for one in status(arguments, stack)["streams"]}
        same = counted == rows.get(table)
        failures += not same
        print(f"{'✓' if same else '✗'} {table}: {counted} rows, the log says {rows.get(table)}")
    return failures


def confirm(stack: Stack) -> int:
    """Which assumptions AWS confirms."""
    step("assumptions about AWS")
    failures = 0
    for assumption in ASSUMPTIONS:
        try:
            print(f"✓ {assumption.name}: {assumption.check(stack)}", flush=True)
        except Exception as error:  # noqa: BLE001: each is told, the others still run
            failures += 1
            print(f"✗ {assumption.name}: {assumption.statement}\n    {type(error).__name__}: {error}")
    return failures


def tear_down(arguments: argparse.Namespace, stack: Stack) -> None:
    step("tear down")
    subprocess.run(
        [arguments.sam, "delete", "--stack-name", arguments.stack, "--no-prompts"], check=False
    )
    print(
        f"Retained on purpose: the bucket {stack.bucket} and the table {stack.state_table}. "
        f"docs/deploy.md says how to remove them."
    )


if __name__ == "__main__":
    sys.exit(main())
