//! Pages of a trigger listing, read only for the parents whose children are to be read.

use std::borrow::Cow;

use engine::key::{Key, KeyPart};
use engine::spec::{FieldType, StreamSpec};
use engine::time::Date;

use super::derived::utc_day;
use super::envelope::{self, Envelope};
use super::error::PageError;
use super::raw::{self, RawMember};
use super::rows::{day, keyset_field};
use super::{Parent, Quarantined, convert, literal};

/// A page of a trigger listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentsPage {
    /// Its records in the order of the answer. A parent may come several times, where the trigger
    /// has several records of it.
    pub parents: Vec<ParentRecord>,
    /// What the answer says beside its records.
    pub envelope: Envelope,
    /// Records that name no parent or have no usable id, raw.
    pub quarantined: Vec<Quarantined>,
}

/// What a record of a trigger listing says about a parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentRecord {
    /// The parent, and the year of the record's `created_at` in UTC.
    pub parent: Parent,
    /// `access_roles`; `None` where that member is missing, null or no list of texts.
    pub access_roles: Option<Vec<String>>,
    /// The record's own primary key.
    pub key: Key,
    /// The listing's keyset date; `None` where it has none, or where that is null or bad.
    pub date: Option<Date>,
}

/// Reads a page of `trigger` for its parents. `parent_id` is the path of the parent's id in a
/// record: `id`, or `user.id`.
///
/// # Errors
/// When the body as a whole is not what the stream serves.
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
            (records.last, Envelope::of_members(&members)?)
        }
        None => (vec![envelope::body_value(body)?], Envelope::default()),
    };
    let mut page = ParentsPage { parents: Vec::new(), envelope, quarantined };
    for raw in records {
        match parent(raw, trigger, parent_id) {
            Ok(parent) => page.parents.push(parent),
            Err(reason) => page.quarantined.push(Quarantined { raw: raw.to_owned(), reason }),
        }
    }
    Ok(page)
}

/// The year of `created_at` in UTC, of a record that is the whole body; `None` where that is missing
/// or bad.
#[must_use]
pub fn created_year(body: &str) -> Option<i64> {
    year_of_creation(&raw::members(body).ok()?)
}

fn year_of_creation(members: &[RawMember<'_>]) -> Option<i64> {
    let created = raw::member(members, "created_at").and_then(convert::instant);
    created.and_then(utc_day).map(|day| i64::from(day.year()))
}

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
    let date = keyset_field(&trigger.kind)
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

fn key_part(members: &[RawMember<'_>], trigger: &StreamSpec, name: &str) -> Option<KeyPart> {
    let raw = raw::member(members, name)?;
    let field = trigger.fields.iter().find(|field| field.name == name)?;
    if matches!(field.ty, FieldType::Text) {
        convert::text(raw).map(|text| KeyPart::Text(text.into_owned()))
    } else {
        convert::integer(raw).map(KeyPart::Int)
    }
}

fn at_path<'de>(members: &[RawMember<'de>], path: &str) -> Option<&'de str> {
    match path.split_once('.') {
        None => raw::member(members, path),
        Some((first, rest)) => {
            let inner = raw::members(raw::member(members, first)?).ok()?;
            at_path(&inner, rest)
        }
    }
}

fn texts(raw: &str) -> Option<Vec<String>> {
    let items = raw::items(raw).ok()?;
    items.into_iter().map(|item| literal::text(item).map(Cow::into_owned)).collect()
}
