//! Display of a running sync: bars on a terminal, lines elsewhere, nothing in tests.
//!
//! The same object receives the progress of runs and answers them whether to stop: runs ask their
//! `Progress` between two steps, and have no other connection to the process around them. That is
//! why even the display that shows nothing has the flag.
//!
//! All of it goes to standard error. A display that cannot be written is no failure of the sync:
//! rows matter more than their announcement.

mod bars;
mod numbers;
mod steps;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::pass::Pass;
use engine::spec::RateClass;
use engine::time::{SignedDuration, Timestamp, between};
use runtime::clock::{Clock as _, SystemClock};
use runtime::progress::{Progress, RunMoment};
use runtime::run::{RunOutcome, RunReport};

use crate::interrupt::InterruptFlag;
use crate::text;
use bars::BarDisplay;
pub(crate) use numbers::BudgetMoment;
use numbers::SyncNumbers;
pub(crate) use steps::{FileReads, PlannedTable, StepDisplay, StepMeasure};

/// Time from one line about the whole sync to the next, where nothing can move.
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// Receives the progress of runs, their ends, and the use of the budgets. Called from several
/// tasks; must return at once.
pub(crate) trait SyncDisplay: Progress {
    /// Shows that a run ended. Not called for a run that found its stream busy.
    fn ended(&self, report: &RunReport);

    /// Notes the number of runs that are at work or due.
    fn planned(&self, _open: u64) {}

    /// Shows for what the whole sync waits, and until when.
    fn waits(&self, _sentence: &str) {}

    /// Requests that the runs at work have left at least, by rate class.
    fn left(&self) -> BTreeMap<RateClass, u64> {
        BTreeMap::new()
    }

    /// Shows the use of the budgets. Called each second.
    fn budget(&self, _moment: BudgetMoment) {}

    /// Removes everything that moves from the terminal, before other text is written there and at
    /// the end.
    fn clear(&self) {}
}

/// Form of the display.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DisplayForm {
    /// Bars that move.
    Bars,
    /// A line for each run that ends, and one each minute: for log files and cron, where nothing can
    /// move.
    Lines,
    /// The same as log events, for programs that read the log.
    Events,
    /// Nothing.
    Nothing,
}

/// Returns a display of this form. Runs that report to it stop in good order once `interrupt` is
/// asked.
pub(crate) fn display(show: DisplayForm, interrupt: &InterruptFlag) -> Arc<dyn SyncDisplay> {
    let interrupt = interrupt.clone();
    match show {
        DisplayForm::Bars => Arc::new(BarDisplay::new(interrupt)),
        DisplayForm::Lines => Arc::new(LineDisplay::new(LineForm::Text, interrupt)),
        DisplayForm::Events => Arc::new(LineDisplay::new(LineForm::Event, interrupt)),
        DisplayForm::Nothing => Arc::new(NoDisplay { interrupt }),
    }
}

/// Form of a line about progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LineForm {
    Text,
    Event,
}

impl LineForm {
    fn write(self, line: &str) {
        match self {
            Self::Text => {
                // Where standard error is a file, nothing else tells when it was.
                let now = SystemClock.now().strftime("%FT%TZ");
                writeln!(std::io::stderr(), "{now} {line}").ok();
            }
            Self::Event => tracing::info!("{line}"),
        }
    }
}

/// Display of a sync as lines.
#[derive(Debug)]
struct LineDisplay {
    form: LineForm,
    interrupt: InterruptFlag,
    told: Mutex<ToldLines>,
}

/// Numbers behind the lines.
#[derive(Debug, Default)]
struct ToldLines {
    numbers: SyncNumbers,
    /// Time of the last line about the whole sync; of the beginning before the first one.
    last: Option<Timestamp>,
}

impl LineDisplay {
    fn new(form: LineForm, interrupt: InterruptFlag) -> Self {
        Self { form, interrupt, told: Mutex::default() }
    }

    fn told(&self) -> MutexGuard<'_, ToldLines> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for LineDisplay {
    fn on(&self, stream: &'static str, pass: Pass, moment: &RunMoment) {
        self.told().numbers.take(stream, pass, moment);
    }

    fn wants_stop(&self) -> bool {
        self.interrupt.is_asked()
    }
}

impl SyncDisplay for LineDisplay {
    fn ended(&self, report: &RunReport) {
        self.told().numbers.end();
        match self.form {
            LineForm::Text => self.form.write(&line(report)),
            // The event that the functions write.
            LineForm::Event => worker::log_run(report),
        }
    }

    fn planned(&self, open: u64) {
        self.told().numbers.plan(open);
    }

    fn waits(&self, sentence: &str) {
        let mut told = self.told();
        told.numbers.wait(sentence.to_owned());
        self.form.write(&told.numbers.text());
    }

    fn left(&self) -> BTreeMap<RateClass, u64> {
        self.told().numbers.left()
    }

    fn budget(&self, moment: BudgetMoment) {
        let mut told = self.told();
        let now = moment.now;
        told.numbers.note(moment);
        if between(*told.last.get_or_insert(now), now) >= MINUTE {
            told.last = Some(now);
            self.form.write(&told.numbers.text());
        }
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
        // The summary has the reason, once.
        RunOutcome::Failed(error) => format!("failed ({})", error.error_type()),
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
