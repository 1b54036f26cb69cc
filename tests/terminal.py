"""`python terminal.py --bin DIR [--write]`: what a terminal shows of a new user's first commands, as docs/terminal.md has it.

Each command runs in a terminal of 80 and of 120 columns (a pseudo terminal, drawn by pyte), beside the fake Harvest of the
environment (`tests/terminal.sh`). The page is compared by its words: numbers, times, rows of tables, and so the breaks of lines
differ with each run. With `--write` the page is written anew. Exit code 1 if it differs, or if a line is wider than the terminal.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import re
import select
import struct
import sys
import tempfile
import termios
import time
from dataclasses import dataclass, field
from pathlib import Path

import pyte
from wcwidth import wcswidth

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/terminal.md"
WIDTHS = (80, 120)
# Rows of the terminal: more than any command fills, so that nothing scrolls away.
ROWS = 500
# Seconds after which a command hangs.
LIMIT = 120
# Codes that move the cursor or change colours.
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
HEAD = """# In a terminal

What the first commands show, in a terminal of 80 columns and in one of 120. The account is the fake one.
`tests/terminal.sh --write` writes this page with the built command, and `make test` compares its words: numbers, times and rows differ
with each run. It fails where a line is wider than the terminal. What moves while a command works is gone when it ends.

"""


@dataclass
class Step:
    """One command of the page."""

    title: str
    why: str
    line: str
    code: int = 0
    variables: dict[str, str] = field(default_factory=dict)
    # Whether the limits of Harvest are off, so that nobody waits for half an hour.
    quick: bool = False
    # What is typed, each once the terminal shows the words before it.
    typed: tuple[tuple[str, str], ...] = ()


def steps(token: str) -> list[Step]:
    return [
        Step("The demo", "`make demo` compiles, and then runs this:", "harvest-lake demo --lake ./demo-lake"),
        Step(
            "Set up",
            "The token is not shown while it is pasted, and Enter takes the place that is offered:",
            "harvest-lake init",
            typed=(("token", token), ("[./lake]", "")),
        ),
        Step("Before the first load", "", "harvest-lake check"),
        Step("How long it will take", "", "harvest-lake plan --ask"),
        Step("The first load", "Here without Harvest's rate limits:", "harvest-lake sync --wait", quick=True),
        Step("A sync that changes nothing", "", "harvest-lake sync", quick=True),
        Step("Is all well?", "", "harvest-lake status"),
        Step("What is due next", "", "harvest-lake plan"),
        Step("Rows", "", "harvest-lake head time_entries -n 5"),
        Step(
            "A wrong token",
            "The exit code is 3: a person has to do something.",
            "harvest-lake sync",
            code=3,
            variables={"HARVEST_ACCESS_TOKEN": "not-a-token"},
        ),
    ]


def run(step: Step, width: int, folder: Path, environment: dict[str, str]) -> list[str]:
    """Lines of the terminal after the command."""
    screen = pyte.Screen(width, ROWS)
    stream = pyte.ByteStream(screen)
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        # The size is set before the command looks at it.
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, width, 0, 0))
        os.execvpe("sh", ["sh", "-c", step.line], environment | step.variables | (quick() if step.quick else {}))
    waiting, written = list(step.typed), b""
    ends = time.monotonic() + LIMIT
    while True:
        if not select.select([terminal], [], [], max(0.0, ends - time.monotonic()))[0]:
            os.kill(child, 9)
            sys.exit(f"`{step.line}` did not end within {LIMIT} seconds:\n" + "\n".join(shown(screen)))
        try:
            part = os.read(terminal, 65536)
        except OSError:
            break
        if not part:
            break
        stream.feed(part)
        written += part
        if waiting and any(waiting[0][0] in line for line in screen.display):
            os.write(terminal, f"{waiting.pop(0)[1]}\n".encode())
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    lines = shown(screen)
    if code != step.code:
        sys.exit(f"`{step.line}` ended with {code}, not {step.code}:\n" + "\n".join(lines))
    for line in too_wide(written.decode(), width):
        sys.exit(f"`{step.line}` has a line that is wider than {width} columns:\n{line}")
    return lines


def too_wide(written: str, width: int) -> list[str]:
    """Lines that the terminal has to break. Commands to be copied, which begin with blanks, have to be one line."""
    lines = re.split(r"[\r\n]+", ESCAPE.sub("", written))
    return [line for line in lines if wcswidth(line) > width and not line.startswith("  ")]


def quick() -> dict[str, str]:
    return {name: os.environ[name] for name in ("HARVEST_GENERAL", "HARVEST_REPORTS")}


def shown(screen: pyte.Screen) -> list[str]:
    """Lines without what is blank at their ends."""
    return "\n".join(line.rstrip() for line in screen.display).rstrip().splitlines()


def page(folder: Path, environment: dict[str, str], token: str) -> str:
    """The page, from both terminals."""
    seen = {}
    for width in WIDTHS:
        own = folder / str(width)
        own.mkdir()
        seen[width] = [run(step, width, own, environment) for step in steps(token)]
    text = HEAD
    for step, *both in zip(steps(token), *seen.values(), strict=True):
        text += f"## {step.title}\n\n" + (f"{step.why}\n\n" if step.why else "")
        typed = " ".join(f"{name}={value}" for name, value in step.variables.items())
        prompt = f"$ {typed} {step.line}".replace("$  ", "$ ")
        for width, lines in zip(WIDTHS, both, strict=True):
            text += f"{width} columns:\n\n```text\n" + "\n".join([prompt, *lines]).rstrip() + "\n```\n\n"
    return text.replace(str(folder), "~").rstrip() + "\n"


# What differs between two runs, and what it becomes, in this order.
MASKS = (
    (re.compile(r"^.*█.*\n(?:.*█.*\n)*", re.MULTILINE), "(bars)\n"),
    # The width of the rows decides which columns have room, and whether a heading takes two lines.
    (re.compile(r"^( *\w+).*\n(?: +\S.*\n)?─+\n(?:.*\S.*\n)*?(?=\n|```|newest )", re.MULTILINE), r"\1 (rows)\n"),
    (re.compile(r"[▁▂▃▄▅▆▇]+"), "▁"),
    # Two questions are asked at the same time.
    (re.compile(r"GET\s+/v2/(?:company|users/me):"), "GET /v2/users/me:"),
    (re.compile(r"\d+(?:[.,:/-]\d+)*"), "0"),
    (re.compile(r"\b0 (?:ms|s|min|h|days|kB|MB|B)\b"), "0 u"),
    (re.compile(r"\b0 u 0 u\b"), "0 u"),
    (re.compile(r"\b0 (\w+?)s?\b"), r"0 \1"),
    (re.compile(r"\babout (?:a minute|0 minute)\b"), "about 0 minute"),
    (re.compile(r"\bin 0 u\b|\b0 u ago\b"), "now"),
    # With a date where it is not today, and broken anywhere.
    (re.compile(r"\s\((?:0\s+)+UTC\)"), ""),
    (re.compile(r" +"), " "),
    (re.compile(r"─+"), "─"),
)


def masked(text: str) -> list[str]:
    """Paragraphs of the page, each as words on one line, without what differs between two runs."""
    for pattern, mask in MASKS:
        text = pattern.sub(mask, text)
    return [" ".join(paragraph.split()) for paragraph in re.split(r"\n\n+", text)]


def main() -> int:
    parser = argparse.ArgumentParser(prog="terminal", description=__doc__)
    parser.add_argument("--bin", required=True, type=Path, help="folder of the built programs")
    parser.add_argument("--write", action="store_true", help="write the page anew")
    wanted = parser.parse_args()
    token = os.environ["HARVEST_ACCESS_TOKEN"]
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work).resolve()
        environment = {
            "HARVEST_BASE_URL": os.environ["HARVEST_BASE_URL"],
            "HOME": work,
            "LANG": "C.UTF-8",
            "PATH": f"{wanted.bin.resolve()}:{os.environ['PATH']}",
            "TERM": "xterm-256color",
            "TZ": "UTC",
        }
        text = page(folder, environment, token)
    if token in text:
        sys.exit("the page would hold the token")
    text = text.replace(os.environ["HARVEST_BASE_URL"].removesuffix("/v2"), "http://127.0.0.1:PORT")
    if wanted.write:
        PAGE.write_text(text)
        print(f"{PAGE.relative_to(ROOT)} is written: read the difference")
        return 0
    before, now = masked(PAGE.read_text()), masked(text)
    for number, (one, other) in enumerate(zip(before, now), 1):
        if one != other:
            print(f"FAIL paragraph {number} without numbers and rows:\n  page: {one}\n  now:  {other}")
            print("tests/terminal.sh --write writes docs/terminal.md anew: read the difference")
            return 1
    if len(before) != len(now):
        print(f"FAIL the page has {len(before)} paragraphs, the terminals have {len(now)}: tests/terminal.sh --write")
        return 1
    print(f"ok   {len(steps(token))} commands at {WIDTHS[0]} and {WIDTHS[1]} columns are as docs/terminal.md has them")
    return 0


if __name__ == "__main__":
    sys.exit(main())
