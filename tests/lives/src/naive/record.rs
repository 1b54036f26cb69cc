//! Rows of records: declared fields, and the columns beside them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::ids::AccountId;
use engine::privacy::{FieldTreatment, PrivacyRules};
use engine::schema::{Column, ColumnSource};
use engine::spec::{PartitionSpec, StreamSpec};
use engine::window::Period;

use super::json::{JsonKind, canonical, kind, quoted};
use super::reading::NaiveValues;
use crate::declared::{declared, is_compared};

/// Values of a row in the order of [`DeclaredColumns::compared`].
///
/// [`DeclaredColumns::compared`]: crate::declared::DeclaredColumns::compared
pub type Row = Arc<[Option<String>]>;

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
    /// Fields that the settings exclude or hash.
    pub privacy: PrivacyRules,
    columns: Vec<NaiveColumn>,
}

/// A column of the table, and its place in key and row.
#[derive(Debug)]
struct NaiveColumn {
    column: &'static Column,
    in_key: Option<usize>,
    compared: bool,
}

impl NaiveColumn {
    fn of(spec: &StreamSpec, column: &'static Column) -> Self {
        let in_key = spec.primary_key.iter().position(|name| *name == column.name);
        let compared = is_compared(column);
        Self { column, in_key, compared }
    }
}

impl<'a> NaiveReader<'a> {
    /// Returns a reading of `spec`'s records without the own data of `erased` users.
    #[must_use]
    pub fn new(
        spec: &'static StreamSpec,
        account: AccountId,
        erased: &'a BTreeSet<i64>,
        privacy: PrivacyRules,
    ) -> Self {
        let columns = declared(spec).records.iter().map(|column| NaiveColumn::of(spec, column));
        Self { spec, account, erased, privacy, columns: columns.collect() }
    }

    /// Returns key and row of a record; `None` if it has no usable key.
    #[must_use]
    pub fn row(&self, record: &str, origin: &RowOrigin<'_>) -> Option<(String, Row)> {
        let JsonKind::Object(Some(members)) = kind(record) else { return None };
        let mut reading = NaiveValues::without(self.excluded());
        reading.object(self.spec.fields, &members, &mut Vec::new(), "");
        self.forget_erased(&mut reading);
        let created = reading.held.get(&vec!["created_at"]);
        let mut partition = partition(self.spec, created.map(String::as_str), origin);
        let mut row = Vec::with_capacity(self.columns.len());
        let mut key = vec![String::new(); self.spec.primary_key.len()];
        for NaiveColumn { column, in_key, compared } in &self.columns {
            let misfit = match &column.source {
                ColumnSource::Record(path) if in_key.is_some() => {
                    (1..=path.len()).any(|length| reading.misfits.contains(&path[..length]))
                }
                _ => false,
            };
            let value = match &column.source {
                ColumnSource::Partition => partition.take(),
                _ => self.value(column, &mut reading, origin),
            };
            let read = column.source == ColumnSource::SyncedAt;
            if (column.required && !read && value.is_none()) || misfit {
                return None;
            }
            if let Some(place) = in_key {
                key[*place] = value.clone().unwrap_or_default();
            }
            if *compared {
                row.push(value);
            }
        }
        Some((key.join("|"), row.into()))
    }

    /// Returns the fields that are kept nowhere. A hash is not computed here: its column is null,
    /// and not compared.
    fn excluded(&self) -> Vec<Vec<String>> {
        self.privacy.iter().map(|(path, _)| path.to_vec()).collect()
    }

    /// Returns the columns whose values are hashes.
    #[must_use]
    pub fn hashed(&self) -> BTreeSet<String> {
        let hashed = self.privacy.iter().filter(|(_, how)| *how == FieldTreatment::Hash);
        hashed.map(|(path, _)| path.join("_")).collect()
    }

    /// Removes what is a person's own if the person was erased.
    fn forget_erased(&self, reading: &mut NaiveValues) {
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

    /// Takes the value of `column`, which only one column has.
    fn value(
        &self,
        column: &Column,
        reading: &mut NaiveValues,
        origin: &RowOrigin<'_>,
    ) -> Option<String> {
        match &column.source {
            ColumnSource::Record(path) => reading.held.remove(path),
            ColumnSource::Parent => origin.parent.map(|id| id.to_string()),
            ColumnSource::PeriodStart => origin.period.map(|period| period.start.to_string()),
            ColumnSource::PeriodEnd => origin.period.map(|period| period.end.to_string()),
            ColumnSource::Account => Some(self.account.0.to_string()),
            ColumnSource::SyncedAt | ColumnSource::Change | ColumnSource::Partition => None,
            ColumnSource::Extra => {
                let extra = reading.extra.iter();
                let members: Vec<String> =
                    extra.map(|(path, raw)| format!("{}:{raw}", quoted(path))).collect();
                (!members.is_empty()).then(|| format!("{{{}}}", members.join(",")))
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
        PartitionSpec::CreatedMonth | PartitionSpec::StartedMonth => {
            created_at.map(|at| at[..7].to_owned())
        }
        PartitionSpec::CreatedYear => created_at.and_then(year),
        PartitionSpec::ParentCreatedYear => origin.parent_created_at.and_then(year),
        PartitionSpec::PeriodYear => origin.period.and_then(|it| year(&it.start.to_string())),
    }
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
