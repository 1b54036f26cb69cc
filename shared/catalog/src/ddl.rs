//! Statements for people who register tables themselves.
//!
//! Nothing runs these statements: the command line prints them, and people paste them into their
//! engine. The stack's own tables come from `template`.

use engine::schema::Column;
use engine::spec::StreamSpec;

use crate::types::hive;

/// `CREATE EXTERNAL TABLE` statement for Athena of the table `name`, whose columns and comments
/// Athena reads from the table's log. `lake` is `s3://bucket/prefix`; anything else becomes a
/// placeholder, because Athena reads no other stores. `doc` becomes a comment before the statement.
#[must_use]
pub fn athena(name: &str, doc: &str, lake: &str) -> String {
    let place = if lake.starts_with("s3://") { lake } else { "s3://<bucket>/<prefix>" };
    // Athena takes a name that begins with an underscore only in backticks.
    let known = if name.starts_with('_') { format!("`{name}`") } else { name.to_owned() };
    format!(
        "-- {name}: {doc}\nCREATE EXTERNAL TABLE {known}\nLOCATION '{}/tables/{name}/'\n\
         TBLPROPERTIES ('table_type' = 'DELTA');",
        quoted(place)
    )
}

/// `CREATE EXTERNAL TABLE` statement for Hive, Spark and Athena over plain Parquet files in
/// Hive-style folders. `columns` are those of the files. The optional `partition`, name and type,
/// is only in the names of the folders.
///
/// Such a table knows no folders at first. `MSCK REPAIR TABLE` finds those that exist; it has to be
/// repeated after each export that adds one.
#[must_use]
pub fn hive_table(
    spec: &StreamSpec,
    name: &str,
    columns: &[Column],
    partition: Option<(&str, &str)>,
    location: &str,
) -> String {
    let shown = |column: &Column| {
        let comment = format!(" COMMENT '{}'", quoted(&column.doc));
        let comment = if column.doc.is_empty() { "" } else { &comment };
        format!("  `{}` {}{comment}", column.name, hive(&column.ty))
    };
    let columns: Vec<String> = columns.iter().map(shown).collect();
    let partitioned = partition
        .map(|(column, ty)| format!("PARTITIONED BY (`{column}` {ty})\n"))
        .unwrap_or_default();
    let repair =
        if partition.is_some() { format!("\nMSCK REPAIR TABLE {name};") } else { String::new() };
    format!(
        "-- {}: {}\nCREATE EXTERNAL TABLE {name} (\n{}\n)\n{partitioned}STORED AS PARQUET\n\
         LOCATION '{}';{repair}",
        spec.name,
        spec.doc,
        columns.join(",\n"),
        quoted(location)
    )
}

/// Escapes `text` for use within single quotes, by doubling them as in standard SQL.
#[must_use]
pub fn quoted(text: &str) -> String {
    text.replace('\'', "''")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_name_the_place_of_the_table() {
        let clients = streams::find("clients").unwrap();
        let statement = athena(clients.name, clients.doc, "s3://b/p");
        assert!(statement.contains("LOCATION 's3://b/p/tables/clients/'"), "{statement}");
        assert!(statement.contains("TBLPROPERTIES ('table_type' = 'DELTA')"), "{statement}");
        assert!(athena(clients.name, clients.doc, "./lake").contains("s3://<bucket>/<prefix>"));
    }

    #[test]
    fn a_partition_column_is_named_apart_from_the_others() {
        let spec = streams::find("time_entries").unwrap();
        let columns = engine::schema::columns(spec);
        let partition = Some(("spent_month", "string"));
        let statement = hive_table(spec, "t", &columns, partition, "s3://b/e's/");
        assert!(statement.contains("PARTITIONED BY (`spent_month` string)"), "{statement}");
        assert!(statement.contains("LOCATION 's3://b/e''s/'"), "{statement}");
        assert!(statement.ends_with("MSCK REPAIR TABLE t;"), "{statement}");
        assert!(statement.contains("  `hours` decimal(18,6) COMMENT"), "{statement}");
    }
}
