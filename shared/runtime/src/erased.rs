//! Users whose own data is not kept, and the decoder that keeps none of it.

use std::collections::BTreeSet;

use bytes::Bytes;
use decode::Decoder;
use delta::store::{ObjectEdit, ObjectStore, change};
use engine::spec::StreamSpec;

use crate::context::Context;
use crate::error::{ACCOUNT, RunError};
use crate::records;
use crate::settings::hashes;

/// Key of the object that lists erased users.
pub const ERASED: &str = "erased.json";

/// Key of the object that lists users whose erasure has begun and not ended. Until it has, rows and
/// changes may differ, which is no damage.
pub const ERASING: &str = "erasing.json";

/// Reads the list of erased users, whose data is not kept.
///
/// # Errors
/// Fails if the list cannot be read. Then nothing may be written.
pub async fn erased_users(
    store: &dyn ObjectStore,
    stream: &'static str,
) -> Result<BTreeSet<i64>, RunError> {
    users_in(store, ERASED, stream).await
}

/// Reads the list of users whose erasure has begun and not ended.
///
/// # Errors
/// Fails if the list cannot be read.
pub async fn unfinished_erasures(store: &dyn ObjectStore) -> Result<BTreeSet<i64>, RunError> {
    users_in(store, ERASING, ACCOUNT).await
}

async fn users_in(
    store: &dyn ObjectStore,
    key: &str,
    stream: &'static str,
) -> Result<BTreeSet<i64>, RunError> {
    let failed = |source| RunError::Store { stream, source: Box::new(source) };
    let bytes = store.get(key).await.map_err(failed)?;
    listed(key, bytes.as_ref(), stream)
}

fn listed(
    key: &str,
    bytes: Option<&Bytes>,
    stream: &'static str,
) -> Result<BTreeSet<i64>, RunError> {
    let Some(bytes) = bytes else {
        return Ok(BTreeSet::new());
    };
    serde_json::from_slice(bytes).map_err(|error| {
        let what = if key == ERASING { "users whose erasure has not ended" } else { "erased users" };
        let until = if key == ERASED { "; until then nothing is written" } else { "" };
        let why = format!(
            "`{key}`, the list of {what}, is damaged ({error}). Put a copy of it back, or write the ids of \
             all {what} into it as a JSON list, such as `[1, 2]`{until}"
        );
        RunError::Store { stream, source: why.into() }
    })
}

/// Adds `user` to the list of erased users, and to that of unfinished erasures; others may be added
/// at the same time. On return both stored lists have the user.
///
/// # Errors
/// Fails if the store fails.
pub async fn remember(context: &Context, user: i64) -> Result<(), RunError> {
    edit(context, ERASING, |users| users.insert(user)).await?;
    edit(context, ERASED, |users| users.insert(user)).await
}

/// Takes `user` off the list of unfinished erasures.
///
/// # Errors
/// Fails if the store fails.
pub async fn end(context: &Context, user: i64) -> Result<(), RunError> {
    edit(context, ERASING, |users| users.remove(&user)).await
}

/// Changes a list of users; `edit` returns whether it differs then.
async fn edit(
    context: &Context,
    key: &str,
    edit: impl Fn(&mut BTreeSet<i64>) -> bool + Send + Sync,
) -> Result<(), RunError> {
    let stream = ACCOUNT;
    let changed = change(&*context.store, key, |there: Option<&Bytes>| {
        let mut users = listed(key, there, stream)?;
        if !edit(&mut users) {
            return Ok(ObjectEdit::Keep);
        }
        let json = serde_json::to_vec(&users)
            .map_err(|error| RunError::Defect { stream, what: error.to_string() })?;
        Ok(ObjectEdit::Write(Bytes::from(json)))
    });
    changed.await.map_err(|source| RunError::Store { stream, source: Box::new(source) })?
}

/// Removes the name of the person whose token was used before the present one, which may be the erased
/// one's, from the account's item.
///
/// # Errors
/// Fails if the state store fails.
pub async fn forget_former_person(context: &Context) -> Result<(), RunError> {
    let account = context.settings.account;
    let failed = |source| RunError::State { stream: ACCOUNT, source };
    loop {
        let present = context.present();
        let item = records::account(&*context.state, account, &present).await;
        let mut item = item.map_err(failed)?;
        if item.value.person_changed.take().is_none() {
            return Ok(());
        }
        let key = records::account_key(account);
        if records::write(&*context.state, &key, &mut item).await.map_err(failed)? {
            return Ok(());
        }
    }
}

/// Whether `user` is on the list of erased users.
///
/// # Errors
/// Fails if the list cannot be read.
pub async fn is_remembered(context: &Context, user: i64) -> Result<bool, RunError> {
    Ok(erased_users(&*context.store, ACCOUNT).await?.contains(&user))
}

/// Returns the decoder of `spec`'s records, without the members that the settings exclude and the
/// own data of erased users.
///
/// # Errors
/// Fails if the list of erased users cannot be read, or members are to be hashed and there is no
/// key. Then nothing may be written.
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
    match &spec.personal {
        Some(_) => erased_users(&*context.store, spec.name).await,
        None => Ok(BTreeSet::new()),
    }
}

/// Returns the decoder that keeps no own data of `users`.
///
/// # Errors
/// Fails if members are to be hashed and there is no key.
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
    Ok(match &spec.personal {
        Some(personal) => Decoder::new(spec).with_erased(&rules, key.as_ref(), personal, users),
        None => Decoder::new(spec).with_privacy(&rules, key.as_ref()),
    })
}
