//! Work objects: values that are too large for the state item, in objects below `work/` that the
//! item names.
//!
//! An item of DynamoDB holds 400 KB at most, and every commit repeats the position in its note.
//! Long lists (ids that a sweep has seen, parked parents, a large reading) are therefore objects:
//!
//! ```text
//! work/<stream>/<pass>-<start>/resume-<attempt>.json    the saved reading
//! work/<stream>/<pass>-<start>/seen-<attempt>.roaring   ids that the sweep has seen
//! work/<stream>/absent-<attempt>.json                   rows missed without proof
//! work/<stream>/spared-<attempt>.json                   rows missed twice, not deleted
//! work/<stream>/parked-<attempt>.json                   parents that could not be read
//! ```
//!
//! Each write has a name of its own, so an object that a position names is never overwritten. An
//! object is stored before the position that names it, and deleted after the position that named it
//! has been replaced.

use bytes::Bytes;
use engine::item::{ItemValue, StreamPosition};
use engine::pass::Pass;
use engine::time::Timestamp;
use lake::collect::SeenIds;
use serde::Serialize;

use super::Run;
use crate::error::RunError;

/// Work objects that a position names before the next position replaces it.
#[derive(Debug)]
pub(super) struct WorkObjects {
    /// Objects of the pass, which are not needed once the next position is durable.
    of_pass: Vec<String>,
    /// Objects of the stream, which the next position may name, too.
    of_stream: Vec<String>,
}

impl WorkObjects {
    /// Returns the work objects that `position` names, as far as `pass` may replace them.
    pub(super) fn of(position: &StreamPosition, pass: Pass) -> Self {
        let unfinished = position.pass(pass).unfinished.as_ref();
        Self {
            of_pass: unfinished.map(|it| it.objects().collect()).unwrap_or_default(),
            of_stream: [
                position.parked.object(),
                position.absent.object(),
                position.spared.object(),
            ]
            .into_iter()
            .flatten()
            .collect(),
        }
    }
}

/// Largest JSON value in the item, in bytes; a larger one goes into an object that the item names.
const LARGEST_IN_ITEM: usize = 4096;

impl Run {
    /// Writes values that are too large for the item, and the ids that a sweep has seen, into
    /// objects of the lake.
    pub(crate) async fn externalize(
        &self,
        position: &mut StreamPosition,
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
        let key = format!("work/{}/spared-{attempt}.json", self.stream());
        self.externalize_one(&mut position.spared, key).await?;
        let key = format!("work/{}/parked-{attempt}.json", self.stream());
        self.externalize_one(&mut position.parked, key).await
    }

    /// Moves one value into an object if it is large. A value that is in an object already stays
    /// there.
    async fn externalize_one<T: Serialize + Sync + Send>(
        &self,
        stored: &mut ItemValue<T>,
        key: String,
    ) -> Result<(), RunError> {
        let ItemValue::Here(value) = stored else {
            return Ok(());
        };
        let json = serde_json::to_vec(value).map_err(|error| self.defect(&error))?;
        if json.len() <= LARGEST_IN_ITEM {
            return Ok(());
        }
        self.keep(&key, json).await?;
        *stored = ItemValue::At(key);
        Ok(())
    }

    /// Stores a work object; durable on return.
    async fn keep(&self, key: &str, bytes: Vec<u8>) -> Result<(), RunError> {
        let (stream, bytes) = (self.stream(), Bytes::from(bytes));
        let put = self.context.store.put(key, bytes).await;
        put.map(drop).map_err(|source| RunError::Store { stream, source: Box::new(source) })
    }

    /// Deletes work objects that are no longer named. Objects of the stream stay until a commit has
    /// named their successors (`renewed`): a lost state is repaired from the last commit's note.
    pub(super) async fn discard_superseded(&self, superseded: WorkObjects, renewed: bool) {
        for key in superseded.of_pass {
            self.discard(&key).await;
        }
        if renewed {
            let named = self.item.value.position.objects();
            for key in superseded.of_stream.into_iter().filter(|key| !named.contains(key)) {
                self.discard(&key).await;
            }
        }
    }

    /// Deletes an object that is no longer named. A failure is only logged: a leftover object harms
    /// nothing.
    pub(crate) async fn discard(&self, key: &str) {
        if let Err(error) = self.context.store.delete(key).await {
            tracing::warn!(stream = self.stream(), %error, key, "a work object stays behind");
        }
    }
}
