"""Instructions of each station of a load, counted by callgrind, beside the counts of the last change.

    instructions.py           builds shared/lake/benches/stations.rs, and fails if a count is beyond the tolerance
    instructions.py --write   writes tests/instructions.json anew

A count hardly differs from run to run, whatever else the machine does. Needs valgrind.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

FIGURES = pathlib.Path(__file__).parent / "instructions.json"
# Stations in the order of the work, each with the one whose work it contains.
STATIONS = {
    "decode": "input",
    "collect": "decode",
    "merge": "collect",
    "changes": "merge",
    "commit": "merge",
}
# Share by which a count may differ.
TOLERANCE = 0.03
RECORDS = 10_000


def built() -> str:
    """Path of the program."""
    command = ["cargo", "build", "--locked", "--profile", "quick", "--package", "lake", "--bench", "stations"]
    ran = subprocess.run([*command, "--message-format", "json"], check=True, stdout=subprocess.PIPE, text=True)
    messages = [json.loads(line) for line in ran.stdout.splitlines()]
    found = [it["executable"] for it in messages if it.get("executable") and it["target"]["name"] == "stations"]
    return found[-1]


def count(bench: str, station: str) -> int:
    """Instructions of the program up to a station."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", bench, station]
        ran = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(re.search(r"Collected : (\d+)", ran.stderr).group(1))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    bench = built()
    whole = {station: count(bench, station) for station in ["input", *STATIONS]}
    spent = {station: whole[station] - whole[before] for station, before in STATIONS.items()}
    known = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    bad = []
    print(f"{'station':8} {'instructions':>14} {'a record':>10} {'of before':>10}")
    for station, instructions in spent.items():
        before = known.get(station)
        share = f"{instructions / before:10.3f}" if before else f"{'-':>10}"
        print(f"{station:8} {instructions:14,} {instructions // RECORDS:10,} {share}")
        if not before or abs(instructions / before - 1) > TOLERANCE:
            bad.append(station)
    if arguments.write:
        FIGURES.write_text(json.dumps(spent, indent=2) + "\n")
        return 0
    if bad:
        print(
            f"more than {TOLERANCE:.0%} from tests/instructions.json: {', '.join(bad)}. If that is meant, "
            "`make instructions WRITE=--write` takes the new counts, and the commit says why.",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
