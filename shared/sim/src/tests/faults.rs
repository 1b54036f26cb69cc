//! Faults as a client meets them.

use super::{Caller, ORIGIN};
use crate::{
    Contradiction, DeliveryFault, FaultChoice, FaultEffect, FaultRule, ServerRequest,
    ServerResponse, Spelling,
};

fn with(effect: FaultEffect) -> Caller {
    let mut caller = Caller::tiny();
    caller.account.add_fault(FaultRule {
        path: "/v2/".into(),
        select: FaultChoice::First(1),
        effect,
    });
    caller
}

#[test]
fn statuses_come_in_the_shape_that_harvest_gives_them() {
    for (status, json) in [
        (401, true),
        (403, true),
        (404, true),
        (422, true),
        (429, false),
        (500, false),
        (520, false),
    ] {
        let effect = FaultEffect::Status { status, retry_after: Some("7".into()), html: false };
        let mut caller = with(effect);
        let response = caller.ask("/v2/clients");
        assert_eq!(response.status, status);
        let kind = response.header_value("content-type").unwrap();
        assert_eq!(kind.starts_with("application/json"), json, "{status}");
        assert_eq!(response.header_value("retry-after"), Some("7"));
        assert!(response.header_value("date").is_some());
        assert_eq!(caller.ask("/v2/clients").status, 200, "only the first is struck");
    }
}

#[test]
fn bodies_are_spoilt_in_many_ways() {
    let whole = Caller::tiny().ask("/v2/clients");
    let cut = with(FaultEffect::CutBody).ask("/v2/clients");
    assert_eq!((cut.delivery.breach, &cut.body), (DeliveryFault::CutBody, &whole.body));
    let half = with(FaultEffect::TruncatedJson).ask("/v2/clients");
    assert_eq!((half.status, half.body.len()), (200, whole.body.len() / 2));
    let mut odd = ServerResponse::json(200, "[\"佐藤\"]".into());
    FaultEffect::TruncatedJson.spoil(&mut odd);
    assert_eq!(odd.body, "[\"佐", "no part of a character");
    let words = with(FaultEffect::NotJson).ask("/v2/clients");
    assert!(serde_json::from_slice::<serde_json::Value>(&words.body).is_err());
    assert!(words.header_value("content-type").unwrap().starts_with("application/json"));
    let page = with(FaultEffect::HtmlPage).ask("/v2/clients");
    assert_eq!((page.status, page.body.starts_with(b"<!DOCTYPE")), (200, true));
    let odd = with(FaultEffect::WrongContentType).ask("/v2/clients");
    assert_eq!(odd.header_value("content-type"), Some("application/octet-stream"));
    let away = with(FaultEffect::Redirect("http://evil.example/".into())).ask("/v2/clients");
    assert_eq!((away.status, away.header_value("location")), (302, Some("http://evil.example/")));
    assert_eq!(with(FaultEffect::Drop).ask("/v2/clients").delivery.breach, DeliveryFault::Dropped);
    assert_eq!(with(FaultEffect::Hang).ask("/v2/clients").delivery.breach, DeliveryFault::Hung);
    assert_eq!(with(FaultEffect::Slow(30)).ask("/v2/clients").delivery.delay_ms, 30);
    assert_eq!(with(FaultEffect::WithoutDate).ask("/v2/clients").header_value("date"), None);
}

#[test]
fn pages_lie_in_many_ways() {
    let total = |caller: &mut Caller| caller.get("/v2/clients")["total_entries"].as_i64().unwrap();
    assert_eq!(total(&mut with(FaultEffect::WrongTotal(2))), 7);
    assert_eq!(total(&mut with(FaultEffect::EmptyList)), 0);
    let away =
        with(FaultEffect::ForeignNext("http://evil.example".into())).get("/v2/clients?per_page=2");
    assert!(away["links"]["next"].as_str().unwrap().starts_with("http://evil.example/v2/clients?"));
    let target = "/v2/reports/time/clients?from=20260101&to=20260630";
    let twice = with(FaultEffect::DuplicateRow).get(target);
    let rows = twice["results"].as_array().unwrap();
    assert_eq!(rows[0]["client_id"], rows[1]["client_id"]);
    assert_eq!(rows[0]["currency"], rows[1]["currency"]);
    assert_ne!(rows[0], rows[1]);
    assert_eq!(twice["total_entries"].as_u64(), Some(rows.len() as u64));
    let reversed = with(FaultEffect::Reversed).get("/v2/time_entries?per_page=50");
    let day = |at: usize| reversed["time_entries"][at]["spent_date"].as_str().unwrap();
    assert!(day(0) < day(49));
}

#[test]
fn faults_are_set_and_cleared_over_the_control_face() {
    let mut caller = Caller::tiny();
    let mut set = ServerRequest::new("POST", ORIGIN, "/_sim/faults");
    set.body = r#"[{"path":"/users","effect":{"status":{"status":502}}}]"#.into();
    assert_eq!(caller.account.handle(caller.now, &set).status, 200);
    assert_eq!(caller.ask("/v2/users").status, 502);
    assert_eq!(caller.ask("/v2/clients").status, 200);
    let clear = ServerRequest::new("DELETE", ORIGIN, "/_sim/faults");
    assert_eq!(caller.account.handle(caller.now, &clear).status, 200);
    assert_eq!(caller.ask("/v2/users").status, 200);
    set.body = r#"[{"nonsense":1}]"#.into();
    assert_eq!(caller.account.handle(caller.now, &set).status, 400);
}

#[test]
fn the_account_is_changed_over_the_control_face() {
    let mut caller = Caller::tiny();
    let before = caller.truth("time_entries").len();
    let mut apply = ServerRequest::new("POST", ORIGIN, "/_sim/apply");
    apply.body = r#"{"op":"create","stream":"time_entries"}"#.into();
    assert_eq!(caller.account.handle(caller.now, &apply).status, 200);
    assert_eq!(caller.truth("time_entries").len(), before + 1);
    let mutate = ServerRequest::new("POST", ORIGIN, "/_sim/mutate?steps=20&seed=3");
    let answer = caller.account.handle(caller.now, &mutate);
    let done: Vec<serde_json::Value> = serde_json::from_slice(&answer.body).unwrap();
    assert!(done.len() > 5);
    let limits = ServerRequest::new("POST", ORIGIN, "/_sim/limits?general=1/60s&reports=off");
    assert_eq!(caller.account.handle(caller.now, &limits).status, 200);
    caller.wait(60);
    assert_eq!(caller.ask("/v2/company").status, 200);
    assert_eq!(caller.ask("/v2/company").status, 429);
    let reset = ServerRequest::new("POST", ORIGIN, "/_sim/reset-stats");
    assert_eq!(caller.account.handle(caller.now, &reset).status, 200);
    assert_eq!(caller.control("/_sim/stats")["general"]["requests"], 0);
}

fn lists(contradiction: Contradiction, target: &str) -> Vec<serde_json::Value> {
    let mut caller = Caller::tiny();
    let effect = FaultEffect::Contradiction(contradiction);
    caller.account.add_fault(FaultRule {
        path: String::new(),
        select: FaultChoice::Always,
        effect,
    });
    let mut pages = vec![caller.get(target)];
    while pages.len() < 9 {
        let next = pages[pages.len() - 1]["links"]["next"].as_str().map(str::to_owned);
        let Some(next) = next.filter(|next| !next.is_empty()) else { break };
        pages.push(caller.get(next.strip_prefix(ORIGIN).unwrap()));
    }
    pages
}

fn records(pages: &[serde_json::Value], of: &str) -> usize {
    pages.iter().map(|page| page[of].as_array().unwrap().len()).sum()
}

#[test]
fn lists_contradict_themselves_in_many_ways() {
    use Contradiction::{
        Doubled, EmptyLinks, EmptyNext, EndsEarly, NoLinks, NullLinks, TotalOfPage,
    };
    let target = "/v2/clients?per_page=2";
    for (contradiction, pages, count, total) in [
        (TotalOfPage, 3, 5, 2),
        (EndsEarly(2), 2, 3, 5),
        (EndsEarly(9), 1, 0, 5),
        (NoLinks, 1, 2, 5),
        (NullLinks, 1, 2, 5),
        (EmptyLinks, 1, 2, 5),
        (EmptyNext, 1, 2, 5),
    ] {
        let found = lists(contradiction, target);
        assert_eq!(found.len(), pages, "{contradiction:?}");
        assert_eq!(records(&found, "clients"), count, "{contradiction:?}");
        assert_eq!(found[0]["total_entries"].as_u64(), Some(total), "{contradiction:?}");
    }
    let doubled = &lists(Doubled, target)[0];
    assert_eq!(doubled["clients"][0], doubled["clients"][1]);
    assert_eq!(doubled["total_entries"].as_u64(), Some(5));
    assert!(lists(NoLinks, target)[0].get("links").is_none());
    assert!(lists(NullLinks, target)[0]["links"].is_null());
}

#[test]
fn pages_may_have_no_end() {
    use Contradiction::{Circle, EmptyPages, OwnPage, PageIgnored};
    let report = "/v2/reports/time/clients?from=20260101&to=20260630&per_page=2";
    for (contradiction, target, list, count) in [
        (Circle, "/v2/clients?per_page=2", "clients", 15),
        (OwnPage, "/v2/clients?per_page=2", "clients", 18),
        (EmptyPages, "/v2/clients?per_page=2", "clients", 5),
        (EmptyPages, report, "results", 4),
        (PageIgnored, report, "results", 18),
    ] {
        let found = lists(contradiction, target);
        assert_eq!(found.len(), 9, "{contradiction:?}");
        assert_eq!(records(&found, list), count, "{contradiction:?}");
    }
}

#[test]
fn only_answers_that_a_rule_makes_others_count_as_spoilt() {
    let mut caller = Caller::tiny();
    let effect = FaultEffect::Contradiction(Contradiction::NoLinks);
    caller.account.add_fault(FaultRule {
        path: String::new(),
        select: FaultChoice::Always,
        effect,
    });
    caller.get("/v2/clients?per_page=2000");
    assert_eq!(caller.account.spoilt(), [0], "there is one page");
    caller.account.set_page_cap("/v2/clients?", 2);
    let page = caller.get("/v2/clients?per_page=2000");
    assert_eq!((page["per_page"].as_u64(), records(&[page], "clients")), (Some(2), 2));
    assert_eq!(caller.account.spoilt(), [1]);
}

#[test]
fn single_records_are_asked_for_in_vain() {
    let one = "/v2/time_entries?page=9&per_page=1";
    let answer = |contradiction| {
        let mut caller = Caller::tiny();
        let effect = FaultEffect::Contradiction(contradiction);
        caller.account.add_fault(FaultRule {
            path: String::new(),
            select: FaultChoice::Always,
            effect,
        });
        caller.ask(one)
    };
    let body = |response: &ServerResponse| -> serde_json::Value {
        serde_json::from_slice(&response.body).unwrap()
    };
    let plain = Caller::tiny().get(one);
    let off = body(&answer(Contradiction::CountsOff(-3)));
    let total = |page: &serde_json::Value| page["total_entries"].as_i64().unwrap();
    assert_eq!(total(&plain) - total(&off), 3);
    assert_eq!(answer(Contradiction::TooDeep { beyond: 8, status: 422 }).status, 422);
    assert_eq!(answer(Contradiction::TooDeep { beyond: 9, status: 422 }).status, 200);
    assert_eq!(records(&[body(&answer(Contradiction::CountsIgnored))], "time_entries"), 0);
}

#[test]
fn another_spelling_never_shows_in_the_truth() {
    let mut caller = Caller::tiny();
    let truth = caller.control("/_sim/truth/time_entries");
    let plain = caller.ask("/v2/time_entries").body;
    caller.account.set_spelling(Spelling { records: 100, account: false });
    assert_eq!(caller.control("/_sim/truth/time_entries"), truth);
    assert_ne!(caller.ask("/v2/time_entries").body, plain);
    let me = caller.ask("/v2/users/me").body;
    caller.account.set_spelling(Spelling { records: 0, account: true });
    assert_ne!(caller.ask("/v2/users/me").body, me);
}

#[test]
fn a_record_without_a_usable_day_is_in_no_range_of_days() {
    let mut caller = Caller::tiny();
    let all = caller.get("/v2/time_entries")["total_entries"].as_u64().unwrap();
    let id = caller.apply(r#"{"op":"redate","stream":"time_entries"}"#);
    let far = caller.apply(r#"{"op":"redate","stream":"expenses","day":"0206-03-10"}"#);
    let page = caller.get("/v2/time_entries");
    assert_eq!(
        page["time_entries"][records(core::slice::from_ref(&page), "time_entries") - 1]["id"],
        id
    );
    let ranged = caller.get("/v2/time_entries?from=0001-01-01")["total_entries"].as_u64();
    assert_eq!(ranged, Some(all - 1));
    let oldest = caller.get("/v2/expenses?to=1000-01-01");
    assert_eq!(oldest["expenses"][0]["id"], far);
    assert_eq!(oldest["expenses"][0]["spent_date"], "0206-03-10");
    let months = caller.control("/_sim/months");
    assert_eq!(months["months"][0], "0206-03-01");
}
