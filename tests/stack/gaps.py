"""What MiniStack lacks: taken out of the template before it is deployed, or only not shown by these tests.

Each gap has a probe, and a test runs them all: once a newer version has closed a gap, the test says so.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from botocore.exceptions import ClientError

from stack.emulator import REGION, Emulator, may, until

_names = itertools.count()


@dataclass(frozen=True)
class Gap:
    """Something that AWS does and the emulator does not."""

    # What AWS does.
    what: str
    # Whether the emulator lacks it.
    is_there: Callable[[Emulator], bool]
    # Takes it out of the templates of stack and catalogue; the number of places. `None`: both can stay as they are.
    take_out: Callable[[dict, dict], int] | None = None


def take_out(template: dict, catalog: dict) -> dict[str, int]:
    """Takes out of the templates what the emulator cannot do; the number of places of each gap."""
    return {gap.what: gap.take_out(template, catalog) for gap in GAPS if gap.take_out}


def _dicts(node) -> Iterator[dict]:
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _dicts(child)


def _remove(template: dict, unwanted: Callable[[dict], bool]) -> int:
    names = [name for name, resource in template["Resources"].items() if unwanted(resource)]
    for name in names:
        del template["Resources"][name]
    return len(names)


def _without_saved_queries(template: dict, catalog: dict) -> int:
    return _remove(catalog, lambda resource: resource["Type"] == "AWS::Athena::NamedQuery")


def _with_the_arn_by_its_other_name(template: dict, catalog: dict) -> int:
    # On AWS both are the ARN.
    found = [node for node in _dicts(template) if node.get("Ref") == "Secret"]
    for node in found:
        node.clear()
        node["Fn::GetAtt"] = ["Secret", "Id"]
    return len(found)


def _without_source_of_events(template: dict, catalog: dict) -> int:
    found = [node for node in _dicts(template) if node.get("Sid") in ("TellTheEventBus", "TellOfTrouble")]
    for node in found:
        del node["Condition"]
    return len(found)


def _stack(emulator: Emulator, resources: dict, outputs: dict | None = None) -> dict:
    """The stack of these resources, as it stands in the end; it is deleted at once."""
    client = emulator.client("cloudformation")
    name = f"probe-{next(_names)}"
    template = {"Resources": resources, "Outputs": outputs or {}}
    try:
        client.create_stack(StackName=name, TemplateBody=json.dumps(template))
    except ClientError as error:
        return {"StackStatus": error.response["Error"]["Code"]}

    def ended():
        (found,) = client.describe_stacks(StackName=name)["Stacks"]
        return None if found["StackStatus"].endswith("_IN_PROGRESS") else found

    found = until(f"the stack {name}", 30, ended)
    client.delete_stack(StackName=name)
    return found


def _is_refused(resource: dict) -> Callable:
    return lambda emulator: _stack(emulator, {"Refused": resource})["StackStatus"] != "CREATE_COMPLETE"


def _allowed(emulator: Emulator, statement: dict, call: Callable) -> bool:
    """Whether a user with this statement alone may make the call."""
    policy = {"Version": "2012-10-17", "Statement": {"Effect": "Allow"} | statement}
    with emulator.user(policy) as credentials:
        return may(lambda: call(credentials))


def _named_by_its_name(emulator: Emulator) -> bool:
    secret = {"Type": "AWS::SecretsManager::Secret", "Properties": {"Description": "probe"}}
    made = _stack(emulator, {"Secret": secret}, {"Ref": {"Value": {"Ref": "Secret"}}})
    return not made["Outputs"][0]["OutputValue"].startswith("arn:")


def _knows_no_source(emulator: Emulator) -> bool:
    statement = {"Action": "events:PutEvents", "Resource": "*"}
    condition = {"Condition": {"StringEquals": {"events:source": "probe"}}}
    entry = {"Source": "probe", "DetailType": "Probe", "Detail": "{}", "EventBusName": "default"}

    def put(who: dict[str, str]):
        return emulator.client("events", who).put_events(Entries=[entry])

    return _allowed(emulator, statement, put) and not _allowed(emulator, statement | condition, put)


def _knows_no_leading_keys(emulator: Emulator) -> bool:
    client = emulator.client("dynamodb")
    name = f"probe-{next(_names)}"
    client.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )  # fmt: skip
    statement = {
        "Action": "dynamodb:GetItem",
        "Resource": "*",
        "Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["mine"]}},
    }
    try:
        return _allowed(
            emulator, statement,
            lambda who: emulator.client("dynamodb", who).get_item(TableName=name, Key={"pk": {"S": "another"}}),
        )  # fmt: skip
    finally:
        client.delete_table(TableName=name)


def _forgets_lifecycle(emulator: Emulator) -> bool:
    rule = {"Id": "probe", "Status": "Enabled", "ExpirationInDays": 1}
    bucket = {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain",
              "Properties": {"LifecycleConfiguration": {"Rules": [rule]}}}  # fmt: skip
    name = _stack(emulator, {"Bucket": bucket}, {"Bucket": {"Value": {"Ref": "Bucket"}}})["Outputs"][0]["OutputValue"]
    client = emulator.client("s3")
    try:
        return not client.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    except ClientError as error:
        return error.response["Error"]["Code"] == "NoSuchLifecycleConfiguration"
    finally:
        client.delete_bucket(Bucket=name)


def _gives_new_secrets_a_value(emulator: Emulator) -> bool:
    secret = {"Type": "AWS::SecretsManager::Secret", "DeletionPolicy": "Retain",
              "Properties": {"Description": "probe"}}  # fmt: skip
    outputs = {"Secret": {"Value": {"Fn::GetAtt": ["Secret", "Id"]}}}
    arn = _stack(emulator, {"Secret": secret}, outputs)["Outputs"][0]["OutputValue"]
    client = emulator.client("secretsmanager")
    try:
        client.get_secret_value(SecretId=arn)
    except client.exceptions.ResourceNotFoundException:
        return False
    finally:
        client.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
    return True


def _leaves_nested_stacks(emulator: Emulator) -> bool:
    name, bucket = f"probe-{next(_names)}", f"probe-{next(_names)}"
    group = {"Type": "AWS::Athena::WorkGroup", "Properties": {"Name": name}}
    inner = {"Resources": {"Group": group, "OfTheSameName": group | {"DependsOn": "Group"}}}
    s3, athena = emulator.client("s3"), emulator.client("athena")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=bucket, Key="inner.json", Body=json.dumps(inner))
    url = f"{emulator.endpoint}/{bucket}/inner.json"
    _stack(emulator, {"Inner": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}})
    left = name in (one["Name"] for one in athena.list_work_groups()["WorkGroups"])
    if left:
        athena.delete_work_group(WorkGroup=name, RecursiveDeleteOption=True)
    s3.delete_object(Bucket=bucket, Key="inner.json")
    s3.delete_bucket(Bucket=bucket)
    return left


GAPS = (
    Gap(
        "AWS::Athena::NamedQuery",
        _is_refused(
            {"Type": "AWS::Athena::NamedQuery", "Properties": {"Database": "probe", "QueryString": "SELECT 1"}}
        ),
        _without_saved_queries,
    ),
    Gap("`Ref` of a secret is its ARN", _named_by_its_name, _with_the_arn_by_its_other_name),
    Gap("the condition key events:source", _knows_no_source, _without_source_of_events),
    Gap("the condition key dynamodb:LeadingKeys", _knows_no_leading_keys),
    Gap("lifecycle rules of a stack's bucket", _forgets_lifecycle),
    Gap("a new secret has no value", _gives_new_secrets_a_value),
    Gap("the resources of a nested stack that fails are taken back", _leaves_nested_stacks),
)
