//! Keys and cursors of all tables, to tell what a fault takes away.

use std::collections::{BTreeMap, BTreeSet};

use engine::spec::StreamSpec;
use engine::time::Timestamp;

use crate::foreign::Visitor;
use crate::world::World;

/// Keys and cursors of all tables before a fault.
#[derive(Debug)]
pub(super) struct Standing {
    keys: BTreeMap<&'static str, BTreeSet<String>>,
    pub(super) cursors: BTreeMap<&'static str, Option<Timestamp>>,
}

impl Standing {
    pub(super) async fn of(world: &World) -> Self {
        let mut standing = Self { keys: BTreeMap::new(), cursors: BTreeMap::new() };
        let included = |spec: &&StreamSpec| world.settings.includes(spec.name);
        for spec in streams::STREAMS.into_iter().filter(included) {
            if Visitor::of(world, spec).await.is_none() {
                continue;
            }
            let keys = world.oracle().table_rows(spec).await.into_keys().collect();
            standing.keys.insert(spec.name, keys);
            let cursor = world.item(spec.name).await.position.cursor;
            standing.cursors.insert(spec.name, cursor);
        }
        standing
    }

    /// Returns the rows that were deleted although Harvest has their records.
    pub(super) async fn lost(&self, world: &World) -> Vec<String> {
        let mut lost = Vec::new();
        let months = world.oracle().months();
        for (name, before) in &self.keys {
            let spec = streams::find(name).unwrap();
            let now = world.oracle().table_rows(spec).await;
            let gone: Vec<&String> = before.iter().filter(|key| !now.contains_key(*key)).collect();
            if gone.is_empty() {
                continue;
            }
            let truth = world.oracle().true_rows(spec, &months);
            let gone = gone.into_iter().filter(|key| truth.contains_key(*key));
            lost.extend(gone.map(|key| format!("{name}: {key} was deleted and is still there")));
        }
        lost
    }
}
