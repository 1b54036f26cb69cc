//! `harvest-lake plan`: runs that are due, their times, requests and durations at the rate limits.
//!
//! The forecast itself is `engine::forecast`, a pure function; here are its input (`facts`) and its
//! words. It answers two questions that people have before a first load: how long will it last, and
//! can the schedule be kept at all?
//!
//! All numbers are estimates, from the last passes or from the number of records. Nothing depends
//! on them: a run decides anew when it is started.

mod facts;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use deployment::config::GivenSettings;
use engine::forecast::{PassReason, PlannedRun, forecast};
use engine::pass::Pass;
use engine::plan::sweep_period;
use engine::spec::RateClass;
use engine::time::{SignedDuration, Timestamp, between};
use runtime::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::arguments::PlanArguments;
use crate::error::CliError;
use crate::exit::CliExit;
use crate::lake_facts::LakeFacts;
use crate::said::{CommandAnswer, TextStyle};
use crate::text;
use facts::{ForecastInput, RunRemark};

/// The rate classes, in the order of the output.
const CLASSES: [RateClass; 2] = [RateClass::General, RateClass::Reports];

/// Lists the next run of each pass. Asks Harvest for the number of records only with `--ask`.
///
/// # Errors
/// Fails if a setting is wrong or the state cannot be read; with `--ask` also if Harvest does not
/// answer. A full budget is no error: the plan is then made of what is known.
pub(crate) async fn plan(
    arguments: &PlanArguments,
    mut given: GivenSettings,
    paint: TextStyle,
) -> Result<CommandAnswer, CliError> {
    arguments.settings.give(&mut given);
    arguments.streams.give(&mut given);
    let lake = LakeFacts::of(&given).await?;
    lake.name_account(&mut given).await?;
    let facts = if arguments.ask {
        ForecastInput::asked(&given).await?
    } else {
        ForecastInput::known(&lake, &mut given).await?
    };
    Ok(said(&facts, SystemClock.now(), paint))
}

/// Returns the forecast as text and as JSON. `now` is an argument, so that tests have a fixed time.
fn said(facts: &ForecastInput, now: Timestamp, paint: TextStyle) -> CommandAnswer {
    let runs = facts.runs();
    let interval = facts.settings.sync_interval;
    let planned = forecast(&runs, &facts.amounts, |class| facts.budget(class), interval, now);
    // Classes with a run of unknown size are left out: a sum without it would look like a promise.
    let daily: BTreeMap<RateClass, u64> = CLASSES
        .into_iter()
        .filter_map(|class| Some((class, per_day(&planned, class, interval)?)))
        .collect();
    let json = json!({
        "waits_until": facts.waiting.map(|waiting| waiting.until),
        "account_id": facts.settings.account.0,
        "now": now,
        "sync_interval_seconds": interval.as_secs(),
        "budgets": CLASSES.map(|class| budget_json(facts, class, daily.get(&class).copied())),
        "skipped": facts.skipped,
        "excluded": facts.excluded,
        "runs": planned.iter().map(|one| run_json(facts, one, now)).collect::<Vec<Value>>(),
    });
    let mut text = opening(facts, &planned, &daily, now, paint).join("\n");
    text.push_str("\n\n");
    for class in CLASSES {
        text.push_str(&budget_line(facts, class));
    }
    text.push('\n');
    text.push_str(&rows::table(facts, &planned, now, paint));
    CommandAnswer { text, json, exit: CliExit::Done, left: facts.waiting.is_some() }
}

/// Requests of the schedule per day once everything is loaded; `None` if those of a run are
/// unknown.
///
/// Each pass counts with its requests times the number of its runs in a day. An example with an
/// interval of one hour: an incremental pass of 2 requests costs 48, a weekly sweep of 700 requests
/// costs 100. A pass that is under way counts with the rest of its requests alone, so the sum is
/// too small until it is complete.
fn per_day(planned: &[PlannedRun], class: RateClass, interval: SignedDuration) -> Option<u64> {
    let day = SignedDuration::from_hours(24);
    let mut sum = 0_u64;
    for one in planned.iter().filter(|one| one.spec.rate_class == class) {
        let requests = one.requests?;
        // A first load happens once. The sweep counts that comes after it and reads as much.
        let every = match (one.pass, one.why) {
            (Pass::Incremental, _) | (_, PassReason::Snapshot) => interval,
            (Pass::Full, _) => sweep_period(one.spec.sweep, requests).unwrap_or(interval),
        };
        let millis = u64::try_from(every.as_millis()).unwrap_or(u64::MAX).max(1);
        let times = u64::try_from(day.as_millis()).unwrap_or(0).saturating_mul(requests) / millis;
        sum = sum.saturating_add(times);
    }
    Some(sum)
}

/// Requests that the limit allows per day. A permit of one window comes a window and its guard
/// after that of the window before, so that a window of 15 seconds counts as a little more.
fn possible(facts: &ForecastInput, class: RateClass) -> u64 {
    let limit = facts.budget(class).limit;
    let step = limit.window().saturating_add(limit.guard().total());
    let windows = 86_400_000 / u64::try_from(step.as_millis()).unwrap_or(u64::MAX).max(1);
    windows.saturating_mul(u64::from(limit.requests()))
}

/// Returns the member of the document about one budget.
fn budget_json(facts: &ForecastInput, class: RateClass, daily: Option<u64>) -> Value {
    let budget = facts.budget(class);
    json!({
        "class": class.name(),
        "limit": budget.limit.requests(),
        "window_milliseconds": i64::try_from(budget.limit.window().as_millis()).unwrap_or(i64::MAX),
        "used": budget.used,
        "per_day": daily,
        "possible_per_day": possible(facts, class),
    })
}

/// Returns the member of the document about one run.
fn run_json(facts: &ForecastInput, one: &PlannedRun, now: Timestamp) -> Value {
    json!({
        "stream": one.spec.name,
        "pass": one.pass.name(),
        "why": why(one.why),
        "state": facts.remark(one, now).map(RunRemark::name),
        "due": one.begins,
        "requests": one.requests,
        "done": one.ends,
    })
}

/// Returns the word of the document for the reason of a run.
const fn why(reason: PassReason) -> &'static str {
    match reason {
        PassReason::FirstLoad => "first_load",
        PassReason::GoesOn => "goes_on",
        PassReason::Changes => "changes",
        PassReason::Snapshot => "snapshot",
        PassReason::Sweep => "sweep",
    }
}

/// Returns the line about one budget.
fn budget_line(facts: &ForecastInput, class: RateClass) -> String {
    let budget = facts.budget(class);
    format!(
        "{:<8} {} requests in {}, {} of them used\n",
        class.name(),
        text::count(budget.limit.requests().into()),
        text::duration(budget.limit.window()),
        text::count(budget.used.into()),
    )
}

/// Returns the sentences above the table: the duration of what is due, the load of a day, and the
/// streams that are not read.
fn opening(
    facts: &ForecastInput,
    planned: &[PlannedRun],
    daily: &BTreeMap<RateClass, u64>,
    now: Timestamp,
    paint: TextStyle,
) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(waiting) = facts.waiting {
        let line = format!("Not asked: {waiting}. The plan uses what is known; ask again then.");
        lines.push(paint.warn(&paint.wrapped(&line)));
    }
    let begun = |one: &&PlannedRun| one.begins <= now;
    // One run of unknown size is enough to make the duration unknown.
    let known: Option<Vec<Timestamp>> = planned.iter().filter(begun).map(|one| one.ends).collect();
    match known.map(|ends| ends.into_iter().max()) {
        Some(Some(end)) => {
            let requests = planned.iter().filter(begun).filter_map(|one| one.requests).sum();
            let requests = text::plural(requests, "request", "requests");
            let end = between(now, end);
            // `about` rounds up to a minute, which would be much for a few requests that need no
            // wait.
            let lasts = if end < SignedDuration::from_secs(1) {
                "go out at once".to_owned()
            } else {
                format!("last {}", text::about(end))
            };
            lines.push(paint.strong(&format!("What is due now takes {requests}, which {lasts}.")));
        }
        Some(None) => lines.push(paint.strong("Nothing is due now.")),
        None => lines.push(paint.wrapped(
            "?: the number of records is not known yet; `harvest-lake plan --ask` asks Harvest.",
        )),
    }
    for (class, requests) in daily {
        let (many, most) = (text::count(*requests), possible(facts, *class));
        let line = format!(
            "A day of the schedule takes about {many} {}, of {} possible.",
            match class {
                RateClass::General => "general requests",
                RateClass::Reports => "requests of reports",
            },
            text::count(most)
        );
        // Nine tenths of what is possible: the rest is needed for retries, and for people who ask
        // for a sync by hand.
        let too_many = *requests > most / 10 * 9;
        lines.push(if too_many {
            let line = format!("{line} That is too close: choose a longer sync interval.");
            paint.warn(&paint.wrapped(&line))
        } else {
            paint.wrapped(&line)
        });
    }
    // Streams that were not named are no news.
    let excluded = if facts.settings.streams.is_some() { &[][..] } else { &facts.excluded };
    for (streams, why) in [(&facts.skipped[..], "their module is off"), (excluded, "excluded")] {
        if !streams.is_empty() {
            let line = format!("Not read, {why}: {}.", streams.join(", "));
            lines.push(paint.faint(&paint.wrapped(&line)));
        }
    }
    lines
}
