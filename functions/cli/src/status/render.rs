//! The status as text and as JSON.
//!
//! The first line is the verdict, for people who read no other. Problems stand below the table, the
//! worst last, where they are seen first on a terminal.

use core::fmt::Write as _;

use engine::drift::DriftFinding;
use engine::time::{Timestamp, between};
use serde_json::json;

use super::condition::StreamCondition;
use super::day::last_day;
use super::remarks::{parked, remarks};
use super::{LakeStatus, LastError, StreamStatus};
use crate::exit::CliExit;
use crate::said::{CommandAnswer, TextStyle};
use crate::sparkline::sparkline;
use crate::table::TextTable;
use crate::text;

/// Number of late streams that are named.
const NAMED: usize = 5;

impl LakeStatus {
    /// Returns the status as text and as JSON. Without `all` the text has only the streams that need
    /// a person; the document always has all.
    pub(super) fn said(&self, all: bool, paint: TextStyle) -> CommandAnswer {
        let bad = self.streams.iter().any(|row| row.state.needs_a_person());
        let exit = if bad { CliExit::SomeFailed } else { CliExit::Done };
        let account = &self.account;
        let changed = account.person_changed.as_ref();
        let needs = self.streams.iter().filter(|row| row.needs_a_person());
        let json = json!({
            "lake": self.lake,
            "account_id": self.account_id.0,
            "company": account.company,
            "person": account.person,
            "person_changed": changed.map(|(at, before)| json!({ "at": at, "before": before })),
            "roles": account.roles,
            "read_at": account.read_at,
            "verdict": self.verdict(),
            "oldest": self.oldest(),
            "next_sweep": self.next_sweep(),
            "day": self.day,
            "needs_a_person": needs.map(|row| row.stream).collect::<Vec<_>>(),
            "streams": self.streams,
        });
        CommandAnswer::new(self.text(all, paint), json, exit)
    }

    fn text(&self, all: bool, paint: TextStyle) -> String {
        let mut text = format!("{}\n", paint.strong(&paint.wrapped(&self.verdict())));
        if self.exists() {
            writeln!(text, "{}", paint.faint(&last_day(&self.day, paint))).unwrap_or_default();
        }
        // When nothing runs, all streams are late: one line tells as much as 33.
        let is_told =
            |row: &&StreamStatus| row.needs_a_person() && (!is_late(row) || row.has_findings());
        let shown: Vec<_> = self.streams.iter().filter(|row| all || is_told(row)).collect();
        if !shown.is_empty() && self.exists() {
            text.push('\n');
            text.push_str(&self.table(&shown, paint));
        }
        if all && let Some(oldest) = self.streams.iter().filter_map(|row| row.last_full).min() {
            let told = format!(
                "Records that were deleted in Harvest keep their rows until the next full pass of \
                 their stream; the oldest of the last full passes began {}.",
                text::since(oldest, self.now)
            );
            writeln!(text, "\n{}", paint.faint(&paint.wrapped(&told))).unwrap_or_default();
        }
        let mut paragraph = |line: String| writeln!(text, "\n{line}").unwrap_or_default();
        for line in self.change_of_person().into_iter().chain(self.drift(all)) {
            paragraph(paint.warn(&paint.wrapped(&line)));
        }
        for row in &shown {
            if let Some(warning) = &row.warning {
                paragraph(paint.warn(&paint.wrapped(&format!("! {}: {warning}", row.stream))));
            }
            if let Some(line) = parked(row) {
                paragraph(paint.warn(&paint.wrapped(&line)));
            }
        }
        for line in self.errors(&shown).into_iter().chain(self.late()) {
            paragraph(paint.bad(&paint.wrapped(&line)));
        }
        if !all && self.exists() {
            paragraph(paint.faint("`harvest-lake status --all` shows every stream."));
        }
        text
    }

    /// Returns the line about streams that are late.
    fn late(&self) -> Option<String> {
        let late: Vec<&str> =
            self.streams.iter().filter(|row| is_late(row)).map(|row| row.stream).collect();
        let names = match late.len() {
            0 => return None,
            1..=NAMED => late.join(", "),
            _ => text::plural(late.len() as u64, "stream", "streams"),
        };
        Some(format!(
            "✗ late: {names}; run `harvest-lake sync`, or see why the schedule does not (with \
             another time between syncs than usual, set `sync_interval`)"
        ))
    }

    /// Returns a line for each last error. Streams with the same one share a line: a refused token
    /// fails all of them.
    fn errors(&self, shown: &[&StreamStatus]) -> Vec<String> {
        let mut told: Vec<(&LastError, Vec<&str>)> = Vec::new();
        for row in shown {
            let Some(error) = &row.last_error else { continue };
            match told.iter_mut().find(|(other, _)| other.error == error.error) {
                Some((_, streams)) => streams.push(row.stream),
                None => told.push((error, vec![row.stream])),
            }
        }
        let line = |(LastError { at, error, .. }, streams): (&LastError, Vec<&str>)| {
            format!("✗ {}, {}: {error}", streams.join(", "), text::since(*at, self.now))
        };
        told.into_iter().map(line).collect()
    }

    /// Whether the lake is there, or may be and cannot be read.
    fn exists(&self) -> bool {
        self.streams.iter().any(|row| row.rows.is_some() || row.unreadable)
    }

    /// Beginning of the oldest of the last complete passes; `None` if no stream has one.
    fn oldest(&self) -> Option<Timestamp> {
        self.read().filter_map(|row| row.as_of).min()
    }

    /// Time of the first sweep that the schedule has.
    fn next_sweep(&self) -> Option<Timestamp> {
        self.read().filter_map(|row| row.next_sweep).min()
    }

    /// Streams that runs read.
    fn read(&self) -> impl Iterator<Item = &StreamStatus> {
        self.streams.iter().filter(|row| row.state.is_read())
    }

    /// Returns the first line: the number of tables that are current, the states of the others, the
    /// age of the data, and the next sweep.
    fn verdict(&self) -> String {
        if !self.exists() {
            return format!("There is no lake in `{}` yet: run `harvest-lake sync`.", self.lake);
        }
        if self.streams.iter().all(|row| row.rows.is_none()) {
            return format!("The lake in `{}` cannot be read; the reasons are below.", self.lake);
        }
        let all = self.read().count();
        let of = |state| self.read().filter(|row| row.state == state).count();
        let current = of(StreamCondition::Current);
        let what = if current == all {
            if all == 1 {
                "the table is current".to_owned()
            } else {
                format!("all {all} tables are current")
            }
        } else {
            let told = StreamCondition::TOLD.into_iter().filter(|state| of(*state) > 0);
            let told: Vec<_> =
                told.map(|state| format!("{} {}", of(state), state.name())).collect();
            format!("{current} of {all} tables are current, {}", told.join(", "))
        };
        let name = &self.account.company;
        let mut parts =
            vec![format!("{}: {what}", if name.is_empty() { &self.lake } else { name })];
        if let Some(oldest) = self.oldest() {
            parts.push(format!("the oldest is as of {}", text::since(oldest, self.now)));
        }
        if let Some(until) = self.waits_until() {
            parts.push(format!("the rate budget has room {}", text::until(until, self.now)));
        }
        if let Some(sweep) = self.next_sweep() {
            parts.push(format!("next sweep {}", text::until(sweep, self.now)));
        }
        parts.join("; ")
    }

    /// Earliest time at which the rate budget has room for a pass that waits for it.
    fn waits_until(&self) -> Option<Timestamp> {
        let waits = self.read().filter_map(|row| row.unfinished.as_ref()?.waits_until);
        waits.filter(|until| *until > self.now).min()
    }

    /// Returns the table of these streams.
    fn table(&self, shown: &[&StreamStatus], paint: TextStyle) -> String {
        let header =
            ["stream", "state", "rows", "as of", "last full pass", "changes of 24 h", "remarks"];
        let rows = shown.iter().map(|row| self.cells(row)).collect();
        TextTable { header: &header, numbers: 2..3, spare: &[5, 4, 2], rows }.text(paint)
    }

    /// Returns the cells of one stream.
    fn cells(&self, row: &StreamStatus) -> Vec<String> {
        let ago = |at: Option<Timestamp>| {
            at.map_or_else(|| "·".to_owned(), |at| text::ago(between(at, self.now)))
        };
        vec![
            row.stream.to_owned(),
            row.state.name().to_owned(),
            row.rows.map_or_else(|| "·".to_owned(), text::count),
            row.as_of.map_or_else(|| "·".to_owned(), |at| text::since(at, self.now)),
            ago(row.last_full),
            sparkline(&row.day.changes),
            remarks(row, self.now),
        ]
    }

    fn change_of_person(&self) -> Option<String> {
        let (at, before) = self.account.person_changed.as_ref()?;
        let since = text::since(*at, self.now);
        let person = &self.account.person;
        Some(format!(
            "! The token belongs to another person than before (noticed {since}): it was \
             {before}'s, it is now {person}'s."
        ))
    }

    /// Returns a line for each difference between records and declaration: first those with lost
    /// values, because the others have no hurry. Of these there is one line with their number unless
    /// `all` are asked for.
    fn drift(&self, all: bool) -> Vec<String> {
        let findings = || {
            let of = |row: &'_ StreamStatus| {
                let stream = row.stream;
                row.drift.clone().into_iter().map(move |finding| (stream, finding))
            };
            self.streams.iter().flat_map(of)
        };
        let told = |(stream, finding): (&str, DriftFinding)| {
            let ago = text::ago(between(finding.at, self.now));
            format!("! {stream}: {}; {ago}", finding.sentence())
        };
        let costly = |(_, finding): &(&str, DriftFinding)| finding.what.costs_values();
        let mut lines: Vec<String> = findings().filter(costly).map(told).collect();
        let others = findings().filter(|found| !costly(found));
        if all {
            lines.extend(others.map(told));
        } else {
            match others.count() as u64 {
                0 => {}
                number => lines.push(format!(
                    "! {}, without loss of values",
                    text::plural(
                        number,
                        "difference between records and columns",
                        "differences between records and columns"
                    )
                )),
            }
        }
        lines
    }
}

fn is_late(row: &StreamStatus) -> bool {
    row.state == StreamCondition::Late
}
