"""`python infra/built.py`: exit code 1 where `sam build` left a program for another processor than its function's.

Without a word from SAM, cargo-lambda builds x86_64 functions for the machine that it runs on.
"""

from __future__ import annotations

import sys
from pathlib import Path

from samcli.yamlhelper import yaml_parse

ROOT = Path(__file__).resolve().parents[1]
# `e_machine` of an ELF file.
PROCESSORS = {62: "x86_64", 183: "arm64"}


def processor(program: Path) -> str:
    """What the program runs on."""
    head = program.read_bytes()[:20]
    if head[:4] != b"\x7fELF":
        return "no processor of Lambda's"
    return PROCESSORS.get(int.from_bytes(head[18:20], "little"), "no processor of Lambda's")


def mistakes(folder: Path) -> list[str]:
    """What is wrong with the build in `folder`, a sentence for each function."""
    template = yaml_parse((folder / "template.yaml").read_text())
    wanted = template["Globals"]["Function"]["Architectures"]
    functions = [one for one in template["Resources"].items() if one[1]["Type"] == "AWS::Serverless::Function"]
    found = [(name, processor(folder / one["Properties"]["CodeUri"] / "bootstrap")) for name, one in functions]
    return [
        f"{name} is to be deployed for {wanted[0]} and was built for {built}: build it on such a machine, "
        f"or for arm64 (`make build`), which can be built on any"
        for name, built in found
        if [built] != wanted
    ]


if __name__ == "__main__":
    wrong = mistakes(ROOT / ".aws-sam/build")
    print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
    sys.exit(1 if wrong else 0)
