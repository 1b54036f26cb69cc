//! Headers, roles, modules and limits.

use super::{Caller, ORIGIN};
use crate::{MANAGER_TOKEN, MEMBER_TOKEN, QuotaLimit, ServerRequest};

#[test]
fn a_request_needs_its_three_headers() {
    let mut caller = Caller::tiny();
    let ask = |caller: &mut Caller, agent: &str, token: &str, account: &str| {
        let request = ServerRequest::new("GET", ORIGIN, "/v2/users/me")
            .header("user-agent", agent)
            .header("authorization", token)
            .header("HARVEST-ACCOUNT-ID", account);
        caller.account.handle(caller.now, &request)
    };
    let token = "Bearer fake-administrator";
    assert_eq!(ask(&mut caller, "t", token, "1000001").status, 200);
    assert_eq!(ask(&mut caller, "", token, "1000001").status, 400);
    for (token, account) in [(token, "2"), ("Bearer other", "1000001"), ("fake", "1000001")] {
        let refusal = ask(&mut caller, "t", token, account);
        assert_eq!(refusal.status, 401);
        assert!(refusal.body.starts_with(br#"{"error":"invalid_token""#));
    }
    assert_eq!(
        caller.ask("/v2/users/me").header_value("date"),
        Some("Mon, 23 Nov 2026 06:00:00 GMT")
    );
}

#[test]
fn bad_parameters_are_refused() {
    let mut caller = Caller::tiny();
    for (target, status) in [
        ("/v2/clients?updated_since=2022-12-13+00%3A00%3A00%2B00%3A00", 400),
        ("/v2/clients?per_page=2001", 422),
        ("/v2/time_entries?from=yesterday", 400),
        ("/v2/reports/time/team", 400),
        ("/v2/reports/time/team?from=20250101", 400),
        ("/v2/reports/time/team?from=20250101&to=20260101", 200),
        ("/v2/reports/time/team?from=20240101&to=20250101", 400),
        ("/v2/reports/time/team?from=2025-01-01&to=2025-01-31", 200),
        ("/v2/time_entries?page=18446744073709551615", 200),
        ("/v3/clients", 404),
    ] {
        assert_eq!(caller.ask(target).status, status, "{target}");
    }
    let refusal = caller.ask("/v2/reports/time/team?from=20240101&to=20250101");
    assert!(String::from_utf8_lossy(&refusal.body).contains("Invalid timeframe: must not exceed"));
}

#[test]
fn other_roles_see_less() {
    let mut caller = Caller::tiny();
    let everything = caller.get("/v2/time_entries?per_page=1")["total_entries"].as_i64().unwrap();
    let all_hours = caller.get("/v2/reports/time/clients?from=20251123&to=20261123");
    caller.token = MEMBER_TOKEN;
    let own = caller.get("/v2/time_entries?per_page=1");
    assert!(own["total_entries"].as_i64().unwrap() < everything);
    assert!(own["time_entries"][0].get("cost_rate").is_none());
    assert_ne!(caller.get("/v2/reports/time/clients?from=20251123&to=20261123"), all_hours);
    let me = caller.get("/v2/users/me");
    assert!(me.get("default_hourly_rate").is_none() && me.get("cost_rate").is_none());
    for list in ["clients", "users", "projects", "invoices", "roles", "estimates"] {
        let refusal = caller.ask(&format!("/v2/{list}"));
        assert_eq!(
            (refusal.status, &refusal.body[..]),
            (403, &br#"{"message":"Not authorized!"}"#[..])
        );
    }
    caller.token = MANAGER_TOKEN;
    assert_eq!(caller.ask("/v2/invoices").status, 200);
    assert_eq!(caller.ask("/v2/roles").status, 403);
    let some = caller.get("/v2/time_entries?per_page=1")["total_entries"].as_i64().unwrap();
    assert!(some < everything);
}

#[test]
fn teammates_belong_to_managers() {
    let mut caller = Caller::tiny();
    let users = caller.get("/v2/users");
    for user in users["users"].as_array().unwrap() {
        let roles = user["access_roles"].as_array().unwrap();
        let manages = roles.iter().any(|role| role == "manager");
        let answer = caller.ask(&format!("/v2/users/{}/teammates", super::id(user)));
        assert_eq!(answer.status, if manages { 200 } else { 422 });
    }
}

#[test]
fn a_module_that_is_off_is_refused_and_told_by_company() {
    let mut caller = Caller::tiny();
    caller.apply(r#"{"op":"switch_module","module":"invoice","on":false}"#);
    assert_eq!(caller.get("/v2/company")["invoice_feature"], false);
    assert_eq!(caller.ask("/v2/invoices").status, 403);
    assert_eq!(caller.ask("/v2/invoice_item_categories").status, 403);
    assert_eq!(caller.ask("/v2/estimates").status, 200);
    caller.apply(r#"{"op":"switch_module","module":"invoice","on":true}"#);
    assert_eq!(caller.ask("/v2/invoices").status, 200);
}

#[test]
fn a_token_can_lose_its_roles_and_itself() {
    let mut caller = Caller::tiny();
    caller.wait(5);
    caller.apply(r#"{"op":"set_roles","token":"fake-administrator","roles":["member"]}"#);
    let me = caller.get("/v2/users/me");
    assert_eq!(me["access_roles"], serde_json::json!(["member"]));
    assert_eq!(me["updated_at"], "2026-11-23T06:00:05Z");
    assert_eq!(caller.ask("/v2/clients").status, 403);
    caller.apply(r#"{"op":"revoke_token","token":"fake-administrator"}"#);
    assert_eq!(caller.ask("/v2/users/me").status, 401);
}

#[test]
fn over_the_limit_comes_an_html_page_with_the_seconds_to_wait() {
    let mut caller = Caller::tiny();
    caller.account.set_general_limit(QuotaLimit { requests: 3, window_ms: 15_000, enforced: true });
    for _ in 0..3 {
        assert_eq!(caller.ask("/v2/company").status, 200);
        caller.wait(2);
    }
    let refusal = caller.ask("/v2/company");
    assert_eq!((refusal.status, refusal.header_value("retry-after")), (429, Some("9")));
    assert!(refusal.header_value("content-type").unwrap().starts_with("text/html"));
    assert_eq!(caller.ask("/v2/reports/project_budget").status, 200);
    caller.wait(9);
    assert_eq!(caller.ask("/v2/company").status, 200);
    let seen = caller.control("/_sim/stats");
    assert_eq!(seen["general"]["refused"], 1);
    assert_eq!(seen["general"]["requests"], 5);
    assert_eq!(seen["reports"]["requests"], 1);
    assert_eq!(seen["streams"]["company"], 5);
    assert_eq!(seen["statuses"]["429"], 1);
}
