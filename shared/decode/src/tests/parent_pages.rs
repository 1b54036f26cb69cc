//! Trigger listings.

use super::*;

fn read(records: &str) -> PageFacts {
    let body =
        format!("{{\"things\":[{records}],\"total_entries\":9,\"links\":{{\"next\":\"n\"}}}}");
    parents::page(&body, &THINGS, "id").unwrap()
}

#[test]
fn a_trigger_record_names_its_parent() {
    let page = read(
        r#"{"id":5,"day":"2017-03-01","created_at":"2018-01-01T00:30:00+01:00","access_roles":["a","b"]},
           {"id":6,"day":null,"created_at":"bad","access_roles":["a",5]},
           {"id":7.0,"day":"2017/03/01"},{"id":6,"id":"8","created_at":"2016-01-01 00:00:00 UTC"}"#,
    );
    assert_eq!((page.total_entries, page.next.as_deref()), (Some(9), Some("n")));
    let found = |id, created_year| ParentFound {
        parent: Parent { id, created_year },
        roles: (id == 5).then(|| vec!["a".to_owned(), "b".to_owned()]),
    };
    let parents = [found(5, Some(2017)), found(6, None), found(7, None), found(8, Some(2016))];
    assert_eq!(page.parents, parents);
    assert_eq!(page.keys, [5, 6, 7, 8].map(Key::id));
    let day = Some(civil::date(2017, 3, 1));
    assert_eq!(page.dates, [day, None, day, None]);
    assert_eq!(page.quarantined, 0);
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
        assert_eq!(parents::created_year(&body), year, "{body}");
    }
}

#[test]
fn the_parent_may_be_nested() {
    let body = r#"{"things":[{"id":5,"user":{"id":3}},{"id":6,"user":null},{"user":{"id":3}}]}"#;
    let page = parents::page(body, &THINGS, "user.id").unwrap();
    assert_eq!((page.parents.len(), page.parents[0].parent.id), (1, 3));
    assert_eq!((page.keys, page.quarantined), (vec![Key::id(5)], 2));
}

#[test]
fn a_record_without_a_parent_is_counted() {
    let page = read(r#"{"id":5},7,{"id": "x"},{"id":null},{"\ud800":1}"#);
    assert_eq!((page.parents.len(), page.quarantined), (1, 4));
}
