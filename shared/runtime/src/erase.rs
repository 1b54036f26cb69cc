//! Erasure of a person's own data from the lake.
//!
//! The list of erased users is written first, so that from then on no run writes their data; then
//! the existing rows are written anew. Records of their work (hours, costs, days) stay, under their
//! id.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use engine::pass::Pass;
use engine::privacy::Personal;
use engine::spec::StreamSpec;
use engine::time::SignedDuration;
use lake::decode::Decoder;
use lake::erase::Eraser;
use lake::maintenance;
use lake::schema::TableSchema;
use lake::store::{Edit, ObjectStore, Replace, StoreError, change};

use crate::config::hashes;
use crate::context::Context;
use crate::error::RunError;
use crate::quarantine;
use crate::run::{Order, Run};
use crate::upgrade::Upgraded;

/// Key of the object that lists erased users.
pub const ERASED: &str = "erased.json";
/// Name of the list's owner in errors.
const ACCOUNT: &str = "account";
/// Number of times that a file of the quarantine is read, because a run may change it meanwhile.
const MOST_RACES: u32 = 100;

/// Result of an erasure from one stream.
#[derive(Debug)]
pub enum Erased {
    /// All data of the person was erased.
    Done {
        /// Count of the table's files and rows written anew.
        upgraded: Upgraded,
        /// Number of files of the table of changes written anew.
        changes: u64,
        /// Number of records removed from the quarantine.
        quarantined: u64,
    },
    /// A run works on the stream: the caller has to try again.
    Busy(engine::lease::Busy),
}

/// Reads the list of erased users, whose data is not kept.
///
/// # Errors
/// Where the list cannot be read. Then nothing may be written.
pub async fn erased_users(
    store: &dyn ObjectStore,
    stream: &'static str,
) -> Result<BTreeSet<i64>, RunError> {
    let failed = |source| RunError::Store { stream, source: Box::new(source) };
    let bytes = store.get(ERASED).await.map_err(failed)?;
    listed(bytes.as_ref(), stream)
}

fn listed(bytes: Option<&Bytes>, stream: &'static str) -> Result<BTreeSet<i64>, RunError> {
    let Some(bytes) = bytes else {
        return Ok(BTreeSet::new());
    };
    serde_json::from_slice(bytes).map_err(|error| RunError::Defect {
        stream,
        what: format!("`{ERASED}`, the list of erased users, cannot be read: {error}"),
    })
}

/// Adds `user` to the list of erased users; others may be added at the same time. On return the
/// stored list has the user.
///
/// # Errors
/// Where the store fails.
pub async fn remember(context: &Context, user: i64) -> Result<(), RunError> {
    let stream = ACCOUNT;
    let add = |there: Option<&Bytes>| {
        let mut users = listed(there, stream)?;
        if !users.insert(user) {
            return Ok(Edit::Keep);
        }
        let json = serde_json::to_vec(&users)
            .map_err(|error| RunError::Defect { stream, what: error.to_string() })?;
        Ok(Edit::Write(Bytes::from(json)))
    };
    let changed = change(&*context.store, ERASED, add).await;
    changed.map_err(|source| RunError::Store { stream, source: Box::new(source) })?
}

/// Whether `user` is on the list of erased users.
///
/// # Errors
/// Where the list cannot be read.
pub async fn is_remembered(context: &Context, user: i64) -> Result<bool, RunError> {
    Ok(erased_users(&*context.store, ACCOUNT).await?.contains(&user))
}

/// Returns the members of `spec`'s records that are a person's own; `None`: there are none.
#[must_use]
pub fn personal(spec: &StreamSpec) -> Option<&'static Personal> {
    streams::PERSONAL.iter().find(|personal| personal.stream == spec.name)
}

/// Returns the decoder of `spec`'s records, without the members that the settings exclude and the
/// own data of erased users.
///
/// # Errors
/// Where the list of erased users cannot be read, or members are to be hashed and there is no key.
/// Then nothing may be written.
pub async fn decoder(context: &Context, spec: &'static StreamSpec) -> Result<Decoder, RunError> {
    let users = erased_of(context, spec).await?;
    decoder_without(context, spec, users).await
}

/// Returns the users whose data is not kept in `spec`'s table; none where its records have no
/// person's own data.
pub(crate) async fn erased_of(
    context: &Context,
    spec: &'static StreamSpec,
) -> Result<BTreeSet<i64>, RunError> {
    match personal(spec) {
        Some(_) => erased_users(&*context.store, spec.name).await,
        None => Ok(BTreeSet::new()),
    }
}

/// Returns the decoder that keeps no own data of `users`.
///
/// # Errors
/// Where members are to be hashed and there is no key.
pub(crate) async fn decoder_without(
    context: &Context,
    spec: &'static StreamSpec,
    users: BTreeSet<i64>,
) -> Result<Decoder, RunError> {
    let privacy = &context.settings.privacy;
    let (rules, mut key) = (privacy.of(spec), privacy.key.clone());
    if key.is_none() && hashes(&rules) {
        let lacks = |source| RunError::NoHashKey { stream: spec.name, source };
        let found = context.tokens.hash_key(context).await?.ok_or_else(|| lacks(None))?;
        key = Some(found.map_err(|short| lacks(Some(short)))?);
    }
    Ok(match personal(spec) {
        Some(personal) => Decoder::new(spec).with_erased(&rules, key.as_ref(), personal, users),
        None => Decoder::new(spec).with_privacy(&rules, key.as_ref()),
    })
}

/// Removes the own data of `user` from the tables of `spec`, their older versions and the
/// quarantine. [`remember`] has to be called first. If the process dies, this can be called again.
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
    let keeper = Arc::clone(&run.keeper);
    let done = Box::pin(keeper.beside(run.erase(personal, user))).await;
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
        // Older versions hold the erased data, and so may files of dead attempts, whose writers
        // can commit nothing any more.
        let zero = SignedDuration::ZERO;
        maintenance::vacuum(&mut self.table, now, zero).await.map_err(failed)?;
        let writer = self.writer();
        maintenance::orphans(&mut self.table, now, zero, &writer).await.map_err(failed)?;
        let of_changes = Eraser::of(&TableSchema::changes_of(self.order.spec), personal, user);
        let changes = self.rewrite_changes(of_changes, true).await?;
        let quarantined = self.erase_quarantine(personal, user).await?;
        Ok(Erased::Done { upgraded, changes, quarantined })
    }

    /// Keeps only those records of the quarantine that are certainly another person's.
    async fn erase_quarantine(&self, personal: &Personal, user: i64) -> Result<u64, RunError> {
        let (stream, store) = (self.stream(), &self.context.store);
        let failed = |source| RunError::Store { stream, source: Box::new(source) };
        let mut removed = 0_u64;
        for object in store.list(&quarantine::folder(stream), None).await.map_err(failed)? {
            let of_file = self.erase_quarantined(&object.key, personal, user).await;
            removed = removed.saturating_add(of_file.map_err(failed)?);
        }
        Ok(removed)
    }

    /// Removes the person's records from one file of the quarantine; returns their number.
    async fn erase_quarantined(
        &self,
        key: &str,
        personal: &Personal,
        user: i64,
    ) -> Result<u64, StoreError> {
        let store = &self.context.store;
        let mut removed = 0_u64;
        for _ in 0..MOST_RACES {
            // Read once more after each write: records that a run added meanwhile have to go, too.
            let Some(old) = store.get(key).await? else {
                return Ok(removed);
            };
            let (kept, gone) = without(&old, personal, user);
            if gone == 0 && !kept.is_empty() {
                return Ok(removed);
            }
            let empty = kept.is_empty();
            if store.replace(key, &old, kept).await? == Replace::Replaced {
                removed = removed.saturating_add(gone);
                if empty {
                    store.delete(key).await?;
                }
            }
        }
        let source = "a run writes it again and again; call this again later".into();
        Err(StoreError::Failed { key: key.to_owned(), source })
    }

    /// Fails where a person was erased since the run read the list: their data may be in its rows.
    pub(crate) async fn check_erased(&self) -> Result<(), RunError> {
        let now = erased_of(&self.context, self.order.spec).await?;
        let stream = self.stream();
        if now == self.erased { Ok(()) } else { Err(RunError::ErasedMeanwhile { stream }) }
    }
}

/// Returns a quarantine file with only the records that are certainly another person's, and the
/// number of the others.
fn without(file: &[u8], personal: &Personal, user: i64) -> (Bytes, u64) {
    let Some(records) = quarantine::records_in(file) else {
        return (Bytes::new(), 1);
    };
    let is_others = |raw: &str| lake::decode::is_of_another(raw, personal.person, user);
    let kept: Vec<_> = records.iter().filter(|record| is_others(&record.raw)).collect();
    let gone = records.len().saturating_sub(kept.len()) as u64;
    if gone == 0 {
        return (Bytes::copy_from_slice(file), 0);
    }
    let line = |record: &&quarantine::Record| {
        let line = serde_json::json!({ "reason": record.reason, "raw": record.raw });
        format!("{line}\n")
    };
    (Bytes::from(kept.iter().map(line).collect::<String>()), gone)
}
