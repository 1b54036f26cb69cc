//! One record of Harvest as a row: every declared field to its column, all else to `extra_json`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::ids::AccountId;
use engine::schema::{Column, ColumnSource, ColumnType, Member, columns};
use engine::spec::{FieldSpec, FieldType, PartitionSpec, StreamSpec};
use engine::window::Period;

use super::json::{JsonKind, canonical, is_plain, kind, quoted};
use super::value::{NaiveCell, cell, nested};

/// Values of a row in the order of [`compared`].
pub type Row = Arc<[Option<String>]>;

/// Returns the columns of `spec`'s table that are compared: all but `synced_at` and those whose new
/// value is no change.
#[must_use]
pub fn compared(spec: &StreamSpec) -> Vec<Column> {
    let columns = columns(spec).into_iter();
    columns.filter(|it| !it.volatile && it.source != ColumnSource::SyncedAt).collect()
}

/// Circumstances of a record that its row has, too.
#[derive(Clone, Debug, Default)]
pub struct RowOrigin<'a> {
    /// Id of the parent whose list held the record.
    pub parent: Option<i64>,
    /// Creation of that parent, as Harvest writes it.
    pub parent_created_at: Option<&'a str>,
    /// Report window.
    pub period: Option<Period>,
}

/// Reading of one stream's records by its declaration.
#[derive(Debug)]
pub struct NaiveReader<'a> {
    /// Declaration of the stream.
    pub spec: &'static StreamSpec,
    /// Account of the lake.
    pub account: AccountId,
    /// Users whose own data was erased.
    pub erased: &'a BTreeSet<i64>,
}

/// Values of one record: columns by the path of their field, and what no column holds by its path.
#[derive(Debug, Default)]
struct Reading {
    held: BTreeMap<Vec<&'static str>, String>,
    misfits: BTreeSet<Vec<&'static str>>,
    extra: BTreeMap<String, String>,
}

impl NaiveReader<'_> {
    /// Returns key and row of a record; `None` if it has no usable key.
    #[must_use]
    pub fn row(&self, record: &str, origin: &RowOrigin<'_>) -> Option<(String, Row)> {
        let JsonKind::Object(Some(members)) = kind(record) else { return None };
        let mut reading = Reading::default();
        reading.object(self.spec.fields, &members, &mut Vec::new(), "");
        self.forget_erased(&mut reading);
        let mut values = BTreeMap::new();
        for column in columns(self.spec) {
            let value = self.value(&column, &reading, origin);
            let in_key = self.spec.primary_key.contains(&column.name.as_str());
            let misfit = match &column.source {
                ColumnSource::Record(path) => {
                    (1..=path.len()).any(|length| reading.misfits.contains(&path[..length]))
                }
                _ => false,
            };
            let read = column.source == ColumnSource::SyncedAt;
            if (column.required && !read && value.is_none()) || (in_key && misfit) {
                return None;
            }
            values.insert(column.name.clone(), value);
        }
        let keys = self.spec.primary_key.iter();
        let key: Vec<String> = keys.map(|name| values[*name].clone().unwrap_or_default()).collect();
        let row = compared(self.spec).iter().map(|column| values[&column.name].clone()).collect();
        Some((key.join("|"), row))
    }

    /// Removes what is a person's own if the person was erased.
    fn forget_erased(&self, reading: &mut Reading) {
        let Some(personal) = &self.spec.personal else { return };
        let person = |path: &[&str]| path.join(".") == personal.person;
        let id = reading.held.iter().find(|(path, _)| person(path)).map(|(_, id)| id);
        if !id.and_then(|id| id.parse().ok()).is_some_and(|id: i64| self.erased.contains(&id)) {
            return;
        }
        reading.extra.clear();
        reading.held.retain(|path, _| {
            let path = path.join(".");
            !personal.members.iter().any(|own| {
                path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
        });
    }

    fn value(&self, column: &Column, reading: &Reading, origin: &RowOrigin<'_>) -> Option<String> {
        match &column.source {
            ColumnSource::Record(path) => reading.held.get(path).cloned(),
            ColumnSource::Parent => origin.parent.map(|id| id.to_string()),
            ColumnSource::PeriodStart => origin.period.map(|period| period.start.to_string()),
            ColumnSource::PeriodEnd => origin.period.map(|period| period.end.to_string()),
            ColumnSource::Account => Some(self.account.0.to_string()),
            ColumnSource::SyncedAt | ColumnSource::Change => None,
            ColumnSource::Extra => {
                let extra = reading.extra.iter();
                let members: Vec<String> =
                    extra.map(|(path, raw)| format!("{}:{raw}", quoted(path))).collect();
                (!members.is_empty()).then(|| format!("{{{}}}", members.join(",")))
            }
            ColumnSource::Partition => {
                let created = reading.held.get(&vec!["created_at"]);
                partition(self.spec, created.map(String::as_str), origin)
            }
        }
    }
}

/// Returns the value of the partition column. Instants begin with `YYYY-MM`, in UTC.
fn partition(
    spec: &StreamSpec,
    created_at: Option<&str>,
    origin: &RowOrigin<'_>,
) -> Option<String> {
    let year =
        |day: &str| day.split('-').next().map(|year| year.trim_start_matches('0').to_owned());
    match spec.partition {
        PartitionSpec::None => None,
        PartitionSpec::CreatedMonth => created_at.map(|at| at[..7].to_owned()),
        PartitionSpec::CreatedYear => created_at.and_then(year),
        PartitionSpec::ParentCreatedYear => origin.parent_created_at.and_then(year),
        PartitionSpec::PeriodYear => origin.period.and_then(|it| year(&it.start.to_string())),
    }
}

impl Reading {
    /// Reads the members of an object. `place` is its path in the declaration, `path` that in
    /// `extra_json`.
    fn object(
        &mut self,
        fields: &'static [FieldSpec],
        members: &[(String, &str)],
        place: &mut Vec<&'static str>,
        path: &str,
    ) {
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        for (at, (name, raw)) in members.iter().enumerate() {
            let here = joined(path, name);
            if members[at + 1..].iter().any(|(later, _)| later == name) {
                let times = times.entry(name).or_default();
                *times += 1;
                self.keep(&format!("{here}#{times}"), raw);
                continue;
            }
            match fields.iter().find(|field| field.name == name) {
                None => self.keep(&here, raw),
                Some(field) => {
                    place.push(field.name);
                    self.field(field.ty, raw, place, &here);
                    place.pop();
                }
            }
        }
    }

    fn field(&mut self, ty: FieldType, raw: &str, place: &mut Vec<&'static str>, path: &str) {
        let (kind, ty) = (
            kind(raw),
            match ty {
                FieldType::Object(fields) => {
                    match kind(raw) {
                        JsonKind::Object(Some(members)) => {
                            self.object(fields, &members, place, path);
                        }
                        JsonKind::Null => {}
                        _ => self.misfit(raw, place, path),
                    }
                    return;
                }
                FieldType::Objects(fields) => ListOf::Structs(fields),
                FieldType::Texts => ListOf::Values(ColumnType::Text),
                FieldType::Ints => ListOf::Values(ColumnType::Int),
                single => {
                    match cell(raw, &simple(single)) {
                        NaiveCell::Held(Some(text)) => drop(self.held.insert(place.clone(), text)),
                        NaiveCell::Held(None) => {}
                        NaiveCell::Misfit => self.misfit(raw, place, path),
                    }
                    return;
                }
            },
        );
        match kind {
            JsonKind::Null => {}
            JsonKind::List(items) => {
                let items = items.into_iter().enumerate();
                let texts: Vec<String> = items
                    .map(|(index, raw)| self.item(&ty, raw, &format!("{path}[{index}]")))
                    .collect();
                self.held.insert(place.clone(), format!("[{}]", texts.join(",")));
            }
            _ => self.misfit(raw, place, path),
        }
    }

    /// Returns an item of a list as JSON; what it does not hold goes to `extra_json`.
    fn item(&mut self, ty: &ListOf, raw: &str, path: &str) -> String {
        match ty {
            ListOf::Values(ty) => match cell(raw, ty) {
                NaiveCell::Held(text) => nested(text, ty),
                NaiveCell::Misfit => {
                    self.keep(path, raw);
                    "null".to_owned()
                }
            },
            ListOf::Structs(fields) => {
                let members = match kind(raw) {
                    JsonKind::Object(Some(members)) => members,
                    JsonKind::Null => return "null".to_owned(),
                    _ => {
                        self.keep(path, raw);
                        return "null".to_owned();
                    }
                };
                let mut inner = Self::default();
                inner.object(fields, &members, &mut Vec::new(), path);
                self.extra.append(&mut inner.extra);
                let mut leaves = Vec::new();
                flatten(fields, "", &mut Vec::new(), &mut leaves);
                let leaves: Vec<String> = leaves
                    .into_iter()
                    .map(|leaf| {
                        let value = nested(inner.held.remove(&leaf.path), &leaf.ty);
                        format!("{}:{value}", quoted(&leaf.name))
                    })
                    .collect();
                format!("{{{}}}", leaves.join(","))
            }
        }
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

/// Type of the items of a list.
enum ListOf {
    Structs(&'static [FieldSpec]),
    Values(ColumnType),
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
    for letter in name.chars() {
        if matches!(letter, '.' | '[' | ']' | '#' | '\\') {
            joined.push('\\');
        }
        joined.push(letter);
    }
    joined
}

/// Returns `extra_json` of a table as the rows here have it: members by path, each value in
/// canonical form.
///
/// # Panics
/// Where the text is no JSON object.
#[must_use]
pub fn canonical_extra(text: &str) -> String {
    let members = super::json::members(text).expect("an object in extra_json");
    let kept: BTreeMap<String, String> =
        members.into_iter().map(|(path, raw)| (path, canonical(raw))).collect();
    let kept: Vec<String> =
        kept.into_iter().map(|(path, raw)| format!("{}:{raw}", quoted(&path))).collect();
    format!("{{{}}}", kept.join(","))
}
