"""`python figures.py [--json | --check] [ROOT]`: figures of the Rust product code.

Product code is `shared/*/src` and `functions/*/src` without tests: files named `tests.rs`, folders
named `tests`, and items under `#[cfg(test)]`. What macros declare is not seen.

`--check` fails where two types share a name, where a type, module or function is named by a word
that says nothing, where modules need each other that are not inside one another, or where a file
has more than 300 lines before its tests.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import tree_sitter_rust
from tree_sitter import Language, Node, Parser

PARSER = Parser(Language(tree_sitter_rust.language()))

BANNED = {"util", "common", "helper", "manager", "misc", "data", "info", "process"}
BANNED |= {"utils", "helpers", "managers"}

# Names that may have a banned word, and why.
ALLOWED = {
    "MetaData": "an action of the Delta protocol",
    "meta_data": "a function for that action",
    "parse_data_file": "the Delta protocol's term for a file with rows",
    "SecretsManagerVault": "AWS Secrets Manager",
    "CommitInfo": "an action of the Delta protocol",
}

# Most lines of a file, without its tests.
FILE_LINES = 300

# Longer files, and why.
LONG_FILES = {
    "shared/deployment/src/config/declared.rs": "one table, in the order of help and documentation",
}

TYPES = {"struct_item", "enum_item", "union_item", "trait_item"}
FUNCTIONS = {"function_item", "function_signature_item"}
PATHS = {"scoped_identifier", "scoped_type_identifier"}
ANCHORS = {"crate", "self", "super"}

Module = tuple[str, ...]


@dataclass
class Function:
    """A function. `lines` is none without a body; `returned_tuple` is `bare`, `inside` or none."""

    name: str
    at: str
    lines: int | None
    parameters: list[str]
    returned_tuple: str | None


@dataclass
class Type:
    """A struct, enum, union or trait, and how many named fields it has."""

    name: str
    at: str
    fields: int


@dataclass
class Source:
    """One file without its tests."""

    path: str
    crate: str
    module: Module
    root: Node
    lines: list[str]
    functions: list[Function] = field(default_factory=list)
    types: list[Type] = field(default_factory=list)
    modules: list[tuple[str, str]] = field(default_factory=list)
    paths: list[tuple[Module, Module]] = field(default_factory=list)
    exports: list[tuple[Module, Module]] = field(default_factory=list)
    doc_lines: int = 0
    inline_lines: int = 0
    code_lines: int = 0


# --- Reading -------------------------------------------------------------------------------------


def sources(root: Path) -> list[Source]:
    """The product code below `root`, in the order of paths."""
    files = [*root.glob("shared/*/src/**/*.rs"), *root.glob("functions/*/src/**/*.rs")]
    found = []
    for file in sorted(files):
        path = file.relative_to(root)
        if file.name == "tests.rs" or "tests" in path.parts:
            continue
        found.append(read_source(path, file.read_bytes()))
    return found or sys.exit(f"there is no product code below {root}")


def read_source(path: Path, text: bytes) -> Source:
    """The file, measured."""
    text = without_tests(text)
    tree = PARSER.parse(text)
    if tree.root_node.has_error:
        sys.exit(f"{path} cannot be parsed")
    crate, inner = "/".join(path.parts[:2]), path.parts[3:]
    module = tuple(part.removesuffix(".rs") for part in inner)
    if module[-1] in ("lib", "main", "mod"):
        module = module[:-1]
    new = Source(str(path), crate, module, tree.root_node, text.decode().splitlines())
    visit(new, tree.root_node, module)
    count_lines(new)
    return new


def without_tests(text: bytes) -> bytes:
    """The text without items under `#[cfg(test)]`; every line that stays keeps its number."""
    lines = text.splitlines(keepends=True)
    for first, last in test_items(PARSER.parse(text).root_node):
        lines[first : last + 1] = [b"\n"] * (last + 1 - first)
    return b"".join(lines).rstrip() + b"\n"


def test_items(node: Node) -> Iterator[tuple[int, int]]:
    """First and last line of each item under `#[cfg(test)]`."""
    first = None
    for child in node.named_children:
        if child.type == "attribute_item":
            if child.text == b"#[cfg(test)]":
                first = child.start_point.row
        elif child.type not in ("line_comment", "block_comment"):
            if first is not None:
                yield first, child.end_point.row
            else:
                yield from test_items(child)
            first = None


def visit(source: Source, node: Node, module: Module) -> None:
    """Collects what is declared and named in `node`, which is part of `module`."""
    kind, at = node.type, f"{source.path}:{node.start_point.row + 1}"
    name = node.child_by_field_name("name")
    if kind == "visibility_modifier":
        return
    if kind == "use_declaration":
        paths = [(module, path) for path in used(node.child_by_field_name("argument"))]
        source.paths += paths
        if node.named_children[0].type == "visibility_modifier":
            source.exports += paths
        return
    if kind in PATHS and (path := anchored(node.text.decode())):
        source.paths.append((module, path))
    elif kind == "token_tree":
        found = re.findall(r"\b(?:crate|self|super)(?:::\w+)+", node.text.decode())
        source.paths += [(module, tuple(path.split("::"))) for path in found]
        return
    elif kind in TYPES:
        source.types.append(Type(name.text.decode(), at, fields(node)))
    elif kind in FUNCTIONS:
        source.functions.append(function(node, at))
    elif kind == "mod_item":
        source.modules.append((name.text.decode(), at))
        if node.child_by_field_name("body"):
            module = (*module, name.text.decode())
    for child in node.named_children:
        visit(source, child, module)


def function(node: Node, at: str) -> Function:
    """A function as declared."""
    parameters = node.child_by_field_name("parameters").named_children
    types = [parameter.child_by_field_name("type") for parameter in parameters]
    returned = node.child_by_field_name("return_type")
    has_body = node.type == "function_item"
    return Function(
        name=node.child_by_field_name("name").text.decode(),
        at=at,
        lines=node.end_point.row - node.start_point.row + 1 if has_body else None,
        parameters=[kind.text.decode() for kind in types if kind],
        returned_tuple=tuple_in(returned) if returned else None,
    )


def tuple_in(returned: Node) -> str | None:
    """Whether values without names are returned: a tuple, or something that holds one."""
    if returned.type == "tuple_type":
        return "bare"
    return "inside" if any(map(tuple_in, returned.named_children)) else None


def fields(node: Node) -> int:
    """How many named fields a struct has."""
    body = node.child_by_field_name("body")
    if node.type != "struct_item" or body is None:
        return 0
    return sum(child.type == "field_declaration" for child in body.named_children)


def used(node: Node, before: Module = ()) -> Iterator[Module]:
    """The paths of a `use`, one for each name."""
    match node.type:
        case "use_list":
            for child in node.named_children:
                yield from used(child, before)
        case "scoped_use_list":
            path = node.child_by_field_name("path")
            before = (*before, *path.text.decode().split("::")) if path else before
            yield from used(node.child_by_field_name("list"), before)
        case "use_as_clause":
            yield from used(node.child_by_field_name("path"), before)
        case "use_wildcard":
            yield (*before, *node.text.decode().removesuffix("::*").split("::"))
        case "line_comment" | "block_comment":
            return
        case _:
            yield (*before, *node.text.decode().split("::"))


def anchored(text: str) -> Module | None:
    """The path, if it begins at the crate, at this module or at the one above."""
    path = tuple(re.sub(r"<.*", "", text, flags=re.DOTALL).split("::"))
    return path if path[0] in ANCHORS and len(path) > 1 else None


def count_lines(source: Source) -> None:
    """Counts lines of code, of documentation and of other comments."""
    alone: set[int] = set()
    stack = [source.root]
    while stack:
        node = stack.pop()
        if node.type not in ("line_comment", "block_comment"):
            stack += node.children
            continue
        text = node.text.decode().rstrip()
        first, last = node.start_point.row, node.start_point.row + text.count("\n")
        before = source.lines[first].encode()[: node.start_point.column]
        alone.update(range(first + bool(before.strip()), last + 1))
        if re.match(r"//!|///(?!/)|/\*[*!]", text):
            source.doc_lines += last + 1 - first
        else:
            source.inline_lines += last + 1 - first
    code = (row for row, line in enumerate(source.lines) if line.strip() and row not in alone)
    source.code_lines = sum(1 for _ in code)


# --- Circles -------------------------------------------------------------------------------------


def circles(sources: list[Source], families: bool) -> list[dict]:
    """Modules of one crate that import each other in a circle, the largest first.

    A module depends on its children and on the modules where what it names is declared. The crate's
    root is left out: it holds everything together, and everything may name it. Without `families`,
    a module and the modules inside it do not count as dependent on each other.
    """
    by_crate = defaultdict(list)
    for each in sources:
        by_crate[each.crate].append(each)
    found = []
    for crate, members in by_crate.items():
        edges = graph(members)
        if not families:
            edges = {module: apart(module, others) for module, others in edges.items()}
        for component in components(edges):
            if len(component) > 1:
                modules = sorted("::".join(module) for module in component)
                found.append({"crate": crate, "modules": modules})
    return sorted(found, key=lambda circle: (-len(circle["modules"]), circle["crate"]))


def apart(module: Module, others: set[Module]) -> set[Module]:
    """Those of `others` that are neither inside `module` nor around it."""
    inside = {other for other in others if other[: len(module)] == module}
    around = {other for other in others if module[: len(other)] == other}
    return others - inside - around


def graph(members: list[Source]) -> dict[Module, set[Module]]:
    """Which modules of a crate each module names, and its children."""
    modules = {each.module for each in members}
    modules |= {module for each in members for module, _ in each.paths}
    edges: dict[Module, set[Module]] = {module: set() for module in modules if module}
    for module in modules:
        if module[:-1] in edges:
            edges[module[:-1]].add(module)
    exports = {}
    for module, path in (export for each in members for export in each.exports):
        target = resolved(module, path, modules)
        if target is not None and target != module:
            exports[module, path[-1]] = target
    for module, path in (named for each in members for named in each.paths):
        target = resolved(module, path, modules)
        while (target, path[-1]) in exports:
            target = exports[target, path[-1]]
        if module and target and target != module:
            edges[module].add(target)
    return edges


def resolved(module: Module, path: Module, modules: set[Module]) -> Module | None:
    """The innermost module that `path`, written in `module`, leads through."""
    head, *rest = path
    if head == "crate":
        at: Module = ()
    elif head == "self":
        at = module
    elif head == "super":
        at = module[:-1]
    elif (*module, head) in modules:
        at, rest = module, list(path)
    else:
        return None
    for part in rest:
        if part == "super":
            at = at[:-1]
        elif part == "self":
            break
        elif (*at, part) in modules:
            at = (*at, part)
        else:
            break
    return at


def components(edges: dict[Module, set[Module]]) -> list[list[Module]]:
    """Strongly connected components (Tarjan)."""
    index: dict[Module, int] = {}
    low: dict[Module, int] = {}
    stack: list[Module] = []
    done: list[list[Module]] = []

    def connect(node: Module) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(edges.get(node, ())):
            if other not in index:
                connect(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            at = stack.index(node)
            done.append(stack[at:])
            del stack[at:]

    for node in sorted(edges):
        if node not in index:
            connect(node)
    return done


# --- Figures -------------------------------------------------------------------------------------


def words(name: str) -> list[str]:
    """The words of a name in snake_case or CamelCase, in lower case."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z0-9]+", name)]


def spread(values: list[int]) -> dict[str, int]:
    """Median, 90th percentile and maximum."""
    ordered = sorted(values) or [0]
    return {
        "median": round(statistics.median(ordered)),
        "p90": ordered[int(0.9 * (len(ordered) - 1))],
        "max": ordered[-1],
    }


def share(part: int, whole: int) -> float:
    """Per cent, with one decimal."""
    return round(100 * part / max(whole, 1), 1)


def over(values: list[int], most: int) -> int:
    """How many values are above `most`."""
    return sum(value > most for value in values)


def places(found: Iterator[Function | Type]) -> list[str]:
    """Names with files and lines."""
    return [f"{each.name} {each.at}" for each in found]


def repeated(types: list[Type]) -> dict[str, list[str]]:
    """Names of more than one type, with the places."""
    found = defaultdict(list)
    for each in types:
        found[each.name].append(each.at)
    return {name: found[name] for name in sorted(found) if len(found[name]) > 1}


def banned(sources: list[Source]) -> list[dict]:
    """Types, modules and functions with a banned word in their name."""
    named = [(each.name, each.at) for one in sources for each in (*one.types, *one.functions)]
    named += [module for one in sources for module in one.modules]
    return [
        {"name": name, "at": at}
        for name, at in sorted(named)
        if BANNED.intersection(words(name)) and name not in ALLOWED
    ]


def measure(sources: list[Source]) -> dict:
    """All figures."""
    sizes = [len(each.lines) for each in sources]
    functions = [function for each in sources for function in each.functions]
    bodies = [function.lines for function in functions if function.lines]
    types = [each for one in sources for each in one.types]
    twice = repeated(types)
    code = sum(each.code_lines for each in sources)
    inline = sum(each.inline_lines for each in sources)
    comments = inline + sum(each.doc_lines for each in sources)
    return {
        "files": {"count": len(sizes), "lines": sum(sizes), **spread(sizes)}
        | {"over_300": over(sizes, FILE_LINES), "over_500": over(sizes, 500)},
        "functions": {"count": len(bodies), **spread(bodies)}
        | {"over_60": over(bodies, 60), "over_60_percent": share(over(bodies, 60), len(bodies))},
        "types": {
            "count": len(types),
            "one_word_percent": share(sum(len(words(t.name)) == 1 for t in types), len(types)),
            "shared_percent": share(sum(map(len, twice.values())), len(types)),
            "shared": twice,
        },
        "comments": {
            "code_lines": code,
            "per_100": share(comments, code),
            "inline_per_100": share(inline, code),
        },
        "over_five_parameters": places(f for f in functions if len(f.parameters) > 5),
        "bare_tuples": places(f for f in functions if f.returned_tuple == "bare"),
        "tuples_inside": places(f for f in functions if f.returned_tuple == "inside"),
        "over_ten_fields": places(t for t in types if t.fields > 10),
        "bool_parameters": places(f for f in functions if "bool" in f.parameters),
        "circles": circles(sources, families=True),
        "circles_apart": circles(sources, families=False),
        "banned": banned(sources),
        "long_files": {each.path: len(each.lines) for each in sources if len(each.lines) > FILE_LINES},
    }


# The crate and the modules that may need each other: the parts of one reading.
ONE_IDEA = ("shared/engine", "pass::")

# Circles by the name under which they are shown.
CIRCLES = {
    "circles of modules": "circles",
    "circles beside those of a module and the modules inside it": "circles_apart",
}


# --- Output --------------------------------------------------------------------------------------


def table(figures: dict) -> Iterator[str]:
    """The figures for people."""
    files, functions = figures["files"], figures["functions"]
    types, comments = figures["types"], figures["comments"]
    spread_of = "{median} / {p90} / {max}".format_map
    bare, inside = len(figures["bare_tuples"]), len(figures["tuples_inside"])
    rows = {
        "files / lines before tests": f"{files['count']} / {files['lines']}",
        "file lines, median / p90 / max": spread_of(files),
        "files over 300 / over 500 lines": f"{files['over_300']} / {files['over_500']}",
        "functions with a body": functions["count"],
        "function lines, median / p90 / max": spread_of(functions),
        "functions over 60 lines": f"{functions['over_60']} ({functions['over_60_percent']} %)",
        "types": types["count"],
        "type names of one word": f"{types['one_word_percent']} %",
        "types that share their name": f"{types['shared_percent']} %",
        "comment lines per 100 lines of code": comments["per_100"],
        "  of these inline": comments["inline_per_100"],
        "functions of over 5 parameters": len(figures["over_five_parameters"]),
        "functions that return a tuple": f"{bare + inside}, {bare} of them bare",
        "structs of over 10 fields": len(figures["over_ten_fields"]),
        "functions with a bool parameter": len(figures["bool_parameters"]),
    }
    yield from (f"{name:36} {value}" for name, value in rows.items())
    for name, kind in CIRCLES.items():
        yield f"\n{name}: {len(figures[kind])}"
        for circle in figures[kind]:
            modules = circle["modules"]
            yield f"  {circle['crate']}, {len(modules)}: {' '.join(modules)}"
    counts = Counter({name: len(at) for name, at in types["shared"].items()})
    yield f"\ntype names used more than once: {len(counts)}"
    yield "  " + ", ".join(f"{name} {count}" for name, count in counts.most_common())
    yield f"\nnames with a banned word: {len(figures['banned'])}"
    yield from (f"  {each['name']} {each['at']}" for each in figures["banned"])


def faults(figures: dict) -> Iterator[str]:
    """What `--check` refuses."""
    for name, found in figures["types"]["shared"].items():
        yield f"type name used {len(found)} times: {name} ({', '.join(found)})"
    for circle in figures["circles_apart"]:
        modules = circle["modules"]
        if circle["crate"] != ONE_IDEA[0] or not all(m.startswith(ONE_IDEA[1]) for m in modules):
            yield f"modules of {circle['crate']} that need each other: {', '.join(modules)}"
    for each in figures["banned"]:
        yield f"name with a banned word: {each['name']} ({each['at']})"
    for path, lines in figures["long_files"].items():
        if path not in LONG_FILES:
            yield f"{path} has {lines} lines before its tests, more than {FILE_LINES}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Figures of the Rust product code.")
    parser.add_argument("root", nargs="?", type=Path, default=Path(__file__).parents[1])
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="the figures as JSON, with all places")
    how.add_argument("--check", action="store_true", help="fail on names, circles and long files")
    arguments = parser.parse_args()
    figures = measure(sources(arguments.root))
    if arguments.check:
        found = list(faults(figures))
        print(*found, sep="\n", end="\n" if found else "")
        return 1 if found else 0
    lines = [json.dumps(figures, indent=2)] if arguments.json else table(figures)
    print(*lines, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
