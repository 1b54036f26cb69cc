"""`python mutants.py run DIR --results FILE`: mutation testing with one compilation.

`cargo mutants --list` names the mutants of the crates that decide what is written. As a compilation
for each takes hours, all of them are put into a copy of the tree at once, each behind a switch (as
`defects.py` does with its mistakes): the environment variable `PLANTED` holds the number of the one
that is on. Then the tests of its crate are run with each, until one fails; with those that are left,
the tests of crates that use it, and lives.

Left out, and counted: mutants that do not compile, those of constant functions that constants need,
and those of a few forms of code (`PLACES`), which `cargo mutants` itself can try.

    --crates NAMES    crates, with commas between them (engine, decode, delta, lake: of this, `merge`)
    --files PATTERN   files of these crates whose paths have a match of the regular expression, in any folder
    --lives N         lives with each mutant that the tests leave alive (0)
    --jobs J          mutants that are tried side by side (2)
    --results FILE    where each result is kept, as a line of JSON, and gone on from

Needs cargo-mutants, and the packages of requirements/figures.txt.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import defects
import tree_sitter_rust
from tree_sitter import Language, Node, Parser

PARSER = Parser(Language(tree_sitter_rust.language()))
# Crates, and the folder of each that is mutated.
CRATES = {"engine": "src/", "decode": "src/", "delta": "src/", "lake": "src/merge"}
# Crates whose tests are run with the mutants that those of their own crate leave alive.
USERS = ["lake", "runtime"]
# Seconds of the clock after which the tests of a crate count as hanging, hence as failed: many times what they take.
LIMIT = 120
# Seconds for each life, and for all of them.
LIFE_LIMIT, LIVES_LIMIT = 5, 60

# Kinds of mutants, and the kinds of the node whose text is put behind a switch.
PLACES = {
    "FnValue": ("block",),
    "BinaryOperator": ("binary_expression", "compound_assignment_expr"),
    "UnaryOperator": ("unary_expression",),
    "MatchArm": ("match_arm",),
    "MatchArmGuard": ("match_arm",),
}
# The switch, at the end of each crate that has mutants.
SWITCH = """
#[doc(hidden)]
#[allow(clippy::all, missing_docs, unreachable_pub)]
pub fn planted_mutant(number: u32) -> bool {
    static ON: std::sync::LazyLock<Option<u32>> =
        std::sync::LazyLock::new(|| std::env::var("PLANTED").ok()?.parse().ok());
    static TOLD: std::sync::Once = std::sync::Once::new();
    if *ON != Some(number) {
        return false;
    }
    TOLD.call_once(|| {
        let _ = std::env::var("PLANTED_REACHED").map(|file| std::fs::write(file, ""));
    });
    true
}
"""


@dataclass(frozen=True)
class Mutant:
    """A mutant as `cargo mutants` lists it; `start` and `end` are offsets in the bytes of the file."""

    number: int
    crate: str
    file: str
    name: str
    genre: str
    replacement: str
    start: int
    end: int

    def switch(self) -> str:
        return f"crate::planted_mutant({self.number})"


@dataclass
class Source:
    """A file, and where its mutants are in its text with all of them."""

    name: str
    text: bytes
    places: list[tuple[int, int, Mutant]]


# --- Listing -------------------------------------------------------------------------------------


def listed(crates: list[str], files: str | None) -> list[Mutant]:
    """Mutants of the crates, or of their `files` alone, numbered in the order of the list."""
    packages = [word for crate in crates for word in ("--package", crate)]
    command = ["cargo", "mutants", "--list", "--json", *packages]
    told = subprocess.run(command, cwd=defects.ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    found, lines = [], {}
    for entry in json.loads(told):
        file, crate = entry["file"], entry["package"]
        if not (re.search(files, file) if files else file.startswith(f"shared/{crate}/{CRATES[crate]}")):
            continue
        if file not in lines:
            lines[file] = offsets((defects.ROOT / file).read_text())
        start, end = (lines[file](**entry["span"][edge]) for edge in ("start", "end"))
        name, genre, new = entry["name"], entry["genre"], entry["replacement"]
        found.append(Mutant(len(found) + 1, crate, file, name, genre, new, start, end))
    return found


def offsets(text: str):
    """Function from line and column, both from 1, to the offset in the bytes."""
    starts, lines = [0], text.splitlines(keepends=True)
    for line in lines:
        starts.append(starts[-1] + len(line.encode()))
    return lambda line, column: starts[line - 1] + len(lines[line - 1][: column - 1].encode())


# --- Planting ------------------------------------------------------------------------------------


def planted(mutants: list[Mutant], constant: set[str]) -> tuple[dict[str, Source], list[Mutant]]:
    """Files with all mutants, and those that have no place. Functions named in `constant` stay so."""
    by_file = defaultdict(list)
    for mutant in mutants:
        by_file[mutant.file].append(mutant)
    sources, left_out = {}, []
    for file, of_file in by_file.items():
        text = (defects.ROOT / file).read_bytes()
        tree = PARSER.parse(text)
        at = defaultdict(list)
        loosened = set()
        for mutant in of_file:
            node = place(tree.root_node, mutant)
            function = constant_function(node) if node else None
            hides_type = mutant.genre == "FnValue" and node and returns_some_type(node.parent)
            if node is None or hides_type or is_constant(node) or (function and name_of(function) in constant):
                left_out.append(mutant)
                continue
            if function:
                loosened.add(function.id)
            at[node.id].append(mutant)
        source = Source(file, b"", [])
        Writer(text, at, loosened, source).node(tree.root_node)
        sources[file] = source
    for crate in {mutant.crate for mutant in mutants}:
        file = f"shared/{crate}/src/lib.rs"
        source = sources.setdefault(file, Source(file, (defects.ROOT / file).read_bytes(), []))
        source.text += SWITCH.encode()
    return sources, left_out


def place(root: Node, mutant: Mutant) -> Node | None:
    """The node that is put behind the switch of the mutant."""
    node = root.descendant_for_byte_range(mutant.start, max(mutant.start, mutant.end - 1))
    wanted = PLACES.get(mutant.genre, ())
    if mutant.genre in ("BinaryOperator", "UnaryOperator"):
        # What the operator itself is in; further out would be another expression.
        return node.parent if node.parent.type in wanted else None
    found = (around for around in (node, *ancestors(node)) if around.type in wanted)
    return next(found, None)


def ancestors(node: Node) -> Iterator[Node]:
    while node := node.parent:
        yield node


def is_constant(node: Node) -> bool:
    """Whether the node is in a value that is known when the program is compiled."""
    for around in ancestors(node):
        if around.type == "function_item":
            return False
        if around.type in ("const_item", "static_item", "const_block", "array_type"):
            return True
    return False


def constant_function(node: Node) -> Node | None:
    """The constant function that the node is in."""
    function = next((around for around in ancestors(node) if around.type == "function_item"), None)
    modifiers = [child for child in function.children if child.type == "function_modifiers"] if function else []
    return function if any(b"const" in child.text.split() for child in modifiers) else None


def returns_some_type(function: Node) -> bool:
    """Whether the type of the value is told by the body alone, where another value would be one of another type."""
    returned = function.child_by_field_name("return_type")
    return returned is not None and b"impl " in returned.text


def name_of(function: Node) -> str:
    return function.child_by_field_name("name").text.decode()


class Writer:
    """Writes the text of a tree with its mutants, from the outermost node to the innermost."""

    def __init__(self, text: bytes, at: dict[int, list[Mutant]], loosened: set[int], source: Source) -> None:
        self.text, self.at, self.loosened, self.source = text, at, loosened, source

    def put(self, text: bytes) -> None:
        self.source.text += text

    def insert(self, mutant: Mutant, text: str) -> None:
        """Writes the text that belongs to one mutant."""
        start = len(self.source.text)
        self.put(text.encode())
        self.source.places.append((start, len(self.source.text), mutant))

    def children(self, node: Node, start: int | None = None) -> None:
        """Writes what is in a node, and between its children."""
        done = node.start_byte if start is None else start
        for child in node.children:
            if child.end_byte <= done:
                continue
            self.put(self.text[done : child.start_byte])
            self.node(child)
            done = child.end_byte
        self.put(self.text[done : node.end_byte])

    def node(self, node: Node) -> None:
        mutants = self.at.get(node.id, [])
        if node.type == "function_modifiers" and node.parent.id in self.loosened:
            return self.put(b" ".join(word for word in node.text.split() if word != b"const"))
        if not mutants:
            return self.children(node)
        if node.type == "block":
            self.put(b"{")
            for mutant in mutants:
                self.insert(mutant, f" if {mutant.switch()} {{ return {mutant.replacement}; }}")
            return self.children(node, node.start_byte + 1)
        if node.type == "match_arm":
            return self.arm(node, mutants)
        self.put(b"(")
        for mutant in mutants:
            changed = self.text[node.start_byte : mutant.start] + mutant.replacement.encode()
            changed += self.text[mutant.end : node.end_byte]
            self.insert(mutant, f"if {mutant.switch()} {{ {changed.decode()} }} else ")
        self.put(b"{ ")
        self.children(node)
        self.put(b" })")

    def arm(self, node: Node, mutants: list[Mutant]) -> None:
        """Writes an arm of a match whose guard, or the arm itself, is behind switches."""
        pattern = node.child_by_field_name("pattern")
        guard = pattern.child_by_field_name("condition")
        bare_end = guard.start_byte if guard else pattern.end_byte
        bare = self.text[node.start_byte : bare_end].rstrip()
        bare = bare.removesuffix(b"if").rstrip() if guard else bare
        self.put(bare + b" if ")
        for mutant in mutants:
            value = mutant.replacement if mutant.genre == "MatchArmGuard" else "false"
            self.insert(mutant, f"if {mutant.switch()} {{ {value} }} else ")
        self.put(b"{ ")
        if guard:
            self.node(guard)
        else:
            self.put(b"true")
        self.put(b" }")
        self.children(node, pattern.end_byte)


# --- Building ------------------------------------------------------------------------------------


def compiled(folder: Path, mutants: list[Mutant]) -> tuple[list[Mutant], Counter]:
    """Writes the copy of the tree without those mutants that do not compile; returns the others."""
    constant, wrong, reasons = set(), set(), Counter()
    while True:
        chosen = [mutant for mutant in mutants if mutant not in wrong]
        sources, left_out = planted(chosen, constant)
        defects.write_tree(folder, {source.name: source.text.decode() for source in sources.values()})
        errors = list(check(folder, sorted({mutant.crate for mutant in mutants})))
        print(f"{len(chosen)} mutants, {len(errors)} errors", flush=True)
        if not errors:
            reasons["do not compile"], reasons["have no place"] = len(wrong), len(left_out)
            return [mutant for mutant in chosen if mutant not in left_out], reasons
        known = len(wrong) + len(constant)
        for error in errors:
            if called := re.search(r"non-const (?:associated )?\w+ `(?:[^`]*::)?(\w+)", error["message"]):
                constant.add(called[1])
            wrong |= set(blamed(error, sources))
        if len(wrong) + len(constant) == known:
            sys.exit("\n".join(error["rendered"] for error in errors[:5]))


def check(folder: Path, crates: list[str]) -> Iterator[dict]:
    """Errors of the compiler in the libraries."""
    packages = [word for crate in crates for word in ("--package", crate)]
    command = ["cargo", "check", "--locked", "--keep-going", "--message-format=json", *packages]
    environment = os.environ | {"RUSTFLAGS": "--cap-lints allow", "CARGO_TARGET_DIR": str(folder / "target/check")}
    told = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for line in told.stdout.splitlines():
        message = json.loads(line).get("message") if line.startswith("{") else None
        if message and message["level"] == "error" and message["spans"]:
            yield message


def blamed(error: dict, sources: dict[str, Source]) -> Iterator[Mutant]:
    """Mutants in whose text an error is; if it is in no text of a mutant, those that it only mentions."""
    for is_primary in (True, False):
        found = []
        for span in error["spans"]:
            source = sources.get(span["file_name"])
            places = source.places if source and span["is_primary"] == is_primary else []
            found += [mutant for start, end, mutant in places if start <= span["byte_start"] < end]
        yield from found
        if found:
            return
    # A match that lacks a pattern is told at its value; an arm with a switch is no pattern for certain.
    for span in error["spans"]:
        if source := sources.get(span["file_name"]):
            node = PARSER.parse(source.text).root_node.descendant_for_byte_range(span["byte_start"], span["byte_end"])
            while node and node.type != "match_expression":
                node = node.parent
            for start, end, mutant in source.places if node else []:
                if mutant.genre in ("MatchArm", "MatchArmGuard") and node.start_byte <= start < node.end_byte:
                    yield mutant


# --- Running -------------------------------------------------------------------------------------


def tried(suite: defects.Suite, mutant: Mutant, lives: int) -> tuple[str | None, bool]:
    """What notices the mutant: the first test that fails, a seed, or that there is no end; and whether it was run."""
    with tempfile.TemporaryDirectory() as scratch:
        reached = Path(scratch) / "reached"
        variables = os.environ | {"PLANTED": str(mutant.number), "PLANTED_REACHED": str(reached)}
        variables |= {"CARGO_MANIFEST_DIR": str(suite.folder), "RUST_TEST_THREADS": "1"}
        limit = LIMIT
        if lives:
            variables |= {"SIM_SEEDS": str(lives), "SIM_STOP": "1"}
            limit = LIVES_LIMIT + lives * LIFE_LIMIT
        child = subprocess.Popen(
            [suite.binary, *suite.tests.split()],
            cwd=suite.folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            return watched(child, limit), reached.exists()
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def watched(child: subprocess.Popen, limit: float) -> str | None:
    """The first failure in the output of a test program, as soon as it is there."""
    output, ends = b"", time.monotonic() + limit
    selector = selectors.DefaultSelector()
    selector.register(child.stdout, selectors.EVENT_READ)
    while (left := ends - time.monotonic()) > 0:
        if not selector.select(left):
            break
        part = os.read(child.stdout.fileno(), 1 << 16)
        output += part
        if failed := re.search(rb"^test (\S+).* \.\.\. FAILED", output, re.MULTILINE):
            seed = re.search(rb"SIM_SEED=(\d+)", output)
            return f"seed {seed[1].decode()}" if seed else failed[1].decode()
        if not part:
            return None if child.wait() == 0 else f"ended with {child.returncode}"
    return f"not over after {limit} s"


def run(arguments: argparse.Namespace) -> int:
    mutants, reasons = compiled(arguments.folder, listed(arguments.crates.split(","), arguments.files))
    # Programs that tests start need the switch, too.
    suites = defects.build(arguments.folder)
    libraries = {suite.crate: suite for suite in suites if suite.is_library}
    known = {}
    if arguments.results.exists():
        for line in arguments.results.read_text().splitlines():
            result = json.loads(line)
            known[result["suite"], result["mutant"]] = result

    def one(suite: defects.Suite, mutant: Mutant, lives: int) -> dict:
        name = f"{lives} lives" if lives else suite.name
        if (name, mutant.name) not in known:
            caught, reached = tried(suite, mutant, lives)
            result = {"mutant": mutant.name, "crate": mutant.crate, "suite": name, "caught": caught, "reached": reached}
            known[name, mutant.name] = result
            with arguments.results.open("a") as file:
                file.write(json.dumps(result) + "\n")
        return known[name, mutant.name]

    stages = [("tests of the crate", lambda mutant: one(libraries[mutant.crate], mutant, 0))]
    for user in USERS:
        stages.append((f"tests of {user}", lambda mutant, user=user: one(libraries[user], mutant, 0)))
    if arguments.lives:
        stages.append((f"{arguments.lives} lives", lambda mutant: one(suites[0], mutant, arguments.lives)))
    alive = mutants
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for name, stage in stages:
            alive = [mutant for mutant, result in zip(alive, pool.map(stage, alive)) if not result["caught"]]
            print(f"After {name}:", told(mutants, alive, reasons), sep="\n", flush=True)
    for mutant in alive:
        print(mutant.name)
    return 0


def told(mutants: list[Mutant], alive: list[Mutant], reasons: Counter) -> str:
    """Table of the crates."""
    tried, survived = (Counter(mutant.crate for mutant in of) for of in (mutants, alive))
    rows = [f"| `{crate}` | {count} | {count - survived[crate]} | {survived[crate]} |" for crate, count in tried.items()]
    left = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
    return "\n".join(["| crate | tried | caught | survived |", "| --- | --- | --- | --- |", *rows, f"Of the list {left}."])


def main() -> int:
    parser = argparse.ArgumentParser(description="Mutation testing with one compilation.")
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run", help="plant, build, and run the tests with each mutant")
    running.add_argument("folder", metavar="DIR", type=Path)
    option = running.add_argument
    option("--crates", metavar="NAMES", default=",".join(CRATES), help="crates, with commas between them")
    option("--files", metavar="PATTERN", help="files of these crates whose paths have a match, in any folder")
    option("--lives", metavar="N", type=int, default=0, help="lives with each mutant that the tests leave alive")
    option("--jobs", metavar="J", type=int, default=2, help="mutants that are tried side by side")
    option("--results", metavar="FILE", type=Path, required=True, help="where results are kept, and gone on from")
    arguments = parser.parse_args()
    arguments.folder, arguments.results = arguments.folder.resolve(), arguments.results.resolve()
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
