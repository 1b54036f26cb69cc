//! Removes data that the operator does not want to keep from a body, before anything else reads it.
//!
//! Two reasons lead to a removal, and both may apply to one body:
//!
//! * Privacy rules: a member is excluded or hashed in all records of the stream.
//! * Erased users: in records of these users, personal members are excluded, too, and so are
//!   undeclared members at any depth, which may be personal. Their rows have no `extra_json`: what
//!   it would hold are values that do not fit, and an erasure cannot tell them from undeclared ones
//!   in rows that are stored already.
//!
//! The result is again a body, which is decoded like any other. So no later step needs to know of
//! the rules, except that for `extra_json`. In doubt a value is removed: it can be read again after
//! the rules are corrected, whereas personal data in a commit stays in older versions of the table.
//!
//! Repeated members need care. Of `{"notes": "a", "notes": "b"}` the last counts, but decoding
//! keeps the first one raw in `extra_json`. So of a member with a rule only the last occurrence is
//! treated, and the others are removed.

mod branches;
mod erased;
mod hash;

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use engine::privacy::{FieldTreatment, PrivacyRules};
use engine::spec::{PersonalFields, StreamSpec};

use self::branches::{MemberBranches, RedactionBranch, insert, takes_out};
use self::erased::ErasedUsers;
pub use self::hash::HashKey;
use super::convert;
use super::envelope;
use super::error::PageError;
use super::odd::push_json_text;
use super::raw;
use super::strict;
use crate::schema::TableSchema;

/// Content of the quarantine for a record whose members cannot be told apart. The record itself
/// cannot be quarantined, because nothing could be removed from it.
const NOT_KEPT: &str = "a record that cannot be read; members of this stream are excluded or \
                        hashed, so that it is not kept";

/// Number of lists within lists whose items are redacted one by one.
const MOST_LISTS: usize = 64;

/// Removes or hashes members. `members` has the privacy rules; if there are erased users, `erased`
/// repeats them together with those for the users.
#[derive(Debug)]
pub(super) struct Redactor {
    members: MemberBranches,
    key: Option<HashKey>,
    erased: Option<ErasedUsers>,
}

impl Redactor {
    /// Redactor with these rules and no erased users.
    pub(super) fn of(rules: &PrivacyRules, key: Option<&HashKey>) -> Self {
        let mut members = MemberBranches::new();
        for (path, treatment) in rules.iter() {
            let leaf = match treatment {
                FieldTreatment::Exclude => RedactionBranch::Exclude,
                FieldTreatment::Hash => RedactionBranch::Hash,
            };
            insert(&mut members, path, leaf);
        }
        Self { members, key: key.cloned(), erased: None }
    }

    /// Also removes the personal data in records of `users`.
    ///
    /// The member with the id of the person is treated as `Last` everywhere. Otherwise a record
    /// could name two persons, and the id that decides here could differ from the one that is
    /// decoded.
    pub(super) fn erasing(
        self,
        spec: &'static StreamSpec,
        personal: &PersonalFields,
        users: BTreeSet<i64>,
    ) -> Self {
        let (mut members, mut others) = (self.members.clone(), self.members.clone());
        let steps = |path: &str| path.split('.').map(str::to_owned).collect::<Vec<String>>();
        for path in personal.members {
            insert(&mut members, &steps(path), RedactionBranch::Exclude);
            insert(&mut others, &steps(path), RedactionBranch::Last);
        }
        for members in [&mut members, &mut others] {
            insert(members, &steps(personal.person), RedactionBranch::Last);
        }
        let person = personal.person.split('.').collect();
        let declared = spec.fields;
        Self { erased: Some(ErasedUsers { users, person, members, others, declared }), ..self }
    }

    /// Rows without `extra_json` where they are an erased user's.
    pub(super) fn rows(
        &self,
        schema: &TableSchema,
        rows: RecordBatch,
    ) -> Result<RecordBatch, ArrowError> {
        match &self.erased {
            Some(erased) => erased.without_extra(schema, rows),
            None => Ok(rows),
        }
    }

    /// Body with records, count and links only, and with the records redacted. Other members of a
    /// page are dropped, because rules cannot name them. `key` is the member with the records;
    /// without it the body is one record.
    pub(super) fn body(&self, key: Option<&'static str>, body: &str) -> Result<String, PageError> {
        let Some(key) = key else {
            return Ok(self.record(envelope::body_value(body)?));
        };
        let members = envelope::page_members(body)?;
        let envelope::RawRecords { last, earlier } = envelope::records(&members, key)?;
        let mut json = String::with_capacity(body.len());
        json.push('{');
        for name in envelope::MEMBERS {
            if let Some(raw) = raw::member(&members, name) {
                push_name(&mut json, name);
                json.push_str(raw);
            }
        }
        // Earlier lists of records stay separate from the last one.
        for records in [Some(earlier).filter(|earlier| !earlier.is_empty()), Some(last)] {
            let Some(records) = records else { continue };
            push_name(&mut json, key);
            json.push('[');
            for (at, raw) in records.into_iter().enumerate() {
                if at > 0 {
                    json.push(',');
                }
                json.push_str(&self.record(raw));
            }
            json.push(']');
        }
        json.push('}');
        Ok(json)
    }

    /// The record after redaction, or a note as a JSON string if it could not be read. A string is
    /// no record, so decoding quarantines the note.
    fn record(&self, raw: &str) -> String {
        let mut json = String::with_capacity(raw.len());
        let kept = match &self.erased {
            Some(erased) if erased.is_theirs(raw) => erased
                .declared_only(raw)
                .is_some_and(|raw| self.object(&mut json, &erased.members, &raw)),
            Some(erased) => raw.starts_with('{') && self.object(&mut json, &erased.others, raw),
            None => raw.starts_with('{') && self.object(&mut json, &self.members, raw),
        };
        if !kept {
            json.clear();
            push_json_text(&mut json, NOT_KEPT);
        }
        json
    }

    /// Appends the redacted object. Returns whether its members could be told apart.
    fn object(&self, json: &mut String, rules: &MemberBranches, raw: &str) -> bool {
        let Ok(members) = raw::members(raw) else { return false };
        let last: BTreeMap<&str, usize> =
            members.iter().enumerate().map(|(at, (name, _))| (&**name, at)).collect();
        json.push('{');
        for (at, (name, raw)) in members.iter().enumerate() {
            // The name is written first and taken back if the value is not kept.
            let start = json.len();
            push_name(json, name);
            let kept = match rules.get(&**name) {
                Some(_) if last.get(&**name) != Some(&at) => false,
                None | Some(RedactionBranch::Last) => {
                    json.push_str(raw);
                    true
                }
                Some(RedactionBranch::Exclude) => false,
                Some(RedactionBranch::Hash) => self.hash(json, raw),
                Some(RedactionBranch::Inside(inner)) => self.inside(json, inner, raw, 0),
            };
            if !kept {
                json.truncate(start);
            }
        }
        json.push('}');
        true
    }

    /// Appends a value with redacted members; `depth`: number of lists around it. A value without
    /// members, or below too many lists, is dropped if the rules remove anything, because it may
    /// contain that.
    fn inside(&self, json: &mut String, rules: &MemberBranches, raw: &str, depth: usize) -> bool {
        let start = json.len();
        if depth <= MOST_LISTS && self.parts(json, rules, raw, depth) {
            return true;
        }
        json.truncate(start);
        let whole = raw == "null" || !takes_out(rules);
        if whole {
            json.push_str(raw);
        }
        whole
    }

    /// Appends the object, or each object of the list. Returns whether the value is one. In a list,
    /// an item that cannot be treated becomes null, so that the others keep their positions.
    fn parts(&self, json: &mut String, rules: &MemberBranches, raw: &str, depth: usize) -> bool {
        if raw.starts_with('{') {
            return self.object(json, rules, raw);
        }
        let Ok(items) = raw::items(raw) else { return false };
        json.push('[');
        for (at, raw) in items.into_iter().enumerate() {
            if at > 0 {
                json.push(',');
            }
            let start = json.len();
            if !self.inside(json, rules, raw, depth.saturating_add(1)) {
                json.truncate(start);
                json.push_str("null");
            }
        }
        json.push(']');
        true
    }

    /// Appends the hash of the value. Returns `false`, so that the member is left out, for an
    /// object, a list or unreadable text, and if there is no key. Null stays null: it is no data of
    /// a person.
    fn hash(&self, json: &mut String, raw: &str) -> bool {
        if raw == "null" {
            json.push_str(raw);
            return true;
        }
        let text = convert::text(raw);
        let Some(hash) = text.and_then(|text| self.key.as_ref()?.hash(&text)) else {
            return false;
        };
        push_json_text(json, &hash);
        true
    }
}

/// Whether the raw record certainly belongs to another user than `user`; `person` is the path of
/// the member that identifies the user.
///
/// The command `erase` keeps quarantined records for which this is true and removes all others. A
/// record that cannot be read may be the erased user's, so the answer for it is `false`.
#[must_use]
pub fn is_of_another(raw: &str, person: &str, user: i64) -> bool {
    // A record with repeated members may name two users.
    strict::is_strict(raw) && id_at(raw, person.split('.')).is_some_and(|id| id != user)
}

/// Integer at a path in the raw record, of the last occurrence of each member.
fn id_at<'a>(raw: &str, path: impl IntoIterator<Item = &'a str>) -> Option<i64> {
    let id = path.into_iter().try_fold(raw, |raw, name| {
        raw::members(raw).ok().and_then(|members| raw::member(&members, name))
    });
    id.and_then(convert::integer)
}

/// Appends the name of a member, after a comma unless it is the first of its object.
fn push_name(json: &mut String, name: &str) {
    if !json.ends_with(['{']) {
        json.push(',');
    }
    push_json_text(json, name);
    json.push(':');
}
