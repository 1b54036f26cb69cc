//! The summary as text.
//!
//! Order of the paragraphs: title and table, warnings, failures, skipped streams, waits, work that
//! is left, a request to stop, queries. The last lines are what a person sees without scrolling, so
//! the next step stands there.

use core::fmt::Write as _;

use engine::time::SignedDuration;

use super::{StreamSummary, SyncSummary, WaitingWork, WorkSums};
use crate::exit::CliExit;
use crate::said::{CommandAnswer, TextDetail, TextStyle};
use crate::table::TextTable;
use crate::text;

impl SyncSummary {
    /// Returns the summary as text and as JSON.
    pub(crate) fn said(&self, paint: TextStyle) -> CommandAnswer {
        let json = serde_json::to_value(self).unwrap_or_default();
        CommandAnswer { text: self.text(paint), json, exit: self.exit, left: self.is_left() }
    }

    /// Returns the first line, and one with the sums; the whole text if a stream needs a person.
    pub(crate) fn brief(&self, paint: TextStyle) -> String {
        let usual = self.exit == CliExit::Done && !self.is_left() && self.warnings.is_empty();
        if !usual || paint.detail != TextDetail::News {
            return self.text(paint);
        }
        let WorkSums { requests, counts, rows, bytes, .. } = self.total;
        let changed = self.streams.iter().filter(|line| line.sums.counts.changes_rows()).count();
        format!(
            "{}\n{} changed: {} rows inserted, {} updated, {} deleted\n{}; {} rows now, {}\n",
            paint.strong(&self.title()),
            text::plural(changed as u64, "table", "tables"),
            text::count(counts.inserted),
            text::count(counts.updated),
            text::count(counts.deleted),
            text::plural(requests, "request", "requests"),
            text::count(rows),
            text::bytes(bytes),
        )
    }

    /// Whether work waits for the budget, or for Harvest.
    const fn is_left(&self) -> bool {
        !self.left.is_empty() || self.waits_until.is_some()
    }

    /// Returns the text, with one empty line between two paragraphs; empty paragraphs are left out.
    fn text(&self, paint: TextStyle) -> String {
        let mut text = format!("{}\n", paint.strong(&self.title()));
        let mut paragraph = |lines: Vec<String>| {
            if !lines.is_empty() {
                writeln!(text, "\n{}", lines.join("\n")).unwrap_or_default();
            }
        };
        let bad = |line: &String| paint.bad(line);
        let failures = || {
            let lines = self.failed_lines().into_iter().chain(self.busy_line());
            lines.map(|line| bad(&line)).collect::<Vec<_>>()
        };
        if paint.detail == TextDetail::Failures {
            paragraph(failures());
            return text;
        }
        if self.has_no_news(paint.detail) {
            text.push_str(&self.read_line());
            text.push_str(&self.skipped_line().map_or_else(String::new, |line| line + "\n"));
            return text;
        }
        let table = self.table(paint).trim_end().to_owned();
        paragraph(if table.is_empty() { Vec::new() } else { vec![table] });
        paragraph(self.warnings.iter().map(|line| paint.warn(&format!("! {line}"))).collect());
        paragraph(failures());
        paragraph(self.skipped_line().map(|line| paint.faint(&line)).into_iter().collect());
        paragraph(self.waiting_line().map(|line| paint.warn(&line)).into_iter().collect());
        paragraph(self.left.iter().map(|left| paint.warn(&left.sentence())).collect());
        if self.interrupted {
            paragraph(vec![
                paint.warn("Stopped as asked; what was read is kept, run again to go on."),
            ]);
        }
        // Once: each sync of a schedule would mail it.
        if self.is_new && !self.queries.is_empty() {
            let mut lines = vec![paint.strong("Query it:")];
            lines.extend(self.queries.iter().map(|query| format!("  {query}")));
            paragraph(lines);
        }
        text
    }

    /// Whether the streams are as they were, and nothing needs a person.
    fn has_no_news(&self, detail: TextDetail) -> bool {
        detail != TextDetail::All
            && !self.total.counts.changes_rows()
            && self.streams.iter().all(is_usual)
            && self.exit == CliExit::Done
            && self.warnings.is_empty()
            && !self.is_left()
    }

    /// Returns the line in place of a table without news.
    fn read_line(&self) -> String {
        if self.streams.is_empty() {
            // Otherwise other lines say why nothing was read.
            let idle = self.exit == CliExit::Done && !self.is_left();
            return if idle { "Nothing was due.\n".to_owned() } else { String::new() };
        }
        format!(
            "{} read with {}: nothing has changed.\n",
            text::plural(self.streams.len() as u64, "stream", "streams"),
            text::plural(self.total.requests, "request", "requests")
        )
    }

    /// Returns the first line: account, lake, result and duration. It is the only line that many
    /// people read.
    fn title(&self) -> String {
        let account = if self.company.is_empty() {
            format!("account {}", self.account_id)
        } else {
            format!("{} (account {})", self.company, self.account_id)
        };
        // Three results. `complete` alone would not do: work that waits for the budget and a stream
        // that failed are both incomplete, and only one of them needs a person.
        let what = if !self.failures.is_empty() || !self.busy.is_empty() {
            "not all of it is up to date"
        } else if self.exit == CliExit::Done && !self.is_left() {
            "up to date"
        } else {
            "not finished yet"
        };
        let time = text::duration(SignedDuration::from_millis(self.milliseconds));
        format!("{account} in {}: {what} after {time}", self.lake)
    }

    /// Returns the table of the streams that ran, with a line of sums.
    fn table(&self, paint: TextStyle) -> String {
        let header = [
            "stream",
            "pass",
            "requests",
            "records",
            "inserted",
            "updated",
            "deleted",
            "unchanged",
            "rows",
            "files",
            "size",
            "time",
            "",
        ];
        let told = |line: &&StreamSummary| {
            paint.detail == TextDetail::All || !is_usual(line) || line.sums.counts.changes_rows()
        };
        let mut rows: Vec<Vec<String>> = self.streams.iter().filter(told).map(row).collect();
        if rows.is_empty() {
            return self.read_line();
        }
        let others = self.streams.len().saturating_sub(rows.len()) as u64;
        // Streams run at the same time: the sum of their times would have no meaning.
        let total = WorkSums { milliseconds: self.milliseconds, ..self.total };
        rows.push(cells("total", "", total, ""));
        let spare = [9, 10, 7, 2, 1, 3];
        let table = TextTable { header: &header, numbers: 2..12, spare: &spare, rows }.text(paint);
        match others {
            0 => table,
            others => {
                let others = text::plural(others, "other stream", "other streams");
                format!("{table}{others} read, without changes\n")
            }
        }
    }

    /// Returns one line for each failed stream. Refused streams share a line, as their advice is
    /// the same.
    fn failed_lines(&self) -> Vec<String> {
        let refused = |failure: &&super::FailedStream| failure.error_type == "StreamRefused";
        let names: Vec<&str> =
            self.failures.iter().filter(refused).map(|it| it.stream.as_str()).collect();
        let together = names.len() > 1;
        let mut lines: Vec<String> = self
            .failures
            .iter()
            .filter(|failure| !(together && refused(failure)))
            .map(|failure| format!("✗ {}", failure.error))
            .collect();
        if together {
            lines.push(format!("✗ {}", refusal(&names)));
        }
        lines
    }

    /// Returns the line about streams that another process kept.
    fn busy_line(&self) -> Option<String> {
        (!self.busy.is_empty()).then(|| {
            format!(
                "✗ not done, because another harvest-lake works on it: {}; run again when that \
                 one has ended",
                self.busy.join(", ")
            )
        })
    }

    /// Returns the line about questions that could not be asked.
    fn waiting_line(&self) -> Option<String> {
        let waiting = self.waiting.as_ref()?;
        Some(format!("Not everything could be asked: {waiting}. Run again then, or use `--wait`"))
    }

    /// Returns the line about streams whose module is off.
    fn skipped_line(&self) -> Option<String> {
        (!self.skipped.is_empty()).then(|| {
            let names: Vec<&str> = self.skipped.keys().map(String::as_str).collect();
            format!("Skipped, because the module is off in Harvest: {}", names.join(", "))
        })
    }
}

/// Returns the advice about streams that Harvest refuses to the person of the token. Names are
/// joined with and without blanks: once to be read, once to be pasted after `--exclude`.
pub(crate) fn refusal(names: &[&str]) -> String {
    format!(
        "refused to the person of this token (403): {}; use an administrator's token, or leave \
         them out with `--exclude {}`",
        names.join(", "),
        names.join(",")
    )
}

/// Whether a stream's run ended as it should.
fn is_usual(line: &StreamSummary) -> bool {
    line.outcome == "complete"
}

/// Returns the cells of one stream.
fn row(line: &StreamSummary) -> Vec<String> {
    let passes: Vec<&str> = line.passes.iter().map(|pass| pass.name()).collect();
    // A complete stream needs no remark.
    let remark = if line.outcome == "complete" { "" } else { line.outcome };
    cells(&line.stream, &passes.join("+"), line.sums, remark)
}

/// Returns the cells of one line of the table.
fn cells(name: &str, passes: &str, sums: WorkSums, remark: &str) -> Vec<String> {
    vec![
        name.to_owned(),
        passes.to_owned(),
        text::some(sums.requests),
        text::some(sums.records),
        text::some(sums.counts.inserted),
        text::some(sums.counts.updated),
        text::some(sums.counts.deleted),
        text::some(sums.counts.unchanged),
        text::some(sums.rows),
        text::some(sums.files),
        if sums.bytes == 0 { "·".to_owned() } else { text::bytes(sums.bytes) },
        text::duration(SignedDuration::from_millis(sums.milliseconds)),
        remark.to_owned(),
    ]
}

impl WaitingWork {
    /// Says which work is left, how long the budget needs for it, and what to do.
    pub(crate) fn sentence(&self) -> String {
        // The reports are told as one number of windows: a list of all their names would tell no
        // more.
        let what = match (self.class, self.parts) {
            (_, 0) => self.streams.join(", "),
            ("reports", parts) => format!("{} of {parts} windows read", self.read),
            (_, parts) => {
                format!("{} of {parts} parts read ({})", self.read, self.streams.join(", "))
            }
        };
        let time = text::about(SignedDuration::from_secs(self.seconds));
        format!(
            "{}: {what}; the rest needs {time} of the {} budget; run again, or `--wait`",
            self.class, self.class
        )
    }
}
