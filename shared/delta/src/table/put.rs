//! Puts a version's file on the condition that there is none, until the outcome is known.
//!
//! | answer to the put | the version's file | outcome |
//! | --- | --- | --- |
//! | stored | | ours |
//! | exists | equals our bytes | ours: an earlier try succeeded and its answer was lost |
//! | exists | differs | another writer's: read it, then try the next version |
//! | failed to the end | equals our bytes | ours |
//! | failed to the end | differs | another writer's |
//! | failed to the end | missing or unreadable | an error; a put may still be under way |

use bytes::Bytes;

use super::location::LogLocation;
use super::{TableError, names};
use crate::store::{PutIfAbsent, StoreError};

/// Number of times a put is sent when its answer is lost.
const TRIES: u32 = 3;

/// Owner of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VersionOwner {
    Ours,
    Others,
}

impl LogLocation<'_> {
    /// Puts `body` as `version` and returns the owner of that version. Only a failure of the store
    /// leaves the outcome open; the call may then be repeated.
    pub(super) async fn put_commit(
        &self,
        version: u64,
        body: &Bytes,
    ) -> Result<VersionOwner, TableError> {
        let file = names::commit(version);
        let mut failure = None;
        for _ in 0..TRIES {
            match self.store.put_if_absent(&self.key(&file), body.clone()).await {
                Ok(PutIfAbsent::Stored) => return Ok(VersionOwner::Ours),
                Ok(PutIfAbsent::Exists) => failure = None,
                Err(error) => failure = Some(error),
            }
            if !failure.as_ref().is_some_and(StoreError::may_pass) {
                break;
            }
        }
        // A put may have succeeded although its answer failed. Another writer's commit shows that
        // it has not and will not, because a version is written once. The commit id in the body
        // differs for every attempt; comparing the whole body also tells two commits of one attempt
        // apart.
        match (self.get(&file).await, failure) {
            (Ok(Some(found)), _) if found == *body => Ok(VersionOwner::Ours),
            (Ok(Some(_)), _) => Ok(VersionOwner::Others),
            (Ok(None) | Err(_), Some(failure)) => Err(self.failed(failure)),
            (Ok(None), None) => Err(self.damaged(&file, "it vanished after it was written")),
            (Err(error), None) => Err(error),
        }
    }
}
