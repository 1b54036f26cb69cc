use delta::table::TableError;
use deployment::config::LakePlace;
use engine::ids::AccountId;
use engine::ids::Epoch;
use engine::item::{ResumablePass, StreamHealth};
use engine::lease::Lease;
use engine::pass::ParkedParent;
use engine::retry::RequestFailure;
use engine::time::{minus, plus};
use serde_json::json;

use super::condition::StreamCondition;
use super::*;
use crate::exit::CliExit;

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn now() -> Timestamp {
    "2026-11-27T09:00:00Z".parse().unwrap()
}

fn facts<A>(excluded: bool, alive: A) -> ConditionFacts<A> {
    ConditionFacts { excluded, alive, interval: HOUR, usual: HOUR, now: now() }
}

fn state(item: &StreamItem, account: &AccountItem, excluded: bool, alive: bool) -> StreamCondition {
    row(&streams::INVOICES, item, account, &facts(excluded, |_: &str| alive)).state
}

fn of(item: &StreamItem, account: &AccountItem) -> StreamStatus {
    let row = row(&streams::INVOICES, item, account, &facts(false, |_: &str| true));
    StreamStatus { rows: Some(7), ..row }
}

fn told(account: &AccountItem, rows: &[StreamStatus], all: bool) -> CommandAnswer {
    let lake = LakePlace::parse("lake").unwrap().to_string();
    let streams = rows.to_vec();
    let status = LakeStatus {
        account: account.clone(),
        account_id: AccountId(1),
        lake,
        streams,
        day: LastDay::default(),
        now: now(),
    };
    status.said(all, TextStyle::PLAIN)
}

/// Item of a stream that was read whole, and whose last pass began `ago`.
fn loaded(ago: SignedDuration) -> StreamItem {
    let mut item = StreamItem::default();
    item.position.full.last_begun = Some(minus(now(), ago));
    item
}

/// Pass with 12 of 40 parts read, which waits until `waits_until`.
fn begun(waits_until: Option<Timestamp>) -> ResumablePass {
    let at = minus(now(), HOUR / 2);
    ResumablePass {
        start: at,
        begun: at,
        resume: ItemValue::Here(json!(null)),
        seen: None,
        deleted: 0,
        refused: 0,
        answers: engine::quarantine::AnswerCounts::default(),
        start_date: None,
        requests: 12,
        progress: (12, 28),
        tried_at: at,
        waits_until,
    }
}

#[test]
fn each_state_of_a_stream_is_told() {
    use StreamCondition as Is;
    let account = AccountItem::default();
    let mut item = StreamItem::default();
    let state_of = |item: &StreamItem| state(item, &account, false, true);
    assert_eq!(state_of(&item), Is::New);
    let soon = Some(plus(now(), HOUR / 4));
    for (waits, loading, else_) in
        [(None, Is::Loading, Is::Current), (soon, Is::Loading, Is::Waiting)]
    {
        item.position.full.unfinished = Some(begun(waits));
        item.position.full.last_begun = None;
        assert_eq!(state_of(&item), loading);
        item.position.full.last_begun = Some(minus(now(), HOUR));
        assert_eq!(state_of(&item), else_);
    }
    // The wait is over.
    item.position.full.unfinished = Some(begun(Some(minus(now(), HOUR / 4))));
    assert_eq!(state_of(&item), Is::Current);
    item = loaded(HOUR * 2);
    assert_eq!(state_of(&item), Is::Current);
    item = loaded(HOUR * 2 + SignedDuration::from_secs(1));
    assert_eq!(state_of(&item), Is::Late);
    item.position.incremental.last_begun = Some(minus(now(), HOUR));
    assert_eq!(state_of(&item), Is::Current);
    // A first load with which no run goes on.
    let mut left = StreamItem::default();
    left.position.full.unfinished =
        Some(ResumablePass { begun: minus(now(), HOUR * 3), ..begun(None) });
    assert_eq!(state_of(&left), Is::Late);
    item.health.last_error = Some((now(), "no".to_owned()));
    assert_eq!(state_of(&item), Is::Failing);
    item.health.refused = true;
    assert_eq!(state_of(&item), Is::Refused);
    let until = plus(now(), SignedDuration::from_secs(60));
    let owner = "1-a".to_owned();
    item.lease = Some(Lease { owner, until, released: false, epoch: Epoch(1) });
    assert_eq!(state_of(&item), Is::Running);
    assert_eq!(state(&item, &account, false, false), Is::Refused);
    let off = AccountItem { modules_off: vec!["invoice_feature".to_owned()], ..account };
    assert_eq!(state(&item, &off, false, true), Is::Skipped);
    assert_eq!(state(&item, &off, true, true), Is::Excluded);
}

#[test]
fn the_verdict_is_one_line_and_nothing_follows_if_nobody_is_needed() {
    let account = AccountItem { company: "Möck & Co".to_owned(), ..AccountItem::default() };
    let fine = of(&loaded(HOUR / 5), &account);
    let brief = |rows: &[StreamStatus]| told(&account, rows, false);
    let said = brief(&[fine.clone(), of(&loaded(HOUR / 4), &account)]);
    let verdict = "Möck & Co: all 2 tables are current; the oldest is as of 15 min ago (08:45 UTC); \
                   next sweep in ";
    assert!(said.text.starts_with(verdict), "{}", said.text);
    // The verdict, the last day, and a hint.
    assert_eq!(said.text.lines().filter(|line| !line.is_empty()).count(), 3, "{}", said.text);
    assert_eq!(said.json["oldest"], "2026-11-27T08:45:00Z");
    assert_eq!((said.exit, &said.json["needs_a_person"]), (CliExit::Done, &json!([])));

    let mut waiting = loaded(HOUR);
    waiting.position.full.unfinished = Some(begun(Some(plus(now(), HOUR / 4))));
    let said = brief(&[fine.clone(), of(&waiting, &account), of(&loaded(HOUR * 20), &account)]);
    for part in [
        "1 of 3 tables are current, 1 late, 1 waiting; the oldest is as of 20 h ago (2026-11-26",
        "the rate budget has room in 15 min (09:15 UTC)",
        "✗ late: invoices; run `harvest-lake sync`",
    ] {
        assert!(said.text.contains(part), "{part}: {}", said.text);
    }
    assert!(!said.text.contains("12 of 40"), "{}", said.text);
    assert_eq!(said.exit, CliExit::SomeFailed);
    let all = told(&account, &[of(&waiting, &account)], true);
    let part = "full pass unfinished, 12 of 40 parts read, waits for the budget until 09:15 UTC";
    assert!(all.text.contains(part), "{}", all.text);
}

#[test]
fn records_in_quarantine_are_not_hidden_behind_a_table_that_is_current() {
    let account = AccountItem::default();
    let mut item = loaded(HOUR);
    item.health.quarantine.records = 200;
    let said = told(&account, &[of(&item, &account)], false);
    assert!(said.text.contains("200 in quarantine"), "{}", said.text);
    assert_eq!(said.json["needs_a_person"], json!(["invoices"]));
    assert_eq!(said.json["streams"][0]["state"], "current");
}

#[test]
fn a_lake_that_is_not_there_is_told_in_one_line() {
    let account = AccountItem::default();
    let row =
        row(&streams::INVOICES, &StreamItem::default(), &account, &facts(false, |_: &str| true));
    let said = told(&account, &[row], false);
    assert_eq!(said.text, "There is no lake in `lake` yet: run `harvest-lake sync`.\n");
}

#[tokio::test]
async fn a_folder_without_a_lake_is_an_error_and_a_file_is_called_one() {
    let folder = tempfile::tempdir().unwrap();
    let asked = async |place: &std::path::Path| {
        let mut given = GivenSettings::default();
        given.set(SettingName::ACCOUNT, "1");
        given.set(SettingName::LAKE, place.to_str().unwrap());
        let state = folder.path().join("state");
        given.set(SettingName::STATE, state.to_str().unwrap());
        status(&StatusArguments::default(), given, TextStyle::PLAIN).await.unwrap_err()
    };
    let file = folder.path().join("file");
    std::fs::write(&file, "x").unwrap();
    for place in [folder.path().to_owned(), folder.path().join("none"), file.clone()] {
        let error = asked(&place).await;
        assert_eq!((error.exit(), error.error_type()), (CliExit::Usage, "NoTable"));
        assert_eq!(error.to_string().contains("which is a file"), place == file, "{error}");
    }
}

#[test]
fn what_costs_values_is_told_before_all_else() {
    let sighting = || engine::drift::MemberSightings {
        times: 3,
        kinds: ["text".to_owned()].into(),
        form: Some("\"a\"".to_owned()),
        at: now(),
    };
    let row_of = |change: &dyn Fn(&mut engine::drift::Drift)| {
        let mut item = StreamItem::default();
        change(&mut item.health.drift);
        of(&item, &AccountItem::default())
    };
    let rows = [
        row_of(&|drift| {
            for number in 0..50 {
                drift.unknown.insert(format!("new_{number}"), sighting());
            }
            drift.converted.insert("amount".to_owned(), sighting());
        }),
        row_of(&|drift| {
            drift.misfits.insert("number".to_owned(), sighting());
            drift.unknown.insert("new".to_owned(), sighting());
        }),
    ];
    let account = AccountItem::default();
    let brief = told(&account, &rows, false);
    assert!(brief.text.contains("52 differences between records and columns, without loss"));
    assert_eq!(brief.json["needs_a_person"], json!(["invoices"]));
    let told = told(&account, &rows, true);
    let lines: Vec<&str> = told.text.lines().filter(|line| line.starts_with("! ")).collect();
    assert_eq!(lines.len(), 53);
    assert!(lines[0].contains("`number` was text (such as \"a\") in 3 records"), "{}", lines[0]);
    assert_eq!((&told.json["streams"][0]["converted"], &rows[1].converted), (&3.into(), &0));
    assert_eq!(told.json["streams"][1]["drift"][0]["what"], "changed");
}

#[test]
fn failing_streams_show_in_the_exit_code_and_with_their_reason() {
    let account = AccountItem::default();
    let health = StreamHealth {
        last_error: Some((now(), "disk full".to_owned())),
        ..StreamHealth::default()
    };
    let failing = StreamItem { health, ..StreamItem::default() };
    let said = told(&account, &[of(&failing, &account)], false);
    assert_eq!(said.exit, CliExit::SomeFailed);
    assert!(said.text.contains("✗ invoices, now (09:00 UTC): disk full"), "{}", said.text);
    assert_eq!(said.json["streams"][0]["state"], "failing");
    let fine = told(&account, &[of(&StreamItem::default(), &account)], false);
    assert_eq!(fine.exit, CliExit::Done);
}

#[test]
fn lists_of_children_that_could_not_be_read_are_named_with_the_reason() {
    let account = AccountItem::default();
    let parked = |ids: core::ops::Range<i64>| {
        let mut item = loaded(HOUR);
        let reason = RequestFailure::Invalid(422).to_string();
        let parent = ParkedParent { created_year: None, attempts: 2, reason };
        item.position.parked = ItemValue::Here(ids.map(|id| (id, parent.clone())).collect());
        let facts = facts(false, |_: &str| true);
        told(&account, &[row(&streams::INVOICE_PAYMENTS, &item, &account, &facts)], true)
    };
    assert!(!parked(1..1).text.contains("could not be read"));
    let said = parked(7..8);
    let line = "! invoice_payments: /invoices/7/payments could not be read in 2 runs: Harvest \
                refuses the request (422); each run tries again\n";
    assert!(said.text.contains(line), "{}", said.text);
    let list = json!({
        "path": "/invoices/7/payments", "runs": 2, "reason": "Harvest refuses the request (422)",
    });
    assert_eq!(said.json["streams"][0]["parked_parents"], json!([list]));
    let said = parked(7..27);
    assert!(said.text.contains("(422), and 19 lists more (`--json` has 10); "), "{}", said.text);
    assert_eq!(said.json["streams"][0]["parked_parents"].as_array().unwrap().len(), 10);
}

#[test]
fn a_lake_that_cannot_be_read_is_not_said_to_be_missing() {
    let denied = || TableError::Damaged {
        table: "invoices".to_owned(),
        file: "_delta_log".to_owned(),
        what: "denied".to_owned(),
    };
    let off =
        AccountItem { modules_off: vec!["invoice_feature".to_owned()], ..AccountItem::default() };
    let on = AccountItem::default();
    let mut exits = Vec::new();
    for (account, excluded, state) in [
        (&on, false, StreamCondition::Failing),
        (&on, true, StreamCondition::Excluded),
        (&off, false, StreamCondition::Skipped),
    ] {
        let item = StreamItem::default();
        let mut row = row(&streams::INVOICES, &item, account, &facts(excluded, |_: &str| true));
        row.cannot_be_read(now(), denied());
        assert_eq!(row.state, state);
        let told = told(account, &[row], false);
        assert!(told.text.starts_with("The lake in `lake` cannot be read"), "{}", told.text);
        assert!(told.text.contains("denied"), "{}", told.text);
        exits.push(told.exit);
    }
    assert_eq!(exits, [CliExit::SomeFailed, CliExit::Done, CliExit::Done]);
}
