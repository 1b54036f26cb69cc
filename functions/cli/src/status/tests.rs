use engine::ids::Epoch;
use engine::item::StreamHealth;
use engine::lease::Lease;
use engine::time::{SignedDuration, plus};

use super::*;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn state(item: &StreamItem, account: &AccountItem, excluded: bool, alive: bool) -> &'static str {
    row(&streams::INVOICES, item, account, excluded, NOW, |_| alive).state
}

#[test]
fn each_state_of_a_stream_is_told() {
    let account = AccountItem::default();
    let mut item = StreamItem::default();
    assert_eq!(state(&item, &account, false, true), "new");
    item.position.full.last_begun = Some(NOW);
    assert_eq!(state(&item, &account, false, true), "ok");
    item.health.last_error = Some((NOW, "no".to_owned()));
    assert_eq!(state(&item, &account, false, true), "failing");
    item.health.refused = true;
    assert_eq!(state(&item, &account, false, true), "refused");
    let until = plus(NOW, SignedDuration::from_secs(60));
    let owner = "1-a".to_owned();
    item.lease = Some(Lease { owner, until, released: false, epoch: Epoch(1) });
    assert_eq!(state(&item, &account, false, true), "running");
    assert_eq!(state(&item, &account, false, false), "refused");
    let off = AccountItem { modules_off: vec!["invoice_feature".to_owned()], ..account };
    assert_eq!(state(&item, &off, false, true), "skipped");
    assert_eq!(state(&item, &off, true, true), "excluded");
}

#[test]
fn what_costs_values_is_told_before_all_else() {
    let sighting = || engine::drift::MemberSightings {
        times: 3,
        kinds: ["text".to_owned()].into(),
        form: Some("\"a\"".to_owned()),
        at: NOW,
    };
    let row_of = |change: &dyn Fn(&mut engine::drift::Drift)| {
        let mut item = StreamItem::default();
        change(&mut item.health.drift);
        row(&streams::INVOICES, &item, &AccountItem::default(), false, NOW, |_| true)
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
    let told = said(
        &AccountItem::default(),
        &LakePlace::parse("lake").unwrap(),
        &rows,
        NOW,
        TextStyle::Plain,
    );
    let lines: Vec<&str> = told.text.lines().filter(|line| line.starts_with("! ")).collect();
    assert_eq!(lines.len(), 53);
    assert!(lines[0].contains("`number` was text (such as \"a\") in 3 records"), "{}", lines[0]);
    assert_eq!((&told.json["streams"][0]["converted"], &rows[1].converted), (&3.into(), &0));
    assert_eq!(told.json["streams"][1]["drift"][0]["what"], "changed");
}

#[test]
fn failing_streams_show_in_the_exit_code_and_with_their_reason() {
    let account = AccountItem::default();
    let health =
        StreamHealth { last_error: Some((NOW, "disk full".to_owned())), ..StreamHealth::default() };
    let failing = StreamItem { health, ..StreamItem::default() };
    let rows = [row(&streams::INVOICES, &failing, &account, false, NOW, |_| true)];
    let told = said(&account, &LakePlace::parse("lake").unwrap(), &rows, NOW, TextStyle::Plain);
    assert_eq!(told.exit, CliExit::SomeFailed);
    assert!(told.text.contains("✗ invoices, now: disk full"), "{}", told.text);
    assert_eq!(told.json["streams"][0]["state"], "failing");
    let fine = [row(&streams::INVOICES, &StreamItem::default(), &account, false, NOW, |_| true)];
    assert_eq!(
        said(&account, &LakePlace::parse("lake").unwrap(), &fine, NOW, TextStyle::Plain).exit,
        CliExit::Done
    );
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
    for (account, excluded, state) in
        [(&on, false, "failing"), (&on, true, "excluded"), (&off, false, "skipped")]
    {
        let item = StreamItem::default();
        let mut row = row(&streams::INVOICES, &item, account, excluded, NOW, |_| true);
        row.cannot_be_read(NOW, denied());
        assert_eq!(row.state, state);
        let place = LakePlace::parse("lake").unwrap();
        let told = said(account, &place, &[row], NOW, TextStyle::Plain);
        assert!(told.text.starts_with("The lake in `lake` cannot be read"), "{}", told.text);
        assert!(told.text.contains("denied"), "{}", told.text);
        exits.push(told.exit);
    }
    assert_eq!(exits, [CliExit::SomeFailed, CliExit::Done, CliExit::Done]);
}
