//! Progress on a terminal: a line for each stream at work, and one for all below them.
//!
//! ```text
//!   invoice_messages             197 records, 212 of 500 parts, 42 %
//!   time_entries                 16,000 records of 18,006, 88 % · writes
//! ⠙ 28 of 41 runs done · 43,106 records · 960 answers, 380 a minute · what runs now takes about 4 minutes
//! ```
//!
//! Lines of streams come and go with their runs, so that the display has one line more than there
//! are runs at work. A line that is longer than the terminal is cut.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use engine::pass::Pass;
use engine::spec::RateClass;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use runtime::progress::{Progress, RunMoment};
use runtime::run::{RunOutcome, RunReport};

use super::numbers::{BudgetMoment, SyncNumbers};
use super::{SyncDisplay, line};
use crate::interrupt::InterruptFlag;

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

/// Numbers that the display shows, and the lines of the streams at work.
#[derive(Debug, Default)]
struct ShownBars {
    numbers: SyncNumbers,
    lines: BTreeMap<&'static str, ProgressBar>,
}

impl BarDisplay {
    /// Returns a display whose spinner moves at once.
    pub(crate) fn new(interrupt: InterruptFlag) -> Self {
        let all = MultiProgress::new();
        let total = all.add(ProgressBar::new_spinner());
        total.set_style(style("{spinner} {wide_msg}"));
        // By time and not by progress: it moves while everything waits for the budget, and so shows
        // that the process is alive.
        total.enable_steady_tick(std::time::Duration::from_millis(120));
        Self { interrupt, all, total, shown: Mutex::default() }
    }

    /// Changes the numbers, and draws the last line anew.
    fn change(&self, change: impl FnOnce(&mut ShownBars)) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut shown);
        self.total.set_message(shown.numbers.text());
    }

    /// Adds a line for a stream, above the last line.
    fn new_line(&self, stream: &'static str) -> ProgressBar {
        let bar = self.all.insert_before(&self.total, ProgressBar::new_spinner());
        bar.set_style(style("  {prefix:<28} {wide_msg}"));
        bar.set_prefix(stream);
        bar
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
            let ShownBars { numbers, lines } = shown;
            match numbers.take(stream, pass, moment) {
                Some(numbers) => {
                    let line = lines.entry(stream).or_insert_with(|| self.new_line(stream));
                    line.set_message(numbers.text());
                }
                None => {
                    if let Some(line) = lines.remove(stream) {
                        line.finish_and_clear();
                    }
                }
            }
        });
    }

    fn wants_stop(&self) -> bool {
        self.interrupt.is_asked()
    }
}

impl SyncDisplay for BarDisplay {
    fn ended(&self, report: &RunReport) {
        self.change(|shown| shown.numbers.end());
        match &report.outcome {
            RunOutcome::Failed(_) => {
                // Printed above the bars, the line stays when they go.
                self.all.println(line(report)).ok();
            }
            RunOutcome::Complete | RunOutcome::Yielded(_) | RunOutcome::Busy { .. } => {}
        }
    }

    fn planned(&self, open: u64) {
        self.change(|shown| shown.numbers.plan(open));
    }

    fn waits(&self, sentence: &str) {
        self.change(|shown| shown.numbers.wait(sentence.to_owned()));
    }

    fn left(&self) -> BTreeMap<RateClass, u64> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).numbers.left()
    }

    fn budget(&self, moment: BudgetMoment) {
        self.change(|shown| shown.numbers.note(moment));
    }

    fn clear(&self) {
        self.total.finish_and_clear();
        self.all.clear().ok();
    }
}
