//! Reading of the lake that shares no code with the product: the Delta log is played from its
//! bytes, and data files are read by the Parquet crate alone.
//!
//! Objects of a lake are immutable, except for a few. So whatever was read is kept together with
//! the bytes that it was read from, and read again only if the bytes differ.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a reader looks at the few kinds that tables have"
)]

pub mod cell;
pub mod file;
pub mod lake;
pub mod log;
pub mod memory;
pub mod view;

use engine::schema::{Column, ColumnSource, changes_name};
use engine::spec::StreamSpec;

use crate::declared::declared;

/// A table of the lake: that of a stream, or that of its changes.
#[derive(Clone, Copy, Debug)]
pub struct LakeTable {
    /// Declaration of the stream.
    pub spec: &'static StreamSpec,
    /// Rows of the table.
    pub rows: LakeRows,
}

/// Kind of rows of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LakeRows {
    /// Rows of the stream.
    Records,
    /// Changes of such rows.
    Changes,
}

impl LakeTable {
    /// Returns the table of `spec`.
    #[must_use]
    pub const fn of(spec: &'static StreamSpec) -> Self {
        Self { spec, rows: LakeRows::Records }
    }

    /// Returns the table of changes beside the table of `spec`.
    #[must_use]
    pub const fn changes_of(spec: &'static StreamSpec) -> Self {
        Self { spec, rows: LakeRows::Changes }
    }

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> String {
        match self.rows {
            LakeRows::Records => self.spec.name.to_owned(),
            LakeRows::Changes => changes_name(self.spec),
        }
    }

    /// Returns its folder.
    #[must_use]
    pub fn root(&self) -> String {
        format!("tables/{}", self.name())
    }

    /// Returns its declared columns.
    #[must_use]
    pub fn columns(&self) -> &'static [Column] {
        match self.rows {
            LakeRows::Records => &declared(self.spec).records,
            LakeRows::Changes => &declared(self.spec).changes,
        }
    }

    /// Returns the name of its partition column.
    #[must_use]
    pub fn partition(&self) -> Option<&'static str> {
        let mut columns = self.columns().iter();
        columns.find(|it| it.source == ColumnSource::Partition).map(|it| it.name.as_str())
    }
}
