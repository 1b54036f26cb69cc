//! Pages, records and values that are not as declared.

use engine::key::KeyPart;

use super::*;

/// Paths with their counts.
type Counted = Vec<(String, u64)>;

/// Value of `extra_json` in the only row, and the counts.
fn extra(record: &str) -> (String, Counted, Counted) {
    let page = things(record);
    assert_eq!((page.rows.num_rows(), page.quarantined.len()), (1, 0), "{record}");
    let MemberDeviations { misfits, unknown, .. } = &page.observed;
    let misfits = misfits.iter().map(|(path, values)| (path.clone(), values.times)).collect();
    (cell(&page, "extra_json", 0), misfits, unknown.clone().into_iter().collect())
}

fn check_misfit(record: &str, expected: &str, counted: &str) {
    let (extra, misfits, unknown) = extra(record);
    assert_eq!(extra, expected, "{record}");
    assert_eq!(misfits, [(counted.to_owned(), 1)], "{record}");
    assert!(unknown.is_empty(), "{record}");
}

fn check_unknown(record: &str, expected: &str, counted: &str) {
    let (extra, misfits, unknown) = extra(record);
    assert_eq!(extra, expected, "{record}");
    assert_eq!(unknown, [(counted.to_owned(), 1)], "{record}");
    assert!(misfits.is_empty(), "{record}");
}

#[test]
fn a_value_that_does_not_fit_stays_raw() {
    check_misfit(r#"{"id":1,"notes":[5]}"#, r#"{"notes":[5]}"#, "notes");
    check_misfit(r#"{"id":1,"notes":{"a": [1]}}"#, r#"{"notes":{"a": [1]}}"#, "notes");
    check_misfit(r#"{"id":1,"rate":1E+200}"#, r#"{"rate":1E+200}"#, "rate");
    check_misfit(r#"{"id":1,"ok":1}"#, r#"{"ok":1}"#, "ok");
    check_misfit(r#"{"id":1,"ok":"yes"}"#, r#"{"ok":"yes"}"#, "ok");
    check_misfit(r#"{"id":1,"numbers":[1,"1.5"]}"#, r#"{"numbers[1]":"1.5"}"#, "numbers[]");
    check_misfit(r#"{"id":1,"day":"2017-02-30"}"#, r#"{"day":"2017-02-30"}"#, "day");
    check_misfit(r#"{"id":1,"updated_at":"soon"}"#, r#"{"updated_at":"soon"}"#, "updated_at");
    check_misfit(r#"{"id":1,"client":5}"#, r#"{"client":5}"#, "client");
    check_misfit(r#"{"id":1,"client":[]}"#, r#"{"client":[]}"#, "client");
    check_misfit(r#"{"id":1,"client":{"id":5.5}}"#, r#"{"client.id":5.5}"#, "client.id");
    check_misfit(r#"{"id":1,"client":{"deep":true}}"#, r#"{"client.deep":true}"#, "client.deep");
    check_misfit(r#"{"id":1,"roles":"a"}"#, r#"{"roles":"a"}"#, "roles");
    check_misfit(r#"{"id":1,"roles":{}}"#, r#"{"roles":{}}"#, "roles");
    check_misfit(r#"{"id":1,"roles":["a",[5]]}"#, r#"{"roles[1]":[5]}"#, "roles[]");
    check_misfit(r#"{"id":1,"lines":7}"#, r#"{"lines":7}"#, "lines");
    check_misfit(r#"{"id":1,"lines":[{},[]]}"#, r#"{"lines[1]":[]}"#, "lines[]");
    check_misfit(
        r#"{"id":1,"lines":[{},{},{"amount":"one"}]}"#,
        r#"{"lines[2].amount":"one"}"#,
        "lines[].amount",
    );
    check_misfit(
        r#"{"id":1,"lines":[{"project":{"id":""}}]}"#,
        r#"{"lines[0].project.id":""}"#,
        "lines[].project.id",
    );
}

/// Record, column, its cell, member.
type Conversion = (&'static str, &'static str, &'static str, &'static str);

#[test]
fn a_value_that_its_column_holds_exactly_goes_there_whatever_its_type() {
    let cases: &[Conversion] = &[
        (r#"{"id":"1"}"#, "id", "1", "id"),
        (r#"{"id":1.0}"#, "id", "1", "id"),
        (r#"{"id":"1e3"}"#, "id", "1000", "id"),
        (r#"{"id":1,"notes":5.50}"#, "notes", "5.50", "notes"),
        (r#"{"id":1,"notes":true}"#, "notes", "true", "notes"),
        (r#"{"id":1,"ok":"false"}"#, "ok", "false", "ok"),
        (r#"{"id":1,"fee":"1.5"}"#, "fee", "1.5000", "fee"),
        (r#"{"id":1,"rate":"0.535"}"#, "rate", "0.535000", "rate"),
        (r#"{"id":1,"rate":"0.535e0"}"#, "rate", "0.535000", "rate"),
        (r#"{"id":1,"day":"2017-03-01T00:00:00Z"}"#, "day", "2017-03-01", "day"),
        (
            r#"{"id":1,"updated_at":"2017-06-27 17:50:15 +0200"}"#,
            "updated_at",
            "2017-06-27T15:50:15Z",
            "updated_at",
        ),
        (r#"{"id":1,"client":{"id":"5"}}"#, "client_id", "5", "client.id"),
        (
            r#"{"id":1,"client":{"deep":{"fee":"2"}}}"#,
            "client_deep_fee",
            "2.0000",
            "client.deep.fee",
        ),
        (r#"{"id":1,"roles":["a",5]}"#, "roles", "[a,5]", "roles[]"),
        (r#"{"id":1,"numbers":["7",null]}"#, "numbers", "[7,-]", "numbers[]"),
        (
            r#"{"id":1,"lines":[{"id":2},{"amount":"1.5"}]}"#,
            "lines",
            "[{2,-,-,-},{-,1.5000,-,-}]",
            "lines[].amount",
        ),
        (
            r#"{"id":1,"lines":[{"project":{"id":"9"}}]}"#,
            "lines",
            "[{-,-,-,9}]",
            "lines[].project.id",
        ),
    ];
    for (record, column, expected, counted) in cases {
        for more in ["", ",\"id\":1,\"id\":1"] {
            // A repeated member makes the decoder read the page record by record.
            let page = things(&format!("{record},{{\"id\":8{more}}}"));
            assert_eq!(cell(&page, column, 0), *expected, "{record}");
            assert_eq!(cell(&page, "extra_json", 0), "-", "{record}");
            let observed = &page.observed;
            assert_eq!(observed.converted.keys().collect::<Vec<_>>(), [counted], "{record}");
            assert_eq!(observed.converted[*counted].times, 1, "{record}");
            assert!(observed.misfits.is_empty() && observed.finer.is_empty(), "{record}");
        }
    }
    let page = page(&REPORT, r#"{"results":[{"client_id":"5","currency":7}]}"#);
    assert_eq!(page.facts.keys[0].0[2..], [KeyPart::Int(5), KeyPart::Text("7".into())]);
}

#[test]
fn what_is_told_of_a_value_is_its_kind_and_its_form() {
    let page = things(
        r#"{"id":1,"rate":"1.25","ok":"true","notes":["x"]},{"id":"2","rate":"9.5","ok":"true"},
           {"id":3,"ok":"\ud800"}"#,
    );
    let of = |values: &engine::drift::DeviatingValues| {
        let kinds: Vec<&str> = values.kinds.iter().copied().collect();
        (values.times, kinds.join(" or "), values.form.clone().unwrap_or_default())
    };
    let converted = &page.observed.converted;
    assert_eq!(of(&converted["rate"]), (2, "text".into(), "\"9.99\"".into()));
    assert_eq!(of(&converted["ok"]), (2, "text".into(), "\"a\"".into()));
    assert_eq!(of(&converted["id"]), (1, "text".into(), "\"9\"".into()));
    let misfits = &page.observed.misfits;
    assert_eq!(of(&misfits["notes"]), (1, "a list".into(), "[..]".into()));
    let half = "text with half a surrogate pair".to_owned();
    assert_eq!(of(&misfits["ok"]), (1, half, "\"?a999\"".into()));
}

#[test]
fn a_number_with_more_places_than_its_column_is_told_apart() {
    for (record, member) in [
        (r#"{"id":1,"fee":1.00005}"#, "fee"),
        (r#"{"id":1,"rate":0.30000000000000004}"#, "rate"),
        (r#"{"id":1,"rate":"0.30000000000000004"}"#, "rate"),
        (r#"{"id":1,"lines":[{"amount":0.10000000000000001}]}"#, "lines[].amount"),
    ] {
        let page = things(record);
        assert_eq!(page.observed.finer[member].times, 1, "{record}");
        assert!(page.observed.misfits.is_empty(), "{record}");
        let path = member.replace("[]", "[0]");
        assert!(cell(&page, "extra_json", 0).starts_with(&format!("{{\"{path}\":")), "{record}");
    }
}

#[test]
fn what_strict_readers_refuse_is_kept_as_text() {
    for (record, expected) in [
        (r#"{"id":1,"notes":"\ud800"}"#, r#"{"notes#json":"\"\\ud800\""}"#),
        (r#"{"id":1,"b":{"x":["\ud800"]}}"#, r#"{"b#json":"{\"x\":[\"\\ud800\"]}"}"#),
        (r#"{"id":1,"b":{"x":1,"x":2}}"#, r#"{"b#json":"{\"x\":1,\"x\":2}"}"#),
        (r#"{"id":1,"b":1,"b":"\udfff"}"#, r#"{"b#json":"\"\\udfff\"","b#1":1}"#),
        (r#"{"id":1,"b":"\udfff","b":1}"#, r#"{"b":1,"b#1#json":"\"\\udfff\""}"#),
        (r#"{"id":1,"rate":1E+400}"#, r#"{"rate#json":"1E+400"}"#),
        (r#"{"id":1,"lines":[{"x":1e-999}]}"#, r#"{"lines[0].x#json":"1e-999"}"#),
        (r#"{"id":1,"b#json":"\u0000"}"#, r#"{"b\\#json":"\u0000"}"#),
    ] {
        let (extra, ..) = extra(record);
        assert_eq!(extra, expected, "{record}");
        let _: serde_json::Value = serde_json::from_str(&extra).unwrap();
    }
}

#[test]
fn of_two_lists_of_records_the_last_counts_and_the_other_is_kept_raw() {
    let body = r#"{"things":[{"id":1},{"id":2,"notes":"x"}],"total_entries":9,"things":[{"id":3}],"total_entries":1}"#;
    let reason = "`things` came again in the same answer, and the last one counts".to_owned();
    let superseded = [r#"{"id":1}"#, r#"{"id":2,"notes":"x"}"#]
        .map(|raw| QuarantinedRecord { raw: raw.to_owned(), reason: reason.clone() });
    let page = page(&THINGS, body);
    assert_eq!((&page.facts.keys, page.facts.total_entries), (&vec![Key::id(3)], Some(1)));
    assert_eq!(page.quarantined, superseded);
    let mut rules = PrivacyRules::default();
    rules.add(&THINGS, "notes", engine::privacy::FieldTreatment::Exclude).unwrap();
    let decoder = Decoder::new(&THINGS).with_privacy(&rules, None);
    let kept = decoder.redacted(body.to_owned()).unwrap();
    let page = decoder.page(&kept, &at(&THINGS)).unwrap();
    assert_eq!((page.facts.keys, page.quarantined.len()), (vec![Key::id(3)], 2));
    assert!(page.quarantined.iter().all(|one| !one.raw.contains("notes")));
    let facts = parents::page(body, &THINGS, "id").unwrap();
    assert_eq!((facts.parents.len(), facts.quarantined), (1, 2));
}

#[test]
fn members_that_are_not_declared_stay_raw_at_any_depth() {
    check_unknown(r#"{"id":1,"b": [ 1.50 ] }"#, r#"{"b":[ 1.50 ]}"#, "b");
    check_unknown(r#"{"id":1,"b":null}"#, r#"{"b":null}"#, "b");
    check_unknown(r#"{"id":1,"client":{"vat":1e2}}"#, r#"{"client.vat":1e2}"#, "client.vat");
    check_unknown(
        r#"{"id":1,"lines":[{},{"project":{"x":"y"}}]}"#,
        r#"{"lines[1].project.x":"y"}"#,
        "lines[].project.x",
    );
    let (extra, _, unknown) = extra(r#"{"z":1,"id":1,"a":2,"m":{"z":0}}"#);
    assert_eq!(extra, r#"{"a":2,"m":{"z":0},"z":1}"#);
    assert_eq!(unknown.len(), 3);
}

#[test]
fn paths_are_unambiguous() {
    check_unknown(r#"{"id":1,"client.vat":1}"#, r#"{"client\\.vat":1}"#, r"client\.vat");
    check_unknown(r#"{"id":1,"lines[0]":1}"#, r#"{"lines\\[0\\]":1}"#, r"lines\[0\]");
    check_unknown(r#"{"id":1,"id#1":1}"#, r#"{"id\\#1":1}"#, r"id\#1");
    check_unknown(r#"{"id":1,"a\\b":1}"#, r#"{"a\\\\b":1}"#, r"a\\b");
    check_unknown(r#"{"id":1,"a\"\u0000":1}"#, r#"{"a\"\u0000":1}"#, "a\"\0");
    check_unknown(r#"{"id":1,"":1}"#, r#"{"":1}"#, "");
    check_unknown(r#"{"id":1,"client":{"":1}}"#, r#"{"client.":1}"#, "client.");
}

#[test]
fn of_a_repeated_member_the_last_counts_and_the_others_stay_raw() {
    let page = things(
        r#"{"id":1,"notes":"a","notes":"b","notes":"c","client":{"id":1,"name":"x"},"client":{"id":2},
            "new":1,"new":2,"lines":[{"id":1,"id":2}]}"#,
    );
    assert_eq!(cell(&page, "notes", 0), "c");
    assert_eq!(
        (cell(&page, "client_id", 0), cell(&page, "client_name", 0)),
        ("2".into(), "-".into())
    );
    assert_eq!(cell(&page, "lines", 0), "[{2,-,-,-}]");
    assert_eq!(
        cell(&page, "extra_json", 0),
        r#"{"client#1":{"id":1,"name":"x"},"lines[0].id#1":1,"new":2,"new#1":1,"notes#1":"a","notes#2":"b"}"#
    );
    let expected = [("client#", 1), ("lines[].id#", 1), ("new", 1), ("new#", 1), ("notes#", 2)];
    assert_eq!(counts(&page.observed.unknown), expected);
    assert!(page.observed.misfits.is_empty());
}

#[test]
fn a_record_that_cannot_be_a_row_is_kept_raw_and_harms_no_other() {
    let bad = [
        ("{ }", "`id` is missing or null"),
        (r#"{"id":null,"new":1}"#, "`id` is missing or null"),
        (r#"{"id":"x5","lines":[{"id":1}]}"#, "`id` does not fit its column"),
        (r#"{"id":5.5}"#, "`id` does not fit its column"),
        (r#"{"id":99999999999999999999}"#, "`id` does not fit its column"),
        ("null", "not an object but null"),
        ("[1]", "not an object but a list"),
        ("\"x\"", "not an object but text"),
        ("false", "not an object but true or false"),
        ("-1.0", "not an object but a number"),
        (r#"{"id":1,"\ud800":1}"#, "the name of a member is not valid text"),
    ];
    let good = r#"{"id":1,"lines":[{"id":1},{"id":2}],"roles":["a"],"notes":"first","new":1}"#;
    let last = r#"{"id":2,"lines":[{"id":3}],"roles":["b","c"],"notes":"last"}"#;
    for (raw, reason) in bad {
        let page = things(&format!("{good},{raw}, {last}"));
        let expected = QuarantinedRecord { raw: raw.to_owned(), reason: reason.to_owned() };
        assert_eq!(page.quarantined, [expected]);
        assert_eq!(page.facts.keys, [Key::id(1), Key::id(2)]);
        assert_eq!(cell(&page, "lines", 0), "[{1,-,-,-},{2,-,-,-}]");
        assert_eq!(cell(&page, "lines", 1), "[{3,-,-,-}]");
        assert_eq!(cell(&page, "roles", 1), "[b,c]");
        assert_eq!(
            (cell(&page, "notes", 0), cell(&page, "notes", 1)),
            ("first".into(), "last".into())
        );
        assert_eq!(
            (cell(&page, "extra_json", 0), cell(&page, "extra_json", 1)),
            (r#"{"new":1}"#.into(), "-".into())
        );
        // Quarantined records are not counted among the deviations.
        assert_eq!(counts(&page.observed.unknown), [("new", 1)]);
        assert!(page.observed.misfits.is_empty());
    }
}

#[test]
fn a_key_that_may_be_null_must_still_fit() {
    let page = page(
        &REPORT,
        r#"{"results":[{"client_id":"x","currency":"EUR"},{"currency":[]},{"client_id":1}]}"#,
    );
    assert_eq!(page.rows.num_rows(), 1);
    let reasons: Vec<&str> = page.quarantined.iter().map(|one| one.reason.as_str()).collect();
    assert_eq!(
        reasons,
        ["`client_id` does not fit its column", "`currency` does not fit its column"]
    );
}

#[test]
fn a_nested_object_with_an_unreadable_name_stays_raw() {
    let record =
        r#"{"id":1,"client":{"id":5,"\udc00":1},"lines":[{"\udc00":1},{"id":2}],"notes":"x"}"#;
    let (extra, misfits, _) = extra(record);
    assert_eq!(
        extra,
        r#"{"client#json":"{\"id\":5,\"\\udc00\":1}","lines[0]#json":"{\"\\udc00\":1}"}"#
    );
    assert_eq!(misfits.len(), 2);
    let page = things(record);
    assert_eq!(cell(&page, "lines", 0), "[-,{2,-,-,-}]");
    assert_eq!((cell(&page, "client_id", 0), cell(&page, "notes", 0)), ("-".into(), "x".into()));
}

#[test]
fn depth_and_length_do_not_matter() {
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    for (path, record) in [
        ("deep", format!("{{\"id\":1,\"deep\":{deep}}}")),
        ("notes", format!("{{\"id\":1,\"notes\":{deep}}}")),
        ("lines[0]", format!("{{\"id\":1,\"lines\":[{deep}]}}")),
    ] {
        assert_eq!(extra(&record).0, format!("{{\"{path}#json\":\"{deep}\"}}"));
    }
    assert_eq!(things(&format!("{deep},{{\"id\":1}}")).quarantined[0].raw, deep);
    let long = "\u{1f600}\0".repeat(100_000).replace('\0', "\\u0000");
    let page = things(&format!("{{\"id\":1,\"notes\":\"{long}\"}}"));
    assert_eq!(cell(&page, "notes", 0), "\u{1f600}\0".repeat(100_000));
}

#[test]
fn a_body_that_is_no_page_moves_nothing() {
    let cases = [
        ("", "the answer is not JSON but nothing: it breaks at line 1, column 0"),
        ("<html>secret</html>", "the answer is not JSON but markup: it breaks at line 1, column 1"),
        ("secret", "the answer is not JSON but other text: it breaks at line 1, column 1"),
        (
            "{\"things\":[{\"id\":1}",
            "the answer is not JSON but JSON cut short: it breaks at line 1, column 19",
        ),
        (
            "{\"things\":[{\"id\":1,}]}",
            "the answer is not JSON but broken JSON: it breaks at line 1, column 20",
        ),
        (
            "{\"things\":[]}{}",
            "the answer is not JSON but broken JSON: it breaks at line 1, column 14",
        ),
        ("[]", "the answer is not an object but a list"),
        ("null", "the answer is not an object but null"),
        ("\"secret\"", "the answer is not an object but text"),
        ("{\"message\":\"secret\"}", "the answer has no `things`"),
        ("{\"things\":null}", "`things` of the answer is not a list but null"),
        ("{\"things\":{\"id\":1}}", "`things` of the answer is not a list but an object"),
        ("{\"things\":[],\"things\":5}", "`things` of the answer is not a list but a number"),
        ("{\"things\":[],\"links\":5}", "`links` of the answer is a number"),
        ("{\"things\":[],\"links\":{\"next\":5}}", "`links.next` of the answer is a number"),
        ("{\"things\":[],\"links\":{\"next\":\"\\ud800\"}}", "`links.next` of the answer is text"),
    ];
    for (body, message) in cases {
        let error = Decoder::new(&THINGS).page(body, &at(&THINGS)).unwrap_err();
        assert_eq!(error.to_string(), message, "{body}");
        assert_eq!(parents::page(body, &THINGS, "id").unwrap_err().to_string(), message, "{body}");
    }
    let error = Decoder::new(&SELF).page("[]", &at(&SELF)).unwrap_err();
    assert_eq!(error.to_string(), "the answer is not an object but a list");
    assert!(count("<", None).is_err() && count("[]", None).is_err());
}
