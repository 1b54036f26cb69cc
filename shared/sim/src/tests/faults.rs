//! Faults as the client meets them.

use super::{Caller, ORIGIN};
use crate::{Breach, Effect, FaultRule, Request, Select};

fn with(effect: Effect) -> Caller {
    let mut caller = Caller::tiny();
    caller.account.add_fault(FaultRule { path: "/v2/".into(), select: Select::First(1), effect });
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
        let effect = Effect::Status { status, retry_after: Some("7".into()), html: false };
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
    let cut = with(Effect::CutBody).ask("/v2/clients");
    assert_eq!((cut.delivery.breach, &cut.body), (Breach::CutBody, &whole.body));
    let half = with(Effect::TruncatedJson).ask("/v2/clients");
    assert_eq!((half.status, half.body.len()), (200, whole.body.len() / 2));
    let words = with(Effect::NotJson).ask("/v2/clients");
    assert!(serde_json::from_slice::<serde_json::Value>(&words.body).is_err());
    assert!(words.header_value("content-type").unwrap().starts_with("application/json"));
    let page = with(Effect::HtmlPage).ask("/v2/clients");
    assert_eq!((page.status, page.body.starts_with(b"<!DOCTYPE")), (200, true));
    let odd = with(Effect::WrongContentType).ask("/v2/clients");
    assert_eq!(odd.header_value("content-type"), Some("application/octet-stream"));
    let away = with(Effect::Redirect("http://evil.example/".into())).ask("/v2/clients");
    assert_eq!((away.status, away.header_value("location")), (302, Some("http://evil.example/")));
    assert_eq!(with(Effect::Drop).ask("/v2/clients").delivery.breach, Breach::Dropped);
    assert_eq!(with(Effect::Hang).ask("/v2/clients").delivery.breach, Breach::Hung);
    assert_eq!(with(Effect::Slow(30)).ask("/v2/clients").delivery.delay_ms, 30);
    assert_eq!(with(Effect::WithoutDate).ask("/v2/clients").header_value("date"), None);
}

#[test]
fn pages_lie_in_many_ways() {
    let total = |caller: &mut Caller| caller.get("/v2/clients")["total_entries"].as_i64().unwrap();
    assert_eq!(total(&mut with(Effect::WrongTotal(2))), 7);
    assert_eq!(total(&mut with(Effect::EmptyList)), 0);
    let away =
        with(Effect::ForeignNext("http://evil.example".into())).get("/v2/clients?per_page=2");
    assert!(away["links"]["next"].as_str().unwrap().starts_with("http://evil.example/v2/clients?"));
    let target = "/v2/reports/time/clients?from=20260101&to=20260630";
    let twice = with(Effect::DuplicateRow).get(target);
    let rows = twice["results"].as_array().unwrap();
    assert_eq!(rows[0]["client_id"], rows[1]["client_id"]);
    assert_eq!(rows[0]["currency"], rows[1]["currency"]);
    assert_ne!(rows[0], rows[1]);
    assert_eq!(twice["total_entries"].as_u64(), Some(rows.len() as u64));
    let reversed = with(Effect::Reversed).get("/v2/time_entries?per_page=50");
    let day = |at: usize| reversed["time_entries"][at]["spent_date"].as_str().unwrap();
    assert!(day(0) < day(49));
}

#[test]
fn faults_are_set_and_cleared_over_the_control_face() {
    let mut caller = Caller::tiny();
    let mut set = Request::new("POST", ORIGIN, "/_sim/faults");
    set.body = r#"[{"path":"/users","effect":{"status":{"status":502}}}]"#.into();
    assert_eq!(caller.account.handle(caller.now, &set).status, 200);
    assert_eq!(caller.ask("/v2/users").status, 502);
    assert_eq!(caller.ask("/v2/clients").status, 200);
    let clear = Request::new("DELETE", ORIGIN, "/_sim/faults");
    assert_eq!(caller.account.handle(caller.now, &clear).status, 200);
    assert_eq!(caller.ask("/v2/users").status, 200);
    set.body = r#"[{"nonsense":1}]"#.into();
    assert_eq!(caller.account.handle(caller.now, &set).status, 400);
}

#[test]
fn the_account_is_changed_over_the_control_face() {
    let mut caller = Caller::tiny();
    let before = caller.truth("time_entries").len();
    let mut apply = Request::new("POST", ORIGIN, "/_sim/apply");
    apply.body = r#"{"op":"create","stream":"time_entries"}"#.into();
    assert_eq!(caller.account.handle(caller.now, &apply).status, 200);
    assert_eq!(caller.truth("time_entries").len(), before + 1);
    let mutate = Request::new("POST", ORIGIN, "/_sim/mutate?steps=20&seed=3");
    let answer = caller.account.handle(caller.now, &mutate);
    let done: Vec<serde_json::Value> = serde_json::from_slice(&answer.body).unwrap();
    assert!(done.len() > 5);
    let limits = Request::new("POST", ORIGIN, "/_sim/limits?general=1/60s&reports=off");
    assert_eq!(caller.account.handle(caller.now, &limits).status, 200);
    caller.wait(60);
    assert_eq!(caller.ask("/v2/company").status, 200);
    assert_eq!(caller.ask("/v2/company").status, 429);
    let reset = Request::new("POST", ORIGIN, "/_sim/reset-stats");
    assert_eq!(caller.account.handle(caller.now, &reset).status, 200);
    assert_eq!(caller.control("/_sim/stats")["general"]["requests"], 0);
}
