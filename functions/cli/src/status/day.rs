//! Line about the runs of the last day.

use crate::ledger::LastDay;
use crate::said::TextStyle;
use crate::sparkline::sparkline;
use crate::text;

/// Returns the line about the runs of the last day; two where the terminal is too narrow.
pub(super) fn last_day(day: &LastDay, paint: TextStyle) -> String {
    let sum = |numbers: &[u64]| numbers.iter().fold(0_u64, |sum, one| sum.saturating_add(*one));
    let changes = text::plural(sum(&day.changes), "row changed", "rows changed");
    let requests = text::plural(sum(&day.requests), "request", "requests");
    let runs = text::plural(day.runs, "run", "runs");
    let failed = match day.failed {
        0 => String::new(),
        failed => format!(", {} failed", text::count(failed)),
    };
    let changes = format!("24 h {} {changes}", sparkline(&day.changes));
    let requests = format!("{} {requests}; {runs}{failed}", sparkline(&day.requests));
    let fits = paint.width.is_none_or(|width| {
        changes.chars().count() + 1 + requests.chars().count() <= usize::from(width)
    });
    // Below each other they are compared best.
    format!("{changes}{}{requests}", if fits { " " } else { "\n     " })
}
