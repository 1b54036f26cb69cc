//! Positions that tables note, remembered for streams without an item.
//!
//! A plan needs the position of every stream. A stream that has no item yet may have a table, and the
//! log tells its position; to read it costs as much as to open the table. A process that plans again
//! and again reads it once: the position changes only with a run, and a run writes the item.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use engine::item::StreamPosition;

/// Positions by name of the stream.
#[derive(Debug, Default)]
pub struct NotedPositions(Mutex<BTreeMap<&'static str, StreamPosition>>);

impl NotedPositions {
    /// Returns the position that was read before.
    #[must_use]
    pub fn get(&self, stream: &str) -> Option<StreamPosition> {
        self.known().get(stream).cloned()
    }

    /// Remembers what the table notes.
    pub fn keep(&self, stream: &'static str, position: StreamPosition) {
        self.known().insert(stream, position);
    }

    /// Forgets what the table noted, because the stream has an item.
    pub fn forget(&self, stream: &str) {
        self.known().remove(stream);
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<&'static str, StreamPosition>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
