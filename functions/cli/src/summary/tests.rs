use engine::drift::DriftFinding;
use engine::drift::DriftKind;
use engine::item::AccountItem;
use engine::pass::Pass;
use engine::report::RowCounts;
use runtime::RunError;
use runtime::run::RunOutcome;

use super::*;
use crate::said::{TextDetail, TextStyle};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A report of a run of two seconds.
fn report(stream: &'static str, pass: Pass, outcome: RunOutcome) -> RunReport {
    RunReport {
        stream,
        pass,
        outcome,
        unrecorded: false,
        began: at("2026-11-23T06:00:00Z"),
        ended: at("2026-11-23T06:00:02Z"),
        requests: 3,
        throttled: 0,
        failed_requests: 0,
        answer_bytes: 0,
        records: 1_500,
        counts: RowCounts { inserted: 1_400, updated: 90, deleted: 1, unchanged: 9 },
        commits: 1,
        rows: 12_345,
        files: 7,
        bytes: 2_500_000,
        version: 4,
        units: (0, 0),
        quarantined: 0,
        misfits: BTreeMap::new(),
        converted: BTreeMap::new(),
        unknown: BTreeMap::new(),
        drift: Vec::new(),
        parked: 0,
        warning: None,
    }
}

fn synced(reports: Vec<RunReport>) -> SyncOutcome {
    SyncOutcome {
        account: AccountItem { company: "Acme".to_owned(), ..AccountItem::default() },
        waiting: None,
        skipped: Vec::new(),
        reports,
        busy: std::collections::BTreeSet::new(),
        defects: std::collections::BTreeSet::new(),
        credentials_refused: false,
        interrupted: None,
        began: at("2026-11-23T06:00:00Z"),
        ended: at("2026-11-23T06:00:05Z"),
    }
}

fn failed(stream: &'static str) -> RunOutcome {
    RunOutcome::Failed(RunError::DeletesRefused { stream, refused: 400 })
}

fn of(synced: &SyncOutcome, left: Vec<WaitingWork>) -> SyncSummary {
    summary(AccountId(7), "./lake", synced, left)
}

fn finding(what: DriftKind, member: &str) -> DriftFinding {
    DriftFinding {
        what,
        member: member.to_owned(),
        times: 3,
        kinds: Vec::new(),
        form: None,
        at: Timestamp::UNIX_EPOCH,
    }
}

fn reports_left() -> WaitingWork {
    WaitingWork {
        class: "reports",
        streams: vec!["time_report_team".to_owned()],
        read: 36,
        parts: 324,
        seconds: 2_690,
    }
}

#[test]
fn a_person_reads_what_was_done_and_what_is_left() {
    let mut clients = report("clients", Pass::Full, RunOutcome::Complete);
    clients.drift.push(finding(DriftKind::New, "new_member"));
    let reports = vec![
        report("time_entries", Pass::Full, RunOutcome::Complete),
        clients,
        report("time_entries", Pass::Incremental, RunOutcome::Complete),
        report("tasks", Pass::Full, failed("tasks")),
    ];
    let text = of(&synced(reports), vec![reports_left()]).said(TextStyle::PLAIN).text;
    let expected = "\
Acme (account 7) in ./lake: not all of it is up to date after 5.0 s

stream         pass               requests   records   inserted   updated   deleted   unchanged     rows   files      size    time
────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
clients        full                      3     1,500      1,400        90         1           9   12,345       7   2.50 MB   2.0 s
tasks          full                      3     1,500      1,400        90         1           9   12,345       7   2.50 MB   2.0 s   failed
time_entries   full+incremental          6     3,000      2,800       180         2          18   12,345       7   2.50 MB   4.0 s
total                                   12     6,000      5,600       360         4          36   37,035      21   7.50 MB   5.0 s

! clients: new member `new_member`, 3 records; kept in extra_json

✗ `tasks`: 400 rows are no longer in Harvest, more than a pass may delete unasked (5 % or 100 rows); new and changed rows are written, none is deleted. If that is right: `harvest-lake sync --streams tasks --pass full --accept-deletes`

reports: 36 of 324 windows read; the rest needs about 45 minutes of the reports budget; run again, or `--wait`
";
    assert_eq!(text, expected);
}

#[test]
fn a_sync_without_news_is_told_in_two_lines() {
    let quiet = || {
        let mut quiet = report("clients", Pass::Incremental, RunOutcome::Complete);
        quiet.counts = RowCounts { unchanged: 4, ..Default::default() };
        quiet
    };
    let said = |reports, style| of(&synced(reports), Vec::new()).said(style).text;
    let text = said(vec![quiet()], TextStyle::PLAIN);
    let expected = "Acme (account 7) in ./lake: up to date after 5.0 s\n\
                    1 stream read with 3 requests: nothing has changed.\n";
    assert_eq!(text, expected);
    let all = TextStyle { detail: TextDetail::All, ..TextStyle::PLAIN };
    assert!(said(vec![quiet()], all).contains("clients   incremental"));
    // Beside a stream with changes it is counted.
    let text =
        said(vec![quiet(), report("tasks", Pass::Full, RunOutcome::Complete)], TextStyle::PLAIN);
    assert!(text.contains("1 other stream read, without changes\n"), "{text}");
    assert!(!text.contains("clients"), "{text}");
    // A failure is news, and with `--quiet` there is nothing else.
    let text = said(
        vec![quiet(), report("tasks", Pass::Full, failed("tasks"))],
        TextStyle { detail: TextDetail::Failures, ..TextStyle::PLAIN },
    );
    assert_eq!(text.lines().filter(|line| !line.is_empty()).count(), 2, "{text}");
    assert!(text.contains("✗ `tasks`: 400 rows"), "{text}");
}

#[test]
fn nothing_was_due_only_where_nothing_is_left() {
    let idle = || synced(Vec::new());
    let text = of(&idle(), Vec::new()).said(TextStyle::PLAIN).text;
    assert!(text.contains("up to date") && text.ends_with("\nNothing was due.\n"), "{text}");
    let mut stopped = idle();
    stopped.interrupted = Some(crate::signals::StopSignal::Interrupt);
    for text in [of(&stopped, Vec::new()), of(&idle(), vec![reports_left()])]
        .map(|summary| summary.said(TextStyle::PLAIN).text)
    {
        assert!(text.contains("not finished yet") && !text.contains("was due"), "{text}");
        assert!(!text.contains("\n\n\n"), "{text}");
    }
}

#[test]
fn queries_are_for_people_who_see_their_first_lake_also_through_a_pipe() {
    let terminal = TextStyle { width: Some(120), ..TextStyle::PLAIN };
    let summary =
        || of(&synced(vec![report("time_entries", Pass::Full, RunOutcome::Complete)]), Vec::new());
    let failures = TextStyle { detail: TextDetail::Failures, ..TextStyle::PLAIN };
    for (is_new, style, shown) in [
        (true, terminal, true),
        (true, TextStyle::PLAIN, true),
        (true, failures, false),
        (false, terminal, false),
        (false, TextStyle::PLAIN, false),
    ] {
        let text = SyncSummary { is_new, ..summary() }.said(style).text;
        assert_eq!(text.contains("delta_scan('./lake/tables/time_entries')"), shown, "{text}");
    }
}

#[test]
fn what_costs_values_is_told_first_and_whole_however_much_is_new() {
    let mut clients = report("clients", Pass::Full, RunOutcome::Complete);
    let mut tasks = report("tasks", Pass::Full, RunOutcome::Complete);
    for number in 0..30 {
        clients.drift.push(finding(DriftKind::New, &format!("new_{number:02}")));
        tasks.drift.push(finding(DriftKind::Changed, &format!("changed_{number:02}")));
    }
    clients.drift.push(finding(DriftKind::Converted, "converted"));
    let mut again = report("clients", Pass::Incremental, RunOutcome::Complete);
    again.drift.push(finding(DriftKind::Finer, "rate"));
    again.drift.push(finding(DriftKind::New, "new_07"));
    let summary = of(&synced(vec![clients, tasks, again]), Vec::new());
    let text = summary.said(TextStyle::PLAIN).text;
    let line = |needle: &str| text.lines().position(|line| line.contains(needle));
    let first_other = line("`converted`").unwrap();
    assert!(line("`rate` had more decimal places").unwrap() < first_other);
    for number in 0..30 {
        let changed = line(&format!("tasks: `changed_{number:02}`"));
        assert!(changed.unwrap() < first_other, "{text}");
    }
    // Eight of the others, and the number of the rest.
    assert!(text.contains("`new_06`") && !text.contains("`new_07`"), "{text}");
    assert!(text.contains("clients: and 23 members more"), "{text}");
    let json = summary.said(TextStyle::PLAIN).json;
    let drift = json["streams"][0]["drift"].as_array().unwrap();
    assert_eq!((&drift[0]["what"], &drift[1]["what"]), (&"finer".into(), &"converted".into()));
    assert_eq!(drift.len(), 32);
    assert_eq!(drift[9]["times"], 6);
}

#[test]
fn the_exit_code_follows_the_worst_of_it() {
    let complete = || vec![report("clients", Pass::Full, RunOutcome::Complete)];
    let failing = || vec![report("tasks", Pass::Full, failed("tasks"))];
    for (reports, left, exit, complete) in [
        (complete(), Vec::new(), CliExit::Done, true),
        (complete(), vec![reports_left()], CliExit::Done, false),
        (failing(), Vec::new(), CliExit::SomeFailed, false),
    ] {
        let said = of(&synced(reports), left).said(TextStyle::PLAIN);
        assert_eq!((said.exit, &said.document()["complete"]), (exit, &complete.into()));
    }
    let mut busy = synced(complete());
    busy.busy.insert("tasks");
    assert_eq!(of(&busy, Vec::new()).exit, CliExit::SomeFailed);
    let mut defect = synced(complete());
    defect.defects.insert("tasks");
    assert_eq!(of(&defect, Vec::new()).exit, CliExit::SomeFailed);
    let mut stopped = synced(complete());
    stopped.interrupted = Some(crate::signals::StopSignal::Interrupt);
    assert_eq!(of(&stopped, Vec::new()).exit, CliExit::Interrupted);
    stopped.credentials_refused = true;
    assert_eq!(of(&stopped, Vec::new()).exit, CliExit::CredentialsRefused);
}

#[test]
fn a_stream_that_failed_and_then_succeeded_did_not_fail() {
    let reports = vec![
        report("tasks", Pass::Incremental, failed("tasks")),
        report("tasks", Pass::Full, RunOutcome::Complete),
    ];
    assert_eq!(of(&synced(reports), Vec::new()).exit, CliExit::Done);
}

#[test]
fn machines_find_the_same_under_stable_names() {
    let left = vec![reports_left()];
    let json = of(&synced(vec![report("clients", Pass::Full, RunOutcome::Complete)]), left)
        .said(TextStyle::PLAIN)
        .document();
    assert_eq!(json["complete"], false);
    assert_eq!(json["exit_code"], 0);
    assert_eq!(json["account_id"], 7);
    let stream = &json["streams"][0];
    assert_eq!(stream["stream"], "clients");
    assert_eq!(stream["passes"][0], "full");
    assert_eq!(stream["outcome"], "complete");
    for (name, value) in [
        ("requests", 3),
        ("records", 1_500),
        ("inserted", 1_400),
        ("updated", 90),
        ("deleted", 1),
        ("unchanged", 9),
        ("rows", 12_345),
        ("files", 7),
        ("bytes", 2_500_000),
        ("version", 4),
        ("milliseconds", 2_000),
    ] {
        assert_eq!(stream[name], value, "{name}");
        assert_eq!(json["total"][name].is_null(), name == "version", "{name}");
    }
    assert_eq!(json["left"][0]["read"], 36);
    for list in ["warnings", "failures", "queries", "busy"] {
        assert!(json[list].is_array(), "{list}");
    }
}

#[test]
fn entries_far_from_today_and_what_is_waited_for_are_told_in_both_forms() {
    use engine::extent::{AccountExtent, Outlier};
    use engine::spec::EntryDate;
    use engine::spec::RateClass;
    use runtime::waiting::{RequestWait, WaitFor};

    let day = "0206-03-01".parse().unwrap();
    let list = "time_entries".to_owned();
    let outliers = vec![Outlier { list, dated: EntryDate::Spent, day, id: Some(77) }];
    let doubts = vec!["a doubt".to_owned()];
    let extent =
        AccountExtent { outliers, doubts, ..AccountExtent::new(at("2026-11-23T06:00:00Z")) };
    let mut synced = synced(vec![report("time_report_team", Pass::Full, RunOutcome::Complete)]);
    synced.account.extent = Some(extent);
    synced.account.doubts = vec!["a doubt of the person".to_owned()];
    let until = at("2026-11-23T07:00:00Z");
    let (class, reason) = (RateClass::General, WaitFor::Harvest);
    synced.waiting = Some(RequestWait { class, until, reason });
    let said = of(&synced, Vec::new()).said(TextStyle::PLAIN);
    for words in ["time_entries 77 (0206-03-01)", "! a doubt\n", "! a doubt of the person\n"] {
        assert!(said.text.contains(words), "{words:?}: {}", said.text);
    }
    assert!(said.text.contains("Harvest asked to wait until 2026-11-23 07:00:00 UTC"));
    assert_eq!(said.json["outliers"][0]["id"], 77);
    assert_eq!(said.json["outliers"][0]["day"], "0206-03-01");
    let document = said.document();
    assert_eq!((&document["complete"], &document["exit_code"]), (&false.into(), &0.into()));
    assert_eq!(said.json["waits_until"], "2026-11-23T07:00:00Z");

    // A sync without reports has nothing to say about them.
    synced.reports = vec![report("clients", Pass::Full, RunOutcome::Complete)];
    let said = of(&synced, Vec::new()).said(TextStyle::PLAIN);
    assert!(!said.text.contains("0206"), "{}", said.text);
}
