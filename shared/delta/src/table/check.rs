//! Checks whether this release may read and write a table.
//!
//! Runs for each version that a table object shows: when it is opened, after `refresh`, for older
//! versions. Another engine can raise the protocol or add a column at any time, and writing on
//! would damage the table or drop values.
//!
//! | found in the log | answer |
//! | --- | --- |
//! | reader version above 1, writer version above 2, or features | `Protocol` |
//! | `delta.appendOnly` | `Protocol`: updates must remove files |
//! | no `harvest-lake.format` or no `harvest-lake.account` | `NotOurs` |
//! | higher format | `NewerFormat` |
//! | other account | `OtherAccount`: rows of two accounts would mix |
//! | other partition column, or a column of another type | `OtherTypes` |
//! | column that the declaration lacks | `UnknownColumn`: rewriting a file would drop it |
//! | declared column that the log lacks | none: the next commit with files adds it |

use std::collections::BTreeSet;

use decode::schema::SchemaComparison;
use engine::ids::AccountId;

use super::action::Protocol;
use super::create::{ACCOUNT_PROPERTY, FORMAT, FORMAT_PROPERTY};
use super::log::LogState;
use super::{Table, TableError};

impl Table {
    /// Checks that this release may continue from `state` for this account. The protocol comes
    /// first, because it decides whether the rest can be understood.
    pub(super) fn check(&self, state: &LogState) -> Result<(), TableError> {
        let table = || self.stream().to_owned();
        check_protocol(state).map_err(|(found, undo)| TableError::Protocol {
            table: table(),
            found,
            undo,
        })?;
        let property = |name: &str| state.meta_data.configuration.get(name)?.as_deref();
        let not_ours = |what: &str| TableError::NotOurs { table: table(), what: what.to_owned() };
        let number = |name| property(name).and_then(|value| value.parse().ok());
        let found = number(FORMAT_PROPERTY).ok_or_else(|| not_ours("no harvest-lake.format"))?;
        if found > i64::from(FORMAT) {
            let found = u32::try_from(found).unwrap_or(u32::MAX);
            return Err(TableError::NewerFormat { table: table(), found, known: FORMAT });
        }
        let found =
            AccountId(number(ACCOUNT_PROPERTY).ok_or_else(|| not_ours("no harvest-lake.account"))?);
        if found != self.account {
            return Err(TableError::OtherAccount { table: table(), found, wanted: self.account });
        }
        if state.meta_data.partition_columns != self.schema.partition_columns() {
            return Err(TableError::OtherTypes {
                table: table(),
                columns: vec!["another partition column".to_owned()],
            });
        }
        let compared = self.schema.compare(&state.meta_data.schema_string);
        match compared.map_err(|error| self.log().damaged("_delta_log", error.to_string()))? {
            SchemaComparison::Equal | SchemaComparison::Lacks(_) => Ok(()),
            SchemaComparison::Unknown(columns) => {
                Err(TableError::UnknownColumn { table: table(), columns })
            }
            SchemaComparison::Differs(columns) => {
                Err(TableError::OtherTypes { table: table(), columns })
            }
        }
    }
}

/// Fails with the first requirement of `state` that this writer does not meet, and how it is undone.
/// Features count even if their version number would be fine: each of them changes what a file or an
/// action means.
fn check_protocol(state: &LogState) -> Result<(), (String, &'static str)> {
    let Protocol { min_reader_version, min_writer_version, reader_features, writer_features } =
        &state.protocol;
    let features: BTreeSet<&str> =
        reader_features.iter().chain(writer_features).flatten().map(String::as_str).collect();
    let versions = format!("reader version {min_reader_version}, writer {min_writer_version}");
    if !features.is_empty() {
        let features: Vec<&str> = features.into_iter().collect();
        return Err((
            format!("{versions} with features {}", features.join(", ")),
            "undo it where it was switched on (`ALTER TABLE ... DROP FEATURE ... TRUNCATE HISTORY`)",
        ));
    }
    // A protocol of this kind is never lowered: neither without the constraint that raised it, nor by
    // going back to an older version.
    if *min_reader_version > 1 || *min_writer_version > 2 {
        return Err((versions, "put its folder `_delta_log` back from a backup of before"));
    }
    let property = |name: &str| state.meta_data.configuration.get(name)?.as_deref();
    if property("delta.appendOnly") == Some("true") {
        return Err((
            "the property delta.appendOnly".to_owned(),
            "undo it (`ALTER TABLE ... UNSET TBLPROPERTIES`)",
        ));
    }
    Ok(())
}
