"""`make token`, `make login` and `make status`, with services of their own."""

from __future__ import annotations

import io
import json
import sys
import unittest
from unittest import mock

from infra.test_template import ROOT

sys.path.insert(0, str(ROOT / "infra"))

import operate  # noqa: E402: it is no package

TOKEN, KEY = "a-token", "a-key-of-sixteen-letters"


class Services:
    """CloudFormation with one stack, and the service that keeps its token: that of a parameter, or of a secret."""

    class exceptions:  # noqa: N801: its name in boto3
        class ParameterNotFound(Exception):
            """No token was stored yet."""

        class ResourceNotFoundException(Exception):
            """A secret without a value."""

    def __init__(self, value: str | None, place: str = "TokenParameter", **parameters: str):
        self.value = value
        self.place = place
        self.key = None
        self.parameters = {"HarvestAccountId": "1234567", "HashFields": "", "KmsKeyArn": ""} | parameters

    def describe_stacks(self, StackName: str) -> dict:  # noqa: N803: its name in boto3
        outputs = {self.place: "its-name", "Lake": "s3://mine/lake", "State": "dynamodb://mine"}
        return {"Stacks": [{
            "Outputs": [{"OutputKey": name, "OutputValue": value} for name, value in outputs.items()],
            "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in self.parameters.items()],
        }]}  # fmt: skip

    def get_parameter(self, Name: str, WithDecryption: bool) -> dict:  # noqa: N803: their names in boto3
        if self.value is None:
            raise self.exceptions.ParameterNotFound
        return {"Parameter": {"Value": self.value}}

    def put_parameter(self, Name: str, Value: str, Type: str, Overwrite: bool, KeyId: str | None = None) -> None:  # noqa: N803
        if (self.place, Name, Type, Overwrite) != ("TokenParameter", "its-name", "SecureString", True):
            raise ValueError(Name)
        self.value, self.key = Value, KeyId

    def get_secret_value(self, SecretId: str) -> dict:  # noqa: N803: its name in boto3
        if self.value is None:
            raise self.exceptions.ResourceNotFoundException
        return {"SecretString": self.value}

    def put_secret_value(self, SecretId: str, SecretString: str) -> None:  # noqa: N803: their names in boto3
        if (self.place, SecretId) != ("SecretArn", "its-name"):
            raise ValueError(SecretId)
        self.value = SecretString


class OperateTest(unittest.TestCase):
    def put(self, services: Services, typed: str) -> dict:
        """What the secret holds after these lines were given; they are not in what was printed."""
        with (
            mock.patch.object(operate.boto3, "client", lambda _: services),
            mock.patch.object(sys, "stdin", io.StringIO(typed)),
            mock.patch.object(sys, "stdout", io.StringIO()) as printed,
        ):
            operate.put_token("mine")
        for line in typed.split():
            self.assertNotIn(line, printed.getvalue())
        return json.loads(services.value)

    def test_a_token_replaces_the_former_one_and_leaves_the_key_of_the_hashes(self):
        for place in ("TokenParameter", "SecretArn"):
            for former in (None, "", json.dumps({"access_token": "former"}), json.dumps({"refresh_token": "former"})):
                self.assertEqual(self.put(Services(former, place), f"{TOKEN}\n"), {"access_token": TOKEN})
            former = json.dumps({"access_token": "former", "hash_key": KEY})
            self.assertEqual(self.put(Services(former, place), f"{TOKEN}\n"), {"access_token": TOKEN, "hash_key": KEY})

    def test_a_key_of_ones_own_encrypts_the_parameter(self):
        for key in ("", "arn:key"):
            services = Services(None, KmsKeyArn=key)
            self.put(services, f"{TOKEN}\n")
            self.assertEqual(services.key, key or None)

    def test_a_key_is_asked_for_where_it_is_needed_and_missing(self):
        services = Services(None, HashFields="users.email")
        self.assertEqual(self.put(services, f"{TOKEN}\n{KEY}\n"), {"access_token": TOKEN, "hash_key": KEY})
        self.assertEqual(self.put(services, "another\n"), {"access_token": "another", "hash_key": KEY})

    def test_nothing_given_changes_nothing(self):
        services = Services("{}")
        with self.assertRaises(SystemExit):
            self.put(services, "\n")
        self.assertEqual(services.value, "{}")

    def test_status_is_that_of_the_stacks_places(self):
        line = "harvest-lake status --lake s3://mine/lake --state dynamodb://mine --account-id 1234567"
        self.assertEqual(self.became(operate.show_status, Services(None)), line)
        services = Services(None, SyncInterval="6h", Streams="", Exclude="roles")
        self.assertEqual(self.became(operate.show_status, services), f"{line} --sync-interval 6h --exclude roles")

    def became(self, action, services: Services, **variables: str) -> str:
        """Command line that the action becomes."""
        with (
            mock.patch.object(operate.boto3, "client", lambda _: services),
            mock.patch.object(operate.os, "execvp") as became,
            mock.patch.dict(operate.os.environ, {"COMMAND": "", "OAUTH": ""} | variables),
        ):
            action("mine")
        (command, words), _ = became.call_args
        self.assertEqual(command, words[0])
        return " ".join(words)

    def test_a_login_is_for_the_account_and_the_place_of_the_stack(self):
        start = "harvest-lake login --account-id 1234567"
        for services, oauth, line in (
            (Services(None), "", "--parameter its-name"),
            (Services(None, KmsKeyArn="arn:key"), "", "--parameter its-name --key arn:key"),
            (Services(None, "SecretArn", KmsKeyArn="arn:key"), "", "--secret its-name"),
            (Services(None, "SecretArn"), "client", "--secret its-name --oauth client"),
        ):
            self.assertEqual(self.became(operate.log_in, services, OAUTH=oauth), f"{start} {line}")
        with self.assertRaisesRegex(SystemExit, "OAuth=true"):
            self.became(operate.log_in, Services(None), OAUTH="client")


if __name__ == "__main__":
    unittest.main()
