//! Views that turn the lists in records into rows.
//!
//! Line items of an invoice are a list in the row of the invoice. People ask for them as rows, and
//! the SQL for that is hard to write and differs between engines. Each view here is declared as
//! data; its statement and its columns follow from the declaration of the stream.
//!
//! Example: an invoice 7 with the line items `[{id: 1, amount: 5}, {id: 2, amount: 3}]` is shown as
//!
//! | `invoice_id` | `position` | `line_item_id` | `amount` |
//! | --- | --- | --- | --- |
//! | 7 | 1 | 1 | 5 |
//! | 7 | 2 | 2 | 3 |
//!
//! An invoice without line items has no row here.

use engine::schema::{Column, ColumnType, Member, columns};
use engine::spec::StreamSpec;

use crate::dialect::SqlEngine;
use crate::types::shown;

/// A view with one row for each item of a list column. A name that the stream lacks is left out of
/// the view; a test finds such names.
#[derive(Clone, Copy, Debug)]
pub struct ListView {
    /// Name of the view.
    pub name: &'static str,
    /// Description of the view.
    pub doc: &'static str,
    /// Name of the stream's table.
    pub stream: &'static str,
    /// Name of the list column.
    pub list: &'static str,
    /// Columns of the table, with their names in the view. Others can be joined from the table by
    /// the id.
    pub kept: &'static [(&'static str, &'static str)],
    /// Prefix of an item's member whose name would be unclear or is taken. In a list of plain
    /// values, the name of the value.
    pub prefix: &'static str,
}

/// A column of a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewColumn {
    /// Name of the column.
    pub name: String,
    /// Type of the column.
    pub ty: ColumnType,
    /// SQL expression of its value.
    pub sql: String,
}

/// All views of lists. Views with deleted rows are made for every stream, by `deleted`.
pub const VIEWS: &[ListView] = &[
    ListView {
        name: "invoice_line_items",
        doc: "One row for each line of an invoice; amounts are in the invoice's currency, before \
              its taxes and discount",
        stream: "invoices",
        list: "line_items",
        kept: &[
            ("id", "invoice_id"),
            ("number", "invoice_number"),
            ("state", "invoice_state"),
            ("issue_date", "issue_date"),
            ("client_id", "client_id"),
            ("client_name", "client_name"),
            ("currency", "currency"),
        ],
        prefix: "line_item",
    },
    ListView {
        name: "estimate_line_items",
        doc: "One row for each line of an estimate; amounts are in the estimate's currency, before \
              its taxes and discount",
        stream: "estimates",
        list: "line_items",
        kept: &[
            ("id", "estimate_id"),
            ("number", "estimate_number"),
            ("state", "estimate_state"),
            ("issue_date", "issue_date"),
            ("client_id", "client_id"),
            ("client_name", "client_name"),
            ("currency", "currency"),
        ],
        prefix: "line_item",
    },
    ListView {
        name: "user_task_assignments",
        doc: "One row for each task that a person may track time to, project by project",
        stream: "user_project_assignments",
        list: "task_assignments",
        kept: &[
            ("user_id", "user_id"),
            ("id", "project_assignment_id"),
            ("is_active", "project_assignment_is_active"),
            ("is_project_manager", "is_project_manager"),
            ("client_id", "client_id"),
            ("client_name", "client_name"),
            ("project_id", "project_id"),
            ("project_name", "project_name"),
        ],
        prefix: "task_assignment",
    },
    ListView {
        name: "role_users",
        doc: "One row for each person with a role",
        stream: "roles",
        list: "user_ids",
        kept: &[("id", "role_id"), ("name", "role_name")],
        prefix: "user_id",
    },
];

impl ListView {
    /// Columns of the view: those kept of the record, the position of the item in the list (from
    /// 1), the item.
    ///
    /// Members of an item keep their names unless these are `id` or taken by a column before. `id`
    /// alone would look like that of the record: the id of a line item becomes `line_item_id`.
    #[must_use]
    pub fn columns(&self, spec: &StreamSpec, engine: SqlEngine) -> Vec<ViewColumn> {
        let columns = columns(spec);
        let of = |name: &str| columns.iter().find(|column| column.name == name);
        let mut found: Vec<ViewColumn> = self
            .kept
            .iter()
            .filter_map(|(column, name)| {
                let Column { ty, .. } = of(column)?;
                let sql = shown(&format!("parent.{column}"), ty, engine);
                Some(ViewColumn { name: (*name).to_owned(), ty: ty.clone(), sql })
            })
            .collect();
        found.push(ViewColumn {
            name: "position".to_owned(),
            ty: ColumnType::Int,
            sql: match engine {
                SqlEngine::Athena | SqlEngine::DuckDb => "place.position".to_owned(),
                SqlEngine::Spark => "CAST(place.position AS BIGINT)".to_owned(),
            },
        });
        // An index from 1, as SQL arrays have it.
        let item = match engine {
            SqlEngine::Athena | SqlEngine::Spark => {
                format!("ELEMENT_AT(parent.{}, place.position)", self.list)
            }
            SqlEngine::DuckDb => format!("parent.{}[place.position]", self.list),
        };
        match of(self.list).map(|column| &column.ty) {
            Some(ColumnType::Structs(members)) => {
                for Member { name, ty, .. } in members {
                    let taken = name == "id" || found.iter().any(|column| column.name == *name);
                    let called =
                        if taken { format!("{}_{name}", self.prefix) } else { name.clone() };
                    let sql = shown(&format!("{item}.{name}"), ty, engine);
                    found.push(ViewColumn { name: called, ty: ty.clone(), sql });
                }
            }
            Some(ColumnType::Ints) => found.push(ViewColumn {
                name: self.prefix.to_owned(),
                ty: ColumnType::Int,
                sql: item,
            }),
            Some(_) | None => {}
        }
        found
    }

    /// Statement of the view.
    ///
    /// The list is read by position, because `UNNEST` of a list of records gives columns in one
    /// engine and a record in another. `SEQUENCE` cannot be empty, so it counts to 1 at least, and
    /// a condition excludes lists without items. A list that is null has no length, and the
    /// condition is not true for it either.
    #[must_use]
    pub fn sql(&self, spec: &StreamSpec, engine: SqlEngine) -> String {
        let columns: Vec<String> = self
            .columns(spec, engine)
            .into_iter()
            .map(|column| format!("  {} AS {}", column.sql, column.name))
            .collect();
        let list = format!("parent.{}", self.list);
        let (places, length) = match engine {
            SqlEngine::Athena => {
                let length = format!("CARDINALITY({list})");
                let places = format!("UNNEST(SEQUENCE(1, GREATEST({length}, 1)))");
                (format!("CROSS JOIN {places} AS place (position)"), length)
            }
            SqlEngine::DuckDb => {
                let length = format!("LEN({list})");
                let places = format!("UNNEST(GENERATE_SERIES(1, GREATEST({length}, 1)))");
                (format!("CROSS JOIN {places} AS place (position)"), length)
            }
            SqlEngine::Spark => {
                let length = format!("SIZE({list})");
                let places = format!("EXPLODE(SEQUENCE(1, GREATEST({length}, 1)))");
                (format!("LATERAL VIEW {places} place AS position"), length)
            }
        };
        format!(
            "SELECT\n{}\nFROM {} AS parent\n{places}\nWHERE place.position <= {length}",
            columns.join(",\n"),
            self.stream,
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_view_is_of_a_stream_and_its_columns_have_names_of_their_own() {
        for view in VIEWS {
            let spec = streams::find(view.stream).unwrap();
            let columns = view.columns(spec, SqlEngine::Athena);
            let names: BTreeSet<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            assert_eq!(names.len(), columns.len(), "{}", view.name);
            assert!(columns.len() > view.kept.len() + 1, "{} shows no item", view.name);
            for (column, name) in view.kept {
                assert!(names.contains(name), "{}: there is no {column}", view.name);
            }
            assert!(streams::find(view.name).is_none(), "{} is a stream", view.name);
        }
    }

    #[test]
    fn an_items_own_id_is_not_mistaken_for_the_records() {
        let view = &VIEWS[0];
        let sql = view.sql(streams::find(view.stream).unwrap(), SqlEngine::Athena);
        assert!(sql.contains("parent.id AS invoice_id"), "{sql}");
        assert!(sql.contains(".id AS line_item_id"), "{sql}");
        assert!(sql.contains(".amount AS amount"), "{sql}");
    }
}
