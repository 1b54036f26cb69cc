"""The table in `docs/queries.md` of what the answers say about the account made by hand.

`python -m queries.shown` writes it anew, with the questions of the texts and numbers of `edge.txt`; with `--check`, exit code 1 where
the page has another table. A sum that does not make its number is refused.
"""

from __future__ import annotations

import argparse
import ast
import operator
import re
import sys
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path

from queries import edge

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/queries.md"
BEGIN, END = "<!-- written by tests/queries/shown.py -->\n", "<!-- end -->\n"
# Engines that compare every section of `edge.txt`: edge.py, packaged.py, trino.py, spark/edge.py.
ENGINES = ["DuckDB", "dbt", "Trino", "Spark"]
# For each answer: cells that the row has, the column of the number, and the sum that makes it from what people entered.
SHOWN: dict[str, tuple[set[str], str, str]] = {
    "hours_by_person_and_week": ({"2026-02-28", "Ada Berg"}, "rounded_hours", "1 + 7.25 + 8"),
    "utilisation": ({"Ben Cole"}, "utilisation_percent", "(6 + 2 + 3 + 6.5) / (15 * 8 + 5 * 4) * 100"),
    "people_and_capacity": ({"Ben Cole"}, "hours_above_capacity", "3 + 6.5 - 20"),
    "hours_by_role": ({"Design"}, "billable_percent", "(28.75 + 2 + 5) / (28.75 + 2 + 6.25) * 100"),
    "missing_timesheets": ({"2026-03-07", "Cleo Dahl"}, "missing_hours", "3 * 8 - 5 - 1.1"),
    "approvals": ({"Ada Berg"}, "not_submitted_hours", "1 + 4.02 + 4"),
    "billable_split_by_client": ({"Bolt"}, "billable_amount", "8 * 90 + 6 * 90 + 3 * 90 + 2 * 120 + 4 * 90"),
    "unbilled_work": ({"Relaunch"}, "unbilled_amount", "5000 - 2000 - 300"),
    "invoice_ageing": ({"Acme"}, "due", "1525 * 1.2 - 1000 - 100 + 2000 + 50"),
    "revenue_and_cash_by_month": ({"2026-03-01", "EUR"}, "invoiced", "1830 - 100 + 50"),
    "days_to_pay": ({"Bolt"}, "days_to_pay", "(9 + 10) / 2"),
    "estimates_won_and_lost": ({"Acme"}, "won_percent", "1 / (1 + 0) * 100"),
    "margin_by_client": ({"Acme"}, "margin", "1567.5 + 1590 - 125"),
    "margin_by_project": ({"Website"}, "margin", "3080 + 120.5 - 120.5 - 25.75 * 50 - 5 * 45"),
    "margin_by_person": ({"Ada Berg", "EUR"}, "margin", "2680 + 3 * 120 - 28.75 * 50"),
    "realisation": ({"Website"}, "effective_rate", "(1525 - 100) / (7.25 + 8)"),
    "rates_over_time": ({"Ada Berg", "120"}, "change_percent", "(120 - 100) / 100 * 100"),
    "project_budget_burn": ({"Support"}, "budget_spent", "(6 + 4 + 1) * 90"),
    "budget_by_task_and_person": ({"Design"}, "spent_percent", "(35.75 - 5) / 20 * 100"),
    "budget_by_month": ({"Website", "2026-03-01"}, "spent_percent", "(1 + 34.75) / 26 * 100"),
    "reconcile_time": ({"Website", "timer runs"}, "amount_difference", "(1.25 - 1) * 120"),
    "reconcile_expenses": ({"Website"}, "amount_difference", "120.5 + 60"),
    "reconcile_uninvoiced": (
        {"Website", "2026-03-01"},
        "uninvoiced_amount",
        "3080 - 100 + 8 * 120 - 1525 + 120.5 + 60",
    ),
}
DOES = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


def worth(node: ast.expr) -> Fraction:
    """Value of a sum, without a binary fraction."""
    if isinstance(node, ast.BinOp):
        return DOES[type(node.op)](worth(node.left), worth(node.right))
    assert isinstance(node, ast.Constant), ast.dump(node)
    return Fraction(str(node.value))


def rounded(number: Fraction, like: str) -> str:
    """The number with two digits after the point, or all if there are fewer."""
    exact = Decimal(number.numerator) / Decimal(number.denominator)
    kept = exact.quantize(Decimal("0.01"), ROUND_HALF_UP)
    return edge.plain(kept if "." in like else exact)


def question(name: str) -> str:
    text = (ROOT / f"infra/queries/{name}.sql").read_text()
    head = re.split(r"^-- Assumptions:", text, maxsplit=1, flags=re.MULTILINE)[0]
    return " ".join(line.removeprefix("-- ") for line in head.splitlines()).removeprefix("Question: ").strip()


def on_the_page() -> set[str]:
    """Answers that the page of the report adds up, too, and `queries.report` compares."""
    code = (ROOT / "functions/cli/src/report.rs").read_text()
    return set(re.findall(r'"(\w+)"', code.split("const FOLLOWED", 1)[1].split("];", 1)[0]))


def lines() -> list[str]:
    sections = edge.sections()
    answers = {path.stem for path in (ROOT / "infra/queries").glob("*.sql")}
    if answers != SHOWN.keys():
        raise SystemExit(f"queries.shown shows not the answers that there are: {sorted(answers ^ SHOWN.keys())}")
    page = on_the_page()
    told = ["| answer | question | row | number | by hand | equal on |", "| --- | --- | --- | --- | --- | --- |"]
    for name, (cells, column, sum_by_hand) in SHOWN.items():
        columns, rows = sections[name]
        rows = [row for row in rows if cells <= set(row)]
        if len(rows) != 1:
            raise SystemExit(f"{name}: {len(rows)} rows have {sorted(cells)}")
        number = rows[0][columns.index(column)]
        made = rounded(worth(ast.parse(sum_by_hand, mode="eval").body), number)
        if made != number:
            raise SystemExit(f"{name}: {sum_by_hand} is {made}, and {column} is {number}")
        row = ", ".join(sorted(cells))
        engines = ", ".join([*ENGINES, "page"] if name in page else ENGINES)
        shown = sum_by_hand.replace("*", "×")
        told.append(f"| `{name}` | {question(name)} | {row} | `{column}` {number} | {shown} | {engines} |")
    return told


def main() -> int:
    parser = argparse.ArgumentParser(prog="queries.shown", description=__doc__)
    parser.add_argument("--check", action="store_true")
    asked = parser.parse_args()
    page = PAGE.read_text()
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    made = before + BEGIN + "\n".join(lines()) + "\n" + END + after
    if asked.check:
        if made != page:
            print("docs/queries.md has another table than `make render` writes")
        return int(made != page)
    PAGE.write_text(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
