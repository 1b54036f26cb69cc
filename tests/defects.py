"""`python defects.py check | plant DIR | run [options] DIR`: planted defects.

`defects/*.toml` holds realistic mistakes, each of which breaks a promise. All are planted at once
into a copy of the tree, each behind a switch: the environment variable `PLANTED` names the one that
is on. One compilation serves all of them. A defect that no suite notices is a gap in the tests.

An entry:

    [[defect]]
    name = "cursor_before_commit"
    breaks = "One sentence."
    components = ["runtime", "delta"]
    file = "shared/runtime/src/flush.rs"
    old = '''text that occurs once in the file'''
    new = '''its replacement, in which the word PLANTED is the switch'''

Instead of `file`, `old` and `new` there may be `edits`, a list of tables with these members. Edits
are applied in the order of `FILES` and of the entries in them. A defect of several components
should be caught by the simulation.

`run` builds the copy in DIR and runs the suites once without a defect, all of which must pass; then
the simulation with each defect, those of several components first; then the other suites with each
defect that passed the simulation, until one fails. It exits with 1 if a defect survives.

`--results FILE` keeps each result as soon as it is there. A later call takes over the results of the
same entries with the same number of seeds: delete the file after a change of product or tests.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILES = ["engine", "runtime", "delta", "lake", "decode"]

# The build: profile, test programs. Library tests of all crates are found.
PROFILE = "proof"
SIMULATION = "simulation"
# Modules of `SIMULATION` about the oracle: they are no lives, and count as a suite of their own.
ORACLE = ["tampering::", "values::"]
SYSTEM = "system"
# Modules of `SYSTEM` that count as suites.
TESTS = ["scenarios", "contradictions", "sweeps", "changes", "lease", "state", "reset", "erase"]
TESTS += ["privacy", "quarantine", "drift", "verify", "losses", "format", "pace", "credentials"]
TESTS += ["tokens", "reading"]

# Seconds of the processor after which a suite counts as hanging, hence as failed, and twice as many
# of the clock. A life takes about half a second.
LIFE_LIMIT = 1.5
SUITE_LIMIT = 400

# The variable with the name of a file, which tells whether a suite runs the planted code at all.
REACHED = "PLANTED_REACHED"

# Programs that tests start with an environment of their own must see the switch, too.
PASSED_ON = {
    "tests/src/scene.rs": (
        ".env_clear()",
        '.env_clear().envs(std::env::vars().filter(|(name, _)| name.starts_with("PLANTED")))',
    ),
}

# Place of the switch in a replacement.
PLACE = re.compile(r"\bPLANTED\b")

# Names of the files that an earlier `plant` has written.
PLANTED_FILES = ".planted"


@dataclass(frozen=True)
class Edit:
    """Replacement of a text that occurs once in a file."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Defect:
    """A mistake, the promise that it breaks, and the crates that it concerns."""

    name: str
    breaks: str
    components: tuple[str, ...]
    edits: tuple[Edit, ...]


@dataclass(frozen=True)
class Suite:
    """A built test binary, or those of its tests whose names begin with a text."""

    name: str
    crate: str
    is_library: bool
    binary: Path
    folder: Path
    tests: str = ""


@dataclass(frozen=True)
class Failure:
    """Failure of a suite: the first seed or test that failed, and the first line of its message."""

    where: str
    message: str


@dataclass(frozen=True)
class Result:
    """Result of a suite, and whether it ran the planted code."""

    failure: Failure | None
    reached: bool


@dataclass
class Verdict:
    """What noticed a defect: results by the name of the suite, in the order of their runs."""

    defect: Defect
    results: dict[str, Result] = field(default_factory=dict)

    @property
    def simulation(self) -> Failure | None:
        result = self.results.get(SIMULATION)
        return result.failure if result else None

    @property
    def other(self) -> tuple[str, Failure] | None:
        failures = [(name, result.failure) for name, result in self.results.items()]
        failed = [(name, failure) for name, failure in failures if failure and name != SIMULATION]
        return failed[0] if failed else None

    @property
    def is_caught(self) -> bool:
        return bool(self.simulation or self.other)


class Results:
    """Results of suites, which a file keeps."""

    def __init__(self, file: Path | None, seeds: int) -> None:
        self.file, self.seeds = file, seeds
        self.known: dict[tuple[str, str], Result] = {}
        if file and file.exists():
            for line in file.read_text().splitlines():
                key, failure, reached = json.loads(line)
                self.known[tuple(key)] = Result(failure and Failure(*failure), reached)

    def key(self, suite: Suite, defect: Defect | None) -> tuple[str, str]:
        """What a result depends on, apart from the code."""
        seeds = f" {self.seeds}" if suite.name == SIMULATION else ""
        entry = hashlib.sha256(repr(defect and defect.edits).encode()).hexdigest()[:12]
        return f"{suite.name}{seeds}", f"{defect.name if defect else ''} {entry}"

    def of(self, suite: Suite, defect: Defect | None, how: argparse.Namespace) -> Result:
        """The result of one suite, which is run if it is not known."""
        key = self.key(suite, defect)
        if key not in self.known:
            result = run_suite(suite, defect and defect.name, how)
            self.known[key] = result
            if self.file:
                told = result.failure and (result.failure.where, result.failure.message)
                with self.file.open("a") as file:
                    file.write(json.dumps([key, told, result.reached]) + "\n")
        return self.known[key]


# --- Reading -------------------------------------------------------------------------------------


def defects() -> list[Defect]:
    """All defects, in order of application."""
    folder = Path(__file__).with_suffix("")
    if unknown := {file.stem for file in folder.glob("*.toml")} - set(FILES):
        sys.exit(f"files that FILES does not name: {', '.join(sorted(unknown))}")
    found = []
    for name in FILES:
        document = tomllib.loads((folder / f"{name}.toml").read_text())
        found += [read_defect(entry) for entry in document["defect"]]
    return found


def read_defect(entry: dict) -> Defect:
    """One entry."""
    edits = entry["edits"] if "edits" in entry else [entry]
    edits = tuple(Edit(edit["file"], edit["old"], edit["new"]) for edit in edits)
    return Defect(entry["name"], entry["breaks"], tuple(entry["components"]), edits)


def switch(name: str) -> str:
    """The Rust expression that tells whether the defect is on. Its first evaluation with the defect
    on makes the file that `REACHED` names."""
    is_on = f'std::env::var("PLANTED").is_ok_and(|name| name == "{name}")'
    told = f'std::env::var("{REACHED}").is_ok_and(|file| std::fs::write(file, "").is_ok())'
    lazy = "std::sync::LazyLock"
    return f"({{ static ON: {lazy}<bool> = {lazy}::new(|| {is_on} && ({told} || true)); *ON }})"


def planted(all_defects: list[Defect]) -> tuple[dict[str, str], list[str]]:
    """The changed files, and what is wrong with the entries."""
    texts: dict[str, str] = {}
    wrong = []
    names = Counter(defect.name for defect in all_defects)
    twice = [name for name, times in names.items() if times > 1]
    wrong += [f"{name}: the name is used more than once" for name in twice]
    for defect in all_defects:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", defect.name):
            wrong.append(f"{defect.name}: the name is not in snake_case")
        if not defect.breaks.endswith(".") or not defect.components:
            wrong.append(f"{defect.name}: no sentence, or no components")
        if not any(PLACE.search(edit.new) for edit in defect.edits):
            wrong.append(f"{defect.name}: no edit has a switch")
        for edit in defect.edits:
            wrong += [f"{defect.name}: {what}" for what in plant_edit(texts, defect, edit)]
    for file, (old, new) in PASSED_ON.items():
        text = (ROOT / file).read_text()
        if text.count(old) != 1:
            wrong.append(f"{file}: `{old}` occurs {text.count(old)} times")
        texts[file] = text.replace(old, new)
    return texts, wrong


def plant_edit(texts: dict[str, str], defect: Defect, edit: Edit) -> Iterator[str]:
    """Applies one edit to `texts`; yields what is wrong with it."""
    if edit.file not in texts:
        if not (ROOT / edit.file).is_file():
            yield f"there is no file {edit.file}"
            return
        texts[edit.file] = (ROOT / edit.file).read_text()
    if "tests" in Path(edit.file).parts or edit.file.startswith("shared/sim/"):
        yield f"{edit.file} is no product code"
    first = edit.old.strip().splitlines()[0]
    original = (ROOT / edit.file).read_text().count(edit.old)
    count = texts[edit.file].count(edit.old)
    if original != 1:
        yield f"`{first}` occurs {original} times in {edit.file}"
    elif count != 1:
        yield f"`{first}` occurs {count} times in {edit.file} after the edits before"
    else:
        new = PLACE.sub(lambda _: switch(defect.name), edit.new)
        texts[edit.file] = texts[edit.file].replace(edit.old, new)


# --- Planting ------------------------------------------------------------------------------------


def plant(folder: Path, all_defects: list[Defect]) -> None:
    """Copies the tree with all defects."""
    texts, wrong = planted(all_defects)
    if wrong:
        sys.exit("\n".join(wrong))
    write_tree(folder, texts)


def write_tree(folder: Path, texts: dict[str, str]) -> None:
    """Copies the tree, with other texts of some files. Files that are right already keep their times."""
    folder.mkdir(parents=True, exist_ok=True)
    listed = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True).stdout.decode()
    names = [name for name in names.split("\0") if name and is_there(ROOT / name)]
    for name in names:
        copy(ROOT / name, folder / name, texts.get(name))
    record = folder / PLANTED_FILES
    before = record.read_text().splitlines() if record.exists() else []
    for name in set(before) - set(names):
        (folder / name).unlink(missing_ok=True)
    record.write_text("".join(f"{name}\n" for name in names))
    # Emulators and readers, which `make tools` has installed for this tree.
    tools = folder / ".tools"
    if not tools.exists():
        tools.symlink_to(ROOT / ".tools")


def is_there(path: Path) -> bool:
    """Whether there is a file or a link, be it a broken one."""
    return path.is_symlink() or path.is_file()


def copy(source: Path, target: Path, text: str | None) -> None:
    """Copies a file, or writes `text` in its place, unless the target is right already."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_symlink():
        link = os.readlink(source)
        if not target.is_symlink() or os.readlink(target) != link:
            target.unlink(missing_ok=True)
            target.symlink_to(link)
        return
    content = source.read_bytes() if text is None else text.encode()
    if target.is_symlink() or not target.is_file() or target.read_bytes() != content:
        target.unlink(missing_ok=True)
        target.write_bytes(content)
    shutil.copymode(source, target)


# --- Building ------------------------------------------------------------------------------------


def build(folder: Path) -> list[Suite]:
    """Builds programs and tests of the copy, and returns the suites, the simulation first."""
    # As `make test` builds: another selection would choose other features of the dependencies.
    command = ["cargo", "build", "--locked", "--profile", PROFILE, "--workspace", "--bins", "--tests"]
    command.append("--message-format=json-render-diagnostics")
    built = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
    found = [suite for line in built.stdout.splitlines() if (suite := read_suite(line))]
    programs = {suite.name: suite for suite in found if not suite.is_library}
    if missing := {SIMULATION, SYSTEM} - set(programs):
        sys.exit(f"suites that were not built: {', '.join(sorted(missing))}")
    parts = [replace(programs[SYSTEM], name=name, tests=f"{name}::") for name in TESTS]
    lives = replace(programs[SIMULATION], tests=" ".join(f"--skip {name}" for name in ORACLE))
    oracle = replace(programs[SIMULATION], name="oracle", tests=" ".join(ORACLE))
    libraries = sorted((suite for suite in found if suite.is_library), key=lambda suite: suite.name)
    return [lives, *parts, *libraries, oracle]


def read_suite(line: str) -> Suite | None:
    """The test binary that a message of cargo tells of."""
    if not line.startswith("{"):
        return None
    message = json.loads(line)
    if message.get("reason") != "compiler-artifact" or not message.get("executable"):
        return None
    if not message["profile"]["test"]:
        return None
    target, folder = message["target"], Path(message["manifest_path"]).parent
    is_library = "lib" in target["kind"]
    name = f"{target['name'].replace('_', '-')} --lib" if is_library else target["name"]
    return Suite(name, folder.name, is_library, Path(message["executable"]), folder)


# --- Running -------------------------------------------------------------------------------------


def run_suite(suite: Suite, defect: str | None, how: argparse.Namespace) -> Result:
    """Runs one suite with `defect` on."""
    with tempfile.TemporaryDirectory() as scratch:
        reached = Path(scratch) / "reached"
        failure = failure_of(suite, defect, reached, how)
        return Result(failure, reached.exists())


def failure_of(
    suite: Suite, defect: str | None, reached: Path, how: argparse.Namespace
) -> Failure | None:
    """Runs one suite with `defect` on; none if it passes."""
    threads = max(1, (os.cpu_count() or 1) // how.jobs)
    variables = {key: value for key, value in os.environ.items() if key != "PLANTED"}
    variables |= {"CARGO_MANIFEST_DIR": str(suite.folder), "RUST_TEST_THREADS": str(threads)}
    limit = SUITE_LIMIT
    if suite.name == SIMULATION:
        variables |= {"SIM_SEEDS": str(how.seeds), "SIM_STOP": "1"}
        limit = int(60 + how.seeds * LIFE_LIMIT)
    if defect:
        variables |= {"PLANTED": defect, REACHED: str(reached)}
    # A session of its own, so that programs which the tests started end with them.
    process = subprocess.Popen(
        ["/bin/sh", "-c", f'ulimit -t {limit} && exec "$0" $1', suite.binary, suite.tests],
        cwd=suite.folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=2 * limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return Failure("no end", f"not over after {2 * limit} s")
    if process.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return Failure("no end", f"not over after {limit} s of the processor")
    return read_failure(output, process.returncode)


def read_failure(output: str, code: int) -> Failure | None:
    """The first failure in the output of a test binary."""
    if code == 0:
        return None
    panic = re.search(r"panicked at [^\n]*:\n([^\n]*)", output)
    message = panic[1] if panic else f"ended with {code}"
    if seed := re.search(r"SIM_SEED=(\d+)(?: replays)?:?[ \t]*([^\n]*)", output):
        return Failure(f"seed {seed[1]}", seed[2] or message)
    test = re.search(r"^test (\S+)(?: - should panic)? \.\.\. FAILED", output, re.MULTILINE)
    return Failure(test[1] if test else "before any test", message)


def in_order(defect: Defect, suites: list[Suite]) -> list[Suite]:
    """The suites beside the simulation, those first that are most likely to notice the defect."""
    # Library tests of the crates concerned are also fast.
    near = [suite for suite in suites if suite.is_library and suite.crate in defect.components]
    return near + [suite for suite in suites[1:] if suite not in near]


def run(arguments: argparse.Namespace) -> int:
    """Plants, builds, and judges the wanted defects."""
    all_defects = defects()
    names = [defect.name for defect in all_defects]
    wanted = arguments.only.split(",") if arguments.only else names
    if unknown := set(wanted) - set(names):
        sys.exit(f"no such defects: {', '.join(sorted(unknown))}")
    plant(arguments.folder, all_defects)
    suites = build(arguments.folder)
    results = Results(arguments.results, arguments.seeds)
    chosen = [defect for defect in all_defects if defect.name in wanted]
    chosen.sort(key=lambda defect: len(defect.components) == 1)
    verdicts = [Verdict(defect) for defect in chosen]

    def simulate(verdict: Verdict) -> Verdict:
        verdict.results[SIMULATION] = results.of(suites[0], verdict.defect, arguments)
        return verdict

    def try_others(verdict: Verdict) -> Verdict:
        for suite in in_order(verdict.defect, suites):
            verdict.results[suite.name] = results.of(suite, verdict.defect, arguments)
            if verdict.results[suite.name].failure:
                break
        return verdict

    def plainly(suite: Suite) -> Failure | None:
        return results.of(suite, None, arguments).failure

    with ThreadPoolExecutor(arguments.jobs) as pool:
        used = suites[:1] if arguments.simulation else suites
        plain = zip(used, pool.map(plainly, used))
        broken = [(suite, failure) for suite, failure in plain if failure]
        for suite, failure in broken:
            print(f"{suite.name} fails without a defect: {failure.where}: {failure.message}")
        if broken:
            return 1
        tell(pool.map(simulate, verdicts), verdicts, arguments)
        if not arguments.simulation:
            rest = [verdict for verdict in verdicts if arguments.all or not verdict.simulation]
            tell(pool.map(try_others, rest), verdicts, arguments)
    print(*counts(verdicts, arguments.seeds), sep="\n")
    return 0 if all(verdict.is_caught for verdict in verdicts) else 1


def tell(judged: Iterator[Verdict], verdicts: list[Verdict], arguments: argparse.Namespace) -> None:
    """Prints each verdict when it is there, and writes the table of all those so far."""
    for verdict in judged:
        print(" | ".join(cells(verdict)), flush=True)
        if arguments.table:
            known = [verdict for verdict in verdicts if verdict.results]
            arguments.table.write_text("\n".join(document(known, arguments.seeds)) + "\n")


# --- Output --------------------------------------------------------------------------------------


def cells(verdict: Verdict) -> list[str]:
    """The row of a defect: name, components, simulation, other test."""
    simulation, other = verdict.simulation, verdict.other
    reached = any(result.reached for result in verdict.results.values())
    told = f"{simulation.where}: {simulation.message}" if simulation else "no"
    told += "" if reached else " (the planted code never ran)"
    test = f"{other[0]}: {other[1].where}" if other else ""
    if not other and not simulation:
        test = "SURVIVES" if len(verdict.results) > 1 else "not tried"
    defect = verdict.defect
    return [defect.name, ", ".join(defect.components), told, test]


def counts(verdicts: list[Verdict], seeds: int) -> Iterator[str]:
    """Sentences with the numbers of defects that were caught."""
    several = [verdict for verdict in verdicts if len(verdict.defect.components) > 1]
    simulated = sum(bool(verdict.simulation) for verdict in several)
    caught = sum(verdict.is_caught for verdict in verdicts)
    yield f"{caught} of {len(verdicts)} defects are caught."
    yield (
        f"The simulation alone catches {simulated} of the {len(several)} that concern several"
        f" components, with {seeds} seeds."
    )
    survivors = [verdict.defect.name for verdict in verdicts if not verdict.is_caught]
    if survivors:
        yield f"Not caught: {', '.join(survivors)}."


def document(verdicts: list[Verdict], seeds: int) -> Iterator[str]:
    """The table as Markdown, with the sentence that each defect breaks."""
    yield from counts(verdicts, seeds)
    yield ""
    yield "| defect | what it breaks | components | simulation | other test |"
    yield "| --- | --- | --- | --- | --- |"
    for verdict in verdicts:
        name, components, told, test = (cell.replace("|", "\\|") for cell in cells(verdict))
        yield f"| `{name}` | {verdict.defect.breaks} | {components} | {told} | {test} |"


def main() -> int:
    parser = argparse.ArgumentParser(description="Planted defects, which the tests must catch.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check", help="whether all edits can be applied, and the number")
    planting = commands.add_parser("plant", help="copy the tree with all defects into a folder")
    running = commands.add_parser("run", help="plant, build, and run the suites with each defect")
    for command in (planting, running):
        command.add_argument("folder", metavar="DIR", type=Path)
    option = running.add_argument
    option("--only", metavar="NAMES", help="names of defects, with commas between them")
    option("--seeds", metavar="N", type=int, default=200, help="seeds of the simulation")
    option("--jobs", metavar="J", type=int, default=1, help="defects that are tried side by side")
    option("--simulation", action="store_true", help="the simulation alone")
    option("--all", action="store_true", help="other suites also where the simulation fails")
    option("--results", metavar="FILE", type=Path, help="where results are kept, and go on from")
    option("--table", metavar="FILE", type=Path, help="where to write the result as Markdown")
    arguments = parser.parse_args()
    if arguments.command == "run":
        arguments.folder = arguments.folder.resolve()
        return run(arguments)
    if arguments.command == "plant":
        plant(arguments.folder.resolve(), defects())
        return 0
    all_defects = defects()
    _, wrong = planted(all_defects)
    several = sum(len(defect.components) > 1 for defect in all_defects)
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(f"{len(all_defects)} defects, {several} of them of several components")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
