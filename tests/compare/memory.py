"""`python -m compare.memory`: resident memory of the heaviest commands, from their first to their last moment, and what
they leave in the lake.

`tests/memory.sh` starts the account and says where it is.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from compare.measure import BLOCK_BYTES
from compare.truth import Truth

SAMPLE_SECONDS = 0.02
# Most memory that a command may take, in megabytes, the pages of its program (30 MB) included.
MOST_MEGABYTES = 96
# Entries that change before the second sync.
CHANGES = 10_000


@dataclass(frozen=True)
class Course:
    """Memory of one command: bytes after seconds, and what it used."""

    title: str
    samples: list[tuple[float, int]]
    peak_bytes: int
    cpu_seconds: float
    written_bytes: int
    requests: int

    def line(self) -> str:
        seconds = self.samples[-1][0] if self.samples else 0
        return (
            f"{self.title:26} {self.peak_bytes / 1e6:4.0f} MB {self.cpu_seconds:7.2f} CPU s {seconds:6.1f} s "
            f"{self.requests:6} requests {self.written_bytes / 1e6:7.1f} MB written"
        )


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--origin", required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--picture", type=Path)
    arguments = parser.parse_args()
    truth = Truth(arguments.origin)
    log = arguments.work / "memory.log"

    def course(title: str, *line: str) -> Course:
        truth.ask("POST", "/_sim/reset-stats")
        found = run(title, [arguments.binary, *line], log, truth)
        print(found.line(), flush=True)
        return found

    courses = [
        course("first load", "sync", "--streams", "time_entries"),
        course("sync without news", "sync", "--streams", "time_entries"),
    ]
    print(left_in(Path(os.environ["HARVEST_LAKE"])), flush=True)
    for _ in range(CHANGES):
        truth.ask("POST", "/_sim/apply", {"op": "update", "stream": "time_entries"})
    courses += [
        course("sync of 10,000 changes", "sync", "--streams", "time_entries"),
        course("sweep with nothing to do", "sweep", "time_entries"),
        course("verify, changes replayed", "verify", "time_entries"),
        course("export", "export", "time_entries", str(arguments.work / "export")),
    ]
    if arguments.picture:
        draw(courses, arguments.picture)
    above = [one.title for one in courses if one.peak_bytes > MOST_MEGABYTES * 1_000_000]
    for title in above:
        print(f"{title}: more than {MOST_MEGABYTES} MB")
    return 1 if above else 0


def left_in(lake: Path) -> str:
    """Number and size of the files of a lake, by what they are."""
    files: dict[str, list[int]] = {}
    for path in lake.rglob("*"):
        if path.is_file():
            table = path.relative_to(lake).parts[:2] if path.suffix == ".parquet" else ()
            kind = "log" if "_delta_log" in path.parts else "/".join(table) or "others"
            files.setdefault(kind, []).append(path.stat().st_size)
    told = [f"{kind} {sum(sizes) / 1e6:.1f} MB in {len(sizes)} files" for kind, sizes in sorted(files.items())]
    return "lake: " + ", ".join(told)


def run(title: str, line: list[str], log: Path, truth: Truth) -> Course:
    samples: list[tuple[float, int]] = []
    with log.open("ab") as said:
        begun = time.monotonic()
        child = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        while True:
            ended, status, used = os.wait4(child.pid, os.WNOHANG)
            if ended:
                break
            samples.append((time.monotonic() - begun, resident(child.pid)))
            time.sleep(SAMPLE_SECONDS)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{title} ended with {child.returncode}: {log.read_text(errors='replace')[-2000:]}")
    counted = truth.ask("GET", "/_sim/stats")
    requests = counted["general"]["requests"] + counted["reports"]["requests"]
    cpu = used.ru_utime + used.ru_stime
    return Course(title, samples, used.ru_maxrss * 1024, cpu, used.ru_oublock * BLOCK_BYTES, requests)


def resident(pid: int) -> int:
    """Resident memory of a process in bytes; 0 once it has ended."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def draw(courses: list[Course], picture: Path) -> None:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "harvest-lake"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 4))
    for course in courses:
        ends = course.samples[-1][0] if course.samples else 1
        seconds = [at for at, size in course.samples if size]
        axes.plot(seconds, [size / 1e6 for _, size in course.samples if size], label=f"{course.title} ({ends:.0f} s)", linewidth=1)
    axes.set_xlabel("seconds")
    axes.set_ylabel("resident memory, MB")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(picture, metadata={"Date": None})


if __name__ == "__main__":
    sys.exit(main())
