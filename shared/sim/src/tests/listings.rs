//! Paging while the account changes.

use std::collections::{BTreeMap, BTreeSet};

use engine::spec::StreamKind;
use proptest::prelude::*;

use super::{Caller, id};
use crate::AccountScale;

const CURSOR_LISTS: &[&str] = &["clients", "projects", "tasks", "user_assignments", "users"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_cursor_walk_sees_every_lasting_record_once(
        seed in 0_u64..50, size in 1_usize..9, which in 0_usize..5, steps in 0_u64..6
    ) {
        let list = CURSOR_LISTS[which];
        let mut caller = Caller::new(&AccountScale::tiny(), seed);
        let ids = |caller: &mut Caller| -> BTreeSet<i64> {
            caller.truth(list).iter().map(|one| one.int("/id")).collect()
        };
        let before = ids(&mut caller);
        let mut round = seed;
        let seen = caller.walk(&format!("/v2/{list}?per_page={size}"), list, |caller| {
            round += 1;
            caller.wait(1);
            caller.account.mutate(caller.now, round, steps);
        });
        let after = ids(&mut caller);
        let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
        for record in &seen {
            *counts.entry(id(record)).or_default() += 1;
        }
        prop_assert!(counts.values().all(|count| *count == 1), "{counts:?}");
        for lasting in before.intersection(&after) {
            prop_assert!(counts.contains_key(lasting), "{lasting} was skipped");
        }
    }

    #[test]
    fn reading_by_date_sees_every_entry(seed in 0_u64..50, size in 20_usize..80) {
        let mut caller = Caller::new(&AccountScale::tiny(), seed);
        let all: BTreeSet<i64> = caller.truth("time_entries").iter().map(|t| t.int("/id")).collect();
        let mut seen = BTreeSet::new();
        let mut to = String::new();
        loop {
            let page = caller.get(&format!("/v2/time_entries?per_page={size}{to}"));
            let entries = page["time_entries"].as_array().unwrap();
            let days: Vec<&str> = entries.iter().map(|e| e["spent_date"].as_str().unwrap()).collect();
            prop_assert!(days.is_sorted_by(|one, other| one >= other));
            seen.extend(entries.iter().map(id));
            if page["total_entries"].as_u64().unwrap() == entries.len() as u64 {
                break;
            }
            let oldest = days.last().unwrap();
            prop_assert!(days.first() != Some(oldest), "a day of more than {size} entries");
            to = format!("&to={oldest}");
        }
        prop_assert_eq!(seen, all);
    }
}

#[test]
fn an_offset_walk_repeats_what_a_new_record_shifts() {
    let mut caller = Caller::tiny();
    let mut first = true;
    let seen = caller.walk("/v2/time_entries?per_page=100", "time_entries", |caller| {
        if std::mem::take(&mut first) {
            let new = caller.apply(r#"{"op":"create","stream":"time_entries"}"#);
            let to_front = format!(r#"{{"op":"move_entry","id":{new},"day":"2026-11-30"}}"#);
            caller.apply(&to_front);
        }
    });
    let distinct: BTreeSet<i64> = seen.iter().map(id).collect();
    assert_eq!(seen.len(), 301);
    assert_eq!(distinct.len(), 300, "the newest entry is missed, another one comes twice");
}

#[test]
fn an_offset_walk_misses_what_a_deletion_shifts() {
    let mut caller = Caller::tiny();
    let all: BTreeSet<i64> = caller.truth("expenses").iter().map(|one| one.int("/id")).collect();
    let mut first = None;
    let seen = caller.walk("/v2/expenses?per_page=10", "expenses", |caller| {
        if first.is_none() {
            let newest = id(&caller.get("/v2/expenses?per_page=1")["expenses"][0]);
            let gone = format!(r#"{{"op":"delete","stream":"expenses","id":{newest}}}"#);
            first = Some(caller.apply(&gone));
        }
    });
    let seen: BTreeSet<i64> = seen.iter().map(id).collect();
    assert_eq!(all.difference(&seen).count(), 1);
}

#[test]
fn an_undated_estimate_is_in_no_range_of_dates() {
    let mut caller = Caller::tiny();
    let total = |caller: &mut Caller, query: &str| {
        caller.get(&format!("/v2/estimates?per_page=1{query}"))["total_entries"].as_i64().unwrap()
    };
    let all = total(&mut caller, "");
    let dated = total(&mut caller, "&from=1900-01-01");
    assert_eq!(all, 9);
    assert_eq!(dated, 8);
    assert_eq!(total(&mut caller, "&to=2999-12-31"), 8);
    caller.apply(r#"{"op":"undate"}"#);
    assert!(total(&mut caller, "&from=1900-01-01") <= dated);
}

#[test]
fn changed_since_is_inclusive_and_combines_with_other_filters() {
    let mut caller = Caller::tiny();
    caller.wait(60);
    let moved = caller.apply(r#"{"op":"update","stream":"time_entries"}"#);
    let found = caller.get("/v2/time_entries?updated_since=2026-11-23T06:01:00Z");
    assert_eq!(found["total_entries"], 1);
    assert_eq!(id(&found["time_entries"][0]), moved);
    let user = found["time_entries"][0]["user"]["id"].as_i64().unwrap();
    let day = found["time_entries"][0]["spent_date"].as_str().unwrap().to_owned();
    let since = "updated_since=2026-11-23T06:01:00Z";
    let narrowed = format!("/v2/time_entries?{since}&user_id={user}&from={day}&to={day}");
    assert_eq!(caller.get(&narrowed)["total_entries"], 1);
    let other = format!("/v2/time_entries?{since}&user_id={}", user + 1_000_000);
    assert_eq!(caller.get(&other)["total_entries"], 0);
    let later = caller.get("/v2/time_entries?updated_since=2026-11-23T06:01:01Z");
    assert_eq!(later["total_entries"], 0);
    assert_eq!(later["total_pages"], 1);
}

#[test]
fn only_active_records_are_asked_for_by_is_active() {
    let mut caller = Caller::tiny();
    caller.apply(r#"{"op":"archive","stream":"clients"}"#);
    let count = |caller: &mut Caller, query: &str| {
        caller.get(&format!("/v2/clients{query}"))["total_entries"].as_i64().unwrap()
    };
    let (on, off) = (count(&mut caller, "?is_active=true"), count(&mut caller, "?is_active=false"));
    assert!(off >= 1);
    assert_eq!(on + off, count(&mut caller, ""));
}

#[test]
fn records_are_where_the_declarations_say() {
    let mut caller = Caller::tiny();
    for spec in streams::STREAMS {
        let StreamKind::Listing(listing) = &spec.kind else { continue };
        let page = caller.get(&format!("/v2{}?per_page=1", spec.path));
        let record = &page[spec.records_key.unwrap()][0];
        let parent = listing.goes_with.map(|parent| parent.column.replace("_id", "/id"));
        let parent =
            parent.map_or(0, |id| record.pointer(&format!("/{id}")).unwrap().as_i64().unwrap());
        let ids = |path: &str| {
            let path = path.replace("{id}", &id(record).to_string());
            format!("/v2{}", path.replace("{parent}", &parent.to_string()))
        };
        assert_eq!(&caller.get(&ids(listing.own_path)), record, "{}", spec.name);
        if let Some(parent) = listing.goes_with {
            caller.get(&ids(parent.path));
        }
    }
}

#[test]
fn records_are_found_by_id() {
    let mut caller = Caller::tiny();
    for list in ["clients", "projects", "time_entries", "invoices", "estimates", "users", "roles"] {
        let listed = caller.get(&format!("/v2/{list}?per_page=1"))[list][0].clone();
        assert_eq!(caller.get(&format!("/v2/{list}/{}", id(&listed))), listed, "{list}");
        let gone = caller.ask(&format!("/v2/{list}/99"));
        assert_eq!(
            (gone.status, &gone.body[..]),
            (404, &br#"{"status":404,"error":"Not Found"}"#[..])
        );
    }
    let missing_parent = caller.ask("/v2/invoices/99/payments");
    assert_eq!(missing_parent.status, 404);
    let odd = caller.ask("/v2/clients/abc");
    assert_eq!(odd.status, 404);
    assert!(odd.header_value("content-type").unwrap().starts_with("text/html"));
}
