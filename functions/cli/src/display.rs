//! Display of a running sync: bars on a terminal, lines elsewhere, nothing in tests.

use std::io::Write as _;
use std::sync::Arc;

use engine::pass::Pass;
use engine::time::between;
use runtime::progress::{Moment, Progress};
use runtime::run::{Outcome, RunReport};

use crate::bars::Bars;
use crate::interrupt::Interrupt;
use crate::text;

/// Receives the progress of runs, their ends, and the use of the budgets.
pub(crate) trait Watch: Progress {
    /// Shows that a run ended.
    fn ended(&self, report: &RunReport);

    /// Shows the used part of the budgets, given as text for people.
    fn budget(&self, _used: &str) {}

    /// Removes everything that moves from the terminal.
    fn clear(&self) {}
}

/// Form of the display.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Show {
    /// Bars that move.
    Bars,
    /// A line for each run that ends.
    Lines,
    /// Nothing.
    Nothing,
}

/// Returns a display of this form. Runs that report to it stop in good order once `interrupt` is
/// asked.
pub(crate) fn display(show: Show, interrupt: &Interrupt) -> Arc<dyn Watch> {
    let interrupt = interrupt.clone();
    match show {
        Show::Bars => Arc::new(Bars::new(interrupt)),
        Show::Lines => Arc::new(Lines { interrupt }),
        Show::Nothing => Arc::new(Nothing { interrupt }),
    }
}

#[derive(Debug)]
struct Lines {
    interrupt: Interrupt,
}

impl Progress for Lines {
    fn on(&self, _: &'static str, _: Pass, _: &Moment) {}

    fn wants_stop(&self) -> bool {
        self.interrupt.is_asked()
    }
}

impl Watch for Lines {
    fn ended(&self, report: &RunReport) {
        writeln!(std::io::stderr(), "{}", line(report)).ok();
    }
}

#[derive(Debug)]
struct Nothing {
    interrupt: Interrupt,
}

impl Progress for Nothing {
    fn on(&self, _: &'static str, _: Pass, _: &Moment) {}

    fn wants_stop(&self) -> bool {
        self.interrupt.is_asked()
    }
}

impl Watch for Nothing {
    fn ended(&self, _: &RunReport) {}
}

/// One line about a run that ended.
pub(crate) fn line(report: &RunReport) -> String {
    let RunReport { stream, counts, .. } = report;
    let how = match &report.outcome {
        Outcome::Complete => format!("{} pass complete", report.pass.name()),
        Outcome::Yielded(_) => format!("{} pass goes on later", report.pass.name()),
        Outcome::Busy { .. } => "another run works on it".to_owned(),
        Outcome::Failed(error) => format!("failed: {}", error.chain()),
    };
    format!(
        "{stream}: {how}; {}, {}, +{} ~{} -{}, {}",
        text::plural(report.requests, "request", "requests"),
        text::plural(report.records, "record", "records"),
        counts.inserted,
        counts.updated,
        counts.deleted,
        text::duration(between(report.began, report.ended)),
    )
}
