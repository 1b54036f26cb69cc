"""`python infra/operate.py token STACK` stores Harvest's token in the stack's secret; `status STACK` runs `harvest-lake status`.

What it asks for is not shown, and reaches no history, argument or file.
"""

from __future__ import annotations

import getpass
import json
import os
import sys

import boto3

# Members of the secret that a new token leaves as they are.
KEPT = ("hash_key",)


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
    secrets = boto3.client("secretsmanager")
    try:
        former = json.loads(secrets.get_secret_value(SecretId=outputs["SecretArn"])["SecretString"] or "{}")
    except secrets.exceptions.ResourceNotFoundException:
        # A secret without a value.
        former = {}
    value = {"access_token": ask("Access token of a Harvest administrator: ")}
    value |= {member: former[member] for member in KEPT if member in former}
    if parameters.get("HashFields") and "hash_key" not in value:
        value["hash_key"] = ask("Key of the hashes, at least 16 characters: ")
    secrets.put_secret_value(SecretId=outputs["SecretArn"], SecretString=json.dumps(value))
    print(f"The secret of {name} holds the token. The next tick finds it, within a minute.")


def show_status(name: str) -> None:
    """Becomes `harvest-lake status` on the places of the stack."""
    outputs, parameters = described(name)
    command = os.environ.get("COMMAND") or "harvest-lake"
    places = ["--lake", outputs["Lake"], "--state", outputs["State"], "--account-id", parameters["HarvestAccountId"]]
    try:
        os.execvp(command, [command, "status", *places])
    except FileNotFoundError:
        sys.exit(f"{command} is not installed: cargo install --locked --path functions/cli")


if __name__ == "__main__":
    {"token": put_token, "status": show_status}[sys.argv[1]](sys.argv[2])
