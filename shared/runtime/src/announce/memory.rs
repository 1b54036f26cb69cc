//! Announcer in memory.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::{AnnounceError, Announcement, Announcer};

/// Announcer that keeps what it is told.
#[derive(Debug, Default)]
pub struct MemoryAnnouncer {
    told: Mutex<Vec<Announcement>>,
    /// Whether the next ones are taken; without an entry, they are.
    takes: Mutex<VecDeque<bool>>,
}

impl MemoryAnnouncer {
    /// Refuses the next news.
    pub fn refuse_once(&self) {
        self.takes.lock().unwrap_or_else(PoisonError::into_inner).push_back(false);
    }

    /// Returns the news that were taken since the last call, in order.
    pub fn take(&self) -> Vec<Announcement> {
        core::mem::take(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Announcer for MemoryAnnouncer {
    async fn announce(&self, announcement: &Announcement) -> Result<(), AnnounceError> {
        let takes = self.takes.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        if takes == Some(false) {
            let (place, what) = ("the memory".to_owned(), "refused the news, as asked".to_owned());
            return Err(AnnounceError { place, what });
        }
        self.told.lock().unwrap_or_else(PoisonError::into_inner).push(announcement.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::conformance;
    use super::*;

    #[tokio::test]
    async fn memory_conforms() {
        let memory = MemoryAnnouncer::default();
        let heard = async || memory.take().into_iter().map(|one| one.detail).collect();
        conformance::check(&memory, heard, async || memory.refuse_once()).await;
    }
}
