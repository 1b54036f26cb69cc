"""`python infra/operate.py token STACK` stores Harvest's token for the stack; `login STACK` and `status STACK` run
`harvest-lake` for it.

What it asks for is not shown, and reaches no history, argument or file.
"""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Callable

import boto3

# Members of what is stored that a new token leaves as they are.
KEPT = ("hash_key",)


class TokenPlace:
    """Where the token of a stack is kept: a parameter of Systems Manager, or a secret where the stack uses one."""

    def __init__(self, client: Callable, outputs: dict[str, str], parameters: dict[str, str]):
        self.parameter, self.secret = outputs.get("TokenParameter"), outputs.get("SecretArn")
        self.key = parameters.get("KmsKeyArn")
        self.client = client("ssm" if self.parameter else "secretsmanager")

    def read(self) -> dict[str, str]:
        """What is stored; nothing if nothing was stored yet."""
        if self.parameter:
            try:
                found = self.client.get_parameter(Name=self.parameter, WithDecryption=True)["Parameter"]["Value"]
            except self.client.exceptions.ParameterNotFound:
                return {}
        else:
            try:
                found = self.client.get_secret_value(SecretId=self.secret)["SecretString"]
            except self.client.exceptions.ResourceNotFoundException:
                # A secret without a value.
                return {}
        return json.loads(found or "{}")

    def write(self, value: dict[str, str]) -> None:
        """Stores the value, and keeps nothing of the former one."""
        text = json.dumps(value)
        if self.parameter:
            key = {"KeyId": self.key} if self.key else {}
            self.client.put_parameter(Name=self.parameter, Value=text, Type="SecureString", Overwrite=True, **key)
        else:
            self.client.put_secret_value(SecretId=self.secret, SecretString=text)


def ask(question: str) -> str:
    """A line that is not shown, from the terminal or from standard input."""
    line = getpass.getpass(question) if sys.stdin.isatty() else sys.stdin.readline()
    if not (line := line.strip()):
        sys.exit("nothing was given, and nothing is changed")
    return line


def described(name: str) -> tuple[dict[str, str], dict[str, str]]:
    """Outputs and parameters of the stack."""
    (stack,) = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    return outputs, {one["ParameterKey"]: one["ParameterValue"] for one in stack["Parameters"]}


def put_token(name: str) -> None:
    """Stores a token in place of the former one, and a key of hashes where one is needed and missing."""
    outputs, parameters = described(name)
    place = TokenPlace(boto3.client, outputs, parameters)
    former = place.read()
    value = {"access_token": ask("Access token of a Harvest administrator: ")}
    value |= {member: former[member] for member in KEPT if member in former}
    if parameters.get("HashFields") and "hash_key" not in value:
        value["hash_key"] = ask("Key of the hashes, at least 16 characters: ")
    place.write(value)
    # The orchestrator believes for five minutes what it has read of a token.
    found = "Ticks use it within five minutes." if former else "The next tick finds it, within a minute."
    print(f"The token of {name} is stored. {found}")


def become(*arguments: str) -> None:
    """Becomes `harvest-lake`, or the command that is named in its place."""
    command = os.environ.get("COMMAND") or "harvest-lake"
    try:
        os.execvp(command, [command, *arguments])
    except FileNotFoundError:
        sys.exit(f"{command} is not installed: cargo install --locked --path functions/cli")


def log_in(name: str) -> None:
    """Becomes `harvest-lake login` for the account and the token's place of the stack."""
    outputs, parameters = described(name)
    application = os.environ.get("OAUTH")
    parameter, key = outputs.get("TokenParameter"), parameters.get("KmsKeyArn")
    if application and parameter:
        sys.exit(f"{name} keeps its token in a parameter, which is only read: deploy it with OAuth=true first")
    place = ["--parameter", parameter] if parameter else ["--secret", outputs["SecretArn"]]
    place += ["--key", key] if parameter and key else []
    chosen = ["--oauth", application] if application else []
    become("login", "--account-id", parameters["HarvestAccountId"], *place, *chosen)


def show_status(name: str) -> None:
    """Becomes `harvest-lake status` on the places of the stack, with what it reads and how often."""
    outputs, parameters = described(name)
    places = ["--lake", outputs["Lake"], "--state", outputs["State"], "--account-id", parameters["HarvestAccountId"]]
    for parameter, flag in (("SyncInterval", "--sync-interval"), ("Streams", "--streams"), ("Exclude", "--exclude")):
        if parameters.get(parameter):
            places += [flag, parameters[parameter]]
    become("status", *places)


if __name__ == "__main__":
    {"token": put_token, "login": log_in, "status": show_status}[sys.argv[1]](sys.argv[2])
