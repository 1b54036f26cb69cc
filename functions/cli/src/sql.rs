//! `harvest-lake sql`: tables, views, model and answers of one lake as statements for an engine.
//!
//! Nothing is run: the text goes to `duckdb -init`, `spark-sql -i`, or statement by statement to
//! Athena. Of a lake in a folder it names the tables that exist, because a view over a missing one
//! fails; of a bucket, or a folder without tables, all of them, without looking.

use std::path::Path;

use catalog::dialect::SqlEngine;
use catalog::statements::{LakeStatement, statements};
use deployment::config::{self, GivenSettings, LakePlace};
use serde_json::{Value, json};

use crate::arguments::{LakeEngine, SqlArguments};
use crate::error::CliError;
use crate::exit::CliExit;
use crate::said::CommandAnswer;

/// Returns the statements for the engine that was asked for.
///
/// # Errors
/// Fails if a setting names no lake.
pub(crate) fn sql(
    arguments: &SqlArguments,
    given: &GivenSettings,
) -> Result<CommandAnswer, CliError> {
    let mut given = given.clone();
    arguments.settings.give(&mut given);
    given.check()?;
    let engine = match arguments.engine {
        LakeEngine::Athena => SqlEngine::Athena,
        LakeEngine::Duckdb => SqlEngine::DuckDb,
        LakeEngine::Spark => SqlEngine::Spark,
    };
    let (lake, found) = match config::lake(&given)? {
        LakePlace::Folder(folder) => {
            // The statements may be run from another folder than this one.
            let folder = std::path::absolute(&folder).unwrap_or(folder);
            let found = of_folder(engine, &folder);
            (folder.display().to_string(), found)
        }
        place @ LakePlace::Bucket { .. } => {
            let lake = place.to_string();
            let found = statements(engine, &lake, |_| true);
            (lake, found)
        }
    };
    let text: Vec<String> = found.iter().map(|one| format!("{};\n\n", one.sql)).collect();
    let shown = |one: &LakeStatement| json!({ "name": one.name, "statement": one.sql });
    let json = json!({
        "engine": engine.name(),
        "lake": lake,
        "statements": found.iter().map(shown).collect::<Vec<Value>>(),
    });
    Ok(CommandAnswer::new(text.concat(), json, CliExit::Done))
}

/// Returns the statements for a lake in a folder.
fn of_folder(engine: SqlEngine, folder: &Path) -> Vec<LakeStatement> {
    let tables = folder.join("tables");
    let has = |name: &str| tables.join(name).join("_delta_log").is_dir();
    let is_empty = !tables.is_dir();
    statements(engine, &folder.display().to_string(), |name| is_empty || has(name))
}

#[cfg(test)]
mod tests {
    use deployment::config::SettingName;

    use super::*;

    fn asked(engine: LakeEngine, lake: &str) -> CommandAnswer {
        let mut given = GivenSettings::default();
        given.set(SettingName::LAKE, lake);
        sql(&SqlArguments { engine, ..SqlArguments::default() }, &given).unwrap()
    }

    fn names(said: &CommandAnswer) -> Vec<&str> {
        let all = said.json["statements"].as_array().unwrap();
        all.iter().filter_map(|one| one["name"].as_str()).collect()
    }

    #[test]
    fn a_bucket_gets_everything_for_each_engine() {
        for engine in [LakeEngine::Athena, LakeEngine::Duckdb, LakeEngine::Spark] {
            let said = asked(engine, "s3://bucket/prefix");
            let names = names(&said);
            for name in ["clients", "clients_changes", "role_users", "fact_time", "utilisation"] {
                assert!(names.contains(&name), "{name}");
            }
            assert!(said.text.contains("s3://bucket/prefix/tables/clients"), "{}", said.text);
        }
    }

    #[test]
    fn a_folder_gets_what_its_tables_allow() {
        let folder = tempfile::tempdir().unwrap();
        for table in ["clients", "invoices", "invoice_payments"] {
            std::fs::create_dir_all(folder.path().join("tables").join(table).join("_delta_log"))
                .unwrap();
        }
        let said = asked(LakeEngine::Duckdb, folder.path().to_str().unwrap());
        let names = names(&said);
        for name in ["clients", "invoice_line_items", "fact_payments", "invoice_ageing"] {
            assert!(names.contains(&name), "{name} is not in {names:?}");
        }
        for name in ["clients_changes", "clients_with_deleted", "dim_clients", "fact_time"] {
            assert!(!names.contains(&name), "{name}");
        }
        assert!(said.text.starts_with("INSTALL delta;"), "{}", said.text);
    }
}
