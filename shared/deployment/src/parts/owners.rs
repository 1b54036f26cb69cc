//! Owners of leases: on this machine, where a lock tells whether one lives, and on many machines.

use std::path::{Path, PathBuf};

use runtime::context::LeaseOwners;
use runtime::random::SharedRandom;
use state::OwnerLock;

/// Owners of leases on this machine, where each process holds an OS lock.
#[derive(Debug)]
pub struct LocalOwners {
    folder: PathBuf,
    id: String,
    _lock: OwnerLock,
}

impl LocalOwners {
    /// Returns an owner with its own lock in `folder`, and removes the locks of dead owners there.
    ///
    /// # Errors
    /// Where the lock cannot be held.
    pub fn create(folder: &Path, random: &SharedRandom) -> Result<Self, state::StateError> {
        state::remove_free(folder)?;
        let id = format!("{}-{}", std::process::id(), random.attempt());
        let lock = OwnerLock::create(folder, &id)?;
        Ok(Self { folder: folder.to_owned(), id, _lock: lock })
    }
}

impl LeaseOwners for LocalOwners {
    fn own_id(&self) -> String {
        self.id.clone()
    }

    fn is_dead(&self, owner: &str) -> bool {
        owner != self.id && !state::is_held(&self.folder, owner)
    }
}

/// Owners of leases on many machines, which cannot know of each other whether they live, so that
/// each lease lasts until its end.
#[derive(Debug)]
pub struct RemoteOwners {
    id: String,
}

impl RemoteOwners {
    /// Returns an owner with a random id.
    #[must_use]
    pub fn new(random: &SharedRandom) -> Self {
        Self { id: format!("{}{}", random.attempt(), random.attempt()) }
    }
}

impl LeaseOwners for RemoteOwners {
    fn own_id(&self) -> String {
        self.id.clone()
    }

    fn is_dead(&self, _owner: &str) -> bool {
        false
    }
}
