//! Error of a run that would delete rows without knowing whether their module is on.

/// A module of which `/company` says nothing, and rows that would be deleted.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{stream}`: {rows} rows are no longer in Harvest's answers, and `/company` does not say whether `{module}` is on: with the module off, all rows look deleted. Nothing is written. Use a token that may read `/company`; if the rows are gone indeed: `harvest-lake sync --streams {stream} --pass full --accept-deletes`"
)]
pub struct UnknownModule {
    /// The stream.
    pub stream: &'static str,
    /// The feature of `/company`.
    pub module: &'static str,
    /// Rows that would be deleted.
    pub rows: u64,
}
