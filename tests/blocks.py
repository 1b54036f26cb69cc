"""`python blocks.py --bin DIR --truth URL --lake DIR FILE...`: runs the fenced blocks of documents; exit code 1 where one fails.

Blocks of `sh` run in bash, those of `python` in this interpreter, one after the other, in an empty folder of their document with a
copy of the lake as `lake`. A comment before a block says why it is not run, or which test runs it:

    <!-- not run: it needs AWS -->
    <!-- run: news -->

Blocks of `sql` and those without a language need such a comment; other languages are no commands. On the path are the programs of DIR and, under the name `duckdb`, a command that does what
DuckDB's own does with `-c` and `-init`.
"""

from __future__ import annotations

import argparse
import datetime
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

BLOCK = re.compile(r"(?:^ *<!-- ((?:not )?run): ([^\n]*) -->\n)?^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
COMMANDS = ("sh", "python")
# Languages that this program does not run, and a block without one.
NEEDS_MARKER = ("sql", "")
# Seconds after which a block hangs.
LIMIT = 300
ROOT = Path(__file__).resolve().parents[1]
# A day in a document, of which the lake of the test has no version.
SOME_DAY = "2026-11-23"
# Any moment of it. The test may run at an earlier or a later time of the day, so this moment stands for now.
MOMENT = re.compile(rf"{SOME_DAY}T[0-9:]+Z")


def main() -> int:
    parser = argparse.ArgumentParser(prog="blocks", description=__doc__)
    parser.add_argument("--bin", required=True, type=Path, help="folder of the built programs")
    parser.add_argument("--lake", required=True, type=Path, help="a filled lake, of which each document gets a copy")
    parser.add_argument("documents", nargs="+", type=Path)
    wanted = parser.parse_args()
    failed = ran = 0
    with tempfile.TemporaryDirectory() as folder:
        programs = Path(folder) / "bin"
        put_programs(programs, wanted.bin.resolve())
        environment = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT / "tests")}
        for document in wanted.documents:
            own = Path(folder) / document.stem
            own.mkdir()
            shutil.copytree(wanted.lake, own / "lake")
            for number, (marker, why, language, text) in enumerate(BLOCK.findall(document.read_text()), 1):
                name = f"{document.name}, block {number}"
                if marker:
                    print(f"     {name}: {marker}: {why}")
                elif language in NEEDS_MARKER:
                    failed += told(name, "needs a language, or a comment that names its test, or a reason")
                elif language not in COMMANDS:
                    continue
                else:
                    ran += 1
                    failed += told(name, run(language, text, own, environment))
    print(f"{ran} blocks run, {failed} failed")
    return 1 if failed or not ran else 0


def told(name: str, wrong: str) -> bool:
    print(f"{'FAIL' if wrong else 'ok  '} {name}{': ' + wrong if wrong else ''}", flush=True)
    return bool(wrong)


def put_programs(folder: Path, built: Path) -> None:
    """Makes a folder for the path with the programs of `built`, and with `duckdb`."""
    folder.mkdir()
    for name in ("harvest-lake", "fake-harvest"):
        (folder / name).symlink_to(built / name)
    command = folder / "duckdb"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{ROOT / "tests/duck.py"}" "$@"\n')
    command.chmod(0o755)


def run(language: str, text: str, folder: Path, environment: dict[str, str]) -> str:
    """What went wrong in a block."""
    now = datetime.datetime.now(datetime.timezone.utc)
    text = MOMENT.sub(f"{now:%Y-%m-%dT%H:%M:%SZ}", text).replace(SOME_DAY, now.date().isoformat())
    shell = ["bash", "-euo", "pipefail", "-c", text]
    command = [sys.executable, "-c", text] if language == "python" else shell
    try:
        ended = subprocess.run(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"did not end within {LIMIT} seconds"
    said = f"{ended.stdout}{ended.stderr}"
    if ended.returncode != 0:
        return f"exit code {ended.returncode}\n{said}"
    return "" if said.strip() else "says nothing"


if __name__ == "__main__":
    sys.exit(main())
