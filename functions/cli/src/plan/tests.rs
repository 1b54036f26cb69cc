use engine::budget::BudgetItem;
use engine::forecast::StreamSizes;
use engine::ids::AccountId;
use engine::time::plus;
use runtime::settings::Settings;

use super::*;
use crate::stored::StateContents;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn facts(stored: StateContents, amounts: StreamSizes) -> ForecastInput {
    let mut settings = Settings::new(AccountId(7));
    settings.exclude.insert("tasks".to_owned());
    ForecastInput::new(
        settings,
        stored,
        amounts,
        &[BudgetItem::default(), BudgetItem::default()],
        NOW,
    )
}

fn run<'j>(json: &'j Value, stream: &str, pass: &str) -> &'j Value {
    let runs = json["runs"].as_array().unwrap();
    runs.iter().find(|run| run["stream"] == stream && run["pass"] == pass).unwrap()
}

#[test]
fn before_anything_is_known_it_says_how_to_know() {
    let said =
        said(&facts(StateContents::default(), StreamSizes::default()), NOW, TextStyle::PLAIN);
    assert!(said.text.contains("plan --ask"), "{}", said.text);
    assert!(said.text.contains("excluded: tasks"), "{}", said.text);
    assert_eq!(run(&said.json, "time_entries", "full")["requests"], Value::Null);
    assert_eq!(said.json["budgets"][0]["per_day"], Value::Null);
}

#[test]
fn with_what_harvest_says_it_tells_how_long_a_first_load_lasts() {
    let mut stored = StateContents::default();
    stored.account.modules_off = vec!["estimate_feature".to_owned()];
    stored.account.extent = Some(engine::extent::AccountExtent::new(NOW));
    let mut amounts = StreamSizes::default();
    for spec in streams::STREAMS {
        amounts.records.insert(spec.name, 10);
    }
    amounts.records.insert("invoices", 10_000);
    let said = said(&facts(stored, amounts), NOW, TextStyle::PLAIN);
    let messages = run(&said.json, "invoice_messages", "full");
    assert_eq!((&messages["requests"], &messages["why"]), (&json!(10_005), &json!("first_load")));
    // Both streams of children share 95 requests in 15.4 s: a little less than an hour.
    assert!(said.text.contains("which last about 55 minutes"), "{}", said.text);
    assert!(said.text.contains("their module is off: estimate_messages"), "{}", said.text);
    assert!(said.json["budgets"][0]["per_day"].as_u64().unwrap() > 1_000);
}

/// Returns the state of an account that was loaded half an hour ago.
fn loaded() -> StateContents {
    let mut stored = StateContents::default();
    stored.account.extent = Some(engine::extent::AccountExtent::new(NOW));
    for item in &mut stored.items {
        item.position.full.last_begun = Some(plus(NOW, SignedDuration::from_mins(-30)));
        item.position.incremental.last_begun = item.position.full.last_begun;
        item.position.full.last_requests = 4;
    }
    stored
}

#[test]
fn after_the_load_it_tells_when_changes_and_sweeps_come() {
    let stored = loaded();
    let said = said(&facts(stored, StreamSizes::default()), NOW, TextStyle::PLAIN);
    assert!(said.text.contains("Nothing is due now."), "{}", said.text);
    assert_eq!(run(&said.json, "clients", "incremental")["due"], "1970-01-01T00:30:00Z");
    let sweep = run(&said.json, "clients", "full");
    assert_eq!((&sweep["why"], &sweep["requests"]), (&json!("sweep"), &json!(4)));
    assert_eq!(run(&said.json, "roles", "full")["why"], "snapshot");
}

#[test]
fn a_terminal_gets_a_row_for_runs_of_one_reason_and_verbose_all() {
    let stored = loaded();
    let facts = facts(stored, StreamSizes::default());
    let terminal = TextStyle { width: Some(80), ..TextStyle::PLAIN };
    let text = said(&facts, NOW, terminal).text;
    assert!(text.starts_with("Nothing is due now.\n"), "{text}");
    assert!(text.lines().count() < 25 && text.lines().all(|line| line.chars().count() <= 80));
    let rows = |text: &str, why: &str| {
        let lines = text.lines().filter(|line| line.starts_with(why));
        lines
            .map(|line| line.split_whitespace().map(str::to_owned).collect())
            .collect::<Vec<Vec<_>>>()
    };
    let changes = rows(&text, "changes");
    assert_eq!(changes.len(), 2, "one for each limit: {text}");
    assert_eq!(
        changes.iter().map(|row| row[3].as_str()).collect::<Vec<_>>(),
        ["general", "reports"]
    );
    // All but the excluded one, each with one run of changes.
    let runs = changes.iter().map(|row| row[1].parse::<usize>().unwrap()).sum::<usize>();
    let json = said(&facts, NOW, terminal).json;
    let all = json["runs"].as_array().unwrap();
    assert_eq!(runs, all.iter().filter(|run| run["why"] == "changes").count());
    let verbose = TextStyle { detail: crate::said::TextDetail::All, ..terminal };
    assert!(said(&facts, NOW, verbose).text.contains("\ntime_entries "), "all runs");
}
