"""The template with every combination of what its conditions ask for, and with the longest settings."""

from __future__ import annotations

import itertools
import json
import re
import unittest

from infra.conditions import Rendered
from infra.test_template import ROOT, expanded, source, walk

ACCOUNT = {"HarvestAccountId": "1234567"}
# The parameters that conditions ask for, each with a value other than its default.
CHOICES = {
    "ExistingBucketName": "my-bucket",
    "OAuth": "true",
    "ExistingSecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:mine-AbCdEf",
    "EventBusName": "default",
    "KmsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/0f3c9a10",
    "FormerKmsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/77777777",
    "PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/boundary",
    "AlarmEmail": "me@example.com",
    "Dashboard": "true",
    "PageSchedule": "cron(0 6 ? * MON-FRI *)",
}
# Policies with a statement about the keys.
KEY_USERS = {"LakeAccess", "AnalystPolicy", "OperatorPolicy"}
# Bytes of all variables of a function, which Lambda counts as one JSON document.
LARGEST_ENVIRONMENT = 4096
# Most characters of names that CloudFormation makes: those of the stack and of the resource and thirteen of its
# own; Lambda and S3 allow fewer.
LONGEST_NAMES = {"<State>": 128 + len("-State-") + 13, "<Worker>": 64, "<SmallWorker>": 64, "<Bucket>": 63}


def combinations():
    """Every set of parameters to be given beside the account."""
    for count in range(len(CHOICES) + 1):
        for names in itertools.combinations(CHOICES, count):
            yield {name: CHOICES[name] for name in names}


def catalog(stack: Rendered) -> Rendered:
    """The nested stack with the parameters that the outer one passes."""
    template = json.loads((ROOT / "infra/catalog.json").read_text())
    return Rendered(template, stack.resources["Catalog"]["Properties"]["Parameters"])


STREAMS = [table["stream"] for table in json.loads((ROOT / "tests/catalog.json").read_text())]


class ConditionsTest(unittest.TestCase):
    def test_every_parameter_that_a_condition_asks_for_is_varied(self):
        asked = {node["Ref"] for node in walk(source()["Conditions"]) if isinstance(node, dict) and "Ref" in node}
        self.assertEqual(asked, set(CHOICES))
        told = json.dumps([expanded()[part] for part in ("Resources", "Outputs", "Conditions")])
        used = {name for name in source()["Conditions"] if f'"Condition": "{name}"' in told or f'"Fn::If": ["{name}"' in told}
        self.assertEqual(used, set(source()["Conditions"]))

    def test_every_combination_can_be_made_and_each_choice_reaches_what_it_is_for(self):
        count = 0
        for chosen in combinations():
            with self.subTest(chosen=sorted(chosen)):
                stack = Rendered(expanded(), ACCOUNT | chosen)
                nested = catalog(stack)
                self.assertEqual(set(stack.order()), set(stack.resources))
                self.assertEqual(set(nested.order()), set(nested.resources))
                self.check(stack, nested, chosen)
                count += 1
        self.assertEqual(count, 2 ** len(CHOICES))

    def check(self, stack: Rendered, nested: Rendered, chosen: dict[str, str]):
        self.assertEqual("Bucket" in stack.resources, "ExistingBucketName" not in chosen)
        self.assertEqual("BucketPolicy" in stack.resources, "ExistingBucketName" not in chosen)
        self.assertEqual("Secret" in stack.resources, "OAuth" in chosen and "ExistingSecretArn" not in chosen)
        self.assertEqual("Results" in stack.resources, "ExistingBucketName" in chosen)
        told = [one.get("Sid") for one in stack.resources["WorkerAccess"]["Properties"]["PolicyDocument"]["Statement"]]
        self.assertEqual("TellTheEventBus" in told, "EventBusName" in chosen)
        self.assertEqual("Alarms" in stack.resources, "AlarmEmail" in chosen)
        self.assertEqual("Board" in stack.resources, "Dashboard" in chosen)
        self.assertEqual("Publisher" in stack.resources, "PageSchedule" in chosen)
        self.assertEqual("Page" in stack.outputs, "PageSchedule" in chosen)
        bucket = chosen.get("ExistingBucketName", "<Bucket>")
        results = "<Results>" if "ExistingBucketName" in chosen else "<Bucket>"
        secret = chosen.get("ExistingSecretArn", "<Secret>" if "OAuth" in chosen else "")
        parameter = "" if secret else "/harvest-lake/harvest-lake/token"
        for function in stack.of_type("AWS::Lambda::Function").values():
            variables = function["Environment"]["Variables"]
            self.assertEqual(variables["HARVEST_LAKE"], f"s3://{bucket}/lake")
            self.assertEqual(variables["HARVEST_SECRET_ARN"], secret)
            self.assertEqual(variables["HARVEST_TOKEN_PARAMETER"], parameter)
            bus = "default" if "AlarmEmail" in chosen and "HARVEST_WORKER" in variables else ""
            if "HARVEST_EVENT_BUS" in variables:
                self.assertEqual(variables["HARVEST_EVENT_BUS"], chosen.get("EventBusName", bus))
            self.assertEqual(variables["HARVEST_METRICS"], "all" if "Dashboard" in chosen else "none")
        orchestrators = stack.resources["OrchestratorAccess"]["Properties"]["PolicyDocument"]["Statement"]
        tells = any(one["Sid"] == "TellOfTrouble" for one in orchestrators)
        self.assertEqual(tells, bool({"AlarmEmail", "EventBusName"} & set(chosen)))
        if "AlarmEmail" in chosen:
            rule = stack.resources["TroubleMail"]["Properties"]
            self.assertEqual(rule["EventBusName"], chosen.get("EventBusName", "default"))
        self.assertEqual(stack.outputs["Lake"], f"s3://{bucket}/lake")
        self.assertEqual(stack.outputs.get("SecretArn", ""), secret)
        self.assertEqual(stack.outputs.get("TokenParameter", ""), parameter)
        allowed = json.dumps([stack.resources[name] for name in ("LakeAccess", "OrchestratorAccess", "WorkerAccess")])
        self.assertEqual("ssm:GetParameter" in allowed, bool(parameter))
        self.assertEqual("secretsmanager:GetSecretValue" in allowed, bool(secret))
        self.assertEqual("secretsmanager:PutSecretValue" in allowed, "OAuth" in chosen)
        tables = nested.of_type("AWS::Glue::Table").values()
        located = [one["TableInput"]["StorageDescriptor"].get("Location") for one in tables]
        self.assertTrue(all(one.startswith(f"s3://{bucket}/lake/tables/") for one in located if one))
        # Each policy allows something, and names what.
        for node in (node for one in stack.resources.values() for node in walk(one) if isinstance(node, dict)):
            if node.get("Effect") == "Allow":
                self.assertTrue(node["Action"])
                self.assertTrue(node.get("Resource") or node.get("Principal"), node)
        for resource in stack.resources.values():
            objects = [node for node in walk(resource) if isinstance(node, str) and node.startswith("arn:aws:s3:::")]
            own = (f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{results}")
            self.assertEqual([one for one in objects if not one.startswith(own)], [])
        self.check_key(stack, nested, chosen.get("KmsKeyArn"))
        readers = self.naming(stack, chosen.get("FormerKmsKeyArn"))
        publisher = {"PublisherRole", "PublisherAccess"} & set(stack.resources)
        self.assertEqual(readers, {"WorkerRole", *KEY_USERS} | publisher if "FormerKmsKeyArn" in chosen else set())
        for role in stack.of_type("AWS::IAM::Role").values():
            self.assertEqual(role.get("PermissionsBoundary"), chosen.get("PermissionsBoundaryArn"))
        alarms = stack.of_type("AWS::CloudWatch::Alarm").values()
        self.assertEqual(len(alarms), 3 if "AlarmEmail" in chosen else 0)
        for alarm in alarms:
            self.assertEqual(alarm["AlarmActions"], ["<Alarms>"])
        left = [node for one in (stack, nested) for node in walk([one.resources, one.outputs]) if isinstance(node, dict)]
        self.assertEqual([node for node in left if any(name.startswith("Fn::") for name in node)], [])

    def naming(self, stack: Rendered, key: str | None) -> set[str]:
        """The resources that name the key."""
        found = {name for name, one in stack.resources.items() if key in (it for it in walk(one) if isinstance(it, str))}
        return found if key else set()

    def check_key(self, stack: Rendered, nested: Rendered, key: str | None):
        """The key of one's own encrypts all that it should, and both roles may use it; or nothing names one."""
        named = self.naming(stack, key) | self.naming(nested, key)
        wanted = {"State", "Failures", "WorkerRole", "Catalog", "Workgroup", *KEY_USERS}
        optional = {"Bucket", "Results", "Secret", "Alarms", "PublisherRole", "PublisherAccess"} & set(stack.resources)
        self.assertEqual(named, wanted | optional if key else set())
        (queue,) = [one for name, one in stack.of_type("AWS::SQS::Queue").items() if name == "Failures"]
        self.assertEqual(queue.get("SqsManagedSseEnabled"), None if key else True)

    def test_without_tables_of_changes_nothing_in_the_catalogue_is_about_them(self):
        for given, kept in (("", True), ("clients", True), ("all", False)):
            nested = catalog(Rendered(expanded(), ACCOUNT | {"NoChanges": given}))
            set(nested.order())
            names = {one["TableInput"]["Name"] for one in nested.of_type("AWS::Glue::Table").values()}
            about = {name for name in names if name.endswith(("_changes", "_with_deleted"))}
            self.assertEqual(len(about), 2 * len(STREAMS) if kept else 0, given)
            self.assertLessEqual(set(STREAMS), names)

    def test_the_longest_settings_fit_into_the_environment(self):
        longest = {}
        for name, parameter in source()["Parameters"].items():
            if name in ("KmsKeyArn", "FormerKmsKeyArn", "PermissionsBoundaryArn", "AlarmEmail"):
                continue
            longest[name] = "9" * self.length(name, parameter)
        for bucket in ("", "b" * 63):
            given = longest | {"ExistingBucketName": bucket}
            stack = Rendered(expanded(), given)
            for name, function in stack.of_type("AWS::Lambda::Function").items():
                variables = json.dumps(function["Environment"]["Variables"], separators=(",", ":"))
                for made, length in LONGEST_NAMES.items():
                    variables = variables.replace(made, "n" * length)
                self.assertLessEqual(len(variables), LARGEST_ENVIRONMENT, name)

    def length(self, name: str, parameter: dict) -> int:
        """Most characters that the parameter may have."""
        if "AllowedValues" in parameter:
            return max(len(str(value)) for value in parameter["AllowedValues"])
        if parameter["Type"] == "Number":
            return len(str(parameter["MaxValue"]))
        if "MaxLength" in parameter:
            return parameter["MaxLength"]
        counted = sum(int(most) for most in re.findall(r"\{(?:\d+,)?(\d+)\}", parameter["AllowedPattern"]))
        self.assertNotRegex(parameter["AllowedPattern"], r"[*+]", f"{name} has no bound: give it a MaxLength")
        return counted + len(re.sub(r"\[[^]]*\]|\{[^}]*\}", "", parameter["AllowedPattern"])) + 2

    def test_every_list_of_settings_has_room_for_all_streams(self):
        # NoChanges may be `all`.
        for name in ("Streams", "Exclude"):
            self.assertGreaterEqual(source()["Parameters"][name]["MaxLength"], len(",".join(STREAMS)), name)


if __name__ == "__main__":
    unittest.main()
