"""Runs a command in a terminal and types the answers to its questions."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

# A line that waits for an answer: `Stack Name [harvest-lake]: `, `Deploy this changeset? [y/N]: `, `Parameter X: `. The space
# counts: a question that is hidden shows it when it is.
_QUESTION = re.compile(r"(\[[^\]]*\]|Parameter \w+): $")
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


@dataclass
class Typed:
    """What was said, asked and answered, and how it ended."""

    said: str = ""
    # Each question with its answer, in order.
    questions: list[tuple[str, str]] = field(default_factory=list)
    status: int | None = None


def run(
    command: list,
    folder: Path,
    environment: dict[str, str],
    answer: Callable[[str], str],
    seconds: float = 120,
    secret: str | None = None,
) -> Typed:
    """Runs the command until it ends; an error if a question comes twice, or the time is over. The file `TRANSCRIPT` of the
    environment gets what was on the screen.

    Whoever types sees nothing at a hidden question, and Enter takes no default: only the one that ends with `secret` may be
    hidden, and it must be.
    """
    words = [str(word) for word in command]
    child, terminal = pty.fork()
    if child == 0:
        try:
            os.chdir(folder)
            os.execvpe(words[0], words, environment)
        finally:
            os._exit(127)
    typed = Typed()
    deadline = time.monotonic() + seconds
    answered = 0
    try:
        while time.monotonic() < deadline:
            if not select.select([terminal], [], [], 1)[0]:
                continue
            try:
                part = os.read(terminal, 65536)
            except OSError:
                # The other side is closed.
                part = b""
            if not part:
                break
            typed.said += _CONTROL.sub("", part.decode(errors="replace"))
            line = typed.said[answered:].rsplit("\n", 1)[-1]
            is_secret = secret is not None and line.endswith(f"{secret} ")
            if not (is_secret or _QUESTION.search(line)):
                continue
            question = line.strip()
            is_hidden = not termios.tcgetattr(terminal)[3] & termios.ECHO
            if is_hidden != is_secret:
                raise AssertionError(f"{'hidden' if is_hidden else 'not hidden'}: {question}")
            if question in (one for one, _ in typed.questions):
                raise AssertionError(f"asked again: {question}")
            text = answer(question)
            typed.questions.append((question, text))
            answered = len(typed.said)
            os.write(terminal, text.encode() + b"\n")
        else:
            raise TimeoutError(f"{words[0]}: not within {seconds:g} seconds; the last words: {typed.said[-1000:]}")
    except BaseException:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise
    finally:
        os.close(terminal)
    typed.status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if transcript := os.environ.get("TRANSCRIPT"):
        with Path(transcript).open("a") as file:
            file.write(f"$ {words[-1]}\n{typed.said}\n")
    return typed
