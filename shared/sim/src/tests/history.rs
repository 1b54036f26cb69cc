//! Records whose `updated_at` each change moves, and those that it leaves alone.

use serde_json::Value;

use super::{Caller, id};
use crate::{AccountScale, NotApplied};

const LATER: &str = "2026-11-23T06:00:30Z";

fn moved(caller: &mut Caller, list: &str) -> Vec<i64> {
    let page = caller.get(&format!("/v2/{list}?updated_since={LATER}"));
    page[list].as_array().unwrap().iter().map(id).collect()
}

fn later() -> Caller {
    let mut caller = Caller::tiny();
    caller.wait(30);
    caller
}

#[test]
fn renaming_a_client_moves_the_client_alone() {
    let mut caller = later();
    let entry = caller.get("/v2/time_entries?per_page=1")["time_entries"][0].clone();
    let client = entry["client"]["id"].as_i64().unwrap();
    caller.apply(&format!(r#"{{"op":"rename","stream":"clients","id":{client},"name":"New Ω"}}"#));
    assert_eq!(moved(&mut caller, "clients"), [client]);
    assert!(moved(&mut caller, "time_entries").is_empty());
    let again = caller.get(&format!("/v2/time_entries/{}", id(&entry)));
    assert_eq!(again["client"]["name"], "New Ω");
    assert_eq!(again["updated_at"], entry["updated_at"]);
}

#[test]
fn a_change_that_becomes_visible_late_moves_nothing_back() {
    let mut caller = later();
    let client = id(&caller.get("/v2/clients?per_page=1")["clients"][0]);
    caller.apply(&format!(r#"{{"op":"rename","stream":"clients","id":{client},"name":"New"}}"#));
    caller.wait(-20);
    caller.apply(&format!(r#"{{"op":"rename","stream":"clients","id":{client},"name":"Newer"}}"#));
    let now = caller.get(&format!("/v2/clients/{client}"));
    assert_eq!((&now["name"], &now["updated_at"]), (&"Newer".into(), &LATER.into()));
}

#[test]
fn a_payment_moves_its_invoice_and_a_message_does_not() {
    let mut caller = later();
    let open = caller.get("/v2/invoices?state=open&per_page=1")["invoices"][0].clone();
    let invoice = id(&open);
    caller.apply(&format!(r#"{{"op":"add_message","stream":"invoices","id":{invoice}}}"#));
    assert!(moved(&mut caller, "invoices").is_empty());
    let messages = caller.get(&format!("/v2/invoices/{invoice}/messages"));
    assert_eq!(messages["invoice_messages"][0]["created_at"], LATER);
    caller.apply(&format!(r#"{{"op":"add_payment","id":{invoice}}}"#));
    assert_eq!(moved(&mut caller, "invoices"), [invoice]);
    let paid = caller.get(&format!("/v2/invoices/{invoice}"));
    assert_ne!(paid["due_amount"], open["due_amount"]);
    caller.apply(&format!(r#"{{"op":"remove_payment","id":{invoice}}}"#));
    assert_eq!(caller.get(&format!("/v2/invoices/{invoice}"))["due_amount"], open["due_amount"]);
}

#[test]
fn making_an_invoice_moves_what_it_bills_and_its_client() {
    let mut caller = later();
    let invoice = caller.apply(r#"{"op":"create","stream":"invoices"}"#);
    let billed = moved(&mut caller, "time_entries");
    assert!(!billed.is_empty());
    for entry in &billed {
        let entry = caller.get(&format!("/v2/time_entries/{entry}"));
        assert_eq!(entry["invoice"]["id"].as_i64(), Some(invoice));
        assert_eq!(entry["is_locked"], true);
    }
    let made = caller.get(&format!("/v2/invoices/{invoice}"));
    assert_eq!(moved(&mut caller, "clients"), [id(&made["client"])]);
}

#[test]
fn deleting_a_project_takes_its_work_and_leaves_its_invoices() {
    let mut caller = later();
    let project = caller.get("/v2/time_entries?per_page=1")["time_entries"][0]["project"].clone();
    let project = id(&project);
    let invoices = caller.get("/v2/invoices")["total_entries"].clone();
    caller.apply(&format!(r#"{{"op":"delete","stream":"projects","id":{project}}}"#));
    assert_eq!(caller.ask(&format!("/v2/projects/{project}")).status, 404);
    for list in ["time_entries", "expenses"] {
        let page = caller.get(&format!("/v2/{list}?project_id={project}"));
        assert_eq!(page["total_entries"], 0, "{list}");
    }
    for list in ["user_assignments", "task_assignments"] {
        let gone = caller.truth(list).iter().all(|one| one.int("/project/id") != project);
        assert!(gone, "{list}");
    }
    assert_eq!(caller.get("/v2/invoices")["total_entries"], invoices);
}

#[test]
fn harvest_refuses_to_delete_what_is_in_use() {
    let mut caller = Caller::tiny();
    let entry = caller.get("/v2/time_entries?per_page=1")["time_entries"][0].clone();
    for (list, member) in [("clients", "client"), ("tasks", "task"), ("users", "user")] {
        let used = id(&entry[member]);
        let delete = format!(r#"{{"op":"delete","stream":"{list}","id":{used}}}"#);
        let refused: Result<_, NotApplied> =
            caller.account.apply(caller.now, &serde_json::from_str(&delete).unwrap());
        assert_eq!(refused.unwrap_err().to_string(), "it is in use", "{list}");
    }
}

#[test]
fn a_rate_without_a_start_replaces_all_older_ones() {
    let mut caller = later();
    let user = id(&caller.get("/v2/users?per_page=1")["users"][0]);
    let rates = |caller: &mut Caller| -> Vec<Value> {
        let page = caller.get(&format!("/v2/users/{user}/billable_rates"));
        page["billable_rates"].as_array().unwrap().clone()
    };
    let change = |rest: &str| {
        format!(r#"{{"op":"change_rate","user":{user},"kind":"billable","cents":7525{rest}}}"#)
    };
    caller.apply(&change(""));
    assert_eq!(rates(&mut caller).len(), 1);
    assert_eq!(moved(&mut caller, "users"), [user]);
    caller.wait(30);
    let before = caller.get(&format!("/v2/users/{user}"))["updated_at"].clone();
    caller.apply(&change(r#","start_date":"2026-12-01""#));
    let found = rates(&mut caller);
    assert_eq!(found[0]["end_date"], "2026-11-30");
    assert_eq!(found[0]["updated_at"], "2026-11-23T06:01:00Z");
    assert_eq!(found[1]["start_date"], "2026-12-01");
    assert_eq!(found[1]["end_date"], Value::Null);
    assert_eq!(caller.get(&format!("/v2/users/{user}"))["updated_at"], before);
}

#[test]
fn a_running_timer_counts_without_moving_its_entry() {
    let mut caller = Caller::new(&AccountScale { running_timers: 2, ..AccountScale::tiny() }, 7);
    assert_eq!(caller.get("/v2/time_entries?is_running=true")["total_entries"], 2);
    let entry = caller.apply(r#"{"op":"start_timer"}"#);
    let target = format!("/v2/time_entries/{entry}");
    let started = caller.get(&target);
    caller.wait(5400);
    let running = caller.get(&target);
    assert_eq!(
        (running["hours"].as_f64(), running["is_running"].as_bool()),
        (Some(1.5), Some(true))
    );
    assert_eq!(running["updated_at"], started["updated_at"]);
    assert_eq!(running["ended_time"], Value::Null);
    caller.apply(&format!(r#"{{"op":"stop_timer","id":{entry}}}"#));
    caller.wait(5400);
    let stopped = caller.get(&target);
    assert_eq!(stopped["hours"].as_f64(), Some(1.5));
    assert_eq!(stopped["updated_at"], "2026-11-23T07:30:00Z");
    assert_eq!(caller.get("/v2/time_entries?is_running=true")["total_entries"], 2);
}

#[test]
fn an_inactive_assignment_leaves_the_projects_of_its_user() {
    let mut caller = later();
    let one = caller.get("/v2/user_assignments?is_active=true&per_page=1");
    let one = one["user_assignments"][0].clone();
    let list = format!("/v2/users/{}/project_assignments", id(&one["user"]));
    let before = caller.get(&list)["total_entries"].as_i64().unwrap();
    let archive = format!(r#"{{"op":"archive","stream":"user_assignments","id":{}}}"#, id(&one));
    caller.apply(&archive);
    assert_eq!(caller.get(&list)["total_entries"].as_i64(), Some(before - 1));
    assert_eq!(moved(&mut caller, "user_assignments"), [id(&one)]);
}

#[test]
fn locking_a_project_shows_in_its_entries_without_moving_them() {
    let mut caller = later();
    let open = "/v2/time_entries?approval_status=unsubmitted&is_billed=false&per_page=1";
    let entry = caller.get(open)["time_entries"][0].clone();
    assert_eq!(entry["is_locked"], false);
    let project = id(&entry["project"]);
    caller.apply(&format!(r#"{{"op":"lock_project","id":{project}}}"#));
    let locked = caller.get(&format!("/v2/time_entries/{}", id(&entry)));
    assert_eq!(locked["locked_reason"], "The project is locked for this time period.");
    assert_eq!(locked["updated_at"], entry["updated_at"]);
}
