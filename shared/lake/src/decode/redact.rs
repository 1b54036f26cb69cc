//! Takes out of a body what the operator does not want to keep, before anything else sees it.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use engine::privacy::{Personal, Rules, Treatment};
use engine::spec::StreamSpec;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::envelope;
use super::error::PageError;
use super::literal;
use super::odd::push_json_text;
use super::raw;

/// What stands in the quarantine for a record in which members cannot be told apart.
const NOT_KEPT: &str = "a record that cannot be read; members of this stream are excluded or \
                        hashed, so that it is not kept";

/// Key of the hashes. Nothing of it shows in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct HashKey(Vec<u8>);

impl HashKey {
    /// The key with these bytes.
    #[must_use]
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// HMAC-SHA-256 of `text`, in hexadecimal digits.
    fn hash(&self, text: &str) -> Option<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(text.as_bytes());
        let digest = mac.finalize().into_bytes();
        let mut digits = String::with_capacity(2 * digest.len());
        for byte in digest {
            for half in [byte >> 4, byte & 15] {
                digits.push(char::from_digit(u32::from(half), 16)?);
            }
        }
        Some(digits)
    }
}

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey(..)")
    }
}

/// Members to take out or to hash.
#[derive(Debug)]
pub(super) struct Redactor {
    members: Members,
    key: Option<HashKey>,
    erased: Option<Erased>,
}

/// Users whose own data is taken out.
#[derive(Debug)]
struct Erased {
    users: BTreeSet<i64>,
    /// Path of the member that says whose record it is.
    person: Vec<&'static str>,
    /// What is taken out of their records.
    members: Members,
    /// All declared members: what is not declared may be anything.
    declared: BTreeSet<&'static str>,
}

type Members = BTreeMap<String, Branch>;

#[derive(Clone, Debug)]
enum Branch {
    Exclude,
    Hash,
    Inside(Members),
}

impl Redactor {
    pub(super) fn of(rules: &Rules, key: Option<&HashKey>) -> Self {
        let mut members = Members::new();
        for (path, treatment) in rules.iter() {
            let leaf = match treatment {
                Treatment::Exclude => Branch::Exclude,
                Treatment::Hash => Branch::Hash,
            };
            insert(&mut members, path, leaf);
        }
        Self { members, key: key.cloned(), erased: None }
    }

    /// The same, that takes out of records of `users` what is their own.
    pub(super) fn erasing(
        self,
        spec: &StreamSpec,
        personal: &Personal,
        users: BTreeSet<i64>,
    ) -> Self {
        let mut members = self.members.clone();
        for path in personal.members {
            let path: Vec<String> = path.split('.').map(str::to_owned).collect();
            insert(&mut members, &path, Branch::Exclude);
        }
        let person = personal.person.split('.').collect();
        let declared = spec.fields.iter().map(|field| field.name).collect();
        Self { erased: Some(Erased { users, person, members, declared }), ..self }
    }

    /// The same body with only records, count and links, and of the records only what is kept.
    pub(super) fn body(&self, key: Option<&'static str>, body: &str) -> Result<String, PageError> {
        let Some(key) = key else {
            return Ok(self.record(envelope::body_value(body)?));
        };
        let members = envelope::page_members(body)?;
        let records = envelope::records(&members, key)?;
        let mut json = String::with_capacity(body.len());
        json.push('{');
        for name in envelope::MEMBERS {
            if let Some(raw) = raw::member(&members, name) {
                push_name(&mut json, name);
                json.push_str(raw);
            }
        }
        push_name(&mut json, key);
        json.push('[');
        for (at, raw) in records.into_iter().enumerate() {
            if at > 0 {
                json.push(',');
            }
            json.push_str(&self.record(raw));
        }
        json.push_str("]}");
        Ok(json)
    }

    fn record(&self, raw: &str) -> String {
        let mut json = String::with_capacity(raw.len());
        let kept = match self.erased.as_ref().filter(|it| it.is_theirs(raw)) {
            Some(erased) => erased
                .declared_only(raw)
                .is_some_and(|raw| self.object(&mut json, &erased.members, &raw)),
            None => raw.starts_with('{') && self.object(&mut json, &self.members, raw),
        };
        if !kept {
            json.clear();
            push_json_text(&mut json, NOT_KEPT);
        }
        json
    }

    /// Adds the object without what is taken out; whether its members could be told apart.
    fn object(&self, json: &mut String, rules: &Members, raw: &str) -> bool {
        let Ok(members) = raw::members(raw) else { return false };
        json.push('{');
        for (name, raw) in members {
            let start = json.len();
            push_name(json, &name);
            let kept = match rules.get(&*name) {
                None => {
                    json.push_str(raw);
                    true
                }
                Some(Branch::Exclude) => false,
                Some(Branch::Hash) => self.hash(json, raw),
                Some(Branch::Inside(inner)) => self.inside(json, inner, raw),
            };
            if !kept {
                json.truncate(start);
            }
        }
        json.push('}');
        true
    }

    /// Adds a value in which something is taken out. What has no members might be anything.
    fn inside(&self, json: &mut String, rules: &Members, raw: &str) -> bool {
        if raw == "null" {
            json.push_str(raw);
            return true;
        }
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
            if !self.inside(json, rules, raw) {
                json.truncate(start);
                json.push_str("null");
            }
        }
        json.push(']');
        true
    }

    fn hash(&self, json: &mut String, raw: &str) -> bool {
        if raw == "null" {
            json.push_str(raw);
            return true;
        }
        let text = literal::text(raw);
        let Some(hash) = text.and_then(|text| self.key.as_ref()?.hash(&text)) else {
            return false;
        };
        push_json_text(json, &hash);
        true
    }
}

impl Erased {
    /// The record with its declared members alone.
    fn declared_only(&self, raw: &str) -> Option<String> {
        let mut json = String::from("{");
        for (name, raw) in raw::members(raw).ok()? {
            if self.declared.contains(&*name) {
                push_name(&mut json, &name);
                json.push_str(raw);
            }
        }
        json.push('}');
        Some(json)
    }

    fn is_theirs(&self, raw: &str) -> bool {
        let id = self.person.iter().try_fold(raw, |raw, name| {
            raw::members(raw).ok().and_then(|members| raw::member(&members, name))
        });
        id.and_then(literal::integer).is_some_and(|id| self.users.contains(&id))
    }
}

fn insert(members: &mut Members, path: &[String], leaf: Branch) {
    let Some((first, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        members.insert(first.clone(), leaf);
        return;
    }
    let branch = members.entry(first.clone());
    // One rule for the whole wins over one for a part.
    if let Branch::Inside(inner) = branch.or_insert_with(|| Branch::Inside(Members::new())) {
        insert(inner, rest, leaf);
    }
}

fn push_name(json: &mut String, name: &str) {
    if !json.ends_with(['{']) {
        json.push(',');
    }
    push_json_text(json, name);
    json.push(':');
}
