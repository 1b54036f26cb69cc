#!/usr/bin/env bash
# What a terminal shows of the first commands, beside docs/terminal.md; with --write the page is written anew.
set -euo pipefail
cd "$(dirname "$0")/.."
SCALE=demo
. tests/fake.sh
"${PYTHON:-.tools/terminal/bin/python}" tests/terminal.py --bin "$bin" "$@"
