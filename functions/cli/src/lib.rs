//! The command harvest-lake: orchestrator and workers in one process, and the operator's commands.
//!
//! A command is a function from its arguments and the settings to a `CommandAnswer`: text for
//! people, a JSON document for programs, and an exit code. It writes nothing to standard output
//! itself; only `run` does, at one place, because a failed write has to change the exit code.
//! Standard error has everything that is no answer: progress, log events, errors.
//!
//! Commands do not decide anything about streams. What is due, what may be deleted and where a
//! cursor stands is decided in `engine` and carried out in `runtime`; a command gives settings to
//! them, and puts their results into words.
//!
//! A command gets its parts in one of four ways, which differ in what they create and need:
//!
//! * `lake_facts` alone (`files`, `export`, `head`, `quarantine`, `report`): tables of any account, without settings
//!   of the account.
//! * `lake_facts` and `stored` (`status`, `plan`): tables and state; no token is needed, and
//!   nothing is created.
//! * `deployment::parts::looking` (`check`, `plan --ask`, `verify --against-harvest`): asks Harvest,
//!   and writes nothing but the permits of its requests.
//! * `deployment::parts::context` (`sync`, `reset`, `upgrade`, `erase`, `quarantine retry`): writes
//!   tables, and creates lake and state.

mod arguments;
mod ask;
mod chart;
mod check;
mod consent;
mod cost;
mod ddl;
mod demo;
mod display;
mod duckdb;
mod erase;
mod error;
mod exit;
mod export;
mod files;
mod head;
mod history;
mod init;
mod interrupt;
mod lake_facts;
mod ledger;
mod login;
mod login_error;
mod manual;
mod notice;
mod output;
mod plan;
mod probe;
mod quarantine;
mod report;
mod reset;
mod rounds;
mod run;
mod said;
mod signals;
mod sparkline;
mod sql;
mod status;
mod stored;
mod stream_list;
mod summary;
mod sync;
mod table;
mod table_sums;
mod text;
mod upgrade;
mod verify;
mod work;

pub use arguments::CliArguments;
pub use error::CliError;
pub use exit::CliExit;
pub use login_error::LoginError;
pub use report::{PublishedPage, publish};
pub use rounds::unattended;
pub use run::{Terminal, run, unparsed};
pub use said::CommandAnswer;
pub use signals::outlive_file_limits;
