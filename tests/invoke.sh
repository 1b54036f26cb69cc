#!/usr/bin/env bash
# Sends an event to the function that its name begins with: the one that `cargo lambda watch` serves on
# this machine, or that of a deployed stack.
set -euo pipefail
event=${1:?which event? make invoke EVENT=events/orchestrator-now.json}
stack=${2:-}
cd "$(dirname "$0")/.."
name=$(basename "$event" .json)
function=${name%%-*}
if [ -z "$stack" ]; then
    exec env PATH="$PWD/.tools/sam/bin:$PATH" cargo lambda invoke "$function" --data-file "$event"
fi
exec .tools/sam/bin/python - "$stack" "$function" "$event" <<'PY'
import sys
import boto3
stack, function, event = sys.argv[1:]
logical = {"orchestrator": "Orchestrator", "worker": "Worker", "publisher": "Publisher"}[function]
found = boto3.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId=logical)
name = found["StackResourceDetail"]["PhysicalResourceId"]
answer = boto3.client("lambda").invoke(FunctionName=name, Payload=open(event, "rb").read())
print(answer["Payload"].read().decode())
sys.exit("FunctionError" in answer)
PY
