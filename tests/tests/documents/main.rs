//! Comparison of what is written down with the code: declarations and the API's facts, settings,
//! JSON documents, events, the order of crates.

mod declarations;
mod events;
mod json;
mod layout;
mod page;
mod settings;
mod streams;
