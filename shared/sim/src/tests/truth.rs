//! The control face's records: that they are those that the API serves.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Value;

use super::{Caller, id};
use crate::AccountScale;
use crate::stream::Stream;

const WINDOW: &str = "?from=20251124&to=20261123";

fn everything(caller: &mut Caller) -> Vec<String> {
    let query = |stream: &Stream| if stream.is_report() { WINDOW } else { "" };
    (Stream::ALL.iter())
        .map(|stream| caller.control(&format!("/_sim/truth/{}{}", stream.name(), query(stream))))
        .map(|value| value.to_string())
        .collect()
}

#[test]
fn one_seed_makes_one_account_and_one_history() {
    let run = |seed| {
        let mut caller = Caller::new(&AccountScale::tiny(), seed);
        caller.wait(60);
        let done = caller.account.mutate(caller.now, 5, 200);
        assert!(done.len() > 100, "{}", done.len());
        everything(&mut caller)
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn every_stream_serves_its_truth() {
    let mut caller =
        Caller::new(&AccountScale { unknown_members: true, ..AccountScale::tiny() }, 11);
    for stream in Stream::ALL {
        let (name, key) = (stream.name(), stream.spec().records_key.unwrap_or_default());
        let query = if stream.is_report() { WINDOW } else { "" };
        let truth = caller.control(&format!("/_sim/truth/{name}{query}"));
        let truth = truth["records"].as_array().unwrap().clone();
        assert!(!truth.is_empty(), "{name}");
        let mut served = Vec::new();
        if *stream == Stream::Company {
            served.push(caller.get("/v2/company"));
        } else if stream.has_parent() {
            let parents: BTreeSet<i64> =
                truth.iter().map(|one| one["parent"].as_i64().unwrap()).collect();
            for parent in parents {
                let path = stream.path().replace("{parent}", &parent.to_string());
                served.extend(caller.walk(&format!("/v2{path}?per_page=3"), key, |_| {}));
            }
        } else {
            served = caller.walk(&format!("/v2{}{query}", stream.path()), key, |_| {});
        }
        let texts = |records: &mut dyn Iterator<Item = Value>| -> BTreeSet<String> {
            records.map(|one| one.to_string()).collect()
        };
        let wanted = texts(&mut truth.into_iter().map(|mut one| one["record"].take()));
        assert_eq!(texts(&mut served.into_iter()), wanted, "{name}");
        let unknown = wanted.iter().filter(|text| text.contains("x_new_member")).count();
        assert!(stream.is_report() || unknown > 0 || wanted.len() < 20, "{name}");
    }
}

#[test]
fn children_come_with_their_parents_creation() {
    let mut caller = Caller::tiny();
    for one in caller.truth("invoice_payments") {
        let invoice = caller.get(&format!("/v2/invoices/{}", one.parent.unwrap()));
        assert_eq!(invoice["created_at"].as_str(), one.parent_created_at.as_deref());
    }
    assert!(caller.truth("clients").iter().all(|one| one.parent.is_none()));
}

#[test]
fn the_extent_spans_entries_expenses_and_invoices() {
    let mut caller = Caller::tiny();
    let extent = caller.control("/_sim/extent");
    let mut days: Vec<String> = Vec::new();
    for list in ["time_entries", "expenses"] {
        let all = caller.truth(list);
        days.extend(all.iter().map(|one| one.value()["spent_date"].as_str().unwrap().to_owned()));
    }
    assert_eq!(extent["first_day"].as_str(), days.iter().min().map(String::as_str));
    assert_eq!(extent["last_day"].as_str(), days.iter().max().map(String::as_str));
    let last = caller.get("/v2/invoices?per_page=1")["invoices"][0]["issue_date"].clone();
    assert_eq!(extent["last_issue_day"], last);
}

#[test]
fn numbers_are_awkward_but_fit_their_columns() {
    let mut caller = Caller::new(
        &AccountScale { days: 2 * 365, longest_amount: true, ..AccountScale::demo() },
        2,
    );
    let text = everything(&mut caller).concat();
    assert!(text.contains("Ñandú") || text.contains("Łukasz"));
    let raw = caller.ask("/v2/invoices");
    let body = String::from_utf8(raw.body.to_vec()).unwrap();
    assert!(body.contains(":12345678901234.5678"), "the longest amount is exact");
    let entries = caller.ask("/v2/time_entries");
    let body = String::from_utf8(entries.body.to_vec()).unwrap();
    let literals = |body: &str, member: &str| -> BTreeSet<String> {
        let start = format!("\"{member}\":");
        let pieces = body.split(&start).skip(1);
        pieces.map(|rest| rest.split([',', '}']).next().unwrap().to_owned()).collect()
    };
    let rates = literals(&body, "billable_rate");
    let places = |text: &String| text.split_once('.').map_or(0, |(_, rest)| rest.len());
    assert!(rates.iter().any(|rate| places(rate) == 4), "a currency of four decimals");
    assert!(rates.iter().any(|rate| rate.ends_with(".0")), "22000.0");
    assert!(rates.contains("null"));
    let hours = literals(&body, "hours");
    assert!(hours.iter().any(|one| places(one) == 0), "100");
    assert!(hours.iter().all(|one| places(one) <= 6 && one.len() < 12));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn what_changed_is_found_by_updated_since(seed in 0_u64..1000) {
        let mut caller = Caller::new(&AccountScale::tiny(), 4);
        let lists = ["clients", "projects", "time_entries", "expenses", "invoices", "estimates"];
        let own = |caller: &mut Caller, list: &str| -> Vec<(i64, String)> {
            let all = caller.truth(list);
            all.iter().map(|one| (one.int("/id"), one.value()["updated_at"].to_string())).collect()
        };
        let before: Vec<Vec<(i64, String)>> = lists.map(|list| own(&mut caller, list)).into();
        caller.wait(60);
        caller.account.mutate(caller.now, seed, 30);
        for (list, before) in lists.iter().zip(before) {
            let changed: BTreeSet<i64> = (own(&mut caller, list).into_iter())
                .filter(|one| !before.contains(one))
                .map(|one| one.0)
                .collect();
            let target = format!("/v2/{list}?updated_since=2026-11-23T06:01:00Z");
            let found: BTreeSet<i64> = caller.walk(&target, list, |_| {}).iter().map(id).collect();
            prop_assert_eq!(found, changed, "{}", list);
        }
    }

    #[test]
    fn any_path_is_answered(path in "/[a-z0-9/_?=&%.-]{0,40}") {
        let mut caller = Caller::tiny();
        let response = caller.ask(&format!("/v2{path}"));
        prop_assert!([200, 400, 404, 422].contains(&response.status), "{}", response.status);
        caller.account.handle(caller.now, &crate::ServerRequest::new("POST", "", &format!("/_sim{path}")));
    }
}
