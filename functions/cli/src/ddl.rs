//! `harvest-lake schema`: columns, and the statements that register a table with an engine.
//!
//! Everything comes from the declaration: no lake is opened, and none has to exist. The place of
//! the lake is only text in the statement. A table may lack columns that this version declares
//! until its next run, or until `upgrade`.
//!
//! Athena reads a Delta table that is registered once and learns of new columns from the log.
//! DuckDB has no such registration: its statement makes a view over `delta_scan`.

use catalog::ddl::{self, quoted};
use catalog::types;
use deployment::config::{GivenSettings, SettingName};
use engine::schema::{
    Column, ColumnSource, ColumnType, Member, change_columns, changes_doc, changes_name, columns,
};
use engine::spec::StreamSpec;
use serde_json::{Value, json};
use streams::{find_stream, find_table};

use crate::arguments::{QueryEngine, SchemaArguments};
use crate::duckdb;
use crate::error::CliError;
use crate::exit::CliExit;
use crate::said::{CommandAnswer, TextStyle};
use crate::table::TextTable;

/// The columns of a stream, or the statement that was asked for.
///
/// # Errors
/// Fails if there is no such stream, or a setting is empty.
pub(crate) fn schema(
    arguments: &SchemaArguments,
    given: &GivenSettings,
    paint: TextStyle,
) -> Result<CommandAnswer, CliError> {
    let described = DescribedTable::of(&arguments.stream)?;
    let DescribedTable { name, doc, .. } = &described;
    let mut given = given.clone();
    arguments.settings.give(&mut given);
    // An empty setting is refused, although nothing is opened: the statement would name a place
    // that nobody meant.
    given.check()?;
    // The statements put `/tables/...` behind it.
    let lake = given.get(SettingName::LAKE).unwrap_or_default().trim_end_matches('/');
    Ok(match arguments.ddl {
        None => shown(&described, paint),
        Some(engine) => {
            let statement = match engine {
                QueryEngine::Athena => ddl::athena(name, doc, lake),
                QueryEngine::Duckdb => duckdb(name, doc, lake),
            };
            let json = json!({ "stream": name, "statement": statement });
            CommandAnswer::new(format!("{statement}\n"), json, CliExit::Done)
        }
    })
}

/// Table named on the command line: that of a stream, or that of its changes.
struct DescribedTable {
    /// The stream; also for a table of changes, which shares its key.
    spec: &'static StreamSpec,
    /// Name of the table: `clients`, `clients_changes`.
    name: String,
    /// Sentence about a row of the table.
    doc: String,
    /// Columns in the order of the table, derived ones included.
    columns: Vec<Column>,
}

impl DescribedTable {
    /// Finds the table by the name that a person typed.
    ///
    /// # Errors
    /// Fails if there is no such stream; the error suggests near names.
    fn of(name: &str) -> Result<Self, CliError> {
        // If the part before `_changes` is no stream, the whole name is looked up below, so that
        // the error names what was typed.
        if let Some(spec) = name.strip_suffix("_changes").and_then(|name| find_stream(name).ok()) {
            let (name, doc) = (changes_name(spec), changes_doc(spec));
            return Ok(Self { spec, name, doc, columns: change_columns(spec) });
        }
        let spec = find_table(name)?;
        let (name, doc) = (spec.name.to_owned(), spec.doc.to_owned());
        Ok(Self { spec, name, doc, columns: columns(spec) })
    }
}

/// Returns the columns as text and as JSON. A list of structs has a line for each member, named as
/// in SQL: `line_items[].unit_price`. The document has the whole type in one member instead.
fn shown(described: &DescribedTable, paint: TextStyle) -> CommandAnswer {
    let DescribedTable { spec, name, doc, columns } = described;
    let key = |column: &Column| spec.primary_key.contains(&column.name.as_str());
    let partition = |column: &Column| column.source == ColumnSource::Partition;
    let mut rows = Vec::new();
    for column in columns {
        // Volatile columns may differ without a change of the record, such as the time of reading
        // or a download link.
        let remarks = [
            (column.required, "never null"),
            (key(column), "key"),
            (partition(column), "partition"),
            (column.volatile, "volatile"),
        ];
        let remarks = remarks.into_iter().filter_map(|(is, remark)| is.then_some(remark));
        rows.push(vec![
            column.name.clone(),
            shown_type(&column.ty),
            remarks.collect::<Vec<_>>().join(", "),
            column.doc.clone(),
        ]);
        for member in members(&column.ty) {
            rows.push(vec![format!("{}[].{}", column.name, member.name), types::hive(&member.ty)]);
        }
    }
    let header = ["column", "type", "", "comment"];
    let table = TextTable { header: &header, numbers: 0..0, spare: &[], rows }.text(paint);
    let document = |column: &Column| {
        json!({
            "name": column.name,
            "type": types::hive(&column.ty),
            "nullable": !column.required,
            "key": key(column),
            "partition": partition(column),
            "volatile": column.volatile,
            "comment": column.doc,
        })
    };
    let json = json!({
        "stream": name,
        "doc": doc,
        "columns": columns.iter().map(document).collect::<Vec<Value>>(),
    });
    CommandAnswer::new(format!("{name}: {doc}\n\n{table}"), json, CliExit::Done)
}

/// Returns the members of a list's structs; none for other columns.
fn members(ty: &ColumnType) -> &[Member] {
    match ty {
        ColumnType::Structs(members) => members,
        ColumnType::Int
        | ColumnType::Text
        | ColumnType::Bool
        | ColumnType::Date
        | ColumnType::Instant
        | ColumnType::Decimal { .. }
        | ColumnType::Texts
        | ColumnType::Ints => &[],
    }
}

/// Type as `types::hive` writes it, but structs shortened: their members have lines of their own.
fn shown_type(ty: &ColumnType) -> String {
    if members(ty).is_empty() { types::hive(ty) } else { "array<struct>".to_owned() }
}

/// Returns the statements of DuckDB that make a view of the table, with its comment. Running them
/// again replaces the view.
fn duckdb(name: &str, doc: &str, lake: &str) -> String {
    format!(
        "-- {name}: {doc}\nCREATE OR REPLACE VIEW {name} AS SELECT * FROM {};\n\
         COMMENT ON VIEW {name} IS '{}';",
        duckdb::scan(lake, name),
        quoted(doc)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(
        stream: &str,
        ddl: Option<QueryEngine>,
        lake: Option<&str>,
    ) -> Result<CommandAnswer, CliError> {
        let mut given = GivenSettings::default();
        if let Some(lake) = lake {
            given.set(SettingName::LAKE, lake);
        }
        let stream = stream.to_owned();
        let wanted = SchemaArguments { stream, ddl, ..SchemaArguments::default() };
        schema(&wanted, &given, TextStyle::PLAIN)
    }

    #[test]
    fn every_column_is_shown_with_its_type() {
        for spec in streams::STREAMS {
            let said = asked(spec.name, None, None).unwrap();
            let shown = said.json["columns"].as_array().unwrap();
            assert_eq!(shown.len(), columns(spec).len());
            assert_eq!(shown.iter().filter(|c| c["key"] == true).count(), spec.primary_key.len());
            for column in columns(spec) {
                assert!(said.text.contains(&column.name), "{} of {}", column.name, spec.name);
            }
        }
        let said = asked("invoices", None, None).unwrap();
        assert!(said.text.contains("line_items[].unit_price"), "{}", said.text);
        assert!(said.json.to_string().contains("array<struct<id:bigint,"), "{}", said.json);
        assert!(said.text.contains("decimal(18,4)"), "{}", said.text);
    }

    #[test]
    fn statements_name_the_place_of_the_table() {
        let athena = asked("clients", Some(QueryEngine::Athena), Some("s3://b/p/")).unwrap().text;
        assert!(athena.contains("LOCATION 's3://b/p/tables/clients/'"), "{athena}");
        assert!(athena.contains("TBLPROPERTIES ('table_type' = 'DELTA')"), "{athena}");
        let duckdb = asked("clients", Some(QueryEngine::Duckdb), Some("/it's/lake")).unwrap().text;
        assert!(duckdb.contains("FROM delta_scan('/it''s/lake/tables/clients')"), "{duckdb}");
    }

    #[test]
    fn tables_of_changes_are_described_as_well() {
        let said = asked("clients_changes", None, None).unwrap();
        let names: Vec<&str> = said.json["columns"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|c| c["name"].as_str())
            .collect();
        assert_eq!(names[..4], ["op", "changed_at", "sequence", "id"]);
        assert_eq!(names.last(), Some(&"changed_month"));
        let athena =
            asked("clients_changes", Some(QueryEngine::Athena), Some("s3://b/p")).unwrap().text;
        assert!(athena.contains("LOCATION 's3://b/p/tables/clients_changes/'"), "{athena}");
        assert!(asked("nothing_changes", None, None).is_err());
    }

    #[test]
    fn an_unknown_stream_is_wrong_usage() {
        let error = asked("client", None, None).unwrap_err();
        assert_eq!(error.exit(), CliExit::Usage);
        assert!(error.chain().contains("`clients`"));
    }
}
