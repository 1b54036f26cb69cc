"""What a command uses: processor time, memory of all its processes, bytes that it wrote."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

SAMPLE_SECONDS = 0.1
# Linux counts blocks of this size, whatever the file system has.
BLOCK_BYTES = 512


@dataclass(frozen=True)
class Usage:
    """CPU time includes all descendants; memory is the highest sum over the processes that lived at one moment."""

    cpu_seconds: float
    user_seconds: float
    wall_seconds: float
    peak_bytes: int
    largest_process_bytes: int
    processes: int
    written_bytes: int


class Failed(Exception):
    """The command did not end with 0."""


def run(line: list[str], environment: dict[str, str], log: Path) -> Usage:
    """Runs a command to its end; what it says goes to `log`."""
    with log.open("ab") as said:
        begun = time.monotonic()
        child = subprocess.Popen(
            line, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
        )
        ended = threading.Event()
        sampled: list[dict[int, int]] = []
        sampler = threading.Thread(target=sample, args=(child.pid, ended, sampled))
        sampler.start()
        try:
            _, status, used = os.wait4(child.pid, 0)
        except BaseException:
            # A terminal tells only its own session that it should stop.
            os.killpg(child.pid, signal.SIGKILL)
            raise
        finally:
            wall = time.monotonic() - begun
            ended.set()
            sampler.join()
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise Failed(f"{line[0]} ended with {child.returncode}: {log.read_text(errors='replace')[-2000:]}")
    return usage(used, wall, sampled)


def usage(used: resource.struct_rusage, wall: float, sampled: list[dict[int, int]]) -> Usage:
    largest = used.ru_maxrss * 1024
    peak = max((sum(memory.values()) for memory in sampled), default=0)
    return Usage(
        cpu_seconds=used.ru_utime + used.ru_stime,
        user_seconds=used.ru_utime,
        wall_seconds=wall,
        peak_bytes=peak,
        largest_process_bytes=largest,
        processes=len({pid for memory in sampled for pid in memory}),
        written_bytes=used.ru_oublock * BLOCK_BYTES,
    )


def sample(session: int, ended: threading.Event, sampled: list[dict[int, int]]) -> None:
    """Adds the memory of each process of the session, until it has ended."""
    while not ended.wait(SAMPLE_SECONDS):
        memory = {pid: share_of(pid) for pid in processes_of(session)}
        if memory:
            sampled.append(memory)


def processes_of(session: int) -> list[int]:
    """Processes of a session: a command of its own session and its descendants."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            told = Path(f"/proc/{entry}/stat").read_text()
        except OSError:
            continue
        if session_in(told) == session:
            found.append(int(entry))
    return found


def session_in(stat: str) -> int:
    """Session in a line of `/proc/<pid>/stat`; the name before it may have spaces and brackets."""
    return int(stat.rpartition(")")[2].split()[3])


def share_of(pid: int) -> int:
    """Memory of a process in bytes; pages that several share count in parts (PSS)."""
    try:
        told = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return share_in(told)


def share_in(rollup: str) -> int:
    for line in rollup.splitlines():
        name, _, value = line.partition(":")
        if name == "Pss":
            return int(value.split()[0]) * 1024
    return 0
