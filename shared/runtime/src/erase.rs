//! Removing a person's own data from the lake.
//!
//! The list of erased users comes first, so that from then on no run writes their data; then the
//! rows that are there are written anew. What they did (hours, costs, days) stays, under their id.

use std::collections::BTreeSet;

use bytes::Bytes;
use engine::pass::Pass;
use engine::privacy::Personal;
use engine::spec::StreamSpec;
use engine::time::SignedDuration;
use lake::decode::Decoder;
use lake::erase::Eraser;
use lake::maintenance;
use lake::schema::TableSchema;
use lake::store::ObjectStore;

use crate::context::Context;
use crate::error::RunError;
use crate::quarantine;
use crate::run::{Order, Run};
use crate::upgrade::Upgraded;

/// The object that lists erased users.
pub const ERASED: &str = "erased.json";

/// What was erased of one stream.
#[derive(Debug)]
pub enum Erased {
    /// All that there was.
    Done {
        /// Files of the table written anew.
        upgraded: Upgraded,
        /// Files of the table of changes written anew.
        changes: u64,
        /// Records of the quarantine removed.
        quarantined: u64,
    },
    /// A run works on the stream: the same is to be called again.
    Busy(engine::lease::Busy),
}

/// The users whose data is not kept.
///
/// # Errors
/// Where the list cannot be read: then nothing may be written.
pub async fn erased_users(
    store: &dyn ObjectStore,
    stream: &'static str,
) -> Result<BTreeSet<i64>, RunError> {
    let failed = |source| RunError::Store { stream, source: Box::new(source) };
    let Some(bytes) = store.get(ERASED).await.map_err(failed)? else {
        return Ok(BTreeSet::new());
    };
    serde_json::from_slice(&bytes).map_err(|error| RunError::Defect {
        stream,
        what: format!("`{ERASED}`, the list of erased users, cannot be read: {error}"),
    })
}

/// Adds `user` to those whose data is not kept.
///
/// # Errors
/// Where the store fails.
pub async fn remember(context: &Context, user: i64) -> Result<(), RunError> {
    let stream = "account";
    let mut users = erased_users(&*context.store, stream).await?;
    if !users.insert(user) {
        return Ok(());
    }
    let json = serde_json::to_vec(&users)
        .map_err(|error| RunError::Defect { stream, what: error.to_string() })?;
    let put = context.store.put(ERASED, Bytes::from(json)).await;
    put.map_err(|source| RunError::Store { stream, source: Box::new(source) })
}

/// What of `spec`'s records is a person's own.
#[must_use]
pub fn personal(spec: &StreamSpec) -> Option<&'static Personal> {
    streams::PERSONAL.iter().find(|personal| personal.stream == spec.name)
}

/// The decoder of `spec`'s records that keeps only what may be kept: by the settings, and of users
/// who are erased.
///
/// # Errors
/// Where the list of erased users cannot be read: then nothing may be written.
pub async fn decoder(context: &Context, spec: &'static StreamSpec) -> Result<Decoder, RunError> {
    let (rules, key) = context.settings.privacy.of(spec);
    let Some(personal) = personal(spec) else {
        return Ok(Decoder::new(spec).with_privacy(&rules, key));
    };
    let users = erased_users(&*context.store, spec.name).await?;
    Ok(Decoder::new(spec).with_erased(&rules, key, personal, users))
}

/// Removes the own data of `user` from the table, its older versions and the quarantine of `spec`.
/// Killed anywhere, it can be called again. [`remember`] comes first.
///
/// # Errors
/// Where the stores fail.
pub async fn erase(
    context: &Context,
    spec: &'static StreamSpec,
    personal: &'static Personal,
    user: i64,
) -> Result<Erased, RunError> {
    let now = context.clock.now();
    let order = Order { spec, pass: Pass::Full, deadline: None, accept_deletes: false };
    let mut run = match Run::open(context, order, now).await? {
        Ok(run) => run,
        Err(busy) => return Ok(Erased::Busy(busy)),
    };
    let done = run.erase(personal, user).await;
    let given_back = run.give_back().await;
    let done = done?;
    given_back?;
    Ok(done)
}

impl Run {
    async fn erase(&mut self, personal: &Personal, user: i64) -> Result<Erased, RunError> {
        let eraser = Eraser::of(self.table.schema(), personal, user);
        let upgraded = self.rewrite_files(eraser).await?;
        let stream = self.stream();
        let now = self.context.clock.now();
        let failed = |source| RunError::Table { stream, source: Box::new(source) };
        // Older versions hold what was erased, and so may files of dead attempts: whoever wrote
        // those can commit nothing any more.
        let zero = SignedDuration::ZERO;
        maintenance::vacuum(&mut self.table, now, zero).await.map_err(failed)?;
        let writer = self.writer();
        maintenance::orphans(&mut self.table, now, zero, &writer).await.map_err(failed)?;
        let of_changes = Eraser::of(&TableSchema::changes_of(self.order.spec), personal, user);
        let changes = self.rewrite_changes(of_changes, true).await?;
        let quarantined = self.erase_quarantine(personal, user).await?;
        Ok(Erased::Done { upgraded, changes, quarantined })
    }

    /// Keeps only records of the quarantine that are another person's for certain.
    async fn erase_quarantine(&self, personal: &Personal, user: i64) -> Result<u64, RunError> {
        let (stream, store) = (self.stream(), &self.context.store);
        let failed = |source| RunError::Store { stream, source: Box::new(source) };
        let mut removed = 0_u64;
        for file in quarantine::list(&**store, stream).await? {
            let Some(records) = &file.records else {
                store.delete(&file.key).await.map_err(failed)?;
                removed = removed.saturating_add(1);
                continue;
            };
            let is_others = |raw: &str| lake::decode::is_of_another(raw, personal.person, user);
            let kept: Vec<_> = records.iter().filter(|record| is_others(&record.raw)).collect();
            if kept.len() == records.len() {
                continue;
            }
            removed = removed.saturating_add((records.len() - kept.len()) as u64);
            if kept.is_empty() {
                store.delete(&file.key).await.map_err(failed)?;
                continue;
            }
            let line = |record: &&quarantine::Record| {
                let line = serde_json::json!({ "reason": record.reason, "raw": record.raw });
                format!("{line}\n")
            };
            let text: String = kept.iter().map(line).collect();
            store.put(&file.key, Bytes::from(text)).await.map_err(failed)?;
        }
        Ok(removed)
    }
}
