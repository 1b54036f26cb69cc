//! Records and rows of users whose personal data is removed.

use std::collections::BTreeSet;

use arrow::array::{AsArray as _, BooleanArray, RecordBatch};
use arrow::compute::nullif;
use arrow::datatypes::Int64Type;
use arrow::error::ArrowError;
use engine::schema::ColumnSource;
use engine::spec::{FieldSpec, FieldType};

use super::branches::MemberBranches;
use super::{id_at, push_name};
use crate::raw;
use crate::schema::TableSchema;

/// Users whose personal data is removed.
#[derive(Debug)]
pub(super) struct ErasedUsers {
    pub(super) users: BTreeSet<i64>,
    /// Path of the member that identifies the user of a record.
    pub(super) person: Vec<&'static str>,
    /// Treatment of members in their records.
    pub(super) members: MemberBranches,
    /// Treatment of members in all other records. An earlier occurrence of a personal member may
    /// belong to an erased user, so only the last is kept.
    pub(super) others: MemberBranches,
    /// Declared members. Undeclared ones may be personal.
    pub(super) declared: &'static [FieldSpec],
}

impl ErasedUsers {
    /// Record reduced to its declared members.
    pub(super) fn declared_only(&self, raw: &str) -> Option<String> {
        let mut json = String::new();
        push_declared(&mut json, self.declared, raw)?;
        Some(json)
    }

    /// Whether the record is of an erased user.
    pub(super) fn is_theirs(&self, raw: &str) -> bool {
        id_at(raw, self.person.iter().copied()).is_some_and(|id| self.users.contains(&id))
    }

    /// Rows without `extra_json` where they are an erased user's.
    pub(super) fn without_extra(
        &self,
        schema: &TableSchema,
        rows: RecordBatch,
    ) -> Result<RecordBatch, ArrowError> {
        let at =
            |wanted: ColumnSource| schema.columns.iter().position(|column| column.source == wanted);
        let ids = at(ColumnSource::Record(self.person.clone()));
        let ids = ids.and_then(|at| rows.columns().get(at)?.as_primitive_opt::<Int64Type>());
        let extra = at(ColumnSource::Extra);
        let (Some(ids), Some(extra)) = (ids, extra) else { return Ok(rows) };
        let is_erased = |id: Option<i64>| id.is_some_and(|id| self.users.contains(&id));
        let theirs: BooleanArray = ids.iter().map(|id| Some(is_erased(id))).collect();
        if theirs.true_count() == 0 {
            return Ok(rows);
        }
        let mut columns = rows.columns().to_vec();
        if let Some(column) = columns.get_mut(extra) {
            *column = nullif(column, &theirs)?;
        }
        RecordBatch::try_new(rows.schema(), columns)
    }
}

/// Appends the object with its declared members only, at any depth. `None`: its members cannot be
/// told apart.
fn push_declared(json: &mut String, fields: &[FieldSpec], raw: &str) -> Option<()> {
    json.push('{');
    for (name, raw) in raw::members(raw).ok()? {
        let Some(field) = fields.iter().find(|field| field.name == &*name) else { continue };
        push_name(json, &name);
        if let FieldType::Object(inner) = field.ty
            && raw.starts_with('{')
        {
            push_declared(json, inner, raw)?;
        } else if let FieldType::Objects(inner) = field.ty
            && raw.starts_with('[')
        {
            push_declared_items(json, inner, raw)?;
        } else {
            json.push_str(raw);
        }
    }
    json.push('}');
    Some(())
}

/// Appends the list of objects with their declared members only. An item that is no object becomes
/// null, so that the others keep their positions.
fn push_declared_items(json: &mut String, fields: &[FieldSpec], raw: &str) -> Option<()> {
    json.push('[');
    for (at, raw) in raw::items(raw).ok()?.into_iter().enumerate() {
        if at > 0 {
            json.push(',');
        }
        if raw.starts_with('{') {
            push_declared(json, fields, raw)?;
        } else {
            json.push_str("null");
        }
    }
    json.push(']');
    Some(())
}
