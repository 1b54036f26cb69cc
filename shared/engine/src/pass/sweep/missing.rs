//! Which rows are missing, and which could have been.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::pass::compact::IdSet;
use crate::time::{Date, Timestamp};

/// The rows that a reading should have returned, were they still there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Rows that came in after the reading began are none of them.
    pub begun: Timestamp,
    /// The days that were read whole; `None`: nothing was.
    pub days: Option<Days>,
}

/// The days of a listing that a reading proves complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Days {
    /// The list is not read by days: all of it.
    All,
    /// By the date of each record.
    By {
        /// The first one; `None`: since ever.
        from: Option<Date>,
        /// Days in between that changed while they were read.
        except: BTreeSet<Date>,
        /// Whether records without a date are among those that were read.
        undated: bool,
    },
}

impl Days {
    /// Whether a record of this day was read if it exists.
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

/// Ids of rows that no page had, by the record that would take them along.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Missing(pub(super) Vec<MissingGroup>);

/// Missing rows that point to the same record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MissingGroup {
    pub(super) along: Option<i64>,
    pub(super) ids: IdSet,
}

impl Missing {
    /// Adds a row; `along`: the value of the column that the declaration names for this.
    pub fn add(&mut self, along: Option<i64>, id: i64) {
        let at = self.0.binary_search_by_key(&along, |group| group.along).unwrap_or_else(|at| {
            self.0.insert(at, MissingGroup { along, ids: IdSet::default() });
            at
        });
        if let Some(group) = self.0.get_mut(at) {
            group.ids.0.insert(id);
        }
    }

    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.iter().map(|group| group.ids.0.len()).sum()
    }

    /// Whether no row is missing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The row is there after all.
    pub(super) fn found(&mut self, id: i64) {
        for group in &mut self.0 {
            group.ids.0.remove(&id);
        }
        self.0.retain(|group| !group.ids.0.is_empty());
    }
}
