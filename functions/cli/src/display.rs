//! Display of a running sync: bars on a terminal, lines elsewhere, nothing in tests.
//!
//! The same object receives the progress of runs and answers them whether to stop: runs ask their
//! `Progress` between two steps, and have no other connection to the process around them. That is
//! why even the display that shows nothing has the flag.
//!
//! All of it goes to standard error. A display that cannot be written is no failure of the sync:
//! rows matter more than their announcement.

mod bars;

use std::io::Write as _;
use std::sync::Arc;

use engine::pass::Pass;
use engine::time::between;
use runtime::progress::{Progress, RunMoment};
use runtime::run::{RunOutcome, RunReport};

use crate::interrupt::InterruptFlag;
use crate::text;
use bars::BarDisplay;

/// Receives the progress of runs, their ends, and the use of the budgets. Called from several
/// tasks; must return at once.
pub(crate) trait SyncDisplay: Progress {
    /// Shows that a run ended. Not called for a run that found its stream busy.
    fn ended(&self, report: &RunReport);

    /// Shows the used part of the budgets, given as text for people. Lines do not show it: they
    /// would be one each second.
    fn budget(&self, _used: &str) {}

    /// Removes everything that moves from the terminal, before other text is written there and at
    /// the end.
    fn clear(&self) {}
}

/// Form of the display.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DisplayForm {
    /// Bars that move.
    Bars,
    /// A line for each run that ends: for log files and cron, where nothing can move.
    Lines,
    /// Nothing.
    Nothing,
}

/// Returns a display of this form. Runs that report to it stop in good order once `interrupt` is
/// asked.
pub(crate) fn display(show: DisplayForm, interrupt: &InterruptFlag) -> Arc<dyn SyncDisplay> {
    let interrupt = interrupt.clone();
    match show {
        DisplayForm::Bars => Arc::new(BarDisplay::new(interrupt)),
        DisplayForm::Lines => Arc::new(LineDisplay { interrupt }),
        DisplayForm::Nothing => Arc::new(NoDisplay { interrupt }),
    }
}

/// Display of a sync as lines.
#[derive(Debug)]
struct LineDisplay {
    interrupt: InterruptFlag,
}

impl Progress for LineDisplay {
    fn on(&self, _: &'static str, _: Pass, _: &RunMoment) {}

    fn wants_stop(&self) -> bool {
        self.interrupt.is_asked()
    }
}

impl SyncDisplay for LineDisplay {
    fn ended(&self, report: &RunReport) {
        writeln!(std::io::stderr(), "{}", line(report)).ok();
    }
}

/// Display that shows nothing.
#[derive(Debug)]
struct NoDisplay {
    interrupt: InterruptFlag,
}

impl Progress for NoDisplay {
    fn on(&self, _: &'static str, _: Pass, _: &RunMoment) {}

    fn wants_stop(&self) -> bool {
        self.interrupt.is_asked()
    }
}

impl SyncDisplay for NoDisplay {
    fn ended(&self, _: &RunReport) {}
}

/// One line about a run that ended. The signs stand for inserted, updated and deleted rows:
///
/// ```text
/// clients: incremental pass complete; 1 request, 3 records, +1 ~2 -0, 56 ms
/// ```
pub(crate) fn line(report: &RunReport) -> String {
    let RunReport { stream, counts, .. } = report;
    let how = match &report.outcome {
        RunOutcome::Complete => format!("{} pass complete", report.pass.name()),
        RunOutcome::Yielded(_) => format!("{} pass goes on later", report.pass.name()),
        RunOutcome::Busy { .. } => "another run works on it".to_owned(),
        RunOutcome::Failed(error) => format!("failed: {}", error.chain()),
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
