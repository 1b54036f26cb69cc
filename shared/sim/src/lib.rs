//! Fake Harvest account with a history, faults and an HTTP face. Never in a shipped Lambda binary.
//!
//! [`Account`] answers requests without a clock: the time comes with each request. [`serve`] serves
//! it on a port of this machine.
//!
//! Of the product the crate takes only the declarations of the streams, which tests compare with
//! Harvest's documentation. It decodes nothing with them, and has its own dates and its own
//! decimals, so that a mistake of the product cannot also be in the server that its tests compare
//! it with. It answers every request that reads one of the streams, with the shapes,
//! paging, filters, limits and permissions of Harvest's API v2, and its mutations move `updated_at`
//! as Harvest does. Where sources disagree, it follows recorded answers. It accepts no writes of
//! the API.
//!
//! The way of a request through the modules:
//!
//! ```text
//! http      socket -> ServerRequest             (left out by tests in simulated time)
//! account   headers, token, limits (gate), rules of faults (fault)
//! route     path -> stream, parent, id
//! answer    module on? may this person (viewer) read it?
//! filter    parameters -> filters
//! served    filters -> keys of the records, in the order of the list (listing)
//! paging    keys -> one page, its links and totals
//! render    keys -> JSON of the records (json, decimal, calendar); report -> rows of reports
//! account   headers of the answer, faults of the finished answer -> ServerResponse
//! ```

// First, because its macro `all_streams` is used below.
#[macro_use]
mod listing;

mod account;
mod answer;
mod billing;
mod books;
mod calendar;
mod contradiction;
mod decimal;
mod dice;
mod edge;
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
mod served;
mod spelling;
mod stream;
mod table;
mod viewer;
mod work;

#[cfg(test)]
mod tests;

pub use account::Account;
pub use account::identity::{APPLICATION_ID, APPLICATION_SECRET, LIFETIME_SECONDS};
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
