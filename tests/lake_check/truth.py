"""What Harvest serves now, flattened into the rows that the tables must hold."""

from __future__ import annotations

import calendar
import datetime as dt
import json
import re
import urllib.request
from decimal import Decimal, localcontext
from email.utils import parsedate_to_datetime

from .declaration import Shape, Table

SCALES = {"money": 4, "decimal": 6}
INSTANT_TEXT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII
)
NUMBER_TEXT = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
BETWEEN = re.compile(r"\s*,?\s*")
DATE_TEXT = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

Window = tuple[dt.date, dt.date]


class Misfit(Exception):
    """The value is not one of its column."""


class Truth:
    """The control face of the fake account."""

    def __init__(self, base: str) -> None:
        self.base = base.rstrip("/").removesuffix("/v2")
        # Loopback only: no proxy of the environment.
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(self, path: str):
        with self._open(path) as answer:
            return json.load(answer, parse_float=Decimal, parse_int=int)

    def _open(self, path: str):
        return self.opener.open(f"{self.base}{path}", timeout=120)

    def records(self, path: str):
        """The members of `records`, one after the other: parsed at once they need gigabytes."""
        with self._open(path) as answer:
            text = answer.read().decode("utf-8")
        decoder = json.JSONDecoder(parse_float=Decimal, parse_int=int)
        start = re.match(r'\s*\{\s*"records"\s*:\s*\[\s*', text)
        if not start:
            raise ValueError(f"{path} does not answer with records: {text[:200]}")
        at = start.end()
        while text[at] != "]":
            record, at = decoder.raw_decode(text, at)
            yield record
            at = BETWEEN.match(text, at).end()

    def rows(
        self, table: Table, window: Window | None = None, at: dt.datetime | None = None
    ) -> list[dict]:
        """The rows of a table, or of one of its windows: now, or as they were `at` an instant."""
        path = f"/_sim/truth/{table.stream}"
        if window:
            path += f"?from={window[0]}&to={window[1]}"
        elif at:
            path += f"?at={at.astimezone(dt.timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
        rows = (row_of(table, held, window) for held in self.records(path))
        # Without a usable id a record is no row; the keys of reports may be null.
        reports = table.records_key == "results"
        return [row for row in rows if reports or all(row[part] is not None for part in table.key)]

    def today(self) -> dt.date:
        """The day at the fake account."""
        with self._open("/_sim/extent") as answer:
            return parsedate_to_datetime(answer.headers["Date"]).date()

    def months(self, issue_dates: bool) -> list[Window]:
        """The calendar months from the first day with an entry to the last."""
        extent = self.get("/_sim/extent")
        ends = ["first_day", "last_day"] + ["first_issue_day", "last_issue_day"] * issue_dates
        days = [dt.date.fromisoformat(extent[end]) for end in ends if extent.get(end)]
        return months_between(min(days), max(days)) if days else []

    def moved_parents(self, table: Table, since: dt.datetime) -> set[int]:
        """The parents of a table that changed since an instant."""
        assignments = table.stream == "user_project_assignments"
        trigger = "user_assignments" if assignments else table.parent
        moved = set()
        for held in self.records(f"/_sim/truth/{trigger}"):
            record = held["record"]
            if instant(record["updated_at"]) >= since:
                moved.add(record["user"]["id"] if assignments else record["id"])
        return moved


def month_of(day: dt.date) -> Window:
    """The calendar month of a day."""
    last = calendar.monthrange(day.year, day.month)[1]
    return day.replace(day=1), day.replace(day=last)


def months_between(first: dt.date, last: dt.date) -> list[Window]:
    """All calendar months from that of one day to that of another."""
    months = [month_of(first)]
    while months[-1][1] < last:
        months.append(month_of(months[-1][1] + dt.timedelta(days=1)))
    return months


def row_of(table: Table, held: dict, window: Window | None) -> dict:
    """One record as a row; `extra_json` is a dict, `account_id` and `synced_at` are missing."""
    row: dict = {}
    extra: dict = {}
    _take(held["record"], table.shape, "", "", row, extra)
    row["extra_json"] = extra or None
    if table.parent_column:
        row[table.parent_column] = held["parent"]
    if window:
        row["period_start"], row["period_end"] = window
    if table.partition == "period_year":
        row["period_year"] = row["period_start"].year
    elif table.partition:
        # Children of invoices and estimates lie with their parent.
        text = held["parent_created_at"] if table.parent else held["record"].get("created_at")
        created = instant(text) if text else None
        if table.partition == "created_year":
            row["created_year"] = created and created.year
        else:
            row["created_month"] = created and f"{created.year:04}-{created.month:02}"
    return row


def _take(record: dict, shape: Shape, prefix: str, path: str, row: dict, extra: dict) -> None:
    """Moves the members of an object into columns, and what fits none into `extra`."""
    for name, value in record.items():
        if name not in shape.members:
            extra[path + _escaped(name)] = value
    for name, kind in shape.members.items():
        value, here, column = record.get(name), path + _escaped(name), prefix + name
        if isinstance(kind, Shape):
            if value is not None and not isinstance(value, dict):
                extra[here] = value
                value = None
            _take(value or {}, kind, f"{column}_", f"{here}.", row, extra)
        else:
            row[column] = _value(kind, value, here, extra)


def _value(kind: str | list[Shape], value, path: str, extra: dict):
    if value is None:
        return None
    if isinstance(kind, str) and kind not in ("texts", "ints"):
        try:
            return scalar(kind, value)
        except Misfit:
            extra[path] = value
            return None
    if not isinstance(value, list):
        extra[path] = value
        return None
    items = []
    for index, item in enumerate(value):
        here = f"{path}[{index}]"
        if isinstance(kind, str):
            items.append(_value(kind.removesuffix("s"), item, here, extra))
        elif isinstance(item, dict):
            inner: dict = {}
            _take(item, kind[0], "", f"{here}.", inner, extra)
            items.append(inner)
        else:
            if item is not None:
                extra[here] = item
            items.append(None)
    return items


def scalar(kind: str, value):
    """The value as its column holds it."""
    if kind in SCALES:
        return _decimal(value, SCALES[kind])
    if kind == "int":
        number = _decimal(value, 0, 19)
        if not -(2**63) <= number < 2**63:
            raise Misfit
        return int(number)
    if kind == "bool":
        if value in ("true", "false"):
            return value == "true"
        if not isinstance(value, bool):
            raise Misfit
        return value
    if kind == "text" and isinstance(value, (bool, int)):
        return json.dumps(value)
    if not isinstance(value, str):
        raise Misfit
    if kind == "text":
        return value
    try:
        if kind == "instant":
            return instant(value)
        if not DATE_TEXT.fullmatch(value):
            raise Misfit
        return dt.date.fromisoformat(value)
    except (ValueError, OverflowError) as error:
        raise Misfit from error


def instant(text: str) -> dt.datetime:
    """An instant in UTC."""
    if not INSTANT_TEXT.fullmatch(text):
        raise Misfit
    return dt.datetime.fromisoformat(text).astimezone(dt.timezone.utc)


def _decimal(value, scale: int, digits: int = 18) -> Decimal:
    if isinstance(value, str) and NUMBER_TEXT.fullmatch(value):
        value = Decimal(value)
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise Misfit
    with localcontext() as context:
        context.prec = 400
        exact = Decimal(value)
        if exact and exact.adjusted() + scale >= digits:
            raise Misfit
        stored = exact.quantize(Decimal(1).scaleb(-scale)) if exact else Decimal(0)
        if stored != exact:
            raise Misfit
        return stored


def _escaped(name: str) -> str:
    return re.sub(r"([.\[\]#\\])", r"\\\1", name)
