//! Progress on a terminal: a line for each stream at work, and one for all.

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
    all: MultiProgress,
    total: ProgressBar,
    shown: Mutex<ShownBars>,
}

#[derive(Debug, Default)]
struct ShownBars {
    lines: BTreeMap<&'static str, StreamBar>,
    pages: u64,
    records: u64,
    ended: u64,
    budget: String,
}

#[derive(Debug)]
struct StreamBar {
    bar: ProgressBar,
    pages: u64,
    records: u64,
}

impl BarDisplay {
    pub(crate) fn new(interrupt: InterruptFlag) -> Self {
        let all = MultiProgress::new();
        let total = all.add(ProgressBar::new_spinner());
        total.set_style(style("{spinner} {msg}"));
        total.enable_steady_tick(std::time::Duration::from_millis(120));
        Self { interrupt, all, total, shown: Mutex::default() }
    }

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

    fn new_line(&self, stream: &'static str) -> StreamBar {
        let bar = self.all.insert_before(&self.total, ProgressBar::new_spinner());
        bar.set_style(style("  {prefix:<28} {msg}"));
        bar.set_prefix(stream);
        StreamBar { bar, pages: 0, records: 0 }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

impl Progress for BarDisplay {
    fn on(&self, stream: &'static str, pass: Pass, moment: &RunMoment) {
        self.change(|shown| {
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
        self.change(|shown| shown.budget = format!(" · {used}"));
    }

    fn clear(&self) {
        self.total.finish_and_clear();
        self.all.clear().ok();
    }
}
