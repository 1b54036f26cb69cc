//! Receivers of news on somebody's machine: `on_failure` and `on_recovery`.
//!
//! A command that a schedule runs must not stand still because of them: each call ends within
//! [`PATIENCE`], and a failure is an error that names neither command line nor URL.

mod command;
mod webhook;

use std::sync::Arc;

use engine::time::SignedDuration;
use runtime::announce::Announcer;
use runtime::clock::SystemClock;

use crate::config::{HookOccasion, HookTarget};

pub use command::CommandAnnouncer;
pub use webhook::WebhookAnnouncer;

/// Longest time that one call takes: 10 seconds.
pub const PATIENCE: SignedDuration = SignedDuration::from_secs(10);

/// Returns the announcer that calls `target` on `occasion`.
#[must_use]
pub fn announcer(occasion: HookOccasion, target: &HookTarget) -> Box<dyn Announcer> {
    match target {
        HookTarget::Command(line) => {
            Box::new(CommandAnnouncer::new(occasion, line, PATIENCE, Arc::new(SystemClock)))
        }
        HookTarget::Webhook(url) => {
            Box::new(WebhookAnnouncer::new(occasion, url.clone(), PATIENCE))
        }
    }
}
