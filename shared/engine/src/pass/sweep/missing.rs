//! Missing rows, and the rows that could be missing.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::pass::compact::IdSet;
use crate::time::{Date, Timestamp};

/// The rows that a reading should have returned if they still existed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingScope {
    /// Beginning of the reading; rows written later are outside.
    pub begun: Timestamp,
    /// The days that were read whole; `None`: none.
    pub days: Option<ProvenDays>,
}

/// The days of a listing that a reading proves complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProvenDays {
    /// All of the list, which is not read by days.
    All,
    /// By the date of each record.
    By {
        /// The first day; `None`: no bound.
        from: Option<Date>,
        /// Later days that changed while they were read.
        except: BTreeSet<Date>,
        /// Whether all records without a date were read.
        undated: bool,
    },
}

impl ProvenDays {
    /// Whether a record of this day, if it exists, was read.
    #[must_use]
    pub fn contain(&self, day: Option<Date>) -> bool {
        match (self, day) {
            (Self::All, _) => true,
            (Self::By { undated, .. }, None) => *undated,
            (Self::By { from, except, .. }, Some(day)) => {
                from.is_none_or(|from| from <= day) && !except.contains(&day)
            }
        }
    }
}

/// Ids of rows that no page had, grouped by the record whose deletion would have deleted them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MissingRows(pub(super) Vec<MissingGroup>);

/// Missing rows that point to the same record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MissingGroup {
    pub(super) along: Option<i64>,
    pub(super) ids: IdSet,
}

impl MissingRows {
    /// Adds a row; `along`: its value in the column of `goes_with`.
    pub fn add(&mut self, along: Option<i64>, id: i64) {
        let at = self.0.binary_search_by_key(&along, |group| group.along).unwrap_or_else(|at| {
            self.0.insert(at, MissingGroup { along, ids: IdSet::default() });
            at
        });
        if let Some(group) = self.0.get_mut(at) {
            group.ids.0.insert(id);
        }
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.iter().map(|group| group.ids.0.len()).sum()
    }

    /// Whether no row is missing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Removes a row that exists after all.
    pub(super) fn found(&mut self, id: i64) {
        for group in &mut self.0 {
            group.ids.0.remove(&id);
        }
        self.0.retain(|group| !group.ids.0.is_empty());
    }
}
