//! Comparison of what is written down with the code: declarations and the API's facts, settings,
//! JSON documents, events, headings of the runbook, the order of crates.

mod declarations;
mod events;
mod json;
mod layout;
mod page;
mod runbook;
mod settings;
mod streams;
