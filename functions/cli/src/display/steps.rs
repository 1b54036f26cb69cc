//! Progress of a command that works through tables, file by file: a line that moves on a terminal,
//! one each minute elsewhere.
//!
//! ```text
//! ⠙ verify: 12 of 33 tables done, 25 % · about 5 minutes left · time_entries: 340 of 1,230 file reads, 85 MB a second
//! ⠙ verify: 12 of 33 tables done, 25 % · about 5 minutes left · time_entries: 4,000 records of 18,006, 22 %
//! ```
//!
//! All work is known before it begins, from the logs of the tables: no number of the line shrinks.
//! The most important part comes first, because the line is cut at the width of the terminal.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use delta::table::{FileEntry, Table};
use engine::pass::Pass;
use engine::time::{SignedDuration, Timestamp, between, plus};
use indicatif::{ProgressBar, ProgressStyle};
use lake::progress::FileProgress;
use runtime::clock::{Clock as _, SystemClock};
use runtime::progress::{Progress, RunMoment};
use tokio::task::JoinHandle;

use super::numbers::StreamNumbers;
use super::{DisplayForm, LineForm, MINUTE};
use crate::text;

/// Time from which on rate and time left are told: ten seconds. Before, they would jump.
const STEADY: SignedDuration = SignedDuration::from_secs(10);

/// Files that are to be read, or were. A file that is read twice counts twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FileReads {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

impl FileReads {
    /// Returns all files of a table, each read once.
    pub(crate) fn of(table: &Table) -> Self {
        let bytes = table.files().iter().map(|file| file.size);
        Self { files: table.files().len() as u64, bytes: bytes.fold(0, u64::saturating_add) }
    }

    /// Returns both.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self {
            files: self.files.saturating_add(other.files),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }

    /// Returns as many of them as `most`. A table that changes meanwhile is read anew, which is more
    /// than was planned.
    fn up_to(self, most: Self) -> Self {
        Self { files: self.files.min(most.files), bytes: self.bytes.min(most.bytes) }
    }
}

/// A table that a command is to work through.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlannedTable {
    /// Name of the table, or of what is done with several.
    pub(crate) name: &'static str,
    pub(crate) reads: FileReads,
}

/// Measure of the whole work, for its percentage and the time left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StepMeasure {
    /// Bytes of the files that are read.
    Bytes,
    /// Tables: each takes about as long, because a few records of it are asked of Harvest.
    Tables,
}

/// Progress of one command. It ends with the value.
#[derive(Debug)]
pub(crate) struct StepDisplay {
    steps: Arc<SharedSteps>,
    bar: Option<ProgressBar>,
    /// Task that writes the lines or moves the bar.
    telling: Option<JoinHandle<()>>,
}

/// Numbers that the work changes and the display shows.
#[derive(Debug)]
struct SharedSteps(Mutex<TableSteps>);

/// Numbers behind the line.
#[derive(Debug)]
struct TableSteps {
    /// Name of the command.
    command: &'static str,
    began: Timestamp,
    planned: Vec<PlannedTable>,
    /// Tables that are done.
    done: usize,
    /// Whether a table is at work.
    at_work: bool,
    /// Files read of it.
    read: FileReads,
    measure: StepMeasure,
    /// Records of it that are read from Harvest; `None` while files are read.
    asked: Option<StreamNumbers>,
}

impl StepDisplay {
    /// Returns a display for `command` on the `planned` tables, measured in bytes.
    pub(crate) fn new(
        form: DisplayForm,
        command: &'static str,
        planned: Vec<PlannedTable>,
    ) -> Self {
        Self::measured(form, command, planned, StepMeasure::Bytes)
    }

    /// Returns a display for `command` on the `planned` tables.
    pub(crate) fn measured(
        form: DisplayForm,
        command: &'static str,
        planned: Vec<PlannedTable>,
        measure: StepMeasure,
    ) -> Self {
        let steps = TableSteps::new(command, SystemClock.now(), planned, measure);
        let steps = Arc::new(SharedSteps(Mutex::new(steps)));
        let bar = (form == DisplayForm::Bars).then(|| {
            let style = ProgressStyle::with_template("{spinner} {wide_msg}");
            let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
            ProgressBar::new_spinner().with_style(style)
        });
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

    /// Notes that the next planned table is at work. The one before is done.
    pub(crate) fn begin(&self) {
        self.steps.lock().begin();
    }

    /// Returns the receiver of runs that work on the tables.
    pub(crate) fn progress(&self) -> Arc<dyn Progress> {
        Arc::clone(&self.steps) as Arc<dyn Progress>
    }
}

impl FileProgress for StepDisplay {
    fn done(&self, file: &FileEntry) {
        self.steps.lock().read(file.size);
    }
}

impl SharedSteps {
    fn lock(&self) -> MutexGuard<'_, TableSteps> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for SharedSteps {
    fn on(&self, _: &'static str, pass: Pass, moment: &RunMoment) {
        match moment {
            RunMoment::File { bytes } => self.lock().read(*bytes),
            RunMoment::Page { .. } | RunMoment::Waiting => self.lock().ask(pass, moment),
            RunMoment::Started
            | RunMoment::Flushing
            | RunMoment::Committed(_)
            | RunMoment::Ended => {}
        }
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
    steps: Arc<SharedSteps>,
    bar: Option<ProgressBar>,
    line: LineForm,
    pause: SignedDuration,
) {
    loop {
        SystemClock.sleep_until(plus(SystemClock.now(), pause)).await;
        let text = steps.lock().text(SystemClock.now());
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
    const fn new(
        command: &'static str,
        began: Timestamp,
        planned: Vec<PlannedTable>,
        measure: StepMeasure,
    ) -> Self {
        let read = FileReads { files: 0, bytes: 0 };
        Self { command, began, planned, done: 0, at_work: false, read, measure, asked: None }
    }

    fn begin(&mut self) {
        self.done = self.done.saturating_add(usize::from(self.at_work));
        self.at_work = true;
        self.read = FileReads::default();
        self.asked = None;
    }

    /// Takes a moment of the reading from Harvest.
    fn ask(&mut self, pass: Pass, moment: &RunMoment) {
        let asked = self.asked.get_or_insert_with(|| StreamNumbers::new(pass));
        match (self.measure, moment) {
            // Few records are read: those of the whole list would be no total.
            (StepMeasure::Tables, RunMoment::Page { records, units, .. }) => {
                asked.take(&RunMoment::Page { records: *records, units: *units, total: None });
            }
            _ => asked.take(moment),
        }
    }

    fn read(&mut self, bytes: u64) {
        self.asked = None;
        self.read = self.read.and(FileReads { files: 1, bytes });
        if let Some(table) = self.table() {
            let (file, of) = (self.read.files, table.reads.files);
            tracing::debug!(table = table.name, file, of, "file read");
        }
    }

    /// Returns the table at work.
    fn table(&self) -> Option<PlannedTable> {
        self.planned.get(self.done).copied().filter(|_| self.at_work)
    }

    /// Returns what was read of all that is planned.
    fn reads(&self) -> (FileReads, FileReads) {
        let sum = |tables: &[PlannedTable]| {
            tables.iter().fold(FileReads::default(), |sum, table| sum.and(table.reads))
        };
        let before = sum(self.planned.get(..self.done).unwrap_or_default());
        let here = self.table().map_or_else(FileReads::default, |it| self.read.up_to(it.reads));
        (before.and(here), sum(&self.planned))
    }

    /// Returns the line.
    fn text(&self, now: Timestamp) -> String {
        let planned = self.planned.len().max(self.done) as u64;
        let tables = text::plural(planned, "table", "tables");
        let mut line = format!("{}: {} of {tables} done", self.command, self.done);
        let (read, all) = self.reads();
        let (done, whole) = match self.measure {
            StepMeasure::Bytes => (read.bytes, all.bytes),
            StepMeasure::Tables => (self.done as u64, planned),
        };
        if let Some(percent) = done.saturating_mul(100).checked_div(whole) {
            line = format!("{line}, {percent} %");
        }
        let lasts = between(self.began, now);
        let seconds = u64::try_from(lasts.as_secs()).unwrap_or(0);
        let steady = lasts >= STEADY && read.bytes > 0;
        if lasts >= STEADY
            && let Some(left) = seconds.saturating_mul(whole.saturating_sub(done)).checked_div(done)
        {
            let left = SignedDuration::from_secs(i64::try_from(left).unwrap_or(i64::MAX));
            line = format!("{line} · {} left", text::about(left));
        }
        let Some(table) = self.table() else { return line };
        if let Some(asked) = &self.asked {
            return format!("{line} · {}: {}", table.name, asked.text());
        }
        let here = self.read.up_to(table.reads).files;
        line = format!(
            "{line} · {}: {} of {}",
            table.name,
            text::count(here),
            text::plural(table.reads.files, "file read", "file reads")
        );
        let rate = read.bytes.checked_div(seconds).filter(|_| steady);
        rate.map_or_else(|| line.clone(), |rate| format!("{line}, {} a second", text::bytes(rate)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEGABYTE: u64 = 1_000_000;

    fn planned() -> Vec<PlannedTable> {
        let table = |name, files: u64| PlannedTable {
            name,
            reads: FileReads { files, bytes: files * 10 * MEGABYTE },
        };
        vec![table("clients", 1), table("time_entries", 98), table("empty", 0), table("users", 1)]
    }

    fn at(seconds: i64) -> Timestamp {
        let began: Timestamp = "2026-11-27T09:00:00Z".parse().unwrap();
        plus(began, SignedDuration::from_secs(seconds))
    }

    #[test]
    fn the_line_has_done_and_planned_and_after_a_while_rate_and_time_left() {
        let mut steps = TableSteps::new("verify", at(0), planned(), StepMeasure::Bytes);
        assert_eq!(steps.text(at(0)), "verify: 0 of 4 tables done, 0 %");
        steps.begin();
        let first = "verify: 0 of 4 tables done, 0 % · clients: 0 of 1 file read";
        assert_eq!(steps.text(at(90)), first);
        steps.read(10 * MEGABYTE);
        steps.begin();
        for _ in 0..24 {
            steps.read(10 * MEGABYTE);
        }
        let said = "verify: 1 of 4 tables done, 25 % · time_entries: 24 of 98 file reads";
        assert_eq!(steps.text(at(9)), said);
        let said = "verify: 1 of 4 tables done, 25 % · about 5 minutes left · time_entries: 24 of \
                    98 file reads, 2.50 MB a second";
        assert_eq!(steps.text(at(100)), said);
    }

    #[test]
    fn each_file_of_a_large_table_moves_the_line_and_no_number_shrinks() {
        let mut steps = TableSteps::new("export", at(0), planned(), StepMeasure::Bytes);
        steps.begin();
        steps.begin();
        let mut before = (steps.text(at(60)), steps.reads().0.bytes);
        // More than planned: a run replaced files, and the table was read anew.
        for file in 1..=150 {
            steps.read(10 * MEGABYTE);
            let now = (steps.text(at(60)), steps.reads().0.bytes);
            assert!(now.1 >= before.1 && (file > 98 || now.0 != before.0), "{file}: {}", now.0);
            before = now;
        }
        assert!(before.0.contains("99 %") && before.0.contains("98 of 98"), "{}", before.0);
        // A table that is gone meanwhile: its part is done without a file.
        steps.begin();
        steps.begin();
        assert_eq!(steps.reads().0.bytes, 990 * MEGABYTE);
        steps.read(10 * MEGABYTE);
        steps.begin();
        assert_eq!(steps.text(at(60)), "export: 4 of 4 tables done, 100 % · about a minute left");
    }

    #[test]
    fn the_reading_from_harvest_is_told_with_its_records_until_files_are_read_again() {
        let page = |records| RunMoment::Page { records, units: (0, 0), total: Some(18_006) };
        let mut steps = TableSteps::new("verify", at(0), planned(), StepMeasure::Bytes);
        steps.begin();
        steps.begin();
        steps.read(10 * MEGABYTE);
        steps.ask(Pass::Full, &page(4_000));
        let line = "verify: 1 of 4 tables done, 2 % · time_entries: 4,000 records of 18,006, 22 %";
        assert_eq!(steps.text(at(5)), line);
        steps.ask(Pass::Full, &RunMoment::Waiting);
        assert_eq!(steps.text(at(5)), format!("{line} · waits for the budget"));
        steps.read(10 * MEGABYTE);
        assert!(steps.text(at(5)).ends_with("time_entries: 2 of 98 file reads"));
    }

    #[test]
    fn a_sample_is_measured_in_tables_and_has_no_total() {
        let page = RunMoment::Page { records: 200, units: (0, 0), total: Some(18_006) };
        let mut steps = TableSteps::new("verify", at(0), planned(), StepMeasure::Tables);
        steps.begin();
        steps.begin();
        steps.ask(Pass::Full, &page);
        let line = "verify: 1 of 4 tables done, 25 % · about 3 minutes left · time_entries: 200 \
                    records";
        assert_eq!(steps.text(at(60)), line);
    }

    #[tokio::test]
    async fn files_of_runs_and_of_the_lake_count_alike() {
        let display = StepDisplay::new(DisplayForm::Nothing, "upgrade", planned());
        display.begin();
        display.begin();
        let file = RunMoment::File { bytes: 10 * MEGABYTE };
        display.progress().on("time_entries", Pass::Full, &file);
        display.progress().on("time_entries", Pass::Full, &RunMoment::Flushing);
        let text = display.steps.lock().text(at(0));
        assert!(text.ends_with("time_entries: 1 of 98 file reads"), "{text}");
    }
}
