//! Pages as declared.

use engine::key::KeyPart;

use super::*;

const WHOLE: &str = r#"{"id":1,"day":"2017-03-01","client":{"id":5,"name":"ABC \"Corp\"","deep":{"fee":1.5}},
  "notes":"","ok":true,"fee":12345678901234.5678,"rate":0.000001,"roles":["a",null,"b"],"numbers":[1,2],
  "lines":[{"id":3,"amount":200,"kind":"x","project":{"id":9}},null,{"project":null}],
  "created_at":"2017-06-27T15:50:15Z","updated_at":"2017-06-27T16:47:14Z"}"#;

#[test]
fn every_type_reaches_its_column() {
    let page = things(WHOLE);
    let cells = [
        ("id", "1"),
        ("day", "2017-03-01"),
        ("client_id", "5"),
        ("client_name", "ABC \"Corp\""),
        ("client_deep_fee", "1.5000"),
        ("notes", ""),
        ("ok", "true"),
        ("fee", "12345678901234.5678"),
        ("rate", "0.000001"),
        ("roles", "[a,-,b]"),
        ("numbers", "[1,2]"),
        ("lines", "[{3,200.0000,x,9},-,{-,-,-,-}]"),
        ("created_at", "2017-06-27T15:50:15Z"),
        ("updated_at", "2017-06-27T16:47:14Z"),
        ("account_id", "7"),
        ("synced_at", "2026-11-23T06:15:00.123456Z"),
        ("extra_json", "-"),
        ("created_month", "2017-06"),
    ];
    for (column, expected) in cells {
        assert_eq!(cell(&page, column, 0), expected, "{column}");
    }
    assert_eq!(page.rows.num_columns(), cells.len());
    assert!(page.observed.converted.is_empty() && page.observed.unknown.is_empty());
    assert_eq!(page.facts.keys, [Key::id(1)]);
    assert_eq!(page.facts.dates, [Some(civil::date(2017, 3, 1))]);
    assert!(page.quarantined.is_empty() && page.observed.misfits.is_empty());
}

#[test]
fn a_page_as_declared_is_read_the_fast_way() {
    let layout = RecordLayout::of(TableSchema::of(&THINGS));
    let body = format!("{{\"things\":[{WHOLE}],\"new\":{{\"a\":[1]}}}}");
    assert!(fast::page(&layout, &body).is_some());
    // The fast way also takes new members, values of another type, and values that do not fit.
    let body = body.replace("\"rate\":0.000001", "\"rate\":\"0.000001\"");
    let body = body.replace("\"notes\":\"\"", "\"notes\":[5],\"fresh\":{\"a\":[\"\\ud800\"]}");
    assert!(fast::page(&layout, &body).is_some());
}

#[test]
fn missing_members_and_null_are_null() {
    for record in [
        "{\"id\":1}",
        r#"{"id":1,"day":null,"client":null,"notes":null,"ok":null,"fee":null,"rate":null,"roles":null,
            "numbers":null,"lines":null,"created_at":null,"updated_at":null}"#,
    ] {
        let page = things(record);
        for column in page.rows.schema().fields() {
            let derived = ["id", "account_id", "synced_at"].contains(&column.name().as_str());
            assert_eq!(cell(&page, column.name(), 0) == "-", !derived, "{}", column.name());
        }
        assert!(page.observed.misfits.is_empty());
        assert_eq!(page.facts.dates, [None]);
    }
}

#[test]
fn an_empty_list_is_not_null() {
    let page = things(r#"{"id":1,"roles":[],"numbers":[],"lines":[]},{"id":2}"#);
    for column in ["roles", "numbers", "lines"] {
        assert_eq!((cell(&page, column, 0), cell(&page, column, 1)), ("[]".into(), "-".into()));
    }
}

#[test]
fn the_envelope_says_how_many_and_where_it_goes_on() {
    let cases: &[(&str, Option<u64>, Option<&str>)] = &[
        ("", None, None),
        (r#","total_entries":5"#, Some(5), None),
        (r#","total_entries":5.0"#, Some(5), None),
        (r#","total_entries":null"#, None, None),
        (r#","total_entries":"5""#, Some(5), None),
        (r#","total_entries":"five""#, None, None),
        (r#","total_entries":"5 ""#, None, None),
        (r#","total_entries":-5"#, None, None),
        (r#","links":null"#, None, None),
        (r#","links":{}"#, None, None),
        (r#","links":{"next":null,"first":5}"#, None, None),
        (
            r#","links":{"first":"x","next":"https:\/\/h\/v2?cursor=a\u0026b"}"#,
            None,
            Some("https://h/v2?cursor=a&b"),
        ),
        (r#","page":1,"next_page":[],"total_pages":{}"#, None, None),
        // A token that a server repeats gets into no position and no log.
        (
            r#","links":{"next":"https://h/v2?cursor=a&access_token=abc&b=c"}"#,
            None,
            Some("https://h/v2?cursor=a&b=c"),
        ),
        (r#","links":{"next":"https://h/v2?access_token=abc"}"#, None, Some("https://h/v2")),
    ];
    for (members, total, next) in cases {
        for records in ["", "{\"id\":1}", "{\"id\":1,\"id\":1}", "5"] {
            let page = page(&THINGS, &format!("{{\"things\":[{records}]{members}}}"));
            assert_eq!(
                (page.facts.total_entries, page.facts.next.as_deref()),
                (*total, *next),
                "{members}"
            );
        }
        assert_eq!(count(&format!("{{\"x\":1{members}}}"), None).unwrap(), *total, "{members}");
    }
}

#[test]
fn members_may_come_in_any_order() {
    let page = page(
        &THINGS,
        r#"{"total_entries":1,"things":[{"updated_at":null,"client":{"name":"x","id":1},"id":4}]}"#,
    );
    assert_eq!(
        (cell(&page, "client_id", 0), cell(&page, "client_name", 0)),
        ("1".into(), "x".into())
    );
    assert_eq!(page.facts.keys, [Key::id(4)]);
}

#[test]
fn children_hold_their_parent_and_its_year() {
    let page = page(&PARTS, r#"{"parts":[{"id":1},{"id":2,"name":"x"}]}"#);
    assert_eq!(cell(&page, "thing_id", 1), "70");
    assert_eq!(cell(&page, "created_year", 1), "2019");
    assert_eq!(page.facts.keys[1], Key(vec![KeyPart::Int(70), KeyPart::Int(2)]));
    assert!(page.facts.dates.is_empty());
    let orphan = ReadAt { unit: Unit::Stream, ..at(&PARTS) };
    let error = Decoder::new(&PARTS).page(r#"{"parts":[]}"#, &orphan).unwrap_err();
    assert!(matches!(error, PageError::NoParent));
}

#[test]
fn report_rows_hold_their_period_and_keys_may_be_null() {
    let page =
        page(&REPORT, r#"{"results":[{"client_id":null,"currency":"EUR","total_hours":1.25}]}"#);
    assert_eq!(cell(&page, "period_start", 0), "2024-01-01");
    assert_eq!(cell(&page, "period_end", 0), "2024-01-31");
    assert_eq!(cell(&page, "period_year", 0), "2024");
    let period = JANUARY;
    let key = vec![
        KeyPart::Day(period.start),
        KeyPart::Day(period.end),
        KeyPart::Null,
        KeyPart::Text("EUR".into()),
    ];
    assert_eq!(page.facts.keys, [Key(key)]);
    let timeless = ReadAt { unit: Unit::Stream, ..at(&REPORT) };
    let error = Decoder::new(&REPORT).page(r#"{"results":[]}"#, &timeless).unwrap_err();
    assert!(matches!(error, PageError::NoPeriod));
}

#[test]
fn an_answer_may_be_the_one_record() {
    let page = page(&SELF, " {\"full_domain\":\"a.b\",\"weekly_capacity\":126000} ");
    assert_eq!(page.facts.keys, [Key(vec![KeyPart::Text("a.b".into())])]);
    assert_eq!(cell(&page, "weekly_capacity", 0), "126000");
    assert_eq!((page.facts.total_entries, page.facts.next), (None, None));
}

#[test]
fn partitions_follow_created_at_in_utc() {
    let page = things(
        r#"{"id":1,"created_at":"2017-01-01T00:30:00+01:00"},{"id":2,"created_at":"bad"},
           {"id":3,"created_at":"0900-12-31T23:59:59Z"}"#,
    );
    let months: Vec<String> = (0..3).map(|row| cell(&page, "created_month", row)).collect();
    assert_eq!(months, ["2016-12", "-", "0900-12"]);
}

#[test]
fn an_empty_page_has_the_columns_of_the_table() {
    let page = things("");
    assert_eq!(page.rows.num_rows(), 0);
    assert_eq!(page.rows.schema(), TableSchema::of(&THINGS).arrow);
}

#[test]
fn a_total_counts_unless_the_page_itself_shows_more() {
    for (body, total) in [
        (r#"{"things":[],"total_entries":0}"#, Some(0)),
        (r#"{"things":[{}],"total_entries":0}"#, None),
        (r#"{"things":[{}],"total_entries":1,"links":{"next":null}}"#, Some(1)),
        (r#"{"things":[{}],"total_entries":1,"next_page":2}"#, None),
        (r#"{"things":[{}],"total_entries":1,"links":{"next":"there"}}"#, None),
        (r#"{"things":[{}],"total_entries":9,"next_page":2}"#, Some(9)),
        (r#"{"things":[{},{}],"total_entries":"many"}"#, None),
        (r#"{"total_entries":7}"#, Some(7)),
    ] {
        assert_eq!(count(body, Some("things")).unwrap(), total, "{body}");
    }
}
