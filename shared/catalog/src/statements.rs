//! Everything about one lake as statements: tables, views, model, answers.
//!
//! The stack tells Athena all of this through Glue (`template`); here are the same tables and
//! views, for engines on one machine, or for an Athena of one's own.

use std::collections::BTreeSet;

use engine::schema::changes_name;

use crate::ddl::{self, quoted};
use crate::deleted;
use crate::dialect::SqlEngine;
use crate::model::{ANSWERS, MODEL, ModelColumn, ModelText};
use crate::view::VIEWS;

/// Statement that makes a table or a view, or prepares the session for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LakeStatement {
    /// Name of the table or view that it makes or comments; `None` for a setting of the session.
    pub name: Option<String>,
    /// Statement without a semicolon.
    pub sql: String,
}

/// Statements for a lake, each after those that it needs. `lake` is its folder or address. Tables
/// for which `exists` says no are left out, and with them all views that read them.
#[must_use]
pub fn statements(
    engine: SqlEngine,
    lake: &str,
    exists: impl Fn(&str) -> bool,
) -> Vec<LakeStatement> {
    let mut found = session(engine);
    let mut known: BTreeSet<String> = BTreeSet::new();
    for spec in streams::STREAMS {
        for name in [spec.name.to_owned(), changes_name(spec)] {
            if exists(&name) {
                known.insert(name.clone());
                found.push(LakeStatement { sql: table(engine, &name, lake), name: Some(name) });
            }
        }
    }
    let ledger = streams::RUNS.name;
    if exists(ledger) {
        found.push(LakeStatement {
            sql: table(engine, ledger, lake),
            name: Some(ledger.to_owned()),
        });
    }
    for view in VIEWS {
        let Some(spec) = streams::find(view.stream).filter(|spec| known.contains(spec.name)) else {
            continue;
        };
        known.insert(view.name.to_owned());
        found.push(made(engine, view.name, "", &view.sql(spec, engine)));
    }
    for spec in streams::STREAMS {
        if known.contains(spec.name) && known.contains(&changes_name(spec)) {
            found.push(made(engine, &deleted::name(spec), "", &deleted::sql(spec, engine)));
        }
    }
    let mut missing: BTreeSet<String> = every_name().filter(|name| !known.contains(name)).collect();
    for one in MODEL.iter().chain(ANSWERS) {
        if one.reads(missing.iter().map(String::as_str)).is_empty() {
            found.extend(described(engine, one));
        } else {
            missing.insert(one.name.to_owned());
        }
    }
    found
}

/// Names of all tables and views of lists.
fn every_name() -> impl Iterator<Item = String> {
    let tables =
        streams::STREAMS.iter().flat_map(|spec| [spec.name.to_owned(), changes_name(spec)]);
    tables.chain(VIEWS.iter().map(|view| view.name.to_owned()))
}

/// Statement that makes a table of the lake known.
fn table(engine: SqlEngine, name: &str, lake: &str) -> String {
    let place = format!("{}/tables/{name}", lake.trim_end_matches('/'));
    match engine {
        SqlEngine::Athena => {
            let statement = ddl::athena(name, "", lake);
            let lines: Vec<&str> = statement.lines().skip(1).collect();
            lines.join("\n").trim_end_matches(';').to_owned()
        }
        SqlEngine::DuckDb => {
            let place = literal(&place, engine);
            format!("CREATE OR REPLACE VIEW {name} AS SELECT * FROM delta_scan({place})")
        }
        SqlEngine::Spark => {
            let place = place.replace('`', "``");
            format!("CREATE OR REPLACE TEMPORARY VIEW {name} AS SELECT * FROM delta.`{place}`")
        }
    }
}

/// Statements that make a view of the model or an answer, with a comment for each column where the
/// engine has such comments.
fn described(engine: SqlEngine, one: &ModelText) -> Vec<LakeStatement> {
    let columns = one.columns();
    let comment = |column: &ModelColumn| literal(&column.doc, engine);
    match engine {
        SqlEngine::Athena => vec![made(engine, one.name, "", &one.sql(engine))],
        SqlEngine::Spark => {
            let named = |one: &ModelColumn| format!("{} COMMENT {}", one.name, comment(one));
            let named: Vec<String> = columns.iter().map(named).collect();
            let list = format!(" (\n  {}\n)", named.join(",\n  "));
            let list = if columns.is_empty() { "" } else { &list };
            vec![made(engine, one.name, list, &one.sql(engine))]
        }
        SqlEngine::DuckDb => {
            let name = one.name;
            let whole = format!("COMMENT ON VIEW {name} IS {}", literal(&one.doc(), engine));
            let each = |column: &ModelColumn| {
                format!("COMMENT ON COLUMN {name}.{} IS {}", column.name, comment(column))
            };
            let comments = std::iter::once(whole).chain(columns.iter().map(each));
            let comments = comments.map(|sql| LakeStatement { name: Some(name.to_owned()), sql });
            let view = made(engine, name, "", &one.sql(engine));
            std::iter::once(view).chain(comments).collect()
        }
    }
}

/// Literal of a text. Spark takes a quote after a backslash, and not a doubled one.
fn literal(text: &str, engine: SqlEngine) -> String {
    match engine {
        SqlEngine::Athena | SqlEngine::DuckDb => format!("'{}'", quoted(text)),
        SqlEngine::Spark => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
    }
}

/// Statements that prepare a session: instants are UTC.
fn session(engine: SqlEngine) -> Vec<LakeStatement> {
    let settings: &[&str] = match engine {
        SqlEngine::Athena => &[],
        SqlEngine::DuckDb => &["INSTALL delta", "LOAD delta", "SET TimeZone = 'UTC'"],
        SqlEngine::Spark => &["SET TIME ZONE 'UTC'"],
    };
    settings.iter().map(|sql| LakeStatement { name: None, sql: (*sql).to_owned() }).collect()
}

/// Statement that makes a view.
fn made(engine: SqlEngine, name: &str, columns: &str, sql: &str) -> LakeStatement {
    let begin = match engine {
        SqlEngine::Athena | SqlEngine::DuckDb => "CREATE OR REPLACE VIEW",
        SqlEngine::Spark => "CREATE OR REPLACE TEMPORARY VIEW",
    };
    let sql = format!("{begin} {name}{columns} AS\n{sql}");
    LakeStatement { name: Some(name.to_owned()), sql }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_statement_comes_after_those_that_it_needs() {
        for engine in SqlEngine::ALL {
            let all = statements(engine, "/it's/lake", |_| true);
            let place =
                |name: &str| all.iter().position(|one| one.name.as_deref() == Some(name)).unwrap();
            let tables = 2 * streams::STREAMS.len();
            assert!(place("role_users") >= tables && place("role_users") < place("fact_time"));
            assert!(place("fact_time") < place("fact_revenue_and_cost"));
            assert!(place("fact_revenue_and_cost") < place("margin_by_client"));
        }
    }

    #[test]
    fn quotes_in_places_and_comments_end_no_text() {
        let of = |engine| statements(engine, "/it's/lake", |_| true);
        let sql = |engine, name: &str| {
            let all = of(engine);
            all.into_iter().find(|one| one.name.as_deref() == Some(name)).unwrap().sql
        };
        assert!(sql(SqlEngine::DuckDb, "clients").contains("('/it''s/lake/tables/clients')"));
        assert!(sql(SqlEngine::Spark, "clients").contains("delta.`/it's/lake/tables/clients`"));
        let spark = sql(SqlEngine::Spark, "fact_time");
        assert!(spark.contains("the client\\'s.'"), "{spark}");
    }

    #[test]
    fn without_a_table_there_is_no_view_that_reads_it() {
        let some = statements(SqlEngine::DuckDb, "x", |name| name != "users_changes");
        let names: BTreeSet<&str> = some.iter().filter_map(|one| one.name.as_deref()).collect();
        for name in ["users_with_deleted", "dim_people", "fact_capacity", "utilisation"] {
            assert!(!names.contains(name), "{name}");
        }
        assert!(names.contains("users") && names.contains("fact_time"));
    }
}
