//! Sums over the rows of a lake's tables, which may change while they are read.

use delta::table::Table;
use engine::spec::StreamSpec;
use lake::progress::{FileProgress, NoFileProgress};
use lake::scan::{ScannedRows, scan};

use crate::error::CliError;
use crate::lake_facts::{LakeFacts, TableKind};

/// Tables of a lake, and the names of those that were asked for and do not exist.
pub(crate) struct TableSums<'a> {
    pub(crate) lake: &'a LakeFacts,
    progress: &'a dyn FileProgress,
    pub(crate) lacking: Vec<String>,
}

impl<'a> TableSums<'a> {
    /// Returns the tables of a lake.
    pub(crate) const fn of(lake: &'a LakeFacts) -> Self {
        Self { lake, progress: &NoFileProgress, lacking: Vec::new() }
    }

    /// Returns the same tables, whose files are told to `progress`.
    pub(crate) fn told(self, progress: &'a dyn FileProgress) -> Self {
        Self { progress, ..self }
    }

    /// Adds the rows of a stream's table to `sum`, which stays as it is if there is none.
    ///
    /// # Errors
    /// Fails if the table cannot be read.
    pub(crate) async fn sum<T: Clone + Send + 'static>(
        &mut self,
        spec: &'static StreamSpec,
        columns: &[&str],
        sum: T,
        add: impl Fn(&mut T, &ScannedRows) + Send + Copy + 'static,
    ) -> Result<T, CliError> {
        if let Some(sum) = self.read(spec, TableKind::Rows, columns, sum.clone(), add).await? {
            return Ok(sum);
        }
        self.lacking.push(spec.name.to_owned());
        Ok(sum)
    }

    /// Adds the rows of a table to `sum`; `None` if there is none. Begins anew if a run deletes
    /// files that are being read.
    ///
    /// # Errors
    /// Fails if the table cannot be read.
    pub(crate) async fn read<T: Clone + Send + 'static>(
        &self,
        spec: &'static StreamSpec,
        kind: TableKind,
        columns: &[&str],
        sum: T,
        add: impl Fn(&mut T, &ScannedRows) + Send + Copy + 'static,
    ) -> Result<Option<T>, CliError> {
        let read = async |table: &Table| {
            let added = scan(table, columns, self.progress, sum.clone(), add).await;
            added.map_err(|source| CliError::Scan { stream: spec.name, source })
        };
        self.lake.reading(spec, kind, read).await
    }
}
