//! The whole product, in simulated time or as programs. All these tests are one program, because
//! each further one would compile and link the product anew.

mod account;
mod answers;
mod backfill;
mod bad_input;
mod changes;
mod contradictions;
mod cost;
mod credentials;
mod drift;
mod erase;
mod format;
mod found;
mod history;
mod init;
mod kill;
mod lambda;
mod lease;
mod login;
mod losses;
mod other_types;
mod outages;
mod pace;
mod privacy;
mod quarantine;
mod reset;
mod scenarios;
mod shared_budget;
mod signals;
mod state;
mod stores;
mod stores_faults;
mod sweeps;
mod tokens;
mod trouble;
mod verify;
