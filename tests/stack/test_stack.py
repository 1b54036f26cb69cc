"""The life of a stack: a deployment that fails, one that does not, two side by side, ticks, an update, removal, its bucket in a new one.

`sam` runs in a terminal, with the lines that `docs/deploy.md` tells people to type. Functions are the real binaries, their credentials
those of the stack's roles, and policies are enforced.
"""

from __future__ import annotations

import contextlib
import functools
import json
import re
import shutil
import subprocess
import time
import unittest
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from acceptance.assumptions import ASSUMPTIONS
from acceptance.stack import Stack
from botocore.exceptions import ClientError

from stack import typed
from stack.emulator import BINARIES, REGION, ROOT, TOOLS, Emulator, may, until
from stack.project import Project

STREAMS = [table["stream"] for table in json.loads((ROOT / "tests/catalog.json").read_text())]
# Each stream has a table, and one of its changes.
TABLES = 2 * len(STREAMS)
# With the ledger of runs.
CATALOGUED = TABLES + 1
TABLES_AND_VIEWS = 103 + len(list((ROOT / "infra" / "model").glob("*.sql")))
# Seconds until a schedule that was made has ticked: a minute, and the emulator looks every ten seconds.
FIRST_TICK = 90
# Seconds until nothing is due, on a machine that does other work as well.
FILLED = 300
# Outcomes of a tick that was not kept from planning by another one.
PLANNED = ("planned", "quiet")
# One of each kind, for a second look at what was compared in full before.
SOME = ["--streams", "clients,company,invoice_payments,roles,time_entries"]
# What only AWS can confirm in full, as far as the emulator shows it.
CONFIRMED_HERE = {"conditional-put", "policies", "no-secret", "state", "failure-queue"}


def documented(beginning: str) -> str:
    """The line of `docs/deploy.md` that begins so, as a person copies it."""
    text = (ROOT / "docs/deploy.md").read_text()
    lines = re.findall(r"^\S.*$", "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL)), re.MULTILINE)
    spans = [re.sub(r"\s+", " ", span) for span in re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))]
    found = [line.split(" #")[0].strip() for line in lines + spans if line.startswith(beginning)]
    if not found:
        raise AssertionError(f"docs/deploy.md has no line that begins with {beginning!r}")
    return found[0]


@contextlib.contextmanager
def step(text: str) -> Iterator[list[str]]:
    """Names what was done, what was noted of it, and how long it took."""
    start = time.monotonic()
    notes: list[str] = []
    yield notes
    print(f"  {time.monotonic() - start:5.1f} s  {': '.join([text, *notes])}", flush=True)


class StackCase(unittest.TestCase):
    """What is done with stacks, and seen of them, in an account of its own."""

    # Program that shows the state.
    command = BINARIES / "harvest-lake"
    # Seconds until all streams have had a pass, when ticks follow each other.
    filled = FILLED

    @classmethod
    def setUpClass(cls):
        cls.emulator = Emulator()
        cls.addClassCleanup(cls.emulator.stop)
        cls.harvest = cls.emulator.harvest
        cls.cloudformation = cls.emulator.client("cloudformation")
        # Where people type.
        cls.folder = cls.emulator.folder / "project"

    # ---- What people do ---------------------------------------------------------------------------

    def type(self, line: str, answers: dict[str, str] | None = None) -> typed.Typed:
        """Types a line as documented, for the fake account, and answers questions that contain a key; Enter to others."""
        # With the bus and the mails, so that what they need is tried.
        given = f"HarvestAccountId={self.harvest.account} EventBusName=default AlarmEmail=me@example.com"
        line = line.replace("HarvestAccountId=1234567", given)

        def answer(question: str) -> str:
            return next((text for part, text in (answers or {}).items() if part in question), "")

        return typed.run(["bash", "-c", line], self.folder, self.emulator.environment, answer)

    def deploy(self, name: str, *more: str) -> Stack:
        """Deploys without questions."""
        overrides = [f"HarvestAccountId={self.harvest.account}", *more]
        line = f".tools/sam/bin/sam deploy --no-confirm-changeset --stack-name {name} --parameter-overrides "
        ended = self.type(line + " ".join(overrides))
        self.assertEqual(ended.status, 0, ended.said[-3000:])
        return self.stack(name)

    def stack(self, name: str) -> Stack:
        return Stack(self.emulator.reached(), name, self.harvest.token, pause=0.2)

    def put_token(self, name: str) -> None:
        """Types the token, which is not shown."""
        self.type_token(documented("make token").replace("STACK=harvest-lake", f"STACK={name}"))

    def type_token(self, line: str) -> None:
        """Types a line that asks for the token, and the token."""
        ended = typed.run(
            ["bash", "-c", line], self.folder, self.emulator.environment, lambda _: self.harvest.token,
            secret="administrator:",
        )  # fmt: skip
        self.assertEqual(ended.status, 0, ended.said)
        self.assertNotIn(self.harvest.token, ended.said)

    def status(self, name: str) -> dict:
        """What `harvest-lake status --json` says of the stack."""
        stack = self.stack(name)
        places = ["--lake", stack.lake, "--state", stack.outputs["State"], "--account-id", stack.account]
        told = subprocess.run(
            [self.command, "status", "--json", *places], env=self.emulator.environment,
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        self.assertTrue(told.stdout, told.stderr)
        return json.loads(told.stdout)

    # ---- What is seen -----------------------------------------------------------------------------

    def inventory(self) -> set[tuple[str, str]]:
        """Everything in the account that a stack makes, but for SAM's own bucket."""
        client = self.emulator.client
        found = {
            "bucket": [one["Name"] for one in client("s3").list_buckets()["Buckets"]],
            "table": client("dynamodb").list_tables()["TableNames"],
            "function": [one["FunctionName"] for one in client("lambda").list_functions()["Functions"]],
            "role": [one["RoleName"] for one in client("iam").list_roles()["Roles"]],
            "policy": [one["PolicyName"] for one in client("iam").list_policies(Scope="Local")["Policies"]],
            "queue": client("sqs").list_queues().get("QueueUrls", []),
            "secret": [one["ARN"] for one in client("secretsmanager").list_secrets()["SecretList"]],
            "parameter": [one["Name"] for one in client("ssm").describe_parameters()["Parameters"]],
            "log group": [one["logGroupName"] for one in client("logs").describe_log_groups()["logGroups"]],
            "schedule": [one["Name"] for one in client("scheduler").list_schedules()["Schedules"]],
            "topic": [one["TopicArn"] for one in client("sns").list_topics()["Topics"]],
            "alarm": [one["AlarmName"] for one in client("cloudwatch").describe_alarms()["MetricAlarms"]],
            "dashboard": [one["DashboardName"] for one in client("cloudwatch").list_dashboards()["DashboardEntries"]],
            "database": [one["Name"] for one in client("glue").get_databases()["DatabaseList"]],
            "workgroup": [one["Name"] for one in client("athena").list_work_groups()["WorkGroups"]],
        }
        own = re.compile(r"^aws-sam-cli-managed|^primary$")
        return {(kind, name) for kind, names in found.items() for name in names if not own.search(name)}

    def objects(self, stack: Stack, below: str = "") -> dict[str, str]:
        """Keys below the lake's prefix, with what identifies their content."""
        pages = stack.s3.get_paginator("list_objects_v2").paginate(Bucket=stack.bucket, Prefix=stack.lake_key(below))
        return {one["Key"]: one["ETag"] for page in pages for one in page.get("Contents", [])}

    def logs(self, stack: Stack) -> dict[str, int]:
        """Latest version of each table."""
        found: dict[str, int] = {}
        for key in self.objects(stack, "tables/"):
            if match := re.search(r"tables/(\w+)/_delta_log/(\d{20})\.json$", key):
                found[match[1]] = max(found.get(match[1], 0), int(match[2]))
        return found

    def ticks(self, stack: Stack) -> list[str]:
        """What the orchestrator logged."""
        name = stack.lambdas.get_function_configuration(FunctionName=stack.orchestrator)["LoggingConfig"]["LogGroup"]
        pages = stack.logs.get_paginator("filter_log_events").paginate(logGroupName=name)
        return [event["message"] for page in pages for event in page["events"]]

    def planned(self, stack: Stack) -> dict | None:
        """Answer of a tick; `None` if another one is at work."""
        answer = stack.invoke({})
        return answer if answer["outcome"] in PLANNED else None

    def fill(self, name: str) -> int:
        """Ticks, one after the other as workers end, until nothing is due; the number of ticks."""
        stack = self.stack(name)
        answers: list[dict] = []

        def at_rest() -> bool:
            answers.append(stack.invoke({}))
            return answers[-1]["outcome"] in PLANNED and not answers[-1]["due"] and not answers[-1]["running"]

        try:
            until(f"{name} has nothing more to do", self.filled, at_rest, 0.5)
        except TimeoutError as error:
            raise AssertionError(f"{error}; {len(answers)} ticks, the last ones: {answers[-3:]}") from error
        states = {one["stream"]: one["state"] for one in self.status(name)["streams"]}
        self.assertEqual(states, dict.fromkeys(STREAMS, "current"))
        return len(answers)

    def compare(self, name: str, *more: str) -> str:
        """Compares all cells, as deltalake, polars and DuckDB read them, with Harvest; what the comparison says last."""
        stack = self.stack(name)
        folder = self.emulator.folder / f"copy-of-{name}"
        shutil.rmtree(folder, ignore_errors=True)
        for key in self.objects(stack, "tables/"):
            path = folder / key.removeprefix(stack.lake_key(""))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(stack.s3.get_object(Bucket=stack.bucket, Key=key)["Body"].read())
        compared = subprocess.run(
            [TOOLS / "readers/bin/python", "-m", "lake_check", "--lake", folder, "--truth", self.harvest.origin, *more],
            cwd=ROOT / "tests", capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        self.assertEqual(compared.returncode, 0, compared.stdout + compared.stderr)
        return compared.stdout.splitlines()[-1]


class StackTest(StackCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.project = Project(cls.folder)

    def test_a_stack_lives_as_the_guide_says(self):
        print()
        with step("a first deployment that fails leaves nothing behind"):
            self.fails_at_first()
        with step("`sam deploy` as the guide has it, with one question") as notes:
            notes += self.deploys_with_one_question()
        one = self.stack("harvest-lake")
        made = time.monotonic()
        with step("`sam deploy --guided`, for a second stack") as notes:
            notes += self.deploys_guided("beside")
        with step("`make token`"):
            self.put_token("harvest-lake")
            self.put_token("beside")
        with step("the second stack is filled") as notes:
            self.harvest.ask("POST", "/_sim/reset-stats")
            notes += [f"{self.fill('beside')} ticks, sent one after the other"]
            first_load = self.requests()
        # Beside what follows: it takes longest.
        comparing = ThreadPoolExecutor()
        self.addCleanup(comparing.shutdown)
        compared = [comparing.submit(self.compare, "beside", *SOME)]
        with step("the first stack's schedule ticks, and the orchestrator makes all tables") as notes:
            until("a tick of the schedule", FIRST_TICK, lambda: len(self.logs(one)) == CATALOGUED, 1)
            notes += [f"{time.monotonic() - made:.0f} s after its deployment"]
        with step("workers fill them") as notes:
            notes += [f"{self.fill('harvest-lake')} more ticks, sent"]
        compared += [comparing.submit(self.compare, "harvest-lake")]
        with step("the small worker keeps within its memory") as notes:
            one.invoke({"now": True})
            self.fill("harvest-lake")
            peaks = self.emulator.memory(one.outputs["SmallWorkerName"])
            self.assertTrue(peaks)
            self.assertLess(max(peaks), 128)
            notes += [f"{max(peaks)} MB at most in {len(peaks)} processes"]
        with step("`make status`"):
            self.shows_its_status("harvest-lake")
        with step("each role may do what its function needs, and no more") as notes:
            notes += [self.roles_allow_their_own(one, self.stack("beside"))]
        with step("what only AWS confirms in full") as notes:
            notes += self.confirm(one)
        with step("the tables of both stacks, compared with Harvest") as notes:
            notes += [one.result() for one in compared]
        with step("a mail when a stream comes into trouble, and one when it is over") as notes:
            notes += self.tells_of_trouble(one)
        with step("an update with another memory size and a new column") as notes:
            notes += self.updates(one)
        with step("a page of the report by a schedule") as notes:
            notes += self.publishes(one)
        with step("removal keeps bucket and table") as notes:
            notes += self.removes("harvest-lake")
        with step("a new stack goes on with the bucket") as notes:
            notes += self.goes_on("again", one, first_load)
        with step("and is removed"):
            self.removes("again")

    def fails_at_first(self) -> None:
        before = self.inventory()

        def with_a_failure(template: dict, catalog: dict) -> None:
            others = [name for name, one in template["Resources"].items() if "Condition" not in one] + ["OrchestratorTick"]
            # The catalogue has one of this name.
            group = {"Type": "AWS::Athena::WorkGroup", "Properties": {"Name": {"Ref": "AWS::StackName"}}}
            template["Resources"]["Impossible"] = group | {"DependsOn": sorted(others)}

        self.project.write(with_a_failure)
        ended = self.type(documented(".tools/sam/bin/sam deploy --parameter-overrides"), {"Deploy this changeset": "y"})
        self.project.write()
        self.assertNotEqual(ended.status, 0)
        (found,) = self.cloudformation.describe_stacks(StackName="harvest-lake")["Stacks"]
        self.assertEqual(found["StackStatus"], "ROLLBACK_COMPLETE", ended.said[-3000:])
        pages = self.cloudformation.get_paginator("describe_stack_events").paginate(StackName="harvest-lake")
        events = [event for page in pages for event in page["StackEvents"]]
        made = {one["LogicalResourceId"] for one in events if one["ResourceStatus"] == "CREATE_COMPLETE"}
        self.assertLessEqual({"Bucket", "State", "Catalog", "OrchestratorTick"}, made)
        self.assertEqual(self.inventory(), before)
        self.delete("harvest-lake")

    def deploys_with_one_question(self) -> list[str]:
        line = documented(".tools/sam/bin/sam deploy --parameter-overrides")
        ended = self.type(line, {"Deploy this changeset": "y"})
        self.assertEqual(ended.status, 0, ended.said[-3000:])
        self.assertEqual([question for question, _ in ended.questions], ["Deploy this changeset? [y/N]:"])
        # What is to be copied is on one line.
        self.assertIn(f"make token STACK=harvest-lake REGION={REGION}", ended.said)
        self.assertIn(f"make status STACK=harvest-lake REGION={REGION}", ended.said)
        (nested,) = [one for one in self.resources("harvest-lake") if one["LogicalResourceId"] == "Catalog"]
        made = self.resources("harvest-lake") + self.resources(nested["PhysicalResourceId"])
        self.assertEqual({one["ResourceStatus"] for one in made}, {"CREATE_COMPLETE"})
        catalogued = self.stack("harvest-lake")
        self.assertEqual((len(catalogued.tables()), len(catalogued.views())), (CATALOGUED, TABLES_AND_VIEWS - TABLES))
        return [f"{len(made)} resources"]

    def deploys_guided(self, name: str) -> list[str]:
        settings = (self.project.folder / "samconfig.toml").read_text()
        line = documented(".tools/sam/bin/sam deploy --guided")
        answers = {"Stack Name": name, "HarvestAccountId": self.harvest.account, "Deploy this changeset": "y"}
        ended = self.type(line, answers)
        self.assertEqual(ended.status, 0, ended.said[-3000:])
        typed_in = [question for question, text in ended.questions if text]
        self.assertEqual(len(typed_in), len(answers), typed_in)
        self.assertLessEqual(len(ended.questions), 46)
        # The guide kept the answers there; what follows is for the other stack.
        self.assertIn(name, (self.project.folder / "samconfig.toml").read_text())
        (self.project.folder / "samconfig.toml").write_text(settings)
        return [f"{len(ended.questions)} questions, {len(typed_in)} of them not with Enter"]

    def shows_its_status(self, name: str) -> None:
        command = f"{documented('make status')} COMMAND={BINARIES / 'harvest-lake'}"
        ended = self.type(command.replace("STACK=harvest-lake", f"STACK={name}"))
        self.assertEqual(ended.status, 0, ended.said)
        self.assertIn(f"all {len(STREAMS)} tables are current", ended.said)

    def tells_of_trouble(self, stack: Stack) -> list[str]:
        """What comes to the address of alarms while Harvest refuses a stream, and afterwards."""
        (topic,) = [one for one in self.resources(stack.name) if one["LogicalResourceId"] == "Alarms"]
        queue = stack.sqs.create_queue(QueueName="mailbox")["QueueUrl"]
        arn = stack.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        takes = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [takes]})
        stack.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
        self.emulator.client("sns").subscribe(
            TopicArn=topic["PhysicalResourceId"], Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"}
        )
        mails: list[str] = []

        def told(words: str) -> bool:
            self.planned(stack)
            found = stack.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
            for one in found:
                stack.sqs.delete_message(QueueUrl=queue, ReceiptHandle=one["ReceiptHandle"])
            mails.extend(one["Body"] for one in found)
            return any(words in mail for mail in mails)

        refusal = {"path": "/v2/roles", "effect": {"status": {"status": 403}}}
        self.harvest.ask("POST", "/_sim/faults", [refusal])
        stack.invoke({"streams": ["roles"], "now": True})
        until("a mail about the stream", 60, lambda: told("roles is refused by Harvest"), 1)
        self.harvest.ask("DELETE", "/_sim/faults")
        stack.invoke({"streams": ["roles"], "now": True})
        until("a mail that it is over", 60, lambda: told("in order again: roles"), 1)
        stack.sqs.delete_queue(QueueUrl=queue)
        return [f"{len(mails)} mails"]

    def roles_allow_their_own(self, own: Stack, other: Stack) -> str:
        processes = self.emulator.processes()

        def clients(function: str) -> Callable:
            names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
            credentials = {name.lower(): processes[function][name] for name in names}
            return functools.cache(lambda service: self.emulator.client(service, credentials))

        orchestrator, worker = clients(own.orchestrator), clients(own.worker)
        named = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in self.resources(own.name)}
        for role, name in ((orchestrator, "OrchestratorRole"), (worker, "WorkerRole")):
            self.assertIn(f":assumed-role/{named[name]}/", role("sts").get_caller_identity()["Arn"])
        key = {"pk": {"S": f"account#{own.account}"}, "sk": {"S": "orchestrator"}}
        table = next(iter(self.objects(own, "tables/")))
        group = own.lambdas.get_function_configuration(FunctionName=own.worker)["LoggingConfig"]["LogGroup"]
        parameter, other_parameter = own.outputs["TokenParameter"], other.outputs["TokenParameter"]
        value = json.dumps({"access_token": self.harvest.token})
        event = {"Source": "harvest-lake", "DetailType": "SyncFailed", "Detail": "{}", "EventBusName": "default"}
        queue = own.outputs["FailureQueueUrl"]
        both = {
            "read a table": (True, lambda of: of("s3").get_object(Bucket=own.bucket, Key=table)),
            "hear that an object is missing": (True, lambda of: of("s3").get_object(Bucket=own.bucket, Key=own.lake_key("tables/none"))),
            "write a table": (True, lambda of: of("s3").put_object(Bucket=own.bucket, Key=own.lake_key("tables/probe"), Body=b"")),
            "write who is erased": (False, lambda of: of("s3").put_object(Bucket=own.bucket, Key=own.lake_key("erased.json"), Body=b"{}")),
            "forget who is erased": (False, lambda of: of("s3").delete_object(Bucket=own.bucket, Key=own.lake_key("erased.json"))),
            "write beside the lake": (False, lambda of: of("s3").put_object(Bucket=own.bucket, Key="other/probe", Body=b"")),
            "list the lake": (True, lambda of: of("s3").list_objects_v2(Bucket=own.bucket, Prefix=own.lake_key("tables/"))),
            "list beside the lake": (False, lambda of: of("s3").list_objects_v2(Bucket=own.bucket, Prefix="other/")),
            "change the bucket": (False, lambda of: of("s3").put_bucket_versioning(
                Bucket=own.bucket, VersioningConfiguration={"Status": "Suspended"})),
            "read another stack's tables": (False, lambda of: of("s3").get_object(Bucket=other.bucket, Key=table)),
            "read the state": (True, lambda of: of("dynamodb").get_item(TableName=own.state_table, Key=key)),
            "scan the state": (False, lambda of: of("dynamodb").scan(TableName=own.state_table)),
            "delete of the state": (False, lambda of: of("dynamodb").delete_item(TableName=own.state_table, Key=key)),
            "delete the table": (False, lambda of: of("dynamodb").delete_table(TableName=own.state_table)),
            "read another stack's state": (False, lambda of: of("dynamodb").get_item(TableName=other.state_table, Key=key)),
            "read the token": (True, lambda of: of("ssm").get_parameter(Name=parameter, WithDecryption=True)),
            "read another stack's token": (False, lambda of: of("ssm").get_parameter(Name=other_parameter, WithDecryption=True)),
            "store a token": (False, lambda of: of("ssm").put_parameter(
                Name=parameter, Value=value, Type="SecureString", Overwrite=True)),
            "invoke the orchestrator": (False, lambda of: of("lambda").invoke(FunctionName=own.orchestrator, Payload=b"{}")),
            "invoke another stack's worker": (False, lambda of: of("lambda").invoke(FunctionName=other.worker, Payload=b"{}")),
            "read a log": (False, lambda of: of("logs").filter_log_events(logGroupName=group)),
            "list roles": (False, lambda of: of("iam").list_roles()),
        }  # fmt: skip
        # What the orchestrator alone may do, and what the worker.
        apart = {
            "invoke the worker": (True, False, lambda of: of("lambda").invoke(
                FunctionName=own.worker, InvocationType="Event", Payload=b'{"stream": "company", "pass": "incremental"}')),
            "write and delete work": (False, True, lambda of: (
                of("s3").put_object(Bucket=own.bucket, Key=own.lake_key("work/probe"), Body=b""),
                of("s3").delete_object(Bucket=own.bucket, Key=own.lake_key("work/probe")))),
            "quarantine a record": (False, True, lambda of: of("s3").put_object(
                Bucket=own.bucket, Key=own.lake_key("quarantine/probe"), Body=b"")),
            "delete of the quarantine": (False, True, lambda of: of("s3").delete_object(
                Bucket=own.bucket, Key=own.lake_key("quarantine/probe"))),
            "delete of a table": (False, True, lambda of: of("s3").delete_object(Bucket=own.bucket, Key=own.lake_key("tables/probe"))),
            "read who is erased": (False, True, lambda of: of("s3").get_object(Bucket=own.bucket, Key=own.lake_key("erased.json"))),
            "report a failure": (False, True, lambda of: of("sqs").send_message(QueueUrl=queue, MessageBody='{}')),
            "tell the event bus": (True, True, lambda of: of("events").put_events(Entries=[event])),
        }  # fmt: skip
        calls = [(what, role, allowed, call) for what, (allowed, call) in both.items() for role in (orchestrator, worker)]
        for what, (first, second, call) in apart.items():
            calls += [(what, orchestrator, first, call), (what, worker, second, call)]
        # Nobody can act as the schedule's role: a user with its policy shows what it allows.
        policy = self.emulator.client("iam").get_role_policy(RoleName=named["ScheduleRole"], PolicyName="tick")
        with self.emulator.user(policy["PolicyDocument"]) as credentials:
            schedule = functools.cache(lambda service: self.emulator.client(service, credentials))
            lost = own.sqs.get_queue_url(QueueName=named["LostTicks"].rsplit("/", 1)[-1])["QueueUrl"]
            calls += [
                ("tick", schedule, True, lambda of: of("lambda").invoke(FunctionName=own.orchestrator, Payload=b"{}")),
                ("work", schedule, False, lambda of: of("lambda").invoke(FunctionName=own.worker, Payload=b"{}")),
                ("tick another", schedule, False, lambda of: of("lambda").invoke(FunctionName=other.orchestrator, Payload=b"{}")),
                ("keep a lost tick", schedule, True, lambda of: of("sqs").send_message(QueueUrl=lost, MessageBody="{}")),
                ("report a failure", schedule, False, lambda of: of("sqs").send_message(QueueUrl=queue, MessageBody="{}")),
            ]
            names = {orchestrator: "orchestrator", worker: "worker", schedule: "schedule"}
            for what, role, allowed, call in calls:
                with self.subTest(what=what, role=names[role]):
                    self.assertEqual(may(lambda: call(role)), allowed)
        return f"{len(calls)} calls, {sum(not allowed for _, _, allowed, _ in calls)} of them refused"

    def confirm(self, stack: Stack) -> list[str]:
        """The checks of `make acceptance` that the emulator has an answer to."""
        chosen = [one for one in ASSUMPTIONS if one.name in CONFIRMED_HERE]
        self.assertEqual(len(chosen), len(CONFIRMED_HERE))
        for one in chosen:
            with self.subTest(assumption=one.name):
                one.check(stack)
        return [", ".join(sorted(CONFIRMED_HERE))]

    def updates(self, stack: Stack) -> list[str]:
        kept = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in self.resources(stack.name)}
        column = {"Name": "of_an_update", "Type": "string"}

        def with_a_column(template: dict, catalog: dict) -> None:
            tables = [one["Properties"]["TableInput"] for one in catalog["Resources"].values() if one["Type"] == "AWS::Glue::Table"]
            (clients,) = [one for one in tables if one["Name"] == "clients"]
            clients["StorageDescriptor"]["Columns"].append(column)

        self.project.write(with_a_column)
        line = documented("make build && .tools/sam/bin/sam deploy").removeprefix("make build && ")
        ended = self.type(f"{line} {documented('--parameter-overrides WorkerMemory')}", {"Deploy this changeset": "y"})
        self.assertEqual(ended.status, 0, ended.said[-3000:])
        self.assertEqual({one["LogicalResourceId"]: one["PhysicalResourceId"] for one in self.resources(stack.name)}, kept)
        self.assertEqual(self.stack(stack.name).account, stack.account)
        self.assertEqual(stack.lambdas.get_function_configuration(FunctionName=stack.worker)["MemorySize"], 1024)
        described = stack.glue.get_table(DatabaseName=stack.outputs["Database"], Name="clients")["Table"]
        self.assertEqual(described["StorageDescriptor"]["Columns"][-1]["Name"], column["Name"])
        self.assertEqual(len(self.stack(stack.name).tables()), CATALOGUED)
        before = self.logs(stack)
        self.harvest.ask("POST", "/_sim/mutate?steps=200&seed=3")
        stack.invoke({"now": True, "pass": "full", "accept_deletes": True})
        self.fill(stack.name)
        self.assertEqual(self.emulator.processes()[stack.worker]["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"], "1024")
        after = self.logs(stack)
        self.assertEqual(set(after), set(before))
        moved = [name for name in after if after[name] > before[name]]
        self.assertTrue(moved)
        return [f"{len(moved)} tables have new versions", self.compare(stack.name, "--deleted", *SOME)]

    def publishes(self, former: Stack) -> list[str]:
        """The documented deployment makes a schedule, and a function that writes the page and can do nothing else."""
        line = documented(".tools/sam/bin/sam deploy --parameter-overrides 'PageSchedule")
        ended = self.type(line, {"Deploy this changeset": "y"})
        self.assertEqual(ended.status, 0, ended.said[-3000:])
        stack = self.stack(former.name)
        scheduler = self.emulator.client("scheduler")
        names = [one["LogicalResourceId"] for one in self.resources(stack.name)]
        self.assertIn("PublisherPage", names)
        (schedule,) = [one["PhysicalResourceId"] for one in self.resources(stack.name) if one["LogicalResourceId"] == "PublisherPage"]
        expression = scheduler.get_schedule(Name=schedule.rsplit("/", 1)[-1])["ScheduleExpression"]
        self.assertIn(expression, line)
        publisher = stack.outputs["PublisherName"]
        invoked = stack.lambdas.invoke(FunctionName=publisher, Payload=b"{}")
        answer = json.loads(invoked["Payload"].read())
        self.assertEqual(answer["page"], stack.outputs["Page"], answer)
        page = stack.s3.get_object(Bucket=stack.bucket, Key=stack.lake_key("report.html"))
        self.assertEqual(page["ContentType"], "text/html; charset=utf-8")
        data = json.loads(re.search(r'id="data">(.*?)</script>', page["Body"].read().decode(), re.DOTALL)[1])
        self.assertEqual(data["machine"]["problems"], [])
        self.assertEqual(len(data["machine"]["status"]["streams"]), len(STREAMS))
        return [f"{answer['bytes']:,} bytes", self.publisher_may_write_its_page_alone(stack, publisher)]

    def publisher_may_write_its_page_alone(self, own: Stack, publisher: str) -> str:
        given = self.emulator.processes()[publisher]
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        credentials = {name.lower(): given[name] for name in names}
        of = functools.cache(lambda service: self.emulator.client(service, credentials))
        key = {"pk": {"S": f"account#{own.account}"}, "sk": {"S": "orchestrator"}}
        put = lambda name: of("s3").put_object(Bucket=own.bucket, Key=own.lake_key(name), Body=b"")  # noqa: E731
        calls = {
            "read a table": (True, lambda: of("s3").get_object(Bucket=own.bucket, Key=next(iter(self.objects(own, "tables/"))))),
            "list the lake": (True, lambda: of("s3").list_objects_v2(Bucket=own.bucket, Prefix=own.lake_key("tables/"))),
            "read the state": (True, lambda: of("dynamodb").get_item(TableName=own.state_table, Key=key)),
            "write the page": (True, lambda: put("report.html")),
            "write a table": (False, lambda: put("tables/probe")),
            "write who is erased": (False, lambda: put("erased.json")),
            "delete the page": (False, lambda: of("s3").delete_object(Bucket=own.bucket, Key=own.lake_key("report.html"))),
            "write the state": (False, lambda: of("dynamodb").put_item(TableName=own.state_table, Item=key)),
            "read the token": (False, lambda: of("ssm").get_parameter(Name=own.outputs["TokenParameter"], WithDecryption=True)),
            "invoke the worker": (False, lambda: of("lambda").invoke(FunctionName=own.worker, Payload=b"{}")),
            "tell the event bus": (False, lambda: of("events").put_events(
                Entries=[{"Source": "harvest-lake", "DetailType": "SyncFailed", "Detail": "{}", "EventBusName": "default"}])),
        }  # fmt: skip
        for what, (allowed, call) in calls.items():
            with self.subTest(what=what, role="publisher"):
                self.assertEqual(may(call), allowed)
        return f"{len(calls)} calls, {sum(not allowed for allowed, _ in calls.values())} of them refused"

    def removes(self, name: str) -> list[str]:
        stack = self.stack(name)
        # The lake's bucket, or that of results where the lake is in a bucket of one's own.
        buckets = {one["PhysicalResourceId"] for one in self.resources(name) if one["ResourceType"] == "AWS::S3::Bucket"}
        before, objects = self.inventory(), self.objects(stack)
        ended = self.type(f"{documented('.tools/sam/bin/sam delete')} --stack-name {name}", {"Are you sure": "y"})
        # MiniStack's addresses are none of S3's to SAM. Where SAM takes them, the next line can go.
        self.assertIn("is not a valid S3 url", ended.said)
        self.delete(name)
        left = {(kind, one) for kind, one in self.inventory() if f"/{name}-" in f"/{one}" or one == name}
        left |= {(kind, one) for kind, one in self.inventory() & before if one == stack.outputs["Database"]}
        wanted = {("table", stack.state_table)} | {("bucket", one) for one in buckets}
        self.assertEqual(left, wanted)
        self.assertEqual(self.objects(stack), objects)
        return [f"{len(objects)} objects as before"]

    def goes_on(self, name: str, former: Stack, first_load: int) -> list[str]:
        before, versions = self.objects(former), self.logs(former)
        self.harvest.ask("POST", "/_sim/mutate?steps=100&seed=5")
        self.harvest.ask("POST", "/_sim/reset-stats")
        stack = self.deploy(name, f"ExistingBucketName={former.bucket}")
        self.assertEqual(stack.lake, former.lake)
        self.assertNotEqual(stack.state_table, former.state_table)
        self.put_token(name)
        # The tables tell how far they are, so that nothing is due before the next hour.
        answer = until("a tick that plans", FILLED, lambda: self.planned(stack))
        self.assertEqual(answer["due"], [])
        stack.invoke({"now": True})
        self.fill(name)
        asked = self.requests()
        # Not a second first load: what was committed stays, and versions follow it.
        self.assertLess(asked, first_load)
        after, later = self.objects(stack), self.logs(stack)
        commits = [key for key in before if re.search(r"_delta_log/\d{20}\.json$", key)]
        self.assertEqual({key: after.get(key) for key in commits}, {key: before[key] for key in commits})
        self.assertEqual(set(later), set(versions))
        self.assertGreater(sum(later.values()), sum(versions.values()))
        stack.invoke({"now": True, "pass": "full", "accept_deletes": True})
        self.fill(name)
        return [f"{asked} requests, {first_load} at first", self.compare(name, "--deleted")]

    def requests(self) -> int:
        """What Harvest was asked since its statistics began."""
        counted = json.loads(self.harvest.ask("GET", "/_sim/stats"))
        return counted["general"]["requests"] + counted["reports"]["requests"]

    def resources(self, name: str) -> list[dict]:
        pages = self.cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
        return [one for page in pages for one in page["StackResourceSummaries"]]

    def delete(self, name: str) -> None:
        self.cloudformation.delete_stack(StackName=name)

        def gone() -> bool:
            try:
                (found,) = self.cloudformation.describe_stacks(StackName=name)["Stacks"]
            except ClientError:
                return True
            self.assertNotEqual(found["StackStatus"], "DELETE_FAILED")
            return found["StackStatus"] == "DELETE_COMPLETE"

        until(f"the stack {name} is gone", 60, gone)


if __name__ == "__main__":
    unittest.main()
