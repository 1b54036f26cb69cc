//! Declarations with fields of every type, and functions to inspect decoded pages.

use arrow::array::Array as _;
use arrow::array::AsArray as _;
use arrow::datatypes::{Date32Type, Decimal128Type, Int64Type, TimestampMicrosecondType};
use engine::key::Key;
use engine::pass::{Parent, ParentFound};
use engine::spec::{
    Listing, Paging, PartitionSpec, PerParent, RateClass, ReportWindow, StreamKind, StreamSpec,
    SweepCadence, date, decimal, flag, instant, int, ints, money, object, objects, text, texts,
};
use engine::window::Period;
use jiff::civil;

use super::*;
use crate::answer::count;

mod odd_pages;
mod older;
mod pages;
mod parent_pages;
mod private;
mod properties;

/// Listing with a field of each type.
static THINGS: StreamSpec = StreamSpec {
    name: "things",
    doc: "One thing.",
    path: "/things",
    records_key: Some("things"),
    kind: StreamKind::Listing(Listing::new(
        Paging::DateKeyset { field: "day", nullable: true },
        "/own/{id}",
    )),
    partition: PartitionSpec::CreatedMonth,
    fields: &[
        int("id").required(),
        date("day"),
        object("client", &[int("id"), text("name"), object("deep", &[money("fee")])]),
        text("notes"),
        flag("ok"),
        money("fee"),
        decimal("rate"),
        texts("roles"),
        ints("numbers"),
        objects(
            "lines",
            &[int("id"), money("amount"), text("kind"), object("project", &[int("id")])],
        ),
        instant("created_at"),
        instant("updated_at"),
    ],
    ..StreamSpec::USUAL
};

/// Children of things.
static PARTS: StreamSpec = StreamSpec {
    name: "parts",
    doc: "One part of a thing.",
    path: "/things/{parent}/parts",
    records_key: Some("parts"),
    kind: StreamKind::PerParent(PerParent {
        trigger: &THINGS,
        parent_id: "id",
        parent_path: "/things/{parent}",
        parent_column: "thing_id",
        only_role: None,
    }),
    primary_key: &["thing_id", "id"],
    partition: PartitionSpec::ParentCreatedYear,
    fields: &[int("id").required(), text("name")],
    ..StreamSpec::USUAL
};

/// Report with a key that may be null.
static REPORT: StreamSpec = StreamSpec {
    name: "report",
    doc: "One row.",
    path: "/reports/x",
    records_key: Some("results"),
    kind: StreamKind::ReportWindow(ReportWindow {
        includes_issue_date: false,
        values_fixed_fees: false,
    }),
    rate_class: RateClass::Reports,
    primary_key: &["period_start", "period_end", "client_id", "currency"],
    partition: PartitionSpec::PeriodYear,
    fields: &[int("client_id"), text("currency"), decimal("total_hours")],
    ..StreamSpec::USUAL
};

/// Stream whose answer is a single record.
static SELF: StreamSpec = StreamSpec {
    name: "self",
    doc: "One row.",
    path: "/self",
    records_key: None,
    kind: StreamKind::Snapshot(Paging::Single),
    primary_key: &["full_domain"],
    sweep: SweepCadence::Always,
    fields: &[text("full_domain").required(), int("weekly_capacity")],
    ..StreamSpec::USUAL
};

const JANUARY: Period = Period { start: civil::date(2024, 1, 1), end: civil::date(2024, 1, 31) };

fn at(spec: &StreamSpec) -> ReadAt {
    let unit = match spec.kind {
        StreamKind::PerParent(_) => Unit::Parent(Parent { id: 70, created_year: Some(2019) }),
        StreamKind::ReportWindow(_) => Unit::Window(JANUARY),
        StreamKind::Listing(_) | StreamKind::Snapshot(_) => Unit::Stream,
    };
    let synced_at = "2026-11-23T06:15:00.123456Z".parse().unwrap();
    ReadAt { account: AccountId(7), synced_at, unit }
}

fn page(spec: &'static StreamSpec, body: &str) -> DecodedPage {
    Decoder::new(spec).page(body, &at(spec)).unwrap()
}

/// A page of things.
fn things(records: &str) -> DecodedPage {
    page(&THINGS, &format!("{{\"things\":[{records}]}}"))
}

/// A cell as text; `-` for null.
fn cell(page: &DecodedPage, column: &str, row: usize) -> String {
    value(page.rows.column_by_name(column).unwrap(), row)
}

fn value(array: &arrow::array::ArrayRef, row: usize) -> String {
    if array.is_null(row) {
        return "-".to_owned();
    }
    let joined = |parts: Vec<String>| parts.join(",");
    if let Some(integers) = array.as_primitive_opt::<Int64Type>() {
        integers.value(row).to_string()
    } else if let Some(texts) = array.as_string_opt::<i32>() {
        texts.value(row).to_owned()
    } else if let Some(flags) = array.as_boolean_opt() {
        flags.value(row).to_string()
    } else if let Some(days) = array.as_primitive_opt::<Date32Type>() {
        rows::day(days.value(row)).unwrap().to_string()
    } else if let Some(instants) = array.as_primitive_opt::<TimestampMicrosecondType>() {
        Timestamp::from_microsecond(instants.value(row)).unwrap().to_string()
    } else if let Some(decimals) = array.as_primitive_opt::<Decimal128Type>() {
        decimals.value_as_string(row)
    } else if let Some(lists) = array.as_list_opt::<i32>() {
        let items = lists.value(row);
        format!("[{}]", joined((0..items.len()).map(|item| value(&items, item)).collect()))
    } else {
        let members = array.as_struct().columns();
        format!("{{{}}}", joined(members.iter().map(|member| value(member, row)).collect()))
    }
}

fn counts(of: &BTreeMap<String, u64>) -> Vec<(&str, u64)> {
    of.iter().map(|(path, count)| (path.as_str(), *count)).collect()
}
