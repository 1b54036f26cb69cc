//! Decisions about the next step of a run: pure code, no IO, clock or randomness.
//!
//! Each decision is a function from values to values, or a state machine that is saved as JSON. The
//! time and random numbers are arguments, so that a test states them and any case can be repeated.
//!
//! | question | module |
//! | --- | --- |
//! | May Harvest be asked at all, and by this person? | `account`, `token` |
//! | What is due, and who works on it? | `plan`, `extent`, `dispatch`, `room`, `workers`, `lease`, `quiet` |
//! | What is asked next, and what does an answer prove? | `pass`, `retry`, `budget`, `window` |
//! | Which rows are newer, and which are gone? | `precedence`, `coverage` |
//! | Where does the stream stand afterwards? | `position`, `cursor`, `pace`, `housekeeping` |
//! | How much may be in memory? | `memory` |
//! | Is what was written down still true? | `testimony`, `present`, `persisted` |
//! | What do people have to know? | `drift`, `quarantine`, `forecast`, `report`, `run_record`, `ledger`, `trouble` |
//! | Which call of a store fails in a test? | `fault` |
//!
//! No module knows a stream by name: `spec` says what a declaration may contain, and the crate
//! `streams` has the declarations.

pub mod account;
pub mod budget;
pub mod causes;
pub mod coverage;
pub mod cursor;
pub mod dispatch;
pub mod drift;
pub mod extent;
pub mod fault;
pub mod forecast;
pub mod housekeeping;
pub mod ids;
pub mod item;
pub mod key;
pub mod lease;
pub mod ledger;
pub mod memory;
pub mod pace;
pub mod pass;
pub mod persisted;
pub mod plan;
pub mod position;
pub mod precedence;
pub mod present;
pub mod printable;
pub mod privacy;
pub mod quarantine;
pub mod quiet;
pub mod report;
pub mod retry;
pub mod room;
pub mod run_record;
pub mod runbook;
pub mod schema;
pub mod spec;
pub mod testimony;
pub mod time;
pub mod token;
pub mod trouble;
pub mod window;
pub mod workers;
