//! `harvest-lake export`.

use lake::export::{Exported, PartitionBy};
use runtime::aws::Aws;
use runtime::config::{Given, LakePlace, find_stream, has_own_s3_endpoint};
use runtime::parts;
use serde_json::json;

use crate::arguments::ExportArguments;
use crate::exit::{CliError, Exit};
use crate::lake_facts::LakeFacts;
use crate::said::Said;
use crate::text;

/// Writes a snapshot of each table, and says how other engines are told of it.
pub(crate) async fn export(arguments: &ExportArguments, given: &Given) -> Result<Said, CliError> {
    let mut given = given.clone();
    arguments.lake.give(&mut given);
    let Some((target, names)) = arguments.names.split_last() else {
        return Err(CliError::Target { why: "name one".to_owned() });
    };
    let specs = names.iter().map(|name| find_stream(name)).collect::<Result<Vec<_>, _>>()?;
    let place = LakePlace::parse(target).map_err(|why| CliError::Target { why })?;
    let store = parts::store(&place, &Aws::new(has_own_s3_endpoint())).await;
    let lake = LakeFacts::of(&given).await?;
    let mut rows = Vec::new();
    let mut documents = Vec::new();
    let mut statements = String::new();
    for spec in specs {
        let Some(table) = lake.open(spec).await? else {
            return Err(CliError::NoTable { stream: spec.name, lake: lake.place.to_string() });
        };
        let by = arguments.partition_by.as_deref();
        let by = by.map(|name| PartitionBy::parse(table.schema(), name)).transpose()?;
        let exported = lake::export::export(&table, by.as_ref(), &*store)
            .await
            .map_err(|source| CliError::Export { stream: spec.name, source })?;
        let Exported { folder, version, files, rows: count, bytes, .. } = &exported;
        let location = place.locate(&format!("{folder}/"));
        let partition = exported.partition.as_ref().map(|(name, ty)| (name.as_str(), *ty));
        let statement =
            catalog::ddl::hive_table(spec, spec.name, &exported.columns, partition, &location);
        rows.push(vec![
            spec.name.to_owned(),
            location.clone(),
            version.to_string(),
            text::count(*files),
            text::count(*count),
            text::bytes(*bytes),
            if exported.existed { "there already" } else { "" }.to_owned(),
        ]);
        documents.push(json!({
            "stream": spec.name,
            "location": location,
            "version": version,
            "files": files,
            "rows": count,
            "bytes": bytes,
            "existed": exported.existed,
            "statement": statement,
        }));
        statements.push('\n');
        statements.push_str(&statement);
        statements.push('\n');
    }
    let header = ["stream", "snapshot", "version", "files", "rows", "size", ""];
    let text = text::table(&header, 2..6, rows) + &statements;
    Ok(Said { text, json: json!({ "exports": documents, "exit_code": 0 }), exit: Exit::Done })
}
