//! Lakes and states as they were at earlier ticks, as a backup or a point-in-time recovery brings
//! them back.

use std::sync::Arc;

use delta::store::MemoryStore;
use rand::RngExt;
use state::MemoryState;

use super::Life;
use crate::mishap::Mishap;
use crate::world::World;

/// Number of ticks that can be returned to.
const KEPT: usize = 6;

/// Copies of the last ticks, oldest first.
#[derive(Debug, Default)]
pub(super) struct Past {
    lakes: Vec<Arc<MemoryStore>>,
    states: Vec<Arc<MemoryState>>,
}

impl Past {
    /// Keeps the present lake and state.
    pub(super) fn keep(&mut self, world: &World) {
        if self.lakes.len() == KEPT {
            self.lakes.remove(0);
            self.states.remove(0);
        }
        self.lakes.push(Arc::new(world.store.copy()));
        self.states.push(Arc::new(world.state.copy()));
    }
}

impl Life<'_> {
    /// Expects the resets to be completed that the state, as it was, has under way.
    async fn expect_resets(&mut self) {
        for spec in &self.streams {
            if self.world.item(spec.name).await.resetting.is_some() {
                self.watch.half_reset.insert(spec.name);
                self.watch.excuse(&self.world, spec.name).await;
            }
        }
    }

    /// Loses the state, or puts state, lake or both back.
    pub(super) async fn go_back(&mut self) {
        for mishap in
            [Mishap::StateLost, Mishap::StateRestored, Mishap::LakeRestored, Mishap::BothRestored]
        {
            if !self.chronicle.befalls(mishap) || self.past.lakes.is_empty() {
                continue;
            }
            let lake = self.chronicle.random.random_range(0..self.past.lakes.len());
            let state = self.chronicle.random.random_range(0..self.past.states.len());
            self.chronicle.tell(format!("{}: {lake}, {state}", mishap.declared().name));
            self.chronicle.fired(mishap, 1);
            self.watch.forget_floors();
            if mishap == Mishap::StateLost {
                self.world.forget_state().await;
                continue;
            }
            if mishap != Mishap::LakeRestored {
                self.world.state = Arc::new(self.past.states[state].copy());
                // The permits that were given since are forgotten.
                self.world.sleep(1).await;
                self.expect_resets().await;
            }
            if mishap != Mishap::StateRestored {
                self.watch.forget_tables();
                self.world.store = Arc::new(self.past.lakes[lake].copy());
                // Copies of later ticks are of another history.
                for spec in &self.streams {
                    self.watch.excuse(&self.world, spec.name).await;
                }
            }
        }
    }
}
