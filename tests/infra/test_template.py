"""Assertions on the template as CloudFormation gets it: expanded by SAM's own translator."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from functools import cache
from pathlib import Path
from unittest import mock

import click.termui
from click.testing import CliRunner
from samcli.commands.deploy import guided_context
from samtranslator.translator.transform import transform
from samcli.yamlhelper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "infra"))

import built  # noqa: E402: it is no package

os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")

ALLOWED = {
    "DeleteWhatNoReaderNeeds": ["s3:DeleteObject"],
    "InvokeTheWorkers": ["lambda:InvokeFunction"],
    "KeepTheLedgerShort": ["s3:DeleteObject"],
    "KeepTheNextRefreshToken": ["secretsmanager:PutSecretValue"],
    "KeepTicksThatFailed": ["sqs:SendMessage"],
    "KeepWorkAndQuarantine": ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
    "ListTheLake": ["s3:ListBucket"],
    "ReadAndWriteTables": ["s3:GetObject", "s3:PutObject"],
    "ReadAndWriteTheState": ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"],
    "ReadTablesAndQuarantine": ["s3:GetObject"],
    "ReadTheState": ["dynamodb:GetItem", "dynamodb:Query"],
    "ReadTheSecret": ["secretsmanager:GetSecretValue"],
    "ReadTheToken": ["ssm:GetParameter"],
    "ReadWhoIsErased": ["s3:GetObject"],
    "ReportFailures": ["sqs:SendMessage"],
    "StartTheOrchestrator": ["lambda:InvokeFunction"],
    "StartThePublisher": ["lambda:InvokeFunction"],
    "TellOfTrouble": ["events:PutEvents"],
    "TellTheEventBus": ["events:PutEvents"],
    "UseTheKey": ["kms:Decrypt", "kms:GenerateDataKey"],
    "WriteThePage": ["s3:PutObject"],
    "WriteItsOwnLog": ["logs:CreateLogStream", "logs:PutLogEvents"],
}


class NoManagedPolicies:
    """None of AWS's own policies is used."""

    def load(self):
        return {}


@cache
def source() -> dict:
    return yaml_parse((ROOT / "infra/template.yaml").read_text())


@cache
def expanded(name: str = "template.yaml") -> dict:
    template = yaml_parse((ROOT / "infra" / name).read_text())
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    return transform(template, {}, NoManagedPolicies())


def of_type(kind: str) -> dict[str, dict]:
    resources = expanded()["Resources"].items()
    return {name: one for name, one in resources if one["Type"] == kind}


def parameters() -> dict[str, dict]:
    """The parameters of both stacks."""
    nested = json.loads((ROOT / "infra/catalog.json").read_text())["Parameters"]
    return nested | source()["Parameters"]


def make(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(["make", "--silent", *arguments], cwd=ROOT, capture_output=True, text=True)


def schedule_of(function: str) -> dict:
    """Properties of the schedule that calls the function."""
    target = {"Fn::GetAtt": [function, "Arn"]}
    (found,) = [one["Properties"] for one in of_type("AWS::Scheduler::Schedule").values() if one["Properties"]["Target"]["Arn"] == target]
    return found


def walk(node):
    yield node
    if isinstance(node, dict):
        for child in node.values():
            yield from walk(child)
    elif isinstance(node, list):
        for child in node:
            yield from walk(child)


# The action of each call of the code, by its method in Amazon's libraries.
ACTION_OF = {
    "delete_object": "s3:DeleteObject",
    "get_item": "dynamodb:GetItem",
    "get_object": "s3:GetObject",
    "get_parameter": "ssm:GetParameter",
    "get_secret_value": "secretsmanager:GetSecretValue",
    "invoke": "lambda:InvokeFunction",
    "list_objects_v2": "s3:ListBucket",
    "put_events": "events:PutEvents",
    "put_item": "dynamodb:PutItem",
    "put_object": "s3:PutObject",
    "put_secret_value": "secretsmanager:PutSecretValue",
    "query": "dynamodb:Query",
}
# Calls that only a person makes, by `harvest-lake login`.
ACTION_OF_PEOPLE = {"put_parameter": "ssm:PutParameter"}
# Statements that services use for the stack, beside the calls of the code.
OF_SERVICES = {
    "WriteItsOwnLog", "ReportFailures", "UseTheKey", "StartTheOrchestrator", "StartThePublisher", "KeepTicksThatFailed",
}  # fmt: skip
# Attached to nobody by the stack.
OF_PEOPLE = ("Analysts", "Operators")


def calls_of_the_code() -> set[str]:
    """Methods that the code calls on Amazon's clients."""
    calls = set()
    for file in (ROOT / "shared/aws/src").glob("*.rs"):
        code = file.read_text().split("#[cfg(test)]")[0]
        calls |= set(re.findall(r"\bclient\s*\.(\w+)\(\)", code))
    return calls


def actions_of(statement: dict) -> list[str]:
    """Actions of a statement, of which CloudFormation takes one without a list."""
    actions = statement["Action"]
    return [actions] if isinstance(actions, str) else actions


def statements() -> list[tuple[str, dict]]:
    """Every Allow that the stack gives somebody, with the resource it stands in."""
    found = []
    for name, resource in expanded()["Resources"].items():
        for node in walk(resource.get("Properties", {})):
            if isinstance(node, dict) and node.get("Effect") == "Allow" and "Principal" not in node:
                found.append((name, node))
    return found


class TemplateTest(unittest.TestCase):
    def test_no_policy_allows_anything_on_everything(self):
        self.assertGreater(len(statements()), 8)
        for name, statement in statements():
            for action in actions_of(statement):
                self.assertNotIn("*", action, name)
            self.assertNotEqual(statement["Resource"], "*", name)
            for resource in walk(statement["Resource"]):
                self.assertNotEqual(resource, "*", name)
        for role in of_type("AWS::IAM::Role").values():
            self.assertEqual(role["Properties"].get("ManagedPolicyArns", []), [])

    def test_no_two_stacks_want_the_same_name(self):
        named = {
            "AWS::Lambda::Function": "FunctionName",
            "AWS::Scheduler::Schedule": "Name",
            "AWS::DynamoDB::Table": "TableName",
            "AWS::S3::Bucket": "BucketName",
            "AWS::SQS::Queue": "QueueName",
            "AWS::SecretsManager::Secret": "Name",
            "AWS::Logs::LogGroup": "LogGroupName",
            "AWS::IAM::Role": "RoleName",
            "AWS::SNS::Topic": "TopicName",
            "AWS::CloudWatch::Alarm": "AlarmName",
            "AWS::CloudWatch::Dashboard": "DashboardName",
        }
        for kind, property_name in named.items():
            self.assertTrue(of_type(kind), kind)
            for name, resource in of_type(kind).items():
                self.assertNotIn(property_name, resource["Properties"], name)

    def test_the_schedule_ticks_and_does_not_pile_up(self):
        properties = schedule_of("Orchestrator")
        self.assertEqual(properties["ScheduleExpression"], "rate(1 minute)")
        self.assertEqual(properties["State"], {"Ref": "Schedule"})
        target = properties["Target"]
        self.assertEqual(target["Input"], "{}")
        self.assertEqual(
            target["RetryPolicy"], {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 0}
        )
        self.assertIn("DeadLetterConfig", target)

    def test_the_page_is_written_when_its_parameter_says_and_a_lost_one_is_seen(self):
        publisher = expanded()["Resources"]["Publisher"]
        self.assertEqual(publisher["Condition"], "PublishesPage")
        properties = schedule_of("Publisher")
        self.assertEqual(properties["ScheduleExpression"], {"Ref": "PageSchedule"})
        self.assertEqual((properties["State"], properties["Target"]["Input"]), ({"Ref": "Schedule"}, "{}"))
        self.assertIn("DeadLetterConfig", properties["Target"])
        pattern = source()["Parameters"]["PageSchedule"]["AllowedPattern"]
        for good in ("", "rate(1 day)", "cron(0 6 ? * MON-FRI *)", "cron(0/30 7-18 ? * 2#1 *)"):
            self.assertTrue(re.fullmatch(pattern, good), good)
        for bad in ("0 6 * * *", "cron()", "at(2026-06-30T06:00:00)", "rate(1 day) "):
            self.assertFalse(re.fullmatch(pattern, bad), bad)
        # All of it or nothing: no role or log is left without the function.
        for name, one in expanded()["Resources"].items():
            self.assertEqual(one.get("Condition") == "PublishesPage", name.startswith("Publisher"), name)

    def test_functions_end_in_time_and_retries_are_bounded(self):
        functions = of_type("AWS::Lambda::Function")
        for name in ("Worker", "SmallWorker"):
            self.assertEqual(functions[name]["Properties"]["Timeout"], 900)
        self.assertLessEqual(functions["Orchestrator"]["Properties"]["Timeout"], 120)
        for function in functions.values():
            properties = function["Properties"]
            self.assertNotIn("ReservedConcurrentExecutions", properties)
            self.assertEqual(properties["Runtime"], "provided.al2023")
            self.assertEqual(properties["RecursiveLoop"], "Terminate")
            self.assertEqual(properties["LoggingConfig"]["LogFormat"], "JSON")
        bounds = {
            name: (one["Properties"]["MaximumRetryAttempts"], one["Properties"]["MaximumEventAgeInSeconds"])
            for name, one in of_type("AWS::Lambda::EventInvokeConfig").items()
        }
        # No retries: who comes a minute after a death finds the lease of the dead one, answers "busy", and
        # nobody hears of the death.
        workers = ("WorkerEventInvokeConfig", "SmallWorkerEventInvokeConfig")
        # A page is made from what the tables have, and may be written twice.
        page = {"PublisherEventInvokeConfig": (2, 3600)}
        self.assertEqual(bounds, {"OrchestratorEventInvokeConfig": (0, 60), **dict.fromkeys(workers, (0, 120)), **page})
        for name in (*workers, *page):
            config = of_type("AWS::Lambda::EventInvokeConfig")[name]
            destination = config["Properties"]["DestinationConfig"]["OnFailure"]["Destination"]
            self.assertEqual(destination, {"Fn::GetAtt": ["Failures", "Arn"]})

    def test_both_workers_are_one_program_that_is_built_once(self):
        # SAM builds once for functions that agree in these.
        same = [
            {key: function["Properties"].get(key) for key in ("CodeUri", "Runtime", "Architectures")} | function["Metadata"]
            for name, function in source()["Resources"].items()
            if name in ("Worker", "SmallWorker")
        ]
        self.assertEqual(same[0], same[1])
        small = of_type("AWS::Lambda::Function")["SmallWorker"]["Properties"]
        self.assertEqual(small["MemorySize"], 256)

    def test_no_event_waits_for_longer_than_the_orchestrator_remembers_whom_it_invoked(self):
        dispatch = (ROOT / "shared/engine/src/workers.rs").read_text()
        (minutes,) = re.findall(r"STARTING: SignedDuration = SignedDuration::from_mins\((\d+)\)", dispatch)
        for name in ("WorkerEventInvokeConfig", "SmallWorkerEventInvokeConfig"):
            config = of_type("AWS::Lambda::EventInvokeConfig")[name]["Properties"]
            self.assertLessEqual(config["MaximumEventAgeInSeconds"], 60 * int(minutes))

    def test_the_destination_of_failures_is_allowed_before_it_is_set(self):
        # Lambda asks the role when the destination is set; only a statement inside the role is surely there.
        for role in ("WorkerRole", "PublisherRole"):
            policies = expanded()["Resources"][role]["Properties"]["Policies"]
            inline = [one for policy in policies for one in policy["PolicyDocument"]["Statement"]]
            self.assertIn("ReportFailures", {one.get("Sid") for one in inline})

    def test_alarms_are_not_encrypted_with_a_key_that_cloudwatch_may_not_use(self):
        (topic,) = of_type("AWS::SNS::Topic").values()
        self.assertNotIn("alias/aws/sns", json.dumps(topic["Properties"]))

    def test_every_function_is_given_all_settings(self):
        # tests/tests/documents/settings.rs compares the settings themselves with what the functions declare.
        settings = source()["Globals"]["Function"]["Environment"]["Variables"]
        for name, function in of_type("AWS::Lambda::Function").items():
            given = function["Properties"]["Environment"]["Variables"]
            own = set() if name == "Publisher" else {"HARVEST_EVENT_BUS"}
            own |= {"HARVEST_WORKER", "HARVEST_SMALL_WORKER"} if name == "Orchestrator" else set()
            self.assertEqual({key: value for key, value in given.items() if key not in own}, settings)
            self.assertLessEqual(own, set(given))

    def test_no_parameter_is_hidden(self):
        # `sam deploy --guided` asks for a hidden one for ever: it shows no default that Enter would take.
        for name, parameter in parameters().items():
            self.assertNotIn("NoEcho", parameter, name)

    def test_a_guided_deployment_comes_to_its_end_with_the_account_id_alone(self):
        guided = guided_context.GuidedContext(
            template_file=str(ROOT / "infra/template.yaml"), stack_name="harvest-lake", s3_bucket=None,
            image_repository=None, image_repositories=None, s3_prefix=None, region="eu-west-1",
            resolve_s3=True, confirm_changeset=True, disable_rollback=False, parameter_overrides={},
        )
        asked = source()["Parameters"]
        answers = ["", "", *("1234567" if name == "HarvestAccountId" else "" for name in asked), *[""] * 8]
        with (
            mock.patch.object(guided_context, "manage_stack", lambda **_: "bucket"),
            mock.patch.object(guided_context.GuidedContext, "prompt_image_repository", lambda *_: {}),
            CliRunner().isolation(input="\n".join(answers)),
            # Enter is no answer to a hidden question, which then comes again.
            mock.patch.object(click.termui, "hidden_prompt_func", self.fail),
        ):
            guided.guided_prompts(asked)
        given = {name: one["Value"] for name, one in guided.guided_parameter_overrides.items()}
        defaults = {name: str(one.get("Default", "1234567")) for name, one in asked.items()}
        self.assertEqual({name: str(value) for name, value in given.items()}, defaults)

    def test_no_secret_is_in_environment_or_template(self):
        text = (ROOT / "infra/template.yaml").read_text()
        self.assertNotIn("{{resolve:", text)
        secrets = of_type("AWS::SecretsManager::Secret")
        for function in of_type("AWS::Lambda::Function").values():
            for name, value in function["Properties"]["Environment"]["Variables"].items():
                if re.search("TOKEN|KEY|PASSWORD|SECRET", name):
                    # Where it is, not what it is.
                    self.assertRegex(name, "_ARN$|_PARAMETER$")
                    named = {one["Ref"] for one in walk(value) if isinstance(one, dict) and "Ref" in one}
                    self.assertEqual(named, {*secrets, "ExistingSecretArn"} if "_ARN" in name else set())
        for secret in of_type("AWS::SecretsManager::Secret").values():
            self.assertEqual({"SecretString", "GenerateSecretString"} & set(secret["Properties"]), set())

    def test_functions_are_deployed_for_the_processor_that_they_are_built_for(self):
        """The template that is built says which, and what is deployed is what was built."""
        self.assertEqual(make("-B", "infra/template.x86_64.yaml").returncode, 0)
        for name, processor in (("template.yaml", "arm64"), ("template.x86_64.yaml", "x86_64")):
            template = expanded(name)
            functions = [one for one in template["Resources"].values() if one["Type"] == "AWS::Lambda::Function"]
            self.assertEqual({json.dumps(one["Properties"]["Architectures"]) for one in functions}, {f'["{processor}"]'})
        both = [(ROOT / "infra" / name).read_text().splitlines() for name in ("template.yaml", "template.x86_64.yaml")]
        self.assertEqual(sum(one != other for one, other in zip(*both, strict=True)), 1)
        # Nobody can tell `sam build` and `sam deploy` differently.
        self.assertFalse([name for name in parameters() if "rchitecture" in name])
        self.assertNotIn("rchitecture", (ROOT / "samconfig.toml").read_text())

    def test_a_program_for_another_processor_is_found_before_it_is_deployed(self):
        elf = {name: b"\x7fELF".ljust(18, b"\0") + bytes([number, 0]) for number, name in built.PROCESSORS.items()}
        elf["no processor"] = b"#!/bin/sh"
        for wanted in ("arm64", "x86_64"):
            for found, program in elf.items():
                with tempfile.TemporaryDirectory() as folder:
                    functions = "".join(
                        f"  {name}: {{Type: AWS::Serverless::Function, Properties: {{CodeUri: {name}}}}}\n"
                        for name in ("Worker", "Orchestrator")
                    )
                    head = f"Globals: {{Function: {{Architectures: [{wanted}]}}}}\nResources:\n"
                    (Path(folder) / "template.yaml").write_text(head + functions)
                    for name in ("Worker", "Orchestrator"):
                        (Path(folder) / name).mkdir()
                        (Path(folder) / name / "bootstrap").write_bytes(program)
                    self.assertEqual(len(built.mistakes(Path(folder))), 0 if found == wanted else 2, (wanted, found))

    def test_a_processor_that_lambda_does_not_have_is_not_built_for(self):
        refused = make("build", "ARCHITECTURE=mips")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("arm64", refused.stderr)

    def test_data_outlives_the_stack_but_not_a_first_deployment_that_failed(self):
        for name in ("State", "Bucket", "BucketPolicy"):
            resource = expanded()["Resources"][name]
            self.assertEqual(resource["DeletionPolicy"], "RetainExceptOnCreate", name)
            self.assertEqual(resource["UpdateReplacePolicy"], "Retain", name)
        table = expanded()["Resources"]["State"]["Properties"]
        # CloudFormation cannot take back a table that is protected.
        self.assertFalse(table.get("DeletionProtectionEnabled", False))
        self.assertTrue(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"])
        self.assertEqual(table["TimeToLiveSpecification"], {"AttributeName": "expires", "Enabled": True})

    def test_no_tick_writes_to_the_bucket_before_most_of_the_stack_is_there(self):
        # A bucket with objects cannot be taken back either.
        needed = set(expanded()["Resources"]["Orchestrator"]["DependsOn"])
        self.assertEqual(needed, {"Catalog", "LakeAccess", "OrchestratorAccess"})
        # The page's schedule may come first: without tables there is no page.
        self.assertTrue(schedule_of("Orchestrator"))

    def test_the_worker_reports_its_memory_and_duration(self):
        levels = {
            name: one["Properties"]["LoggingConfig"]["SystemLogLevel"]
            for name, one in of_type("AWS::Lambda::Function").items()
        }
        # A report for each tick would say nothing.
        self.assertEqual(levels, {"Worker": "INFO", "SmallWorker": "INFO", "Orchestrator": "WARN", "Publisher": "WARN"})

    def test_a_query_may_read_two_gigabytes_unless_told_otherwise(self):
        # A cent a query, and more than the copy of a large account; the number fits into 32 bits.
        limit = source()["Parameters"]["ScanLimitBytes"]
        self.assertEqual(limit["Default"], "2000000000")
        nested = json.loads((ROOT / "infra/catalog.json").read_text())["Parameters"]["ScanLimitBytes"]
        self.assertEqual(str(nested["Default"]), limit["Default"])
        self.assertTrue(re.fullmatch(limit["AllowedPattern"], str(nested["MinValue"])))

    def test_the_bucket_is_private_and_keeps_every_current_object_of_the_lake(self):
        bucket = expanded()["Resources"]["Bucket"]["Properties"]
        self.assertTrue(all(bucket["PublicAccessBlockConfiguration"].values()))
        self.assertEqual(len(bucket["PublicAccessBlockConfiguration"]), 4)
        self.assertEqual(
            bucket["OwnershipControls"]["Rules"], [{"ObjectOwnership": "BucketOwnerEnforced"}]
        )
        self.assertIn("BucketEncryption", bucket)
        self.assertEqual(bucket["VersioningConfiguration"], {"Status": "Enabled"})
        for rule in bucket["LifecycleConfiguration"]["Rules"]:
            if "ExpirationInDays" in rule or "ExpirationDate" in rule:
                self.assertEqual(rule.get("Prefix"), "athena-results/", rule["Id"])
        (noncurrent,) = [
            rule["NoncurrentVersionExpiration"]
            for rule in bucket["LifecycleConfiguration"]["Rules"]
            if "NoncurrentVersionExpiration" in rule
        ]
        self.assertEqual(noncurrent, {"NoncurrentDays": 7})
        denied = expanded()["Resources"]["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
        self.assertEqual(denied[0]["Effect"], "Deny")
        self.assertEqual(denied[0]["Condition"], {"Bool": {"aws:SecureTransport": "false"}})

    def test_what_goes_wrong_is_watched_by_few_alarms_and_only_if_somebody_hears_of_it(self):
        watched = {}
        for name, alarm in of_type("AWS::CloudWatch::Alarm").items():
            self.assertEqual(alarm["Condition"], "HasEmail", name)
            properties = alarm["Properties"]
            self.assertEqual(properties["AlarmActions"], [{"Ref": "Alarms"}], name)
            watched[properties["MetricName"]] = properties["TreatMissingData"]
        self.assertEqual(watched, {
            "ApproximateNumberOfMessagesVisible": "notBreaching",
            "Errors": "notBreaching",
            # No tick, no data.
            "Invocations": "breaching",
        })
        detail = source()["Globals"]["Function"]["Environment"]["Variables"]["HARVEST_METRICS"]
        self.assertEqual(detail, {"Fn::If": ["HasDashboard", "all", "none"]})

    def test_mails_about_streams_are_of_this_stack_alone_and_reach_the_topic(self):
        rule = expanded()["Resources"]["TroubleMail"]["Properties"]
        self.assertEqual(rule["EventPattern"]["detail"], {"function": [{"Ref": "Orchestrator"}]})
        self.assertEqual([one["Arn"] for one in rule["Targets"]], [{"Ref": "Alarms"}])
        # A policy of one's own replaces the topic's first one, with which CloudWatch could write to it.
        policy = expanded()["Resources"]["AlarmsPolicy"]["Properties"]["PolicyDocument"]["Statement"]
        self.assertEqual({one["Principal"]["Service"] for one in policy}, {"events.amazonaws.com", "cloudwatch.amazonaws.com"})

    def test_every_parameter_is_bounded_and_described(self):
        for name, parameter in source()["Parameters"].items():
            bounds = {"AllowedPattern", "AllowedValues", "MinValue", "MaxValue"} & set(parameter)
            self.assertTrue(bounds, name)
            if parameter["Type"] == "Number" and "AllowedValues" not in parameter:
                self.assertEqual(bounds, {"MinValue", "MaxValue"}, name)
            self.assertIn("Description", parameter, name)
        groups = source()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
        shown = [name for group in groups for name in group["Parameters"]]
        self.assertEqual(sorted(shown), sorted(source()["Parameters"]))

    def test_a_permissions_boundary_reaches_every_role(self):
        for name, role in of_type("AWS::IAM::Role").items():
            boundary = role["Properties"].get("PermissionsBoundary")
            self.assertIn("PermissionsBoundaryArn", json.dumps(boundary), name)

    def test_security_md_gives_the_reason_of_every_statement(self):
        document = (ROOT / "SECURITY.md").read_text()
        listed = {name for row in re.findall(r"^\| (`[A-Z].*?) \|", document, re.MULTILINE) for name in re.findall(r"`([A-Za-z]+)`", row)}
        named = {statement["Sid"] for _, statement in statements() if "Sid" in statement}
        self.assertEqual(listed, named)

    def test_what_is_allowed_is_what_was_decided(self):
        """Every statement's actions: a new one is to be added here, and to SECURITY.md, on purpose."""
        found = {}
        for _, one in statements():
            if "Sid" in one and not one["Sid"].startswith(OF_PEOPLE):
                actions = actions_of(one)
                self.assertEqual(found.setdefault(one["Sid"], sorted(actions)), sorted(actions))
        self.assertEqual(found, ALLOWED)

    def test_each_call_of_the_code_is_allowed_and_nothing_else_is(self):
        calls = calls_of_the_code()
        self.assertEqual(calls, set(ACTION_OF | ACTION_OF_PEOPLE))
        of_operators = {a for name, one in statements() if name == "OperatorPolicy" for a in actions_of(one)}
        self.assertLessEqual(set(ACTION_OF_PEOPLE.values()), of_operators)
        allowed = {action for sid, actions in ALLOWED.items() if sid not in OF_SERVICES for action in actions}
        self.assertEqual(allowed, set(ACTION_OF.values()))

    def test_policies_of_people_are_attached_to_nobody_and_named_in_the_outputs(self):
        for name in ("AnalystPolicy", "OperatorPolicy"):
            policy = expanded()["Resources"][name]["Properties"]
            self.assertEqual({"Roles", "Users", "Groups", "ManagedPolicyName"} & set(policy), set())
            self.assertEqual(expanded()["Outputs"][f"{name}Arn"]["Value"], {"Ref": name})
        for name, one in statements():
            if name == "AnalystPolicy":
                reached = json.dumps(one["Resource"])
                for secret in ("quarantine", "work/", "erased", "State", "Secret"):
                    self.assertNotIn(secret, reached)

    def test_each_function_reaches_the_folders_of_the_lake_that_its_work_needs(self):
        reached = {}
        for name, one in statements():
            for resource in walk(one["Resource"]):
                if isinstance(resource, dict) and "s3:::" in json.dumps(resource.get("Fn::Sub", "")):
                    _, _, path = resource["Fn::Sub"][0].partition("${Name}/${LakePrefix}")
                    for action in actions_of(one):
                        reached.setdefault((name, action), set()).add(path)
        tables, inner = "/tables/*", {"/work/*", "/quarantine/*"}
        self.assertEqual(reached["LakeAccess", "s3:PutObject"], {tables})
        self.assertEqual(reached["WorkerAccess", "s3:PutObject"], inner)
        self.assertEqual(reached["WorkerAccess", "s3:GetObject"], inner | {"/erased.json"})
        self.assertEqual(reached["WorkerAccess", "s3:DeleteObject"], inner | {tables})
        of_orchestrator = {action: paths for (name, action), paths in reached.items() if name == "OrchestratorAccess"}
        self.assertEqual(of_orchestrator, {"s3:DeleteObject": {"/tables/_runs/*"}})
        of_publisher = {action: paths for (name, action), paths in reached.items() if name == "PublisherAccess"}
        self.assertEqual(of_publisher.pop("s3:ListBucket"), {""})
        self.assertEqual(of_publisher, {"s3:GetObject": {tables, "/quarantine/*"}, "s3:PutObject": {"/report.html"}})

    def test_what_the_nested_stack_asks_for_is_passed(self):
        catalog = json.loads((ROOT / "infra/catalog.json").read_text())
        passed = expanded()["Resources"]["Catalog"]["Properties"]["Parameters"]
        self.assertEqual(set(passed), set(catalog["Parameters"]))
        self.assertLess(len(catalog["Resources"]), 500)


if __name__ == "__main__":
    unittest.main()
