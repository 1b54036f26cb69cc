//! The command harvest-lake: orchestrator and workers in one process, and the operator's commands.

mod arguments;
mod check;
mod ddl;
mod demo;
mod display;
mod duckdb;
mod erase;
mod exit;
mod export;
mod files;
mod interrupt;
mod lake_facts;
mod output;
mod plan;
mod probe;
mod quarantine;
mod reset;
mod rounds;
mod run;
mod said;
mod signals;
mod status;
mod stored;
mod stream_list;
mod summary;
mod sync;
mod text;
mod undone;
mod upgrade;
mod verify;

pub use arguments::CliArguments;
pub use exit::{CliError, CliExit};
pub use rounds::unattended;
pub use run::{Terminal, run, unparsed};
pub use said::CommandAnswer;
