"""`python -m compare`: harvest-lake and a pipeline of dlt copy the same fake account in turn, each as whole processes.

`tests/compare.sh` starts the account and says where it is. RUNS is the number of rounds, SIDES the programs to run.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import shutil
import sys
from dataclasses import asdict, dataclass
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from urllib.error import HTTPError

from compare import figures, measure
from compare.streams import STREAMS
from compare.truth import Truth

HERE = Path(__file__).parent

# Settings of dlt: nothing is sent to its makers, and no file is kept once it is loaded. The last two make it faster on
# two cores (docs/performance.md); a variable of the environment goes before them.
OF_DLT = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "ERROR",
    "LOAD__DELETE_COMPLETED_JOBS": "true",
    "EXTRACT__WORKERS": "2",
    "DATA_WRITER__DISABLE_COMPRESSION": "true",
}

PHASES = ["first load", "again, nothing changed", "again, after changes"]

# Changes between the second and the third sync, all of which move `updated_at`, and their number.
CHANGES = [
    ({"op": "update", "stream": "time_entries"}, 100),
    ({"op": "create", "stream": "time_entries"}, 50),
    ({"op": "create", "stream": "expenses"}, 10),
    ({"op": "update", "stream": "projects"}, 5),
    ({"op": "update", "stream": "invoices"}, 5),
    ({"op": "add_payment"}, 5),
]


@dataclass(frozen=True)
class Side:
    """One program, and how its tables are read."""

    name: str
    title: str
    form: str | None
    streams: list[str] | None

    def line(self, binary: str, folder: Path) -> list[str]:
        if self.form:
            return [sys.executable, str(HERE / "pipeline.py"), "--form", self.form, "--into", str(folder)]
        chosen = ["--streams", ",".join(self.streams)] if self.streams else []
        return [binary, "sync", "--json", *chosen]

    def environment(self, folder: Path) -> dict[str, str]:
        if self.form:
            return {**OF_DLT, **os.environ, "DLT_DATA_DIR": str(folder / "global")}
        return {**os.environ, "HARVEST_LAKE": str(folder)}

    def tables(self, folder: Path) -> Path:
        return folder / "tables" / "harvest" if self.form else folder / "tables"


SIDES = {
    side.name: side
    for side in [
        Side("lake", "harvest-lake", None, STREAMS),
        Side("delta", "dlt, Delta merged", "delta", None),
        Side("parquet", "dlt, Parquet appended", "parquet", None),
        Side("all", "harvest-lake, all streams", None, None),
    ]
}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--origin", required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    runs = int(os.environ.get("RUNS", "3"))
    sides = [SIDES[name] for name in os.environ.get("SIDES", "lake delta parquet all").split()]
    truth = Truth(arguments.origin)
    measured: dict[str, dict[str, list[dict]]] = {phase: {side.name: [] for side in sides} for phase in PHASES}
    held: dict = {}
    applied = 0
    for number in range(runs):
        # Each program goes first in some rounds.
        order = sides if number % 2 == 0 else sides[::-1]
        folder = arguments.work / f"round-{number}"
        folder.mkdir()
        for phase in PHASES:
            if phase == PHASES[2]:
                applied = change(truth)
            for side in order:
                used = once(side, truth, arguments.binary, folder / side.name)
                measured[phase][side.name].append(used)
                print(f"round {number + 1}, {phase}, {side.title}: {used['cpu_seconds']:.1f} CPU s, "
                      f"{used['wall_seconds']:.1f} s, {used['requests']} requests", file=sys.stderr)
        if number == runs - 1:
            held = compared(sides, truth, folder)
        shutil.rmtree(folder)
    show(sides, measured, held, applied)
    if arguments.json:
        document = {"about": about(runs), "changes": applied, "phases": measured, "contents": held}
        arguments.json.write_text(json.dumps(document, indent=2, default=str) + "\n")
    return 0 if agree(held) else 1


def once(side: Side, truth: Truth, binary: str, folder: Path) -> dict:
    folder.mkdir(exist_ok=True)
    truth.ask("POST", "/_sim/reset-stats")
    used = measure.run(side.line(binary, folder), side.environment(folder), folder.with_suffix(".log"))
    seen = truth.ask("GET", "/_sim/stats")
    files = [path for path in side.tables(folder).rglob("*") if path.is_file()]
    data = [path for path in files if path.suffix == ".parquet"]
    changes = [path for path in data if any(part.endswith("_changes") for part in path.parts)]
    return {
        **asdict(used),
        "requests": seen["general"]["requests"] + seen["reports"]["requests"],
        "refused": seen["general"]["refused"] + seen["reports"]["refused"],
        "files": len(data),
        "kept_bytes": sum(path.stat().st_size for path in files),
        "changes_bytes": sum(path.stat().st_size for path in changes),
    }


def change(truth: Truth) -> int:
    """Changes the account; returns how many changes it took."""
    applied = 0
    for body, times in CHANGES:
        for _ in range(times):
            try:
                truth.ask("POST", "/_sim/apply", body)
                applied += 1
            except HTTPError as refused:
                refused.close()
    return applied


def compared(sides: list[Side], truth: Truth, folder: Path) -> dict:
    """Records of each stream, and rows and records of each side."""
    # Not before all measurements: Linux counts the memory of the process that starts a command as memory of the
    # command, and PyArrow would make this one larger than a small sync.
    from compare import contents

    held: dict = {"streams": {}, "hours": {}}
    for stream in STREAMS:
        records = truth.records(stream)
        row = held["streams"][stream] = {"truth": len(records)}
        if stream == "time_entries":
            held["hours"]["truth"] = sum((Decimal(str(one["hours"])) for one in records), Decimal(0))
        for side in sides:
            read = contents.parquet if side.form == "parquet" else contents.delta
            table = read(side.tables(folder / side.name) / stream)
            row[side.name] = {"rows": table.num_rows, "records": contents.records(table, stream)}
            if stream == "time_entries":
                held["hours"][side.name] = contents.hours(table)
    return held


def agree(held: dict) -> bool:
    """Whether harvest-lake has exactly the rows of the account; what the other side has is shown only."""
    ours = [name for name in ("lake", "all") if name in held["hours"]]
    exact = all(
        row[name] == {"rows": row["truth"], "records": row["truth"]} for row in held["streams"].values() for name in ours
    )
    return exact and all(held["hours"][name] == held["hours"]["truth"] for name in ours)


def show(sides: list[Side], measured: dict, held: dict, applied: int) -> None:
    titles = {side.name: side.title for side in sides}
    for phase in PHASES:
        def line(what: str, key: str, shown) -> figures.Line:
            return figures.Line(
                what, {titles[name]: [one[key] for one in used] for name, used in measured[phase].items()}, shown
            )

        lines = [
            line("CPU time", "cpu_seconds", figures.seconds),
            line("peak memory, all processes (PSS)", "peak_bytes", figures.size),
            line("peak memory, largest process (RSS)", "largest_process_bytes", figures.size),
            line("requests", "requests", figures.count),
            line("bytes written, temporary files included", "written_bytes", figures.size),
            line("bytes of the tables", "kept_bytes", figures.size),
            line("of these, tables of changes", "changes_bytes", figures.size),
            line("Parquet files", "files", figures.count),
            line("wall time", "wall_seconds", figures.seconds),
        ]
        names = list(titles.values())
        told = f"{phase} ({applied})" if phase == PHASES[2] else phase
        print(f"\n{figures.table(told, lines, names[0], names[1:])}")
    print("\nstreams whose records or rows are not those of the account:")
    odd = 0
    for stream, row in held["streams"].items():
        for name, title in titles.items():
            if row[name] != {"rows": row["truth"], "records": row["truth"]}:
                odd += 1
                print(f"  {stream}, {title}: {row[name]['records']} records in {row[name]['rows']} rows, "
                      f"of {row['truth']}")
    print("" if odd else "  none")
    print("sum of hours, as a reader of the tables gets it:")
    for name, total in held["hours"].items():
        print(f"  {titles.get(name, 'the account')}: {total}")


def about(runs: int) -> dict:
    return {
        "at": dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
        "scale": os.environ.get("SCALE"),
        "runs": runs,
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "dlt": version("dlt"),
        "deltalake": version("deltalake"),
    }


if __name__ == "__main__":
    sys.exit(main())
