//! Pages, records and values that are not as declared.

use super::*;

/// Paths with their counts.
type Counted = Vec<(String, u64)>;

/// The `extra_json` of the only row, and what was counted.
fn extra(record: &str) -> (String, Counted, Counted) {
    let page = things(record);
    assert_eq!((page.rows.num_rows(), page.quarantined.len()), (1, 0), "{record}");
    let owned = |counts: &BTreeMap<String, u64>| counts.clone().into_iter().collect();
    (cell(&page, "extra_json", 0), owned(&page.misfits), owned(&page.unknown))
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
    check_misfit(r#"{"id":1,"notes":5}"#, r#"{"notes":5}"#, "notes");
    check_misfit(r#"{"id":1,"notes":{"a": [1]}}"#, r#"{"notes":{"a": [1]}}"#, "notes");
    check_misfit(r#"{"id":1,"fee":1.00005}"#, r#"{"fee":1.00005}"#, "fee");
    check_misfit(r#"{"id":1,"rate":1E+400}"#, r#"{"rate":1E+400}"#, "rate");
    check_misfit(r#"{"id":1,"ok":"true"}"#, r#"{"ok":"true"}"#, "ok");
    check_misfit(r#"{"id":1,"day":"2017-02-30"}"#, r#"{"day":"2017-02-30"}"#, "day");
    check_misfit(r#"{"id":1,"updated_at":"soon"}"#, r#"{"updated_at":"soon"}"#, "updated_at");
    check_misfit(r#"{"id":1,"notes":"\ud800"}"#, r#"{"notes":"\ud800"}"#, "notes");
    check_misfit(r#"{"id":1,"client":5}"#, r#"{"client":5}"#, "client");
    check_misfit(r#"{"id":1,"client":[]}"#, r#"{"client":[]}"#, "client");
    check_misfit(r#"{"id":1,"client":{"id":5.5}}"#, r#"{"client.id":5.5}"#, "client.id");
    check_misfit(r#"{"id":1,"client":{"deep":true}}"#, r#"{"client.deep":true}"#, "client.deep");
    check_misfit(r#"{"id":1,"roles":"a"}"#, r#"{"roles":"a"}"#, "roles");
    check_misfit(r#"{"id":1,"roles":{}}"#, r#"{"roles":{}}"#, "roles");
    check_misfit(r#"{"id":1,"roles":["a",5]}"#, r#"{"roles[1]":5}"#, "roles[]");
    check_misfit(r#"{"id":1,"lines":7}"#, r#"{"lines":7}"#, "lines");
    check_misfit(r#"{"id":1,"lines":[{},[]]}"#, r#"{"lines[1]":[]}"#, "lines[]");
    check_misfit(
        r#"{"id":1,"lines":[{},{},{"amount":"1"}]}"#,
        r#"{"lines[2].amount":"1"}"#,
        "lines[].amount",
    );
    check_misfit(
        r#"{"id":1,"lines":[{"project":{"id":""}}]}"#,
        r#"{"lines[0].project.id":""}"#,
        "lines[].project.id",
    );
}

#[test]
fn members_that_are_not_declared_stay_raw_at_any_depth() {
    check_unknown(r#"{"id":1,"b": [ 1.50 ] }"#, r#"{"b":[ 1.50 ]}"#, "b");
    check_unknown(r#"{"id":1,"b":null}"#, r#"{"b":null}"#, "b");
    check_unknown(r#"{"id":1,"client":{"vat":1e2}}"#, r#"{"client.vat":1e2}"#, "client.vat");
    check_unknown(
        r#"{"id":1,"lines":[{},{"project":{"x":"\ud800"}}]}"#,
        r#"{"lines[1].project.x":"\ud800"}"#,
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
    assert_eq!(counts(&page.unknown), expected);
    assert!(page.misfits.is_empty());
}

#[test]
fn a_record_that_cannot_be_a_row_is_kept_raw_and_harms_no_other() {
    let bad = [
        ("{ }", "`id` is missing or null"),
        (r#"{"id":null,"new":1}"#, "`id` is missing or null"),
        (r#"{"id":"5","lines":[{"id":1}]}"#, "`id` does not fit its column"),
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
        let expected = Quarantined { raw: raw.to_owned(), reason: reason.to_owned() };
        assert_eq!(page.quarantined, [expected]);
        assert_eq!(page.keys, [Key::id(1), Key::id(2)]);
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
        // What went to quarantine is counted nowhere else.
        assert_eq!(counts(&page.unknown), [("new", 1)]);
        assert!(page.misfits.is_empty());
    }
}

#[test]
fn a_key_that_may_be_null_must_still_fit() {
    let page = page(
        &REPORT,
        r#"{"results":[{"client_id":"x","currency":"EUR"},{"currency":5},{"client_id":1}]}"#,
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
    assert_eq!(extra, r#"{"client":{"id":5,"\udc00":1},"lines[0]":{"\udc00":1}}"#);
    assert_eq!(misfits.len(), 2);
    let page = things(record);
    assert_eq!(cell(&page, "lines", 0), "[-,{2,-,-,-}]");
    assert_eq!((cell(&page, "client_id", 0), cell(&page, "notes", 0)), ("-".into(), "x".into()));
}

#[test]
fn depth_and_length_do_not_matter() {
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    check_unknown(
        &format!("{{\"id\":1,\"deep\":{deep}}}"),
        &format!("{{\"deep\":{deep}}}"),
        "deep",
    );
    check_misfit(
        &format!("{{\"id\":1,\"notes\":{deep}}}"),
        &format!("{{\"notes\":{deep}}}"),
        "notes",
    );
    check_misfit(
        &format!("{{\"id\":1,\"lines\":[{deep}]}}"),
        &format!("{{\"lines[0]\":{deep}}}"),
        "lines[]",
    );
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
        ("{\"things\":[],\"things\":[]}", "the answer has several `things`"),
        ("{\"things\":[],\"links\":5}", "`links` of the answer is a number"),
        ("{\"things\":[],\"links\":{\"next\":5}}", "`links.next` of the answer is a number"),
        ("{\"things\":[],\"links\":{\"next\":\"\\ud800\"}}", "`links.next` of the answer is text"),
    ];
    for (body, message) in cases {
        let error = Decoder::new(&THINGS).page(body, &at()).unwrap_err();
        assert_eq!(error.to_string(), message, "{body}");
        assert_eq!(parents(body, &THINGS, "id").unwrap_err().to_string(), message, "{body}");
    }
    let error = Decoder::new(&SELF).page("[]", &at()).unwrap_err();
    assert_eq!(error.to_string(), "the answer is not an object but a list");
    assert!(count("<").is_err() && count("[]").is_err());
}
