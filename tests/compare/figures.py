"""Figures of several runs as a table: medians, least and most, ratios."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Line:
    """One figure of all sides; each side has one value for each run."""

    what: str
    values: dict[str, Sequence[float]]
    shown: Callable[[float], str]


def seconds(value: float) -> str:
    return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"


def size(value: float) -> str:
    return f"{value / 1e6:.1f} MB" if value < 1e7 else f"{value / 1e6:.0f} MB"


def count(value: float) -> str:
    return f"{value:.0f}"


def cell(values: Sequence[float], shown: Callable[[float], str]) -> str:
    """Median, and least and most if they differ from it as they are shown."""
    middle, least, most = (shown(pick(values)) for pick in (median, min, max))
    return middle if least == middle == most else f"{middle} ({least.split()[0]} to {most.split()[0]})"


def ratio(theirs: Sequence[float], ours: Sequence[float]) -> str:
    """Ratio of the medians; none if one side needed nothing."""
    above, below = median(theirs), median(ours)
    if above <= 0 or below <= 0:
        return "-"
    value = above / below
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


def table(title: str, lines: Sequence[Line], ours: str, others: Sequence[str]) -> str:
    """Markdown: our figures, those of each other side, and their ratio to ours."""
    head = [title, ours]
    for other in others:
        head += [other, "ratio"]
    rows = [head, ["---"] * len(head)]
    for line in lines:
        row = [line.what, cell(line.values[ours], line.shown)]
        for other in others:
            row += [cell(line.values[other], line.shown), ratio(line.values[other], line.values[ours])]
        rows.append(row)
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
