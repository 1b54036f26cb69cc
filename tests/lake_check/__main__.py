"""`python -m lake_check --lake DIR --truth URL`: exit code 1 on any difference."""

from __future__ import annotations

import argparse
import datetime as dt
import functools
import sys
from pathlib import Path

import pyarrow as pa

from .compare import Leave, differences, key_of
from .declaration import Table, load
from .readers import ends, readers, wrong_counts
from .truth import Truth, Window, month_of

SHOWN = 3


def main() -> int:
    tables = load()
    wanted = _arguments(tables)
    truth = Truth(wanted.truth)
    failed = 0
    for stream in wanted.streams:
        try:
            line, wrong = check(tables[stream], wanted, truth)
        except Exception as error:  # one broken table must not hide the others
            line, wrong = f"{stream}: cannot be checked", [f"{type(error).__name__}: {error}"]
        print(f"{'FAIL' if wrong else 'ok  '} {line}", flush=True)
        for difference in wrong[:SHOWN]:
            print(f"       {difference}")
        if len(wrong) > SHOWN:
            print(f"       and {len(wrong) - SHOWN} more")
        failed += bool(wrong)
    print(f"{len(wanted.streams) - failed} passed, {failed} failed")
    return 1 if failed else 0


def _arguments(tables: dict[str, Table]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="lake_check", description=__doc__)
    parser.add_argument("--lake", required=True, type=Path, help="folder of the lake")
    parser.add_argument("--truth", required=True, help="URL of the fake account")
    parser.add_argument("--streams", help="only these, separated by commas")
    parser.add_argument("--account", type=int, help="account id that every row must carry")
    parser.add_argument(
        "--lenient",
        action="store_true",
        help="after an incremental run: what Harvest changes without updated_at may be old",
    )
    parser.add_argument(
        "--deleted",
        action="store_true",
        help="listings may still hold records that are deleted, and nothing else may differ",
    )
    parser.add_argument(
        "--since",
        type=dt.datetime.fromisoformat,
        help="with --lenient: children of parents that changed since then (2026-01-31T12:00:00Z) "
        "must be new; else since the oldest synced_at of the table",
    )
    parser.add_argument(
        "--report-months",
        type=int,
        help="only the newest N windows need to be there; with --lenient: to be new (default 3)",
    )
    wanted = parser.parse_args()
    wanted.streams = wanted.streams.split(",") if wanted.streams else list(tables)
    unknown = [stream for stream in wanted.streams if stream not in tables]
    if unknown:
        parser.error(f"no such stream: {', '.join(unknown)}")
    return wanted


def check(table: Table, wanted: argparse.Namespace, truth: Truth) -> tuple[str, list[str]]:
    """A line for people, and what is wrong."""
    folder = wanted.lake / "tables" / table.stream
    engines = readers(folder)
    account = engines[0].account()
    if account is None:
        return f"{table.stream}: has no account", ["`harvest-lake.account` is missing"]
    if wanted.account not in (None, account):
        return f"{table.stream}: wrong account", [f"is {account}, not {wanted.account}"]
    readings = [engine.read() for engine in engines]
    first = readings[0]
    leave = Leave(functools.partial(_running, truth), wanted.lenient, wanted.deleted)
    if table.window:
        rows, wrong = _window_rows(table, wanted, truth, first, leave)
    else:
        # A month can end between the reading and now, and with it what was spent of its budgets.
        at = None if table.is_listing or table.parent else _newest(first)
        rows, wrong = truth.rows(table, at=at), []
    if wanted.lenient and table.parent:
        leave.moved_parents = truth.moved_parents(table, wanted.since or _oldest(first))
    by_key = {key_of(table, row): row for row in rows}
    if len(by_key) != len(rows):
        wrong.append(f"the truth holds {len(rows) - len(by_key)} keys twice")
    verdicts = []
    for engine, actual in zip(engines, readings, strict=True):
        found = [f"{engine.name}: {one}" for one in differences(table, by_key, actual, account, leave)]
        found = found or wrong_counts(engine.name, engine.count, actual, ends(actual))
        verdicts.append(f"{engine.name} {f'{len(found)} differences' if found else 'ok'}")
        wrong += found
    if refused := engines[-1].unreadable_json():
        wrong.append(f"DuckDB's JSON functions refuse extra_json of {refused} rows")
    return f"{table.stream}: {first.num_rows} rows, {', '.join(verdicts)}", wrong


def _window_rows(
    table: Table, wanted: argparse.Namespace, truth: Truth, actual: pa.Table, leave: Leave
) -> tuple[list[dict], list[str]]:
    """The rows of all windows that are in the table or have to be."""
    if not {"period_start", "period_end"} <= set(actual.schema.names):
        return [], ["has no period columns"]
    starts, ends = (actual[name].to_pylist() for name in ("period_start", "period_end"))
    there: set[Window] = set(zip(starts, ends, strict=True))
    wrong = [f"window {window} is no calendar month" for window in there if not _on_grid(window)]
    there = {window for window in there if _on_grid(window)}
    months = truth.months(issue_dates=table.stream == "uninvoiced_report")
    if wanted.lenient:
        fresh = _newest_until(truth.today(), wanted.report_months or 3)
        leave.old_windows = (there | set(months)) - fresh
        months = []
        there |= fresh
    elif wanted.report_months is not None:
        months = months[-wanted.report_months :] if wanted.report_months else []
    needed = sorted((there | set(months)) - leave.old_windows)
    return [row for window in needed for row in truth.rows(table, window)], wrong


@functools.cache
def _running(truth: Truth) -> list[dict]:
    entries = truth.rows(load()["time_entries"])
    return [entry for entry in entries if entry["is_running"]]


def _newest_until(day: dt.date, count: int) -> set[Window]:
    windows = [month_of(day)]
    while len(windows) < count:
        windows.append(month_of(windows[-1][0] - dt.timedelta(days=1)))
    return set(windows)


def _on_grid(window: Window) -> bool:
    return None not in window and window == month_of(window[0])


def _instants(actual: pa.Table) -> list[dt.datetime]:
    return [instant for instant in actual["synced_at"].to_pylist() if instant]


def _oldest(actual: pa.Table) -> dt.datetime:
    return min(_instants(actual), default=dt.datetime.min.replace(tzinfo=dt.timezone.utc))


def _newest(actual: pa.Table) -> dt.datetime | None:
    return max(_instants(actual), default=None)


if __name__ == "__main__":
    sys.exit(main())
