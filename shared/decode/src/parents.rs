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
use engine::pass::{PageFacts, Parent, ParentFound};
use engine::spec::{FieldType, StreamSpec};
use engine::time::Date;

use super::derived::utc_day;
use super::envelope::{self, PageEnvelope};
use super::error::PageError;
use super::raw::{self, RawMember};
use super::rows::{day, keyset_field};
use super::{convert, literal};

/// Reads the parents of a page of `trigger`, in the order of the answer. A parent occurs repeatedly
/// if several records refer to it. `parent_id` is the path of the parent's id in a record: `id`, or
/// `user.id`.
///
/// A record without a usable parent or key is counted as quarantined. The reading then does not
/// take the list for complete: the children of that parent would count as gone. The record itself
/// is kept by the passes of the trigger's own stream.
///
/// # Errors
/// When the body as a whole is not as the stream declares.
pub(crate) fn page(
    body: &str,
    trigger: &'static StreamSpec,
    parent_id: &str,
) -> Result<PageFacts, PageError> {
    let members = envelope::page_members(body)?;
    let (records, superseded, envelope) = match trigger.records_key {
        Some(key) => {
            let records = envelope::records(&members, key)?;
            (records.last, records.earlier.len(), PageEnvelope::of_members(&members)?)
        }
        None => (vec![envelope::body_value(body)?], 0, PageEnvelope::default()),
    };
    let mut facts = PageFacts { quarantined: superseded as u64, ..envelope.into() };
    for raw in records {
        match parent(raw, trigger, parent_id) {
            Some(record) => {
                facts.keys.push(record.key);
                facts.dates.push(record.date);
                facts.parents.push(record.found);
            }
            None => facts.quarantined += 1,
        }
    }
    Ok(facts)
}

/// A record of a trigger listing.
struct TriggerRecord {
    /// Parent, with the year of the record's `created_at` in UTC. The children's partition follows
    /// from that year, where the trigger lists the parents themselves. Its roles are `None` if
    /// `access_roles` is missing, null or not a list of texts: unknown, not "no roles", so that the
    /// parent is read.
    found: ParentFound,
    /// Primary key of the record itself. It shows whether a page repeats records, also where many
    /// records name one parent.
    key: Key,
    /// Keyset date of the listing; `None` if the listing has none, or if it is null or invalid.
    date: Option<Date>,
}

/// Year of `created_at` in UTC, for a body that is a single record; `None` if missing or invalid.
///
/// For a parent that no listing showed and that was asked for by its own URL.
pub(crate) fn created_year(body: &str) -> Option<i64> {
    year_of_creation(&raw::members(body).ok()?)
}

/// Year of `created_at` in UTC, the same as in the partition column of the record.
fn year_of_creation(members: &[RawMember<'_>]) -> Option<i64> {
    let created = raw::member(members, "created_at").and_then(convert::instant);
    created.and_then(utc_day).map(|day| i64::from(day.year()))
}

/// Reads one raw record; `None` if it has no usable parent or key.
fn parent(raw: &str, trigger: &StreamSpec, parent_id: &str) -> Option<TriggerRecord> {
    let members = raw::members(raw).ok()?;
    let id = at_path(&members, parent_id).and_then(convert::integer)?;
    let parts = trigger.primary_key.iter().map(|name| key_part(&members, trigger, name));
    let key = Key(parts.collect::<Option<_>>()?);
    let created_year = year_of_creation(&members);
    // A date that is not usable is no reason to lose the parent.
    let date = keyset_field(trigger)
        .and_then(|field| raw::member(&members, field))
        .and_then(convert::date)
        .and_then(day);
    let roles = raw::member(&members, "access_roles").and_then(texts);
    let found = ParentFound { parent: Parent { id, created_year }, roles };
    Some(TriggerRecord { found, key, date })
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
