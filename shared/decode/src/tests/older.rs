//! Checks that rows of an older declaration are read as if the current one had decoded them.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use proptest::prelude::*;

use super::properties::{Json, record};
use super::*;
use crate::fit::fit;

/// Older declaration of things: members are missing at every depth.
static OLDER: StreamSpec = StreamSpec {
    fields: &[
        int("id").required(),
        object("client", &[int("id"), object("deep", &[])]),
        flag("ok"),
        decimal("rate"),
        ints("numbers"),
        objects("lines", &[int("id"), text("kind")]),
        instant("created_at"),
        instant("updated_at"),
    ],
    ..things_like()
};

/// Oldest declaration of things, with very few members.
static OLDEST: StreamSpec = StreamSpec {
    fields: &[int("id").required(), instant("created_at"), instant("updated_at")],
    ..things_like()
};

const fn things_like() -> StreamSpec {
    StreamSpec {
        name: "things",
        doc: "One thing.",
        path: "/things",
        records_key: Some("things"),
        kind: StreamKind::Listing(Listing::new(Paging::Cursor, "/own/{id}")),
        partition: PartitionSpec::CreatedMonth,
        fields: &[],
        ..StreamSpec::USUAL
    }
}

fn body(records: &[String]) -> String {
    format!("{{\"things\":[{}]}}", records.join(","))
}

/// Reads stored rows of `written` by `THINGS`. Also returns whether anything moved.
fn reread(written: &'static StreamSpec, records: &[String]) -> (RecordBatch, bool) {
    let schema = TableSchema::of(written);
    let rows = page(written, &body(records)).rows;
    let rows = rows.project(&schema.file_columns()).unwrap();
    lifted(fit(&rows, &TableSchema::of(&THINGS).file_schema()).unwrap())
}

/// Lifts stored rows. Also returns whether anything moved.
fn lifted(rows: RecordBatch) -> (RecordBatch, bool) {
    let lifted = RowLifter::of(&TableSchema::of(&THINGS)).lift(&rows).unwrap();
    let moved = lifted.is_some();
    (lifted.unwrap_or(rows), moved)
}

/// Rows as the current declaration decodes the records themselves.
fn decoded(records: &[String]) -> RecordBatch {
    let rows = page(&THINGS, &body(records)).rows;
    rows.project(&TableSchema::of(&THINGS).file_columns()).unwrap()
}

#[test]
fn what_has_a_column_now_goes_there_and_the_rest_stays() {
    let record = r#"{"id":1,"notes":"a","client":{"id":2,"name":"x","vat":7},"fee":1.00005,
        "lines":[{"id":1,"amount":2.5,"project":{"id":4,"z":0}},{"amount":"?"}],"new":[1]}"#;
    for older in [&OLDER, &OLDEST] {
        let (rows, moved) = reread(older, &[record.to_owned()]);
        assert!(moved);
        let at = |name: &str| value(rows.column_by_name(name).unwrap(), 0);
        assert_eq!(at("notes"), "a");
        assert_eq!(at("client_name"), "x");
        assert_eq!(at("lines"), "[{1,2.5000,-,4},{-,-,-,-}]");
        assert_eq!(
            at("extra_json"),
            r#"{"client.vat":7,"fee":1.00005,"lines[0].project.z":0,"lines[1].amount":"?","new":[1]}"#
        );
    }
}

#[test]
fn what_fits_no_column_makes_nobody_rewrite_anything() {
    let records = [
        r#"{"id":1,"new":1}"#,
        r#"{"id":2,"notes":5,"client":[],"lines":[{},5],"roles":[1]}"#,
        r#"{"id":3,"client":{"vat":1},"notes":"a","notes":"b"}"#,
        r#"{"id":4,"rate":1e99}"#,
    ];
    let records = records.map(str::to_owned);
    let (rows, moved) = reread(&THINGS, &records);
    assert!(!moved);
    assert_eq!(rows, decoded(&records));
}

/// Reads a row with `extra` in place of its own `extra_json`. Also returns whether that changed it.
fn reread_with(record: &str, extra: &str) -> (RecordBatch, bool) {
    let schema = TableSchema::of(&THINGS);
    let rows = decoded(&[record.to_owned()]);
    let mut columns = rows.columns().to_vec();
    let index = schema.index_of("extra_json").unwrap();
    columns[index] = Arc::new(arrow::array::StringArray::from(vec![extra]));
    lifted(RecordBatch::try_new(rows.schema(), columns).unwrap())
}

#[test]
fn what_an_older_release_kept_is_as_todays_would_keep_it() {
    for (rest, kept) in [
        // Values that strict readers refuse.
        (r#""notes":"\ud800""#, r#"{"notes":"\ud800"}"#),
        (r#""b":{"x":["\ud800"]},"c":1"#, r#"{"b":{"x":["\ud800"]},"c":1}"#),
        (r#""b":{"x":1,"x":2}"#, r#"{"b":{"x":1,"x":2}}"#),
        (r#""b":"\ud800","b":2"#, r#"{"b":2,"b#1":"\ud800"}"#),
        (r#""rate":1e400"#, r#"{"rate":1e400}"#),
        // Values that their column can hold by now.
        (r#""fee":"1.5","notes":5"#, r#"{"fee":"1.5","notes":5}"#),
        (r#""lines":[{"id":1,"amount":"2"}]"#, r#"{"lines[0].amount":"2"}"#),
        (
            r#""updated_at":"2017-06-27 15:50:15 UTC""#,
            r#"{"updated_at":"2017-06-27 15:50:15 UTC"}"#,
        ),
    ] {
        let whole = format!("{{\"id\":1,{rest}}}");
        let without =
            if rest.contains("lines") { r#"{"id":1,"lines":[{"id":1}]}"# } else { r#"{"id":1}"# };
        let (rows, healed) = reread_with(without, kept);
        assert!(healed, "{kept}");
        assert_eq!(rows, decoded(&[whole]), "{kept}");
        // The new value is stable when read again.
        let now = value(rows.column_by_name("extra_json").unwrap(), 0);
        if now != "-" {
            let (again, healed) = reread_with(without, &now);
            assert!(!healed, "{now}");
            assert_eq!(value(again.column_by_name("extra_json").unwrap(), 0), now);
        }
    }
}

#[test]
fn what_is_kept_as_text_moves_to_the_column_that_a_newer_declaration_has_for_it() {
    let records = [
        r#"{"id":1,"notes":"a","client":{"id":2,"name":"x","name":"y","vat":"\ud800"}}"#,
        r#"{"id":2,"lines":[{"amount":1,"amount":2,"project":{"id":1,"id":2}}]}"#,
    ];
    let records = records.map(str::to_owned);
    let (rows, moved) = reread(&OLDEST, &records);
    assert!(moved);
    assert_eq!(rows, decoded(&records));
    assert_eq!(value(rows.column_by_name("client_name").unwrap(), 0), "y");
    let extra = value(rows.column_by_name("extra_json").unwrap(), 0);
    assert_eq!(extra, r#"{"client.name#1":"x","client.vat#json":"\"\\ud800\""}"#);
}

#[test]
fn foreign_text_in_the_column_is_left_alone() {
    let schema = TableSchema::of(&THINGS);
    let rows = decoded(&[r#"{"id":1,"notes":"a","numbers":[1]}"#.to_owned()]);
    let index = schema.index_of("extra_json").unwrap();
    for foreign in [
        "no JSON",
        "[]",
        r#"{"a[":1}"#,
        // Values under `#json` that do not contain JSON.
        r#"{"notes#json":"b","fee":1}"#,
        r#"{"notes#json":5,"fee":1}"#,
        // Values whose column is filled already, or that have no position.
        r#"{"notes":"b"}"#,
        r#"{"numbers[7]":1}"#,
        r#"{"numbers.x":1}"#,
        r#"{"client[0]":1}"#,
        r#"{"day.x":1,"fee":1}"#,
        r#"{"new.x":1,"fee":1}"#,
    ] {
        let mut columns = rows.columns().to_vec();
        columns[index] = Arc::new(arrow::array::StringArray::from(vec![foreign]));
        let rows = RecordBatch::try_new(rows.schema(), columns).unwrap();
        let (unchanged, moved) = lifted(rows.clone());
        assert!(!moved, "{foreign}");
        assert_eq!(unchanged, rows);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn rows_of_an_older_declaration_read_like_rows_of_todays(
        records in proptest::collection::vec(record(), 0..8),
    ) {
        let records: Vec<String> = records.iter().map(Json::render).collect();
        let expected = decoded(&records);
        for older in [&OLDER, &OLDEST, &THINGS] {
            let (rows, moved) = reread(older, &records);
            prop_assert_eq!(&rows, &expected);
            let other = page(older, &body(&records)).rows;
            let same = |name: &str| other.column_by_name(name) == expected.column_by_name(name);
            prop_assert_eq!(moved, !same("extra_json"));
        }
    }
}
