//! `harvest-lake cost`: estimate of what a month of a deployment costs at list prices.
//!
//! Needs no lake, no account and no settings: it is asked before there is any of them.

use core::fmt::Write as _;

use deployment::config::GivenSettings;
use deployment::cost::estimate::{CompanyProfile, Extra, WORKING_WEEK};
use deployment::cost::month::CostLine;
use engine::ids::AccountId;
use serde_json::json;

use crate::arguments::{CostArguments, CostExtra};
use crate::error::CliError;
use crate::exit::CliExit;
use crate::said::{CommandAnswer, TextStyle};
use crate::table::TextTable;
use crate::text;

/// Estimates a month.
///
/// # Errors
/// Fails if the choice of streams or the interval cannot be used.
pub(crate) fn cost(
    arguments: &CostArguments,
    mut given: GivenSettings,
    paint: TextStyle,
) -> Result<CommandAnswer, CliError> {
    arguments.settings.give(&mut given);
    // Which account it is does not matter.
    let settings = deployment::config::settings(&given, AccountId(1))?;
    let included = streams::STREAMS.into_iter().filter(|spec| settings.includes(spec.name));
    let included: Vec<_> = included.collect();
    let with_changes = included.iter().filter(|spec| settings.keeps_changes(spec.name)).count();
    let entries = arguments.entries.unwrap_or_else(|| u64::from(arguments.people) * 1000);
    let company = CompanyProfile {
        people: f64::from(arguments.people),
        entries: float(entries),
        interval: settings.sync_interval.as_secs_f64() / 3600.0,
        streams: float(included.len() as u64),
        changes: float(with_changes as u64) / float(included.len().max(1) as u64),
        at_work: WORKING_WEEK,
    };
    let extras = arguments.with.iter().map(|extra| match extra {
        CostExtra::Alarms => Extra::Alarms,
        CostExtra::Dashboard => Extra::Dashboard,
        CostExtra::Key => Extra::Key,
        CostExtra::Secret => Extra::Secret,
    });
    let month = extras.fold(company.month(), |month, extra| extra.beside(month));
    let line = |line: &CostLine| {
        json!({
            "item": line.name,
            "quantity": round(line.quantity, 3),
            "unit": line.unit,
            "unit_dollars": line.price,
            "dollars": round(line.dollars(), 4),
        })
    };
    let lines = month.lines();
    let json = json!({
        "people": arguments.people,
        "entries": entries,
        "sync_interval_seconds": settings.sync_interval.as_secs(),
        "streams": included.len(),
        "items": lines.iter().map(line).collect::<Vec<_>>(),
        "dollars": round(month.dollars(), 2),
    });
    let rows = lines.iter().map(cells).collect();
    let header = ["item", "quantity", "unit", "a month"];
    let mut text = TextTable { header: &header, numbers: 1..4, spare: &[2], rows }.text(paint);
    writeln!(
        text,
        "\nabout ${:.2} a month at list prices of us-east-1 (November 2026), for {} people and {} time entries\n\
         without free tiers, taxes and queries; docs/cost.md says how it was measured",
        month.dollars(),
        text::count(u64::from(arguments.people)),
        text::count(entries),
    )
    .ok();
    Ok(CommandAnswer::new(text, json, CliExit::Done))
}

/// Cells of an item in the text.
fn cells(line: &CostLine) -> Vec<String> {
    let quantity = if line.quantity < 10.0 {
        format!("{:.2}", line.quantity)
    } else {
        format!("{:.0}", line.quantity)
    };
    let dollars = format!("${:.2}", line.dollars());
    vec![line.name.to_owned(), quantity, line.unit.to_owned(), dollars]
}

/// Rounds for the document, so that no digits stand there that are not meant.
fn round(value: f64, digits: i32) -> f64 {
    let scale = 10.0_f64.powi(digits);
    (value * scale).round() / scale
}

/// Converts a count, which is far below 2^53.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
const fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    use crate::arguments::{CliArguments, CliCommand};

    #[test]
    fn the_items_are_the_sum() {
        let line = ["harvest-lake", "cost", "--with", "alarms,key"];
        let CliArguments { command: CliCommand::Cost(arguments), .. } =
            CliArguments::try_parse_from(line).unwrap()
        else {
            panic!("another command");
        };
        let told = cost(&arguments, GivenSettings::default(), TextStyle::PLAIN).unwrap();
        let items = told.json["items"].as_array().unwrap();
        let sum: f64 = items.iter().map(|item| item["dollars"].as_f64().unwrap()).sum();
        let dollars = told.json["dollars"].as_f64().unwrap();
        assert!((sum - dollars).abs() < 0.01, "{sum} {dollars}");
        assert!(told.text.contains(&format!("about ${dollars:.2} a month")), "{}", told.text);
        assert_eq!((&told.json["streams"], &told.json["entries"]), (&json!(33), &json!(100_000)));
    }
}
