//! Arguments of the commands that read tables.

use clap::{Args, ValueEnum};

use super::flags::{API, LAKE, PRIVACY, SettingFlags};

/// Query engine for which `--ddl` prints a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum QueryEngine {
    /// Amazon Athena.
    Athena,
    /// DuckDB.
    Duckdb,
}

/// Arguments of `schema`.
#[derive(Clone, Debug, Default, Args)]
pub struct SchemaArguments {
    /// The stream; `<stream>_changes` for the table of its changes.
    pub stream: String,
    /// Print the statement for this engine
    #[arg(long, value_enum)]
    pub ddl: Option<QueryEngine>,
    #[command(flatten)]
    pub settings: SettingFlags<LAKE>,
}

/// Query engine for which `sql` prints statements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LakeEngine {
    /// Amazon Athena, or Trino.
    Athena,
    /// DuckDB.
    #[default]
    Duckdb,
    /// Spark SQL with the extension of Delta.
    Spark,
}

/// Arguments of `sql`.
#[derive(Clone, Debug, Default, Args)]
pub struct SqlArguments {
    /// Engine that is to run the statements
    #[arg(long, value_enum)]
    pub engine: LakeEngine,
    #[command(flatten)]
    pub settings: SettingFlags<LAKE>,
}

/// Arguments of `files`.
#[derive(Clone, Debug, Default, Args)]
pub struct FilesArguments {
    /// The stream; `<stream>_changes` for the table of its changes.
    pub stream: String,
    /// Print only the paths, one a line
    #[arg(long)]
    pub paths: bool,
    /// Older version of the table whose files are listed
    #[arg(long, value_name = "N", conflicts_with = "at")]
    pub version: Option<u64>,
    /// Time of the version whose files are listed: 2026-11-23T06:15:00Z, or a day, for its end
    /// (UTC)
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    #[command(flatten)]
    pub settings: SettingFlags<LAKE>,
}

/// Arguments of `verify`.
#[derive(Clone, Debug, Default, Args)]
pub struct VerifyArguments {
    /// The streams [default: all that have a table]
    #[arg(value_name = "STREAM")]
    pub streams: Vec<String>,
    /// Also read records from Harvest and compare them, within the rate budget
    #[arg(long)]
    pub against_harvest: bool,
    /// Approximate number of records to read of each stream [default: 200]
    #[arg(long, value_name = "N", requires = "against_harvest", conflicts_with = "all")]
    pub sample: Option<u64>,
    /// Read everything: as many requests as a full pass takes
    #[arg(long, requires = "against_harvest")]
    pub all: bool,
    #[command(flatten)]
    pub settings: SettingFlags<{ API | PRIVACY }>,
}

/// Arguments of `head`.
#[derive(Clone, Debug, Default, Args)]
pub struct HeadArguments {
    /// The stream; `<stream>_changes` for the table of its changes.
    pub stream: String,
    /// Number of rows
    #[arg(long, short = 'n', value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub rows: u16,
    /// Columns to show, with commas between [default: those that fit]
    #[arg(long, value_name = "COLUMN,...", value_delimiter = ',')]
    pub columns: Vec<String>,
    #[command(flatten)]
    pub settings: SettingFlags<LAKE>,
}

/// Value of `export --format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// A snapshot in Hive-style folders.
    #[default]
    Parquet,
    /// A file for each table, with the names of the columns in its first line.
    Csv,
    /// A file for each table, with a JSON object in each line.
    Jsonl,
}

/// Arguments of `export`.
#[derive(Clone, Debug, Default, Args)]
pub struct ExportArguments {
    /// The streams, and last the target: a folder, s3://bucket/prefix for Parquet, or - (standard
    /// output) for CSV and JSON lines of one stream
    #[arg(required = true, num_args = 1.., value_name = "STREAM... TARGET")]
    pub names: Vec<String>,
    /// Format of the rows
    #[arg(long, value_enum, default_value = "parquet")]
    pub format: ExportFormat,
    /// Divide by this column, or by a date's year, month or day: spent_month, issue_year, client_id
    #[arg(long, value_name = "COLUMN")]
    pub partition_by: Option<String>,
    #[command(flatten)]
    pub settings: SettingFlags<LAKE>,
}
