//! Checks that excluded members are nowhere, hashed ones are hashes, and all else is unchanged.

use engine::pass::AnswerPurpose;
use engine::privacy::{FieldTreatment, PrivacyRules};
use engine::spec::PersonalFields;
use proptest::prelude::*;

use super::properties::{Json, record, repeating};
use super::*;

fn decoder(excluded: &[&str], hashed: &[&str]) -> Decoder {
    let mut rules = PrivacyRules::default();
    for path in excluded {
        rules.add(&THINGS, path, FieldTreatment::Exclude).unwrap();
    }
    for path in hashed {
        rules.add(&THINGS, path, FieldTreatment::Hash).unwrap();
    }
    Decoder::new(&THINGS).with_privacy(&rules, Some(&HashKey::new(b"Jefe".to_vec())))
}

fn private(decoder: &Decoder, records: &str) -> DecodedPage {
    answer(decoder, records).0
}

fn answer(decoder: &Decoder, records: &str) -> (DecodedPage, String) {
    let body = format!("{{\"things\":[{records}],\"total_entries\":7}}");
    let body = decoder.redacted(body).unwrap();
    (decoder.page(&body, &at(decoder.schema().spec)).unwrap(), body)
}

#[test]
fn lists_within_lists_without_end_are_dropped() {
    let decoder = decoder(&["client.name"], &[]);
    for depth in [3, 100, 20_000] {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        let record = format!(r#"{{"id":1,"client":{open}{{"name":"SECRET","id":7}}{close}}}"#);
        let (page, left) = answer(&decoder, &record);
        assert!(!format!("{page:?}{left}").contains("SECRET"), "{depth}");
        assert_eq!(left.contains("\"id\":7"), depth == 3, "{depth}: {left}");
    }
}

#[test]
fn excluded_members_are_nowhere_whatever_they_look_like() {
    let decoder = decoder(&["notes", "client.name", "lines.kind"], &[]);
    for secret in [
        r#"{"id":1,"notes":"SECRET"}"#,
        r#"{"id":1,"n\u006ftes":"SECRET","notes":{"a":"SECRET"}}"#,
        r#"{"id":1,"client":{"id":2,"name":"SECRET"}}"#,
        r#"{"id":1,"client":"SECRET"}"#,
        r#"{"id":1,"client":[{"name":"SECRET"},"SECRET"]}"#,
        r#"{"id":1,"client":{"\ud800":1,"name":"SECRET"}}"#,
        r#"{"id":1,"lines":[{"kind":"SECRET"},"SECRET",null,[{"kind":"SECRET"}]]}"#,
        r#"{"id":1,"lines":{"kind":"SECRET"}}"#,
        r#"{"id":1,"lines":"SECRET"}"#,
        // Of a repeated member the last counts, and the others leave nothing behind.
        r#"{"id":1,"notes":"SECRET","notes":"SECRET"}"#,
        r#"{"id":1,"client":{"id":5,"name":"SECRET"},"client":true}"#,
        r#"{"id":1,"client":"SECRET","client":{"id":6,"name":"SECRET"}}"#,
        r#"{"id":1,"client":{"name":"SECRET","name":"SECRET"}}"#,
        r#"{"id":1,"lines":[{"kind":"SECRET"}],"lines":[{"kind":1,"kind":"SECRET"}]}"#,
        // The record becomes no row; its redacted form is in the quarantine.
        r#"{"id":null,"notes":"SECRET"}"#,
        r#"{"id":5.5,"client":{"name":"SECRET"}}"#,
        r#""SECRET""#,
        r#"["SECRET"]"#,
        r#"{"\ud800":"SECRET"}"#,
    ] {
        let (page, left) = answer(&decoder, secret);
        assert!(!format!("{page:?}").contains("SECRET"), "{secret}: {page:?}");
        assert!(!left.contains("SECRET"), "{secret}: {left}");
        assert_eq!(page.rows.num_rows() + page.quarantined.len(), 1);
        assert_eq!(page.facts.total_entries, Some(7));
    }
    let page = private(
        &decoder,
        r#"{"id":1,"client":{"id":2,"name":"x","vat":3},"lines":[{"id":4,"kind":"y"},5]}"#,
    );
    assert_eq!(cell(&page, "client_id", 0), "2");
    assert_eq!(cell(&page, "lines", 0), "[{4,-,-,-},-]");
    assert_eq!(cell(&page, "extra_json", 0), r#"{"client.vat":3}"#);
}

/// A page as a run decodes it, from the body of an answer.
fn decoded(decoder: &Decoder, record: &str) -> DecodedPage {
    let body = format!("{{\"things\":[{record}],\"total_entries\":1}}");
    let ReadAt { account, synced_at, unit } = at(decoder.schema().spec);
    decoder.decode(AnswerPurpose::Records(unit), account, synced_at, body).unwrap()
}

#[test]
fn a_record_that_is_no_row_leaves_nothing_private_in_the_quarantine() {
    static PERSONAL: PersonalFields =
        PersonalFields { person: "client.id", members: &["client.name", "notes"] };
    let excluding = decoder(&["notes", "client.name"], &[]);
    let erasing =
        Decoder::new(&THINGS).with_erased(&PrivacyRules::default(), None, &PERSONAL, [7].into());
    for (decoder, record) in [
        (&excluding, r#"{"id":null,"notes":"SECRET"}"#),
        (&excluding, r#"{"id":5.5,"client":{"id":7,"name":"SECRET"}}"#),
        (&erasing, r#"{"id":null,"client":{"id":7,"name":"SECRET"},"notes":"SECRET"}"#),
        // Members that are not declared may be personal, too, however deep they are.
        (&erasing, r#"{"id":null,"client":{"id":7},"nickname":"SECRET"}"#),
        (&erasing, r#"{"id":null,"client":{"id":7,"nickname":"SECRET"}}"#),
    ] {
        let page = decoded(decoder, record);
        assert_eq!((page.rows.num_rows(), page.quarantined.len()), (0, 1), "{record}");
        assert!(!format!("{page:?}").contains("SECRET"), "{record}: {page:?}");
    }
}

#[test]
fn a_hash_is_that_of_the_standard() {
    // The second test case of RFC 4231.
    let hash = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    let decoder = decoder(&[], &["notes", "client.name", "lines.kind"]);
    let what = "what do ya want for nothing?";
    let page = private(
        &decoder,
        &format!(
            r#"{{"id":1,"notes":"{what}","client":{{"name":"\u0077hat do ya want for nothing?"}},"lines":[{{"kind":"{what}"}},{{"kind":null}}]}},
           {{"id":2,"notes":null,"client":{{"name":[5]}}}},{{"id":3,"notes":["{what}"]}}"#
        ),
    );
    assert_eq!(
        (cell(&page, "notes", 0), cell(&page, "client_name", 0)),
        (hash.into(), hash.into())
    );
    assert_eq!(cell(&page, "lines", 0), format!("[{{-,-,{hash},-}},{{-,-,-,-}}]"));
    for row in [1, 2] {
        assert_eq!(cell(&page, "notes", row), "-");
        assert_eq!(cell(&page, "extra_json", row), "-");
    }
}

#[test]
fn of_a_member_twice_the_last_is_what_the_rules_look_at() {
    let decoder = decoder(&["lines.kind"], &["client.name"]);
    for (record, client_id, extra) in [
        (r#"{"client":{"id":0},"client":true,"id":1}"#, "-", "-"),
        (r#"{"client":true,"client":{"id":2},"id":1}"#, "2", "-"),
        (r#"{"client":{"id":3},"client":{"id":2,"vat":4},"id":1}"#, "2", r#"{"client.vat":4}"#),
        (r#"{"client":{"id":3},"client":null,"id":1}"#, "-", "-"),
        (r#"{"client":{"id":3,"id":4},"id":9,"id":1}"#, "4", r#"{"client.id#1":3,"id#1":9}"#),
    ] {
        let page = private(&decoder, record);
        assert_eq!(page.facts.keys, [Key::id(1)], "{record}");
        assert_eq!(cell(&page, "client_id", 0), client_id, "{record}");
        assert_eq!(cell(&page, "extra_json", 0), extra, "{record}");
    }
}

#[test]
fn of_two_people_in_one_record_the_last_counts_and_the_erased_one_is_nowhere() {
    static PERSONAL: PersonalFields =
        PersonalFields { person: "client.id", members: &["client.name", "notes"] };
    let decoder =
        Decoder::new(&THINGS).with_erased(&PrivacyRules::default(), None, &PERSONAL, [7].into());
    for record in [
        r#"{"id":1,"client":{"id":7,"name":"SECRET"},"client":{"id":8,"name":"Ann"},"notes":"n"}"#,
        r#"{"id":1,"client":{"id":8,"name":"SECRET","name":"Ann"},"notes":"SECRET","notes":"n"}"#,
        r#"{"id":1,"client":{"id":7,"id":"8","name":"Ann"},"notes":"n"}"#,
    ] {
        let page = private(&decoder, record);
        assert!(!format!("{page:?}").contains("SECRET"), "{page:?}");
        assert_eq!(cell(&page, "client_id", 0), "8", "{record}");
        assert_eq!(cell(&page, "client_name", 0), "Ann", "{record}");
        assert_eq!(cell(&page, "notes", 0), "n", "{record}");
    }
    let page = private(
        &decoder,
        r#"{"id":1,"client":{"id":8},"client":{"id":"7","name":"SECRET"},"notes":"SECRET"}"#,
    );
    assert!(!format!("{page:?}").contains("SECRET"), "{page:?}");
    // A value that is not an object stays if the rules remove nothing.
    let page = private(&decoder, r#"{"id":1,"client":5,"notes":["n"]}"#);
    assert_eq!(cell(&page, "extra_json", 0), r#"{"client":5,"notes":["n"]}"#);
}

#[test]
fn a_record_is_another_persons_only_if_nothing_in_it_says_otherwise() {
    for (raw, is_of_another) in [
        (r#"{"user":{"id":8,"name":"Ann"}}"#, true),
        (r#"{"user":{"id":"8"}}"#, true),
        (r#"{"user":{"id":7}}"#, false),
        (r#"{"user":{"id":"7.0"}}"#, false),
        (r#"{"user":{"id":7},"user":{"id":8}}"#, false),
        (r#"{"user":{"id":7,"id":8}}"#, false),
        (r#"{"user":null}"#, false),
        (r#"{"id":8}"#, false),
        ("8", false),
    ] {
        assert_eq!(redact::is_of_another(raw, "user.id", 7), is_of_another, "{raw}");
    }
}

#[test]
fn of_an_erased_person_only_what_they_did_is_kept() {
    static PERSONAL: PersonalFields =
        PersonalFields { person: "client.id", members: &["client.name", "notes"] };
    let mut rules = PrivacyRules::default();
    rules.add(&THINGS, "notes", FieldTreatment::Hash).unwrap();
    let key = HashKey::new(b"Jefe".to_vec());
    let decoder = Decoder::new(&THINGS).with_erased(&rules, Some(&key), &PERSONAL, [7].into());
    let record = |id: &str| {
        format!(
            r#"{{"id":1,"client":{{"id":{id},"name":"SECRET","nick":"SECRET"}},"notes":"SECRET","new":"SECRET","rate":2.5,"fee":[]}}"#
        )
    };
    for id in ["7", "7.0", "70e-1", "\"7\"", "8,\"id\":7"] {
        let page = private(&decoder, &record(id));
        assert!(!format!("{page:?}").contains("SECRET"), "{page:?}");
        assert_eq!(cell(&page, "rate", 0), "2.500000");
        assert_eq!(cell(&page, "extra_json", 0), "-");
        assert_eq!(
            (cell(&page, "client_id", 0), cell(&page, "notes", 0)),
            ("7".into(), "-".into())
        );
    }
    let page = private(&decoder, &record("8"));
    assert_eq!(cell(&page, "client_name", 0), "SECRET");
    let extra = r#"{"client.nick":"SECRET","fee":[],"new":"SECRET"}"#;
    assert_eq!(cell(&page, "extra_json", 0), extra);
    assert_eq!(cell(&page, "notes", 0).len(), 64);
}

#[test]
fn what_is_excluded_is_not_missed() {
    let page = private(&decoder(&["client"], &["notes"]), r#"{"id":1}"#);
    let declared = decoder(&["client"], &["notes"]).declared(&page.observed.presence);
    assert!(declared.keys().all(|path| !path.starts_with("client")), "{declared:?}");
    assert!(declared.contains_key("notes") && declared.contains_key("fee"));
}

#[test]
fn a_key_shows_in_no_log() {
    assert_eq!(format!("{:?}", decoder(&[], &["notes"]).redactor).matches("74").count(), 0);
    assert!(format!("{:?}", HashKey::new(b"Jefe".to_vec())).ends_with("(..)"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Checks that rules do not change any other column.
    #[test]
    fn all_else_stays_as_it_was(
        records in proptest::collection::vec(prop_oneof![record(), repeating()], 0..6),
    ) {
        let records: Vec<String> = records.iter().map(Json::render).collect();
        let plain = things(&records.join(","));
        let page = private(&decoder(&["notes", "lines"], &["client.name"]), &records.join(","));
        prop_assert_eq!(&page.facts.keys, &plain.facts.keys);
        for column in plain.rows.schema().fields() {
            let name = column.name().as_str();
            // These columns may differ: a value of another type than declared counts as another
            // value.
            if ["notes", "lines", "client_name", "extra_json"].contains(&name) {
                continue;
            }
            prop_assert_eq!(page.rows.column_by_name(name), plain.rows.column_by_name(name), "{}", name);
        }
        let extra = page.rows.column_by_name("extra_json").unwrap().as_string::<i32>().clone();
        for extra in extra.iter().flatten() {
            let members: BTreeMap<String, Box<serde_json::value::RawValue>> = serde_json::from_str(extra).unwrap();
            for path in members.keys() {
                let excluded = ["notes", "lines"].iter().any(|name| {
                    path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[', '#']))
                });
                prop_assert!(!excluded, "{}", extra);
            }
        }
    }
}
