//! Reads pages of a trigger listing for the parents of the children to read.
//!
//! Children (payments of an invoice) are read in one list per parent. The parents come from a list
//! of another stream, the trigger: its changed records name the parents that may have changed
//! children. The rows of the trigger's own stream come from that stream's own passes. Here no
//! columns are needed, only a few members of each record, so the records are cut into raw members.
//!
//! The trigger need not be the list of the parents. `user_project_assignments` are read per user,
//! and their trigger is `user_assignments`, whose records name the user in `user.id`.

use std::borrow::Cow;

use engine::key::{Key, KeyPart};
use engine::pass::Parent;
use engine::spec::{FieldType, StreamSpec};
use engine::time::Date;

use super::derived::utc_day;
use super::envelope::{self, PageEnvelope};
use super::error::PageError;
use super::raw::{self, RawMember};
use super::rows::{day, keyset_field};
use super::{QuarantinedRecord, convert, literal};

/// A page of a trigger listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentsPage {
    /// Records in the order of the answer. A parent occurs repeatedly if several records refer to
    /// it.
    pub parents: Vec<ParentRecord>,
    /// Members of the answer beside its records.
    pub envelope: PageEnvelope,
    /// Records without a parent or a usable id, raw.
    pub quarantined: Vec<QuarantinedRecord>,
}

/// Facts about a parent in a record of a trigger listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentRecord {
    /// Parent, with the year of the record's `created_at` in UTC. The children's partition follows
    /// from that year, where the trigger lists the parents themselves.
    pub parent: Parent,
    /// `access_roles`; `None` if missing, null or not a list of texts. `None` means unknown, not
    /// "no roles", so the parent is read.
    pub access_roles: Option<Vec<String>>,
    /// Primary key of the record itself. It shows whether a page repeats records, also where many
    /// records name one parent.
    pub key: Key,
    /// Keyset date of the listing; `None` if the listing has none, or if it is null or invalid.
    pub date: Option<Date>,
}

/// Reads the parents of a page of `trigger`. `parent_id` is the path of the parent's id in a
/// record: `id`, or `user.id`.
///
/// A record without a usable parent or key is quarantined. The caller must not take the list for
/// complete then: the children of that parent would count as gone.
///
/// # Errors
/// When the body as a whole is not as the stream declares.
pub fn parents(
    body: &str,
    trigger: &'static StreamSpec,
    parent_id: &str,
) -> Result<ParentsPage, PageError> {
    let members = envelope::page_members(body)?;
    let mut quarantined = Vec::new();
    let (records, envelope) = match trigger.records_key {
        Some(key) => {
            let records = envelope::records(&members, key)?;
            quarantined = records.superseded(key);
            (records.last, PageEnvelope::of_members(&members)?)
        }
        None => (vec![envelope::body_value(body)?], PageEnvelope::default()),
    };
    let mut page = ParentsPage { parents: Vec::new(), envelope, quarantined };
    for raw in records {
        match parent(raw, trigger, parent_id) {
            Ok(parent) => page.parents.push(parent),
            Err(reason) => page.quarantined.push(QuarantinedRecord { raw: raw.to_owned(), reason }),
        }
    }
    Ok(page)
}

/// Year of `created_at` in UTC, for a body that is a single record; `None` if missing or invalid.
///
/// For a parent that no listing showed and that was asked for by its own URL.
#[must_use]
pub fn created_year(body: &str) -> Option<i64> {
    year_of_creation(&raw::members(body).ok()?)
}

/// Year of `created_at` in UTC, the same as in the partition column of the record.
fn year_of_creation(members: &[RawMember<'_>]) -> Option<i64> {
    let created = raw::member(members, "created_at").and_then(convert::instant);
    created.and_then(utc_day).map(|day| i64::from(day.year()))
}

/// Facts about the parent in one raw record, or the reason why there are none.
fn parent(raw: &str, trigger: &StreamSpec, parent_id: &str) -> Result<ParentRecord, String> {
    let members = raw::members(raw)
        .map_err(|_| format!("not an object with readable names but {}", raw::kind(raw)))?;
    let id = at_path(&members, parent_id)
        .and_then(convert::integer)
        .ok_or_else(|| format!("`{parent_id}` is no id"))?;
    let mut key = Vec::with_capacity(trigger.primary_key.len());
    for name in trigger.primary_key {
        key.push(key_part(&members, trigger, name).ok_or_else(|| format!("`{name}` is no id"))?);
    }
    let created_year = year_of_creation(&members);
    // A date that is not usable is no reason to lose the parent.
    let date = keyset_field(trigger)
        .and_then(|field| raw::member(&members, field))
        .and_then(convert::date)
        .and_then(day);
    Ok(ParentRecord {
        parent: Parent { id, created_year },
        access_roles: raw::member(&members, "access_roles").and_then(texts),
        key: Key(key),
        date,
    })
}

/// Key part from the member `name`, by its declared type; `None` if it is missing or null.
fn key_part(members: &[RawMember<'_>], trigger: &StreamSpec, name: &str) -> Option<KeyPart> {
    let raw = raw::member(members, name)?;
    let field = trigger.fields.iter().find(|field| field.name == name)?;
    if matches!(field.ty, FieldType::Text) {
        convert::text(raw).map(|text| KeyPart::Text(text.into_owned()))
    } else {
        convert::integer(raw).map(KeyPart::Int)
    }
}

/// Raw value at a path with dots, of the last occurrence of each member.
fn at_path<'de>(members: &[RawMember<'de>], path: &str) -> Option<&'de str> {
    match path.split_once('.') {
        None => raw::member(members, path),
        Some((first, rest)) => {
            let inner = raw::members(raw::member(members, first)?).ok()?;
            at_path(&inner, rest)
        }
    }
}

/// Texts of a list; `None` if the value is no list or any item is no text.
fn texts(raw: &str) -> Option<Vec<String>> {
    let items = raw::items(raw).ok()?;
    items.into_iter().map(|item| literal::text(item).map(Cow::into_owned)).collect()
}
