//! The report of a check as text.

use engine::time::SignedDuration;

use super::{CheckReport, LakeState, UnusableTable};
use crate::probe::{ProbeAnswer, StreamProbe};
use crate::said::TextStyle;
use crate::summary::refusal;
use crate::table::TextTable;
use crate::text;

impl CheckReport {
    /// Returns the facts, with the number of streams in place of their table.
    pub(crate) fn brief(&self, paint: TextStyle) -> String {
        let mut lines = self.facts(paint);
        let excluded = self.streams.iter().filter(|it| it.answer == ProbeAnswer::Excluded).count();
        lines.push(format!(
            "streams   {} would answer; `harvest-lake check` shows how many records each has",
            self.streams.len().saturating_sub(excluded)
        ));
        lines.join("\n") + "\n"
    }

    /// Returns the text: the facts, the table of streams, the failures.
    pub(super) fn text(&self, paint: TextStyle) -> String {
        let account = format!("account   {} {}", self.account_id, self.company);
        let mut text = format!("{account}\n{}\n\n", self.facts(paint).join("\n"));
        // Harvest was not asked: a table without rows would say that there are no streams.
        if self.streams.is_empty() {
            return text;
        }
        let row = |probe: &StreamProbe| vec![probe.stream.to_owned(), probe.answer.text()];
        let shown = |probe: &&StreamProbe| !self.named || probe.answer != ProbeAnswer::Excluded;
        let rows = self.streams.iter().filter(shown).map(row).collect();
        let header = ["stream", "would answer"];
        let table = TextTable { header: &header, numbers: 0..0, spare: &[], rows };
        text.push_str(&table.text(paint));
        let failed = self.failed_lines();
        let failed: Vec<String> = failed.iter().map(|line| paint.wrapped(line)).collect();
        if !failed.is_empty() {
            text.push_str(&paint.bad(&format!("\n{}\n", failed.join("\n"))));
        }
        text
    }

    /// Returns the facts besides the account, with their names in the first ten columns. Lines that
    /// begin with blanks belong to the line above.
    fn facts(&self, paint: TextStyle) -> Vec<String> {
        let mut lines = Vec::new();
        match self.waiting {
            Some(waiting) => {
                lines
                    .push(paint.warn(&format!("harvest   not asked: {waiting}; check again then")));
            }
            None => {
                lines.push(format!("token     {}, roles: {}", self.person, self.roles.join(", ")));
            }
        }
        let doubt = |doubt: &String| paint.warn(&paint.wrapped(&format!("          ! {doubt}")));
        let doubts = self.doubts.iter().map(doubt);
        lines.extend(doubts);
        // Without an answer the roles are not known, so nothing is said about them.
        if !self.administrator && self.waiting.is_none() {
            lines.push(paint.warn(&paint.wrapped(
                "          ! not an administrator: Harvest shows this person only a part \
                     (docs/streams.md says which), and the lake can hold no more than that",
            )));
        }
        if !self.modules_off.is_empty() {
            lines.push(format!("off       {}", self.modules_off.join(", ")));
        }
        for budget in &self.budgets {
            let window = SignedDuration::from_millis(budget.window_milliseconds);
            lines.push(format!(
                "budget    {}: {} of {} permits of the last {} used",
                budget.class,
                text::count(budget.used.into()),
                text::count(budget.limit.into()),
                text::duration(window)
            ));
        }
        let LakeState { exists, tables, rows, unusable } = &self.lake_state;
        let found = if *exists {
            let tables = text::plural(*tables, "table", "tables");
            format!("writable, {tables}, {}", text::plural(*rows, "row", "rows"))
        } else {
            "not there yet, the first `sync` makes it".to_owned()
        };
        lines.push(format!("lake      {}: {found}", self.lake));
        let bad = |table: &UnusableTable| {
            paint.bad(&paint.wrapped(&format!("          ✗ {}", table.error)))
        };
        lines.extend(unusable.iter().map(bad));
        lines.extend(self.tried.iter().map(|tried| tried.line(paint)));
        lines
    }

    /// Returns one line for each stream that would fail. Refused streams share a line, as their
    /// advice is the same.
    fn failed_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut refused = Vec::new();
        for probe in &self.streams {
            match &probe.answer {
                ProbeAnswer::Failed { why } => lines.push(format!("✗ {}: {why}", probe.stream)),
                ProbeAnswer::Refused { .. } => refused.push(probe.stream),
                ProbeAnswer::Entries { .. }
                | ProbeAnswer::There
                | ProbeAnswer::Follows { .. }
                | ProbeAnswer::ModuleOff { .. }
                | ProbeAnswer::Excluded
                | ProbeAnswer::NoBudget { .. } => {}
            }
        }
        if !refused.is_empty() {
            lines.push(format!("✗ {}", refusal(&refused)));
        }
        lines
    }
}
