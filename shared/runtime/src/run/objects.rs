//! What is too large for the state item: objects below `work/` that the item names.

use bytes::Bytes;
use engine::item::{Position, Stored};
use engine::time::Timestamp;
use serde::Serialize;

use super::Run;
use crate::error::RunError;

/// Larger values go into an object of the lake, and the item names it.
const LARGEST_IN_ITEM: usize = 4096;

impl Run {
    /// Puts what is too large for the item into objects of the lake.
    pub(crate) async fn externalize(
        &self,
        position: &mut Position,
        start: Timestamp,
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
        }
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
        let stream = self.stream();
        self.context
            .store
            .put(&key, Bytes::from(json))
            .await
            .map_err(|source| RunError::Store { stream, source: Box::new(source) })?;
        *stored = Stored::At(key);
        Ok(())
    }

    /// Deletes an object that nothing names any more. Its loss would harm nothing, nor its stay.
    pub(crate) async fn discard(&self, key: &str) {
        if let Err(error) = self.context.store.delete(key).await {
            tracing::warn!(stream = self.stream(), %error, key, "a work object stays behind");
        }
    }
}
