//! Values of one record: every declared field to its column, all else to `extra_json`.

use std::collections::{BTreeMap, BTreeSet};

use engine::schema::{ColumnType, Member};
use engine::spec::{FieldSpec, FieldType};

use super::json::{JsonKind, canonical, is_plain, kind, quoted};
use super::value::{NaiveCell, cell, nested};

/// Values of one record: columns by the path of their field, and what no column holds by its path.
#[derive(Debug, Default)]
pub struct NaiveValues {
    /// Values of columns.
    pub held: BTreeMap<Vec<&'static str>, String>,
    /// Fields whose values their columns cannot hold.
    pub misfits: BTreeSet<Vec<&'static str>>,
    /// Values without a column, as JSON.
    pub extra: BTreeMap<String, String>,
    excluded: Vec<Vec<String>>,
}

impl NaiveValues {
    /// Returns a reading that leaves out fields at these paths.
    #[must_use]
    pub fn without(excluded: Vec<Vec<String>>) -> Self {
        Self { excluded, ..Self::default() }
    }

    /// Reads the members of an object. `place` is its path in the declaration, `path` that in
    /// `extra_json`.
    pub fn object(
        &mut self,
        fields: &'static [FieldSpec],
        members: &[(String, &str)],
        place: &mut Vec<&'static str>,
        path: &str,
    ) {
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        for (at, (name, raw)) in members.iter().enumerate() {
            let here = || joined(path, name);
            let field = place.iter().copied().chain([name.as_str()]);
            if self.excluded.iter().any(|excluded| field.clone().eq(excluded)) {
                continue;
            }
            if members[at + 1..].iter().any(|(later, _)| later == name) {
                let times = times.entry(name).or_default();
                *times += 1;
                self.keep(&format!("{}#{times}", here()), raw);
                continue;
            }
            match fields.iter().find(|field| field.name == name) {
                None => self.keep(&here(), raw),
                Some(field) => {
                    place.push(field.name);
                    self.field(field.ty, raw, place, here);
                    place.pop();
                }
            }
        }
    }

    fn field(
        &mut self,
        ty: FieldType,
        raw: &str,
        place: &mut Vec<&'static str>,
        path: impl Fn() -> String,
    ) {
        let is_nested = matches!(
            ty,
            FieldType::Object(_) | FieldType::Objects(_) | FieldType::Texts | FieldType::Ints
        );
        if !is_nested {
            match cell(raw, &simple(ty)) {
                NaiveCell::Held(Some(text)) => drop(self.held.insert(place.clone(), text)),
                NaiveCell::Held(None) => {}
                NaiveCell::Misfit => self.misfit(raw, place, &path()),
            }
            return;
        }
        let path = &path();
        match (ty, kind(raw)) {
            (_, JsonKind::Null) => {}
            (FieldType::Object(fields), JsonKind::Object(Some(members))) => {
                self.object(fields, &members, place, path);
            }
            (FieldType::Objects(fields), JsonKind::List(items)) => {
                let items = items.into_iter().enumerate();
                let texts: Vec<String> = items
                    .map(|(at, raw)| self.item(fields, raw, place, &format!("{path}[{at}]")))
                    .collect();
                self.held.insert(place.clone(), format!("[{}]", texts.join(",")));
            }
            (FieldType::Texts | FieldType::Ints, JsonKind::List(items)) => {
                let ty = simple(if matches!(ty, FieldType::Ints) {
                    FieldType::Int
                } else {
                    FieldType::Text
                });
                let items = items.into_iter().enumerate();
                let texts: Vec<String> = items
                    .map(|(at, raw)| match cell(raw, &ty) {
                        NaiveCell::Held(text) => nested(text, &ty),
                        NaiveCell::Misfit => self.no_item(raw, &format!("{path}[{at}]")),
                    })
                    .collect();
                self.held.insert(place.clone(), format!("[{}]", texts.join(",")));
            }
            _ => self.misfit(raw, place, path),
        }
    }

    /// Returns an object of a list as JSON; what it does not hold goes to `extra_json`.
    fn item(
        &mut self,
        fields: &'static [FieldSpec],
        raw: &str,
        place: &[&'static str],
        path: &str,
    ) -> String {
        let members = match kind(raw) {
            JsonKind::Object(Some(members)) => members,
            JsonKind::Null => return "null".to_owned(),
            _ => return self.no_item(raw, path),
        };
        let mut inner = Self::without(self.excluded.clone());
        inner.object(fields, &members, &mut place.to_vec(), path);
        self.extra.append(&mut inner.extra);
        let mut leaves = Vec::new();
        flatten(fields, "", &mut place.to_vec(), &mut leaves);
        let leaves: Vec<String> = leaves
            .into_iter()
            .map(|leaf| {
                let value = nested(inner.held.remove(&leaf.path), &leaf.ty);
                format!("{}:{value}", quoted(&leaf.name))
            })
            .collect();
        format!("{{{}}}", leaves.join(","))
    }

    /// Keeps an item that its list cannot hold; the list has null in its place.
    fn no_item(&mut self, raw: &str, path: &str) -> String {
        self.keep(path, raw);
        "null".to_owned()
    }

    fn misfit(&mut self, raw: &str, place: &[&'static str], path: &str) {
        self.misfits.insert(place.to_vec());
        self.keep(path, raw);
    }

    fn keep(&mut self, path: &str, raw: &str) {
        if is_plain(raw) {
            self.extra.insert(path.to_owned(), canonical(raw));
        } else {
            self.extra.insert(format!("{path}#json"), quoted(raw));
        }
    }
}

/// Returns the type of the column of a field that is neither list nor object.
fn simple(ty: FieldType) -> ColumnType {
    match ty {
        FieldType::Int => ColumnType::Int,
        FieldType::Text => ColumnType::Text,
        FieldType::Bool => ColumnType::Bool,
        FieldType::Date => ColumnType::Date,
        FieldType::Instant => ColumnType::Instant,
        FieldType::Money => ColumnType::Decimal { scale: 4 },
        FieldType::Decimal => ColumnType::Decimal { scale: 6 },
        FieldType::Object(_) | FieldType::Objects(_) | FieldType::Texts | FieldType::Ints => {
            unreachable!("these have no single value")
        }
    }
}

/// Adds the members of the structs of a list, nested objects joined with `_`.
fn flatten(
    fields: &'static [FieldSpec],
    prefix: &str,
    place: &mut Vec<&'static str>,
    leaves: &mut Vec<Member>,
) {
    for field in fields {
        place.push(field.name);
        let name = format!("{prefix}{}", field.name);
        match field.ty {
            FieldType::Object(inner) => flatten(inner, &format!("{name}_"), place, leaves),
            single => leaves.push(Member { name, path: place.clone(), ty: simple(single) }),
        }
        place.pop();
    }
}

/// Returns the path of a member, its name escaped.
fn joined(path: &str, name: &str) -> String {
    let mut joined = path.to_owned();
    if !path.is_empty() {
        joined.push('.');
    }
    if !name.contains(['.', '[', ']', '#', '\\']) {
        joined.push_str(name);
        return joined;
    }
    for letter in name.chars() {
        if matches!(letter, '.' | '[' | ']' | '#' | '\\') {
            joined.push('\\');
        }
        joined.push(letter);
    }
    joined
}
