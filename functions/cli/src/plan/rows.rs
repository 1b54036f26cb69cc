//! Table of the runs of a plan.

use engine::forecast::PlannedRun;
use engine::time::{Timestamp, between};

use super::facts::ForecastInput;
use crate::said::{TextDetail, TextStyle};
use crate::table::TextTable;
use crate::text;

/// Returns the table of the runs. A person at a terminal gets a row for runs of one reason, as long as
/// no streams are named; a pipe, and `--verbose`, get all of them.
pub(super) fn table(
    facts: &ForecastInput,
    planned: &[PlannedRun],
    now: Timestamp,
    paint: TextStyle,
) -> String {
    let folds =
        paint.is_terminal() && paint.detail != TextDetail::All && facts.settings.streams.is_none();
    if folds {
        let rows = folded(facts, planned, now);
        let header = ["why", "runs", "limit", "due", "requests", "done"];
        let table = TextTable { header: &header, numbers: 4..5, spare: &[5], rows };
        let hint = paint.faint("`harvest-lake plan --verbose` shows every run.");
        return format!("{}\n{hint}\n", table.text(paint));
    }
    let rows = planned.iter().map(|one| cells(facts, one, now)).collect();
    let header = ["stream", "pass", "why", "due", "requests", "done"];
    TextTable { header: &header, numbers: 4..5, spare: &[1, 5], rows }.text(paint)
}

/// Returns a row for the runs of each reason and limit, in the order of the first of them: when the
/// first is due, the requests of all, and when the last is done.
fn folded(facts: &ForecastInput, planned: &[PlannedRun], now: Timestamp) -> Vec<Vec<String>> {
    let mut groups: Vec<(String, Vec<&PlannedRun>)> = Vec::new();
    for one in planned {
        let why = why_text(facts, one, now);
        let same = |(other, runs): &&mut (String, Vec<&PlannedRun>)| {
            let class = runs.first().map(|run| run.spec.rate_class);
            *other == why && class == Some(one.spec.rate_class)
        };
        match groups.iter_mut().find(same) {
            Some((_, runs)) => runs.push(one),
            None => groups.push((why, vec![one])),
        }
    }
    let ahead = |at| text::ahead(between(now, at));
    let unknown = || "?".to_owned();
    let row = |(why, runs): (String, Vec<&PlannedRun>)| {
        let names = match runs.as_slice() {
            [one] => one.spec.name.to_owned(),
            _ => text::plural(runs.len() as u64, "stream", "streams"),
        };
        let limit = runs.first().map_or("", |run| run.spec.rate_class.name());
        let requests: Option<u64> = runs.iter().map(|run| run.requests).sum();
        let ends: Option<Vec<Timestamp>> = runs.iter().map(|run| run.ends).collect();
        let first = runs.iter().map(|run| run.begins).min();
        let last = ends.and_then(|ends| ends.into_iter().max());
        vec![
            why,
            names,
            limit.to_owned(),
            first.map_or_else(unknown, ahead),
            requests.map_or_else(unknown, text::count),
            last.map_or_else(unknown, ahead),
        ]
    };
    groups.into_iter().map(row).collect()
}

/// Returns the reason of a run in words.
fn why_text(facts: &ForecastInput, one: &PlannedRun, now: Timestamp) -> String {
    match facts.remark(one, now) {
        Some(remark) => format!("{}, {}", one.why.text(), remark.text()),
        None => one.why.text().to_owned(),
    }
}

/// Returns the cells of one run; a number that is not known is a question mark.
fn cells(facts: &ForecastInput, one: &PlannedRun, now: Timestamp) -> Vec<String> {
    let ahead = |at| text::ahead(between(now, at));
    vec![
        one.spec.name.to_owned(),
        one.pass.name().to_owned(),
        why_text(facts, one, now),
        ahead(one.begins),
        one.requests.map_or_else(|| "?".to_owned(), text::count),
        one.ends.map_or_else(|| "?".to_owned(), ahead),
    ]
}
