//! Trigger listings.

use super::*;

fn read(records: &str) -> ParentsPage {
    let body =
        format!("{{\"things\":[{records}],\"total_entries\":9,\"links\":{{\"next\":\"n\"}}}}");
    parents(&body, &THINGS, "id").unwrap()
}

#[test]
fn a_trigger_record_names_its_parent() {
    let page = read(
        r#"{"id":5,"day":"2017-03-01","created_at":"2018-01-01T00:30:00+01:00","access_roles":["a","b"]},
           {"id":6,"day":null,"created_at":"bad","access_roles":["a",5]},
           {"id":7.0,"day":"2017/03/01"},{"id":6,"id":"8","created_at":"2016-01-01 00:00:00 UTC"}"#,
    );
    assert_eq!((page.envelope.total_entries, page.envelope.next.as_deref()), (Some(9), Some("n")));
    let expected = [
        ParentRecord {
            parent: Parent { id: 5, created_year: Some(2017) },
            access_roles: Some(vec!["a".into(), "b".into()]),
            key: Key::id(5),
            date: Some(civil::date(2017, 3, 1)),
        },
        ParentRecord {
            parent: Parent { id: 6, created_year: None },
            access_roles: None,
            key: Key::id(6),
            date: None,
        },
        ParentRecord {
            parent: Parent { id: 7, created_year: None },
            access_roles: None,
            key: Key::id(7),
            date: Some(civil::date(2017, 3, 1)),
        },
        ParentRecord {
            parent: Parent { id: 8, created_year: Some(2016) },
            access_roles: None,
            key: Key::id(8),
            date: None,
        },
    ];
    assert_eq!(page.parents, expected);
    assert!(page.quarantined.is_empty());
}

#[test]
fn the_year_of_a_parent_is_that_of_its_own_record() {
    let deep = "[".repeat(500) + &"]".repeat(500);
    for (body, year) in [
        (r#"{"created_at":"2018-01-01T00:30:00+01:00"}"#.to_owned(), Some(2017)),
        (r#"{"created_at":"x","created_at":"2016-01-01 00:00:00 UTC"}"#.to_owned(), Some(2016)),
        (format!(r#"{{"a":"\ud800","b":{deep},"created_at":"2015-01-01T00:00:00Z"}}"#), Some(2015)),
        (r#"{"created_at":null}"#.to_owned(), None),
        ("[]".to_owned(), None),
    ] {
        assert_eq!(created_year(&body), year, "{body}");
    }
}

#[test]
fn the_parent_may_be_nested() {
    let body = r#"{"things":[{"id":5,"user":{"id":3}},{"id":6,"user":null},{"user":{"id":3}}]}"#;
    let page = parents(body, &THINGS, "user.id").unwrap();
    assert_eq!(page.parents.len(), 1);
    assert_eq!((page.parents[0].parent.id, &page.parents[0].key), (3, &Key::id(5)));
    let reasons: Vec<&str> = page.quarantined.iter().map(|one| one.reason.as_str()).collect();
    assert_eq!(reasons, ["`user.id` is no id", "`id` is no id"]);
}

#[test]
fn a_record_without_a_parent_is_kept_raw() {
    let page = read(r#"{"id":5},7,{"id": "x"},{"id":null},{"\ud800":1}"#);
    assert_eq!(page.parents.len(), 1);
    let raws: Vec<&str> = page.quarantined.iter().map(|one| one.raw.as_str()).collect();
    assert_eq!(raws, ["7", r#"{"id": "x"}"#, r#"{"id":null}"#, r#"{"\ud800":1}"#]);
}
