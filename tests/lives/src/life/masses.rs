//! Limits of few requests, and deletions of more records than a pass may delete.

use engine::budget::RequestLimit;
use rand::RngExt;
use sim::{Mutation, QuotaLimit};

use super::Life;
use crate::mishap::Mishap;
use crate::world::{World, now};

/// Number of records that are deleted at once: more than a pass may delete of a small table.
const MASS: usize = 130;
/// Number of records that stay at least: an empty list proves nothing when it is seen once.
const REST: usize = 40;

/// Limits everything but reports to so many requests in 15 seconds, at Harvest and in the settings.
pub(super) fn limit(world: &mut World, requests: u32) {
    let window = RequestLimit::GENERAL.window();
    world.settings.general = RequestLimit::new(requests, window).expect("a limit");
    let most = usize::try_from(requests).expect("a small number");
    let limit = QuotaLimit { requests: most, ..QuotaLimit::GENERAL };
    world.account.lock().unwrap().set_general_limit(limit);
}

impl Life<'_> {
    /// Deletes most records of the largest stream.
    pub(super) fn delete_masses(&mut self) {
        let stream = self.largest();
        if !self.chronicle.befalls(Mishap::Masses) {
            return;
        }
        let spec = streams::find(stream).unwrap();
        let mut ids: Vec<i64> = self.world.oracle().true_versions(spec).into_keys().collect();
        if ids.len() < MASS + REST {
            return;
        }
        let mut deleted = 0;
        while deleted < MASS && !ids.is_empty() {
            let id = ids.swap_remove(self.chronicle.random.random_range(0..ids.len()));
            let delete = Mutation::Delete { stream: stream.to_owned(), id: Some(id) };
            let applied = self.world.account.lock().unwrap().apply(now(&self.world), &delete);
            deleted += usize::from(applied.is_ok());
        }
        self.chronicle.tell(format!("{deleted} of {stream} deleted"));
        self.chronicle.fired(Mishap::Masses, 1);
    }

    /// Stream with most records.
    pub(super) fn largest(&self) -> &'static str {
        let of_time = self.streams.iter().any(|spec| spec.name == "time_entries");
        if of_time { "time_entries" } else { "expenses" }
    }
}
