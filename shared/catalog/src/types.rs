//! Names of column types in SQL engines.
//!
//! Athena has two dialects (Athena documentation, Data types): statements that define tables take
//! Hive's names, queries and views take Trino's. Both name the same type of the table.

use engine::schema::{ColumnType, Member};

use crate::dialect::{SqlEngine, instant};

/// Type name in Hive, Glue and Delta: `array<struct<id:bigint>>`.
#[must_use]
pub fn hive(ty: &ColumnType) -> String {
    match ty {
        ColumnType::Int => "bigint".to_owned(),
        ColumnType::Text => "string".to_owned(),
        ColumnType::Bool => "boolean".to_owned(),
        ColumnType::Date => "date".to_owned(),
        ColumnType::Instant => "timestamp".to_owned(),
        ColumnType::Decimal { scale } => format!("decimal(18,{scale})"),
        ColumnType::Texts => "array<string>".to_owned(),
        ColumnType::Ints => "array<bigint>".to_owned(),
        ColumnType::Structs(members) => {
            let member = |member: &Member| format!("{}:{}", member.name, hive(&member.ty));
            let members: Vec<String> = members.iter().map(member).collect();
            format!("array<struct<{}>>", members.join(","))
        }
    }
}

/// Type name of a view's column in Athena's engine: `array(row(id bigint))`. An instant has no zone
/// and is in UTC, because Athena refuses zones in views. It shows milliseconds; Harvest's instants
/// are whole seconds.
#[must_use]
pub fn trino(ty: &ColumnType) -> String {
    match ty {
        ColumnType::Int | ColumnType::Bool | ColumnType::Date | ColumnType::Decimal { .. } => {
            hive(ty)
        }
        ColumnType::Text => "varchar".to_owned(),
        ColumnType::Instant => "timestamp(3)".to_owned(),
        ColumnType::Texts => "array(varchar)".to_owned(),
        ColumnType::Ints => "array(bigint)".to_owned(),
        ColumnType::Structs(members) => {
            let member = |member: &Member| format!("{} {}", member.name, trino(&member.ty));
            let members: Vec<String> = members.iter().map(member).collect();
            format!("array(row({}))", members.join(", "))
        }
    }
}

/// Type name in `DuckDB`: `STRUCT(id BIGINT)[]`. Instants have no zone, as in the views of Athena.
#[must_use]
pub fn duckdb(ty: &ColumnType) -> String {
    match ty {
        ColumnType::Int | ColumnType::Bool | ColumnType::Date | ColumnType::Decimal { .. } => {
            hive(ty).to_uppercase()
        }
        ColumnType::Text => "VARCHAR".to_owned(),
        ColumnType::Instant => instant(SqlEngine::DuckDb).to_owned(),
        ColumnType::Texts => "VARCHAR[]".to_owned(),
        ColumnType::Ints => "BIGINT[]".to_owned(),
        ColumnType::Structs(members) => {
            let member = |member: &Member| format!("{} {}", member.name, duckdb(&member.ty));
            let members: Vec<String> = members.iter().map(member).collect();
            format!("STRUCT({})[]", members.join(", "))
        }
    }
}

/// Type name of a view's column in an engine.
#[must_use]
pub fn in_views(ty: &ColumnType, engine: SqlEngine) -> String {
    match engine {
        SqlEngine::Athena => trino(ty),
        SqlEngine::DuckDb => duckdb(ty),
        SqlEngine::Spark => hive(ty),
    }
}

/// Expression for the column `sql` of a table in a view, of the type that [`in_views`] names.
/// Instants lose their zone, which is UTC, whether the engine gives them one or not. Spark has no
/// other instants.
///
/// Whether Athena shows an instant of a Delta table with a zone is not relied on: a view may be
/// refused if its document names other types than its statement yields.
#[must_use]
pub fn shown(sql: &str, ty: &ColumnType, engine: SqlEngine) -> String {
    if holds_instants(ty) && engine != SqlEngine::Spark {
        format!("CAST({sql} AS {})", in_views(ty, engine))
    } else {
        sql.to_owned()
    }
}

/// Whether this type is an instant or contains one. A list of structs with one has to be cast as a
/// whole, because its members cannot be cast in place.
fn holds_instants(ty: &ColumnType) -> bool {
    match ty {
        ColumnType::Instant => true,
        ColumnType::Structs(members) => members.iter().any(|member| holds_instants(&member.ty)),
        ColumnType::Int
        | ColumnType::Text
        | ColumnType::Bool
        | ColumnType::Date
        | ColumnType::Decimal { .. }
        | ColumnType::Texts
        | ColumnType::Ints => false,
    }
}

#[cfg(test)]
mod tests {
    use engine::schema::columns;

    use super::*;

    #[test]
    fn every_type_has_its_two_names() {
        let mut seen = std::collections::BTreeSet::new();
        for spec in streams::STREAMS {
            for column in columns(spec) {
                seen.insert((hive(&column.ty), trino(&column.ty)));
            }
        }
        for (hive, trino) in [
            ("bigint", "bigint"),
            ("string", "varchar"),
            ("timestamp", "timestamp(3)"),
            ("decimal(18,4)", "decimal(18,4)"),
            ("array<string>", "array(varchar)"),
            ("array<bigint>", "array(bigint)"),
        ] {
            assert!(seen.contains(&(hive.to_owned(), trino.to_owned())), "{hive}");
        }
        let lists = seen.iter().find(|(hive, _)| hive.starts_with("array<struct<id:bigint,"));
        assert!(lists.is_some_and(|(_, trino)| trino.starts_with("array(row(id bigint, ")));
    }
}
