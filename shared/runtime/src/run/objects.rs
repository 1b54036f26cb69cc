//! What is too large for the state item: objects below `work/` that the item names.

use bytes::Bytes;
use engine::item::{Position, Stored};
use engine::time::Timestamp;
use lake::collect::SeenIds;
use serde::Serialize;

use super::Run;
use crate::error::RunError;

/// Larger values go into an object of the lake, and the item names it.
const LARGEST_IN_ITEM: usize = 4096;

impl Run {
    /// Puts what is too large for the item into objects of the lake, and what a sweep has seen.
    pub(crate) async fn externalize(
        &self,
        position: &mut Position,
        start: Timestamp,
        seen: Option<&SeenIds>,
    ) -> Result<(), RunError> {
        let folder = format!(
            "work/{}/{}-{}",
            self.stream(),
            self.order.pass.name(),
            start.strftime("%Y%m%dT%H%M%SZ")
        );
        let attempt = self.context.random.attempt();
        let pass = self.order.pass;
        if let Some(unfinished) = &mut position.pass_mut(pass).unfinished {
            let key = format!("{folder}/resume-{attempt}.json");
            self.externalize_one(&mut unfinished.resume, key).await?;
            if let Some(seen) = seen {
                let bytes = seen.to_bytes().map_err(|error| self.defect(&error))?;
                let key = format!("{folder}/seen-{attempt}.roaring");
                self.keep(&key, bytes).await?;
                unfinished.seen = Some(key);
            }
        }
        let key = format!("work/{}/absent-{attempt}.json", self.stream());
        self.externalize_one(&mut position.absent, key).await?;
        let key = format!("work/{}/parked-{attempt}.json", self.stream());
        self.externalize_one(&mut position.parked, key).await
    }

    async fn externalize_one<T: Serialize + Sync + Send>(
        &self,
        stored: &mut Stored<T>,
        key: String,
    ) -> Result<(), RunError> {
        let Stored::Here(value) = stored else {
            return Ok(());
        };
        let json = serde_json::to_vec(value).map_err(|error| self.defect(&error))?;
        if json.len() <= LARGEST_IN_ITEM {
            return Ok(());
        }
        self.keep(&key, json).await?;
        *stored = Stored::At(key);
        Ok(())
    }

    async fn keep(&self, key: &str, bytes: Vec<u8>) -> Result<(), RunError> {
        let (stream, bytes) = (self.stream(), Bytes::from(bytes));
        let put = self.context.store.put(key, bytes).await;
        put.map(drop).map_err(|source| RunError::Store { stream, source: Box::new(source) })
    }

    /// Deletes an object that nothing names any more. Its loss would harm nothing, nor its stay.
    pub(crate) async fn discard(&self, key: &str) {
        if let Err(error) = self.context.store.delete(key).await {
            tracing::warn!(stream = self.stream(), %error, key, "a work object stays behind");
        }
    }
}
