//! Progress on a terminal: a line for each stream at work, and one for all below them.
//!
//! ```text
//!   invoice_messages             197 records, 212 of 500 parts
//!   time_entries                 16,000 records · writes
//! ⠙ 28 runs done, 960 answers, 43,106 records · budget used: general 95 of 95, reports 40 of 95
//! ```
//!
//! Lines of streams come and go with their runs, so that the display has one line more than there
//! are runs at work.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use engine::pass::Pass;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use runtime::progress::{Progress, RunMoment};
use runtime::run::{RunOutcome, RunReport};

use super::{SyncDisplay, line};
use crate::interrupt::InterruptFlag;
use crate::text;

/// Display of a sync as moving bars.
#[derive(Debug)]
pub(crate) struct BarDisplay {
    interrupt: InterruptFlag,
    /// All bars, which are drawn together: bars of their own would write over each other.
    all: MultiProgress,
    /// The last line, about the whole sync.
    total: ProgressBar,
    /// Numbers behind the bars; several runs report at the same time.
    shown: Mutex<ShownBars>,
}

/// Numbers that the display shows.
#[derive(Debug, Default)]
struct ShownBars {
    lines: BTreeMap<&'static str, StreamBar>,
    /// Answers of Harvest, of all runs so far.
    pages: u64,
    /// Records in these answers. Greater than the number of rows: runs read a little before their
    /// cursor again.
    records: u64,
    /// Runs that have ended.
    ended: u64,
    /// Text about the budgets, with a separator before it; empty until they were read for the first
    /// time.
    budget: String,
}

/// Line of one stream at work.
#[derive(Debug)]
struct StreamBar {
    bar: ProgressBar,
    pages: u64,
    records: u64,
}

impl BarDisplay {
    /// Returns a display whose spinner moves at once.
    pub(crate) fn new(interrupt: InterruptFlag) -> Self {
        let all = MultiProgress::new();
        let total = all.add(ProgressBar::new_spinner());
        total.set_style(style("{spinner} {msg}"));
        // By time and not by progress: it moves while everything waits for the budget, and so shows
        // that the process is alive.
        total.enable_steady_tick(std::time::Duration::from_millis(120));
        Self { interrupt, all, total, shown: Mutex::default() }
    }

    /// Changes the numbers, and draws the last line anew.
    fn change(&self, change: impl FnOnce(&mut ShownBars)) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut shown);
        self.total.set_message(format!(
            "{} done, {}, {}{}",
            text::plural(shown.ended, "run", "runs"),
            text::plural(shown.pages, "answer", "answers"),
            text::plural(shown.records, "record", "records"),
            shown.budget,
        ));
    }

    /// Adds a line for a stream, above the last line.
    fn new_line(&self, stream: &'static str) -> StreamBar {
        let bar = self.all.insert_before(&self.total, ProgressBar::new_spinner());
        bar.set_style(style("  {prefix:<28} {msg}"));
        bar.set_prefix(stream);
        StreamBar { bar, pages: 0, records: 0 }
    }
}

/// Returns the style of a bar. A wrong template gives the default style: a display must not end a
/// sync.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

impl Progress for BarDisplay {
    fn on(&self, stream: &'static str, pass: Pass, moment: &RunMoment) {
        self.change(|shown| {
            // A stream that is not shown yet gets a line, whichever moment comes first.
            let line = shown.lines.entry(stream).or_insert_with(|| self.new_line(stream));
            let message = match moment {
                RunMoment::Started => format!("{} pass", pass.name()),
                RunMoment::Page { records, units, total } => {
                    line.pages = line.pages.saturating_add(1);
                    line.records = line.records.saturating_add(*records);
                    shown.pages = shown.pages.saturating_add(1);
                    shown.records = shown.records.saturating_add(*records);
                    page(line, *units, *total)
                }
                // Units and total are not part of these moments; the number of records stays, so
                // that the line does not jump.
                RunMoment::Waiting => {
                    format!("{} · waits for the budget", page(line, (0, 0), None))
                }
                RunMoment::Flushing => format!("{} · writes", page(line, (0, 0), None)),
                RunMoment::Committed(_) => format!("{} · committed", page(line, (0, 0), None)),
                RunMoment::Ended => {
                    line.bar.finish_and_clear();
                    shown.lines.remove(stream);
                    return;
                }
            };
            line.bar.set_message(message);
        });
    }

    fn wants_stop(&self) -> bool {
        self.interrupt.is_asked()
    }
}

/// Returns the text about the records of a run. Units (parents, report windows) are called parts;
/// there are none if both numbers are 0.
fn page(line: &StreamBar, (read, left): (u64, u64), total: Option<u64>) -> String {
    let mut message = text::plural(line.records, "record", "records");
    if let Some(total) = total {
        message = format!("{message} of {}", text::count(total));
    }
    if read > 0 || left > 0 {
        message = format!("{message}, {read} of {} parts", read.saturating_add(left));
    }
    message
}

impl SyncDisplay for BarDisplay {
    fn ended(&self, report: &RunReport) {
        self.change(|shown| shown.ended = shown.ended.saturating_add(1));
        match &report.outcome {
            RunOutcome::Failed(_) => {
                // Printed above the bars, the line stays when they go.
                self.all.println(line(report)).ok();
            }
            RunOutcome::Complete | RunOutcome::Yielded(_) | RunOutcome::Busy { .. } => {}
        }
    }

    fn budget(&self, used: &str) {
        self.change(|shown| shown.budget = format!(" · budget used: {used}"));
    }

    fn clear(&self) {
        self.total.finish_and_clear();
        self.all.clear().ok();
    }
}
