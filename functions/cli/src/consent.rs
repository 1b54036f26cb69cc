//! Consent to work that cannot be undone: what would be lost, and the question.
//!
//! | called with | on a terminal | without one |
//! | --- | --- | --- |
//! | nothing | asks | refuses, with exit code 2 |
//! | `--yes` | does it | does it |
//! | `--dry-run` | says what would be lost | says what would be lost |

use std::io::Write as _;

use serde::Serialize;

use crate::arguments::ConsentArguments;
use crate::ask;
use crate::error::CliError;
use crate::text;

/// Loss of one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct TableLoss {
    /// Name of the table.
    pub(crate) table: String,
    /// Number of rows; null for a table that cannot be read.
    pub(crate) rows: Option<u64>,
    /// Number of rows of the table of its changes; null as for `rows`.
    pub(crate) changes: Option<u64>,
    /// First month of these changes; null if there are none.
    pub(crate) changes_since: Option<String>,
}

impl TableLoss {
    /// Whether the table may lose anything. One that cannot be read may.
    pub(crate) fn is_any(&self) -> bool {
        self.rows != Some(0) || self.changes != Some(0)
    }

    /// Returns the line about the table.
    fn line(&self) -> String {
        let rows = match self.rows {
            Some(rows) => text::plural(rows, "row", "rows"),
            None => "an unknown number of rows".to_owned(),
        };
        let changes = match self.changes {
            Some(0) => String::new(),
            Some(changes) => {
                let since = self.changes_since.as_ref().map(|month| format!(" since {month}"));
                let since = since.unwrap_or_default();
                format!(", {}{since}", text::plural(changes, "change", "changes"))
            }
            None => ", an unknown number of changes".to_owned(),
        };
        format!("  {:<28} {rows}{changes}\n", self.table)
    }
}

/// Returns a line for each table that may lose anything.
pub(crate) fn lines(losses: &[TableLoss]) -> String {
    losses.iter().filter(|loss| loss.is_any()).map(TableLoss::line).collect()
}

/// Returns whether to do it: `false` for a dry run. On a terminal a person reads `loss` and answers
/// `question`.
///
/// # Errors
/// Fails without consent.
pub(crate) fn given(
    arguments: ConsentArguments,
    loss: &str,
    question: &str,
) -> Result<bool, CliError> {
    if arguments.dry_run || arguments.yes {
        return Ok(arguments.yes);
    }
    // Also without a terminal: the log then tells what it was about.
    write!(std::io::stderr(), "{loss}").ok();
    match ask::consent(question)? {
        Some(true) => Ok(true),
        Some(false) => Err(CliError::Unconfirmed { why: "the answer was no" }),
        None => Err(CliError::Unconfirmed {
            why: "there is no terminal to ask on: `--yes` does it, `--dry-run` says what would go",
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_told_with_what_cannot_come_back() {
        let loss = |rows, changes, since: Option<&str>| TableLoss {
            table: "clients".to_owned(),
            rows,
            changes,
            changes_since: since.map(str::to_owned),
        };
        let told = |loss: TableLoss| lines(&[loss]).trim().replace("                     ", "");
        assert_eq!(told(loss(Some(20_020), Some(0), None)), "clients 20,020 rows");
        let with = told(loss(Some(1), Some(9), Some("2026-10")));
        assert_eq!(with, "clients 1 row, 9 changes since 2026-10");
        let unknown = "clients an unknown number of rows, an unknown number of changes";
        assert_eq!(told(loss(None, None, None)), unknown);
        assert_eq!(told(loss(Some(0), Some(0), None)), "");
    }

    #[test]
    fn a_dry_run_does_nothing_and_a_yes_does_it() {
        let yes = ConsentArguments { yes: true, dry_run: false };
        let dry = ConsentArguments { yes: false, dry_run: true };
        assert!(given(yes, "", "").unwrap());
        assert!(!given(dry, "", "").unwrap());
    }
}
