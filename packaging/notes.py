"""`python packaging/notes.py TAG` prints what CHANGELOG.md says about the release of a tag such as v0.1.0.

Fails if the tag is not `v` and the version of Cargo.toml, or that version has no section with a date.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Heading of what no release has yet.
UNRELEASED = "Unreleased"
HEADING = re.compile(r"^## (.+)$", re.MULTILINE)


def version() -> str:
    """Version of the workspace, hence of the command, the functions and the wheel."""
    return tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]


def sections(changelog: str) -> dict[str, str]:
    """Text below each heading, newest first."""
    _, *parts = HEADING.split(changelog)
    return {heading: text.strip() for heading, text in zip(parts[::2], parts[1::2], strict=True)}


def notes(tag: str, released: str, changelog: str) -> str:
    """Text of the section about version `released`, whose tag this must be."""
    if tag != f"v{released}":
        sys.exit(f"the tag {tag} is not v{released}, the version of Cargo.toml: change one of them")
    for heading, text in sections(changelog).items():
        if heading.startswith(f"{released} - ") and text:
            return text
    sys.exit(f"CHANGELOG.md has nothing below a heading `## {released} - DATE`: write it before the tag")


if __name__ == "__main__":
    print(notes(sys.argv[1], version(), (ROOT / "CHANGELOG.md").read_text()))
