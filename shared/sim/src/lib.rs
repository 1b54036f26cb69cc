//! Fake Harvest account with a history, faults and an HTTP face. Never in a shipped Lambda binary.
//!
//! [`Account`] answers requests without a clock: the time comes with each request. [`serve`] serves
//! it on a port of this machine.

mod account;
mod answer;
mod billing;
mod books;
mod calendar;
mod contradiction;
mod decimal;
mod dice;
mod fault;
mod filter;
mod gate;
mod generate;
mod http;
mod json;
mod mutate;
mod paging;
mod people;
mod render;
mod report;
mod request;
mod rewrite;
mod route;
mod scale;
mod spelling;
mod stream;
mod table;
mod viewer;
mod work;

#[cfg(test)]
mod tests;

pub use account::Account;
pub use contradiction::Contradiction;
pub use fault::{FaultChoice, FaultEffect, FaultRule};
pub use gate::{ClassStatistics, QuotaLimit, RequestStatistics};
pub use http::{HttpFace, RunningFace, serve};
pub use mutate::{AppliedMutation, Mutation, NotApplied, RateKind, SwitchedModule};
pub use request::{Delivery, DeliveryFault, ServerRequest, ServerResponse};
pub use rewrite::ValueRewrite;
pub use scale::AccountScale;
pub use spelling::Spelling;
pub use viewer::{ADMINISTRATOR_TOKEN, MANAGER_TOKEN, MEMBER_TOKEN};
