//! Fields that may not be kept: they are in nothing that a decoder returns, whatever the page is.

use std::collections::BTreeSet;

use bolero::{TypeGenerator, check};
use decode::{DecodedPage, Decoder, HashKey};
use engine::privacy::{FieldTreatment, PrivacyRules};
use engine::spec::{FieldSpec, FieldType, StreamSpec};
use lives::naive::json::{JsonKind, kind};
use lives::naive::value::PlainNumber;
use lives::reader::cell::text;

use crate::pages::{FuzzedPage, decoded};
use crate::tree::JsonTree;

/// Text in place of every text that may not be kept.
const SECRET: &str = "\"SECRET\"";

/// A page, and the fields that may not be kept.
#[derive(Clone, Debug, TypeGenerator)]
struct PrivatePage {
    page: FuzzedPage,
    #[generator(bolero::produce::<Vec<(u8, bool)>>().with().len(0..=4usize))]
    rules: Vec<(u8, bool)>,
    has_key: bool,
    erased: Option<u8>,
}

impl PrivatePage {
    /// Returns the rules that can be made.
    fn rules(&self, spec: &'static StreamSpec) -> PrivacyRules {
        let mut all = Vec::new();
        paths("", spec.fields, &mut all);
        let mut rules = PrivacyRules::default();
        for (which, hash) in &self.rules {
            let path = &all[usize::from(*which) % all.len()];
            let how = if *hash { FieldTreatment::Hash } else { FieldTreatment::Exclude };
            // Fields that are needed, or of another type, are refused.
            drop(rules.add(spec, path, how));
        }
        rules
    }
}

fn paths(prefix: &str, fields: &[FieldSpec], all: &mut Vec<String>) {
    for field in fields {
        let path = format!("{prefix}{}", field.name);
        if let FieldType::Object(inner) | FieldType::Objects(inner) = field.ty {
            paths(&format!("{path}."), inner, all);
        }
        all.push(path);
    }
}

/// Returns the name of a member.
fn name(raw: &str) -> Option<String> {
    serde_json::from_str(raw).ok()
}

/// Replaces all texts in a value that may not be kept.
fn hide(tree: &mut JsonTree) {
    match tree {
        JsonTree::Literal(raw) => {
            if raw.contains('"') {
                SECRET.clone_into(raw);
            }
        }
        JsonTree::List(items) => items.iter_mut().for_each(hide),
        JsonTree::Object(members) => {
            for (raw, value) in members {
                // A record tells by an id whose it is.
                if name(raw).as_deref() != Some("id") {
                    SECRET.clone_into(raw);
                }
                hide(value);
            }
        }
    }
}

/// Replaces the texts of the field at `path` in a record, or in a part of it.
fn hide_field(tree: &mut JsonTree, path: &[&str]) {
    let Some((first, rest)) = path.split_first() else { return hide(tree) };
    match tree {
        // In place of an object or a list of objects, a value may be the field's.
        JsonTree::Literal(_) => hide(tree),
        JsonTree::List(items) => items.iter_mut().for_each(|item| hide_field(item, path)),
        JsonTree::Object(members) => {
            let named = members.iter_mut().filter(|(raw, _)| name(raw).as_deref() == Some(first));
            named.for_each(|(_, value)| hide_field(value, rest));
        }
    }
}

/// Replaces names and values of members that are not declared.
fn hide_undeclared(record: &mut JsonTree, spec: &StreamSpec) {
    let JsonTree::Object(members) = record else { return };
    for (raw, value) in members {
        let name = name(raw);
        if !spec.fields.iter().any(|field| name.as_deref() == Some(field.name)) {
            SECRET.clone_into(raw);
            hide(value);
        }
    }
}

/// Replaces the field in each record of a list.
fn hide_in_records(records: &mut JsonTree, path: &[&str]) {
    match records {
        JsonTree::List(records) => {
            for record in records {
                match record {
                    JsonTree::Object(_) => hide_field(record, path),
                    JsonTree::Literal(_) | JsonTree::List(_) => hide(record),
                }
            }
        }
        // In place of a list, a value counts as one record.
        JsonTree::Object(_) => hide_field(records, path),
        JsonTree::Literal(_) => hide(records),
    }
}

/// Calls `act` with all lists of records of a page.
fn each_list(tree: &mut JsonTree, spec: &StreamSpec, mut act: impl FnMut(&mut JsonTree)) {
    let Some(key) = spec.records_key else {
        let record = core::mem::replace(tree, JsonTree::List(Vec::new()));
        let mut list = JsonTree::List(vec![record]);
        act(&mut list);
        if let JsonTree::List(records) = list {
            *tree = records.into_iter().next().expect("the record");
        }
        return;
    };
    if let JsonTree::Object(members) = tree {
        let lists = members.iter_mut().filter(|(raw, _)| name(raw).as_deref() == Some(key));
        lists.for_each(|(_, list)| act(list));
    }
}

/// Returns the id at `path` of a record, as its last members have it.
fn id_at(tree: &JsonTree, path: &[&str]) -> Option<i64> {
    let mut at = tree;
    for step in path {
        let JsonTree::Object(members) = at else { return None };
        at = &members.iter().rev().find(|(raw, _)| name(raw).as_deref() == Some(step))?.1;
    }
    let JsonTree::Literal(raw) = at else { return None };
    let number = match kind(raw) {
        JsonKind::Number(literal) => PlainNumber::of(literal),
        JsonKind::Text(Some(text)) => PlainNumber::of(&text),
        JsonKind::Null
        | JsonKind::Flag(_)
        | JsonKind::Text(None)
        | JsonKind::List(_)
        | JsonKind::Object(_) => None,
    };
    number?.scaled(0)?.try_into().ok()
}

fn check_private(input: &PrivatePage) {
    let source = input.page.source();
    let spec = source.spec;
    let rules = input.rules(spec);
    let key = input.has_key.then(|| HashKey::new(b"a key of many letters".to_vec()));
    let mut tree = JsonTree::of_text(&input.page.tree().text(false));
    let hidden: Vec<Vec<String>> = rules.iter().map(|(path, _)| path.to_vec()).collect();
    let mut decoder = Decoder::new(spec).with_privacy(&rules, key.as_ref());
    let mut users = BTreeSet::new();
    if let (Some(personal), Some(which)) = (&spec.personal, input.erased) {
        let person: Vec<&str> = personal.person.split('.').collect();
        let mut people = Vec::new();
        each_list(&mut tree, spec, |list| {
            people.extend((0..list.len()).filter_map(|at| id_at(list.child(at), &person)));
        });
        users.extend(people.get(usize::from(which) % people.len().max(1)).copied());
        each_list(&mut tree, spec, |list| {
            for at in 0..list.len() {
                let record = list.child_mut(at);
                if id_at(record, &person).is_some_and(|id| users.contains(&id)) {
                    hide_undeclared(record, spec);
                    for member in personal.members {
                        hide_field(record, &member.split('.').collect::<Vec<_>>());
                    }
                }
            }
        });
        decoder = Decoder::new(spec).with_erased(&rules, key.as_ref(), personal, users.clone());
    }
    for path in &hidden {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        each_list(&mut tree, spec, |list| hide_in_records(list, &path));
    }
    let body = tree.text(false);
    let records = {
        let mut records = 0;
        each_list(&mut tree, spec, |list| {
            records += if matches!(list, JsonTree::List(_)) { list.len() } else { 1 };
        });
        records
    };
    let Some(page) = decoded(&decoder, spec, body.clone()) else { return };
    let kept = page.rows.num_rows() + page.quarantined.len();
    assert_eq!(kept, records, "{}: records are lost:\n{body}", spec.name);
    if hidden.is_empty() && users.is_empty() {
        return;
    }
    let shown = shown(&page);
    let rules: Vec<_> = rules.iter().collect();
    assert!(!shown.contains("SECRET"), "{} {rules:?} {users:?}:\n{body}\n{shown}", spec.name);
}

/// Returns everything that a page holds, as text.
fn shown(page: &DecodedPage) -> String {
    let DecodedPage { facts, rows, quarantined, observed, body } = page;
    let mut shown = format!("{facts:?}\n{quarantined:?}\n{observed:?}\n{body:?}\n");
    for column in rows.columns() {
        for row in 0..rows.num_rows() {
            shown.extend(text(column, row));
            shown.push('\n');
        }
    }
    shown
}

#[test]
fn fuzzed() {
    check!(name = "private").with_type::<PrivatePage>().for_each(check_private);
}
