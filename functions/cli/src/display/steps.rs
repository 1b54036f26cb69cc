//! Progress of a command that does one table after the other: a line that moves on a terminal, one
//! each minute elsewhere.
//!
//! ```text
//! ⠙ verify: 12 of 33 tables done, now time_entries · 4 a minute · about 5 minutes left
//! ```

use std::sync::{Arc, Mutex, PoisonError};

use engine::time::{SignedDuration, Timestamp, between, plus};
use indicatif::ProgressBar;
use runtime::clock::{Clock as _, SystemClock};
use tokio::task::JoinHandle;

use super::{DisplayForm, LineForm, MINUTE};
use crate::text;

/// Time from which on rate and time left are told: ten seconds. Before, they would jump.
const STEADY: SignedDuration = SignedDuration::from_secs(10);

/// Progress of one command. It ends with the value.
#[derive(Debug)]
pub(crate) struct StepDisplay {
    steps: Arc<Mutex<TableSteps>>,
    bar: Option<ProgressBar>,
    /// Task that writes the lines or moves the bar.
    telling: Option<JoinHandle<()>>,
}

/// Numbers behind the line.
#[derive(Debug)]
struct TableSteps {
    /// Name of the command.
    command: &'static str,
    began: Timestamp,
    done: u64,
    planned: u64,
    /// The table at work; empty before the first.
    table: &'static str,
}

impl StepDisplay {
    /// Returns a display for `command` on `planned` tables.
    pub(crate) fn new(form: DisplayForm, command: &'static str, planned: usize) -> Self {
        let began = SystemClock.now();
        let steps = TableSteps { command, began, done: 0, planned: planned as u64, table: "" };
        let steps = Arc::new(Mutex::new(steps));
        let bar = (form == DisplayForm::Bars).then(ProgressBar::new_spinner);
        let (pause, line) = match form {
            DisplayForm::Bars => (Some(SignedDuration::from_millis(120)), LineForm::Text),
            DisplayForm::Lines => (Some(MINUTE), LineForm::Text),
            DisplayForm::Events => (Some(MINUTE), LineForm::Event),
            DisplayForm::Nothing => (None, LineForm::Text),
        };
        let told = |pause| tokio::spawn(tell(Arc::clone(&steps), bar.clone(), line, pause));
        let telling = pause.map(told);
        Self { steps, bar, telling }
    }

    /// Notes that the next table is at work. The one before is done.
    pub(crate) fn begin(&self, table: &'static str) {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        steps.done = steps.done.saturating_add(u64::from(!steps.table.is_empty()));
        steps.table = table;
    }
}

impl Drop for StepDisplay {
    fn drop(&mut self) {
        if let Some(telling) = &self.telling {
            telling.abort();
        }
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Tells the progress again and again, until the task is aborted.
async fn tell(
    steps: Arc<Mutex<TableSteps>>,
    bar: Option<ProgressBar>,
    line: LineForm,
    pause: SignedDuration,
) {
    loop {
        SystemClock.sleep_until(plus(SystemClock.now(), pause)).await;
        let text = steps.lock().unwrap_or_else(PoisonError::into_inner).text(SystemClock.now());
        match &bar {
            Some(bar) => {
                bar.set_message(text);
                bar.tick();
            }
            None => line.write(&text),
        }
    }
}

impl TableSteps {
    /// Returns the line. Rate and time left are those of whole tables, which differ in size.
    fn text(&self, now: Timestamp) -> String {
        let (done, planned) = (self.done, self.planned.max(self.done));
        let tables = text::plural(planned, "table", "tables");
        let mut line = format!("{}: {} of {tables} done", self.command, text::count(done));
        if !self.table.is_empty() {
            line = format!("{line}, now {}", self.table);
        }
        let lasts = between(self.began, now);
        let seconds = u64::try_from(lasts.as_secs()).unwrap_or(0);
        if lasts < STEADY || done == 0 {
            return line;
        }
        let rate = done.saturating_mul(60).checked_div(seconds).filter(|rate| *rate > 0);
        if let Some(rate) = rate {
            line = format!("{line} · {} a minute", text::count(rate));
        }
        let left = seconds.saturating_mul(planned - done).checked_div(done).unwrap_or(0);
        let left = SignedDuration::from_secs(i64::try_from(left).unwrap_or(i64::MAX));
        format!("{line} · {} left", text::about(left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_has_done_and_planned_and_after_a_while_rate_and_time_left() {
        let began: Timestamp = "2026-11-27T09:00:00Z".parse().unwrap();
        let steps = |done, table| TableSteps { command: "verify", began, done, planned: 33, table };
        let at = |seconds| plus(began, SignedDuration::from_secs(seconds));
        assert_eq!(steps(0, "").text(at(0)), "verify: 0 of 33 tables done");
        assert_eq!(steps(0, "clients").text(at(90)), "verify: 0 of 33 tables done, now clients");
        assert_eq!(steps(3, "tasks").text(at(9)), "verify: 3 of 33 tables done, now tasks");
        assert_eq!(
            steps(12, "time_entries").text(at(180)),
            "verify: 12 of 33 tables done, now time_entries · 4 a minute · about 6 minutes left"
        );
        assert_eq!(
            steps(1, "roles").text(at(600)),
            "verify: 1 of 33 tables done, now roles · about 6 hours left"
        );
    }
}
