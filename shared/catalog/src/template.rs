//! Renders the nested stack `infra/catalog.json`: database, tables, views, workgroup, saved
//! queries.
//!
//! It is a stack of its own, nested in that of the product: all streams with a table, a table of
//! changes and a view each are about a hundred resources, and AWS limits a template to 500. The
//! text is deterministic, with resources in the order of their names, so that a change of one
//! declaration changes a few lines of the file.

mod glue;

use engine::schema::{ColumnType, change_columns, changes_doc, changes_name, columns};
use serde_json::{Map, Value, json};

use crate::deleted;
use crate::dialect::SqlEngine;
use crate::model::{ANSWERS, MODEL, ModelColumn, ModelText, with_changes as need_changes};
use crate::view::VIEWS;
use glue::{table, view_resource};

/// Template as JSON text, ending with a newline.
///
/// `make render` writes it into the repository. Names of resources derive from names of tables
/// (`TableTimeEntries`) and must stay: for a new name, a deployment creates a second table before
/// it removes the first, and Glue refuses two tables of one name.
#[must_use]
pub fn render() -> String {
    let mut resources = Map::new();
    resources.insert("Database".to_owned(), database());
    resources.insert("Workgroup".to_owned(), workgroup());
    for spec in streams::STREAMS {
        // Three resources for each stream: its table, its changes, its view with deleted rows.
        let own = table(spec.name, spec.doc, &columns(spec));
        resources.insert(format!("Table{}", pascal(spec.name)), own);
        let name = changes_name(spec);
        let changes = table(&name, &changes_doc(spec), &change_columns(spec));
        resources.insert(format!("Table{}", pascal(&name)), with_changes(changes));
        let name = deleted::name(spec);
        let (columns, sql) = (deleted::shown(spec), deleted::sql(spec, SqlEngine::Athena));
        let view = view_resource(&name, &deleted::doc(spec), &plain(columns), &sql);
        resources.insert(format!("View{}", pascal(&name)), with_changes(view));
    }
    let ledger = &streams::RUNS;
    let runs = table(ledger.name, ledger.doc, &columns(ledger));
    resources.insert(format!("Table{}", pascal(ledger.name)), runs);
    for view in VIEWS {
        if let Some(spec) = streams::find(view.stream) {
            let columns = view.columns(spec, SqlEngine::Athena).into_iter();
            let columns = plain(columns.map(|column| (column.name, column.ty)).collect());
            let sql = view.sql(spec, SqlEngine::Athena);
            let resource = view_resource(view.name, view.doc, &columns, &sql);
            resources.insert(format!("View{}", pascal(view.name)), resource);
        }
    }
    add_model(&mut resources);
    let template = json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "harvest-lake: what Athena is told of the tables. Written by `make render`; do not edit.",
        "Parameters": parameters(),
        "Conditions": {
            "HasKey": { "Fn::Not": [{ "Fn::Equals": [{ "Ref": "KmsKeyArn" }, ""] }] },
            "HasChanges": { "Fn::Not": [{ "Fn::Equals": [{ "Ref": "NoChanges" }, "all"] }] },
        },
        "Resources": resources,
        "Outputs": {
            "Database": { "Description": "Glue database.", "Value": { "Ref": "Database" } },
            "Workgroup": { "Description": "Athena workgroup.", "Value": { "Ref": "Workgroup" } },
        },
    });
    let mut text = serde_json::to_string_pretty(&template).unwrap_or_default();
    text.push('\n');
    text
}

/// Adds the views of the model, and the answers as saved queries.
fn add_model(resources: &mut Map<String, Value>) {
    let changes = need_changes();
    let mut add = |name: String, one: &ModelText, resource: Value| {
        let resource = if changes.contains(one.name) { with_changes(resource) } else { resource };
        resources.insert(name, resource);
    };
    for view in MODEL {
        let sql = view.sql(SqlEngine::Athena);
        let resource = view_resource(view.name, &view.doc(), &view.columns(), &sql);
        add(format!("View{}", pascal(view.name)), view, resource);
    }
    for answer in ANSWERS {
        add(format!("Query{}", pascal(answer.name)), answer, query_resource(answer));
    }
}

/// Columns of a view whose meaning the tables tell.
fn plain(columns: Vec<(String, ColumnType)>) -> Vec<ModelColumn> {
    let plain = |(name, ty)| ModelColumn { name, ty, doc: String::new() };
    columns.into_iter().map(plain).collect()
}

/// Returns a resource about changes, which exists only where changes are kept: without a log every
/// query of it would fail.
fn with_changes(mut resource: Value) -> Value {
    if let Some(members) = resource.as_object_mut() {
        members.insert("Condition".to_owned(), json!("HasChanges"));
    }
    resource
}

/// Parameters, which the parent stack fills in. The patterns refuse values that would only fail
/// later, such as a location with a slash too many.
fn parameters() -> Value {
    json!({
        "DatabaseName": {
            "Type": "String",
            "AllowedPattern": "[a-z0-9_]{1,200}",
            "Description": "Name of the Glue database.",
        },
        "LakeLocation": {
            "Type": "String",
            "AllowedPattern": "s3://[a-z0-9.-]{3,63}(/[A-Za-z0-9._-]+)*",
            "Description": "Address of the lake, without a slash at its end.",
        },
        "WorkgroupName": {
            "Type": "String",
            "AllowedPattern": "[A-Za-z0-9._-]{1,128}",
            "Description": "Name of the Athena workgroup.",
        },
        "ResultsLocation": {
            "Type": "String",
            "AllowedPattern": "s3://[a-z0-9.-]{3,63}(/[A-Za-z0-9._-]+)*/",
            "Description": "Where Athena puts results, with a slash at its end.",
        },
        "ScanLimitBytes": {
            "Type": "Number",
            "Default": 2_000_000_000_u64,
            "MinValue": 10_000_000,
            "Description": "Bytes that one query may read.",
        },
        "NoChanges": {
            "Type": "String",
            "Default": "",
            "Description": "Whether there are tables of changes: none if it is all.",
        },
        "KmsKeyArn": {
            "Type": "String",
            "Default": "",
            "AllowedPattern": "|arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+",
            "Description": "Key that encrypts results; empty: S3's own.",
        },
    })
}

/// Glue database. Deleting it deletes descriptions only, never data.
fn database() -> Value {
    json!({
        "Type": "AWS::Glue::Database",
        "Properties": {
            "CatalogId": { "Ref": "AWS::AccountId" },
            "DatabaseInput": {
                "Name": { "Ref": "DatabaseName" },
                "Description": "An exact copy of a Harvest account.",
            },
        },
    })
}

/// Athena workgroup. Its settings bind all its queries, whatever a client asks for
/// (`EnforceWorkGroupConfiguration`), so that none reads more bytes than the limit. With
/// `RecursiveDeleteOption` the stack can be deleted although the workgroup contains saved queries.
fn workgroup() -> Value {
    json!({
        "Type": "AWS::Athena::WorkGroup",
        "Properties": {
            "Name": { "Ref": "WorkgroupName" },
            "Description": "Queries of the copy of the Harvest account.",
            "RecursiveDeleteOption": true,
            "WorkGroupConfiguration": {
                "EnforceWorkGroupConfiguration": true,
                "PublishCloudWatchMetricsEnabled": true,
                "BytesScannedCutoffPerQuery": { "Ref": "ScanLimitBytes" },
                "EngineVersion": { "SelectedEngineVersion": "Athena engine version 3" },
                "ResultConfiguration": {
                    "OutputLocation": { "Ref": "ResultsLocation" },
                    "EncryptionConfiguration": {
                        "EncryptionOption": { "Fn::If": ["HasKey", "SSE_KMS", "SSE_S3"] },
                        "KmsKey": { "Fn::If": ["HasKey", { "Ref": "KmsKeyArn" }, { "Ref": "AWS::NoValue" }] },
                    },
                },
            },
        },
    })
}

/// Saved query in the workgroup and the database of the stack.
fn query_resource(query: &ModelText) -> Value {
    json!({
        "Type": "AWS::Athena::NamedQuery",
        "Properties": {
            "Name": query.name,
            "Description": query.doc(),
            "Database": { "Ref": "Database" },
            "WorkGroup": { "Ref": "Workgroup" },
            "QueryString": query.commented(SqlEngine::Athena),
        },
    })
}

/// Converts `time_entries` to `TimeEntries`.
fn pascal(name: &str) -> String {
    name.split('_')
        .flat_map(|word| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_template_is_what_the_declarations_say() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/catalog.json");
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(committed == render(), "infra/catalog.json is stale: run `make render`");
    }

    #[test]
    fn every_stream_has_a_table_with_all_its_columns_and_one_place() {
        let template: Value = serde_json::from_str(&render()).unwrap();
        for spec in streams::STREAMS {
            for (table, declared) in
                [(spec.name.to_owned(), columns(spec)), (changes_name(spec), change_columns(spec))]
            {
                let name = format!("Table{}", pascal(&table));
                let input = &template["Resources"][&name]["Properties"]["TableInput"];
                let described = &input["StorageDescriptor"];
                let names: Vec<&str> = described["Columns"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|column| column["Name"].as_str().unwrap())
                    .collect();
                let declared: Vec<String> =
                    declared.into_iter().map(|column| column.name).collect();
                assert_eq!(names, declared, "{table}");
                let place = described["Location"]["Fn::Sub"].as_str().unwrap();
                assert_eq!(place, format!("${{LakeLocation}}/tables/{table}/"));
                assert_eq!(described["SerdeInfo"]["Parameters"]["path"]["Fn::Sub"], place);
            }
        }
        assert!(render().len() < 900_000, "CloudFormation takes a megabyte");
    }

    /// Name, statement and columns of every view. Each column has the type named by the view's
    /// document and the type named by Glue.
    fn views() -> Vec<(String, String, Vec<[String; 3]>)> {
        let template: Value = serde_json::from_str(&render()).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let inputs = template["Resources"].as_object().unwrap().values();
        let inputs = inputs.map(|resource| &resource["Properties"]["TableInput"]);
        let views = inputs.filter(|input| input["TableType"] == "VIRTUAL_VIEW").map(|input| {
            let document = &input["ViewOriginalText"]["Fn::Join"][1][1]["Fn::Base64"]["Fn::Sub"];
            let document: Value = serde_json::from_str(document.as_str().unwrap()).unwrap();
            let said = document["columns"].as_array().unwrap();
            let glue = input["StorageDescriptor"]["Columns"].as_array().unwrap();
            assert_eq!(said.len(), glue.len());
            let columns = said.iter().zip(glue).map(|(said, glue)| {
                assert_eq!(said["name"], glue["Name"]);
                [text(&said["name"]), text(&said["type"]), text(&glue["Type"])]
            });
            (text(&input["Name"]), text(&document["originalSql"]), columns.collect())
        });
        views.collect()
    }

    #[test]
    fn no_view_shows_an_instant_with_a_zone() {
        let views = views();
        assert_eq!(views.len(), streams::STREAMS.len() + VIEWS.len() + MODEL.len());
        let mut instants = 0;
        for (view, sql, columns) in views {
            assert!(!sql.contains("time zone"), "{view}: {sql}");
            for [name, engine, glue] in columns {
                assert!(!engine.contains("time zone"), "{view}.{name}: {engine}");
                assert_eq!(
                    engine.matches("timestamp(3)").count(),
                    glue.matches("timestamp").count()
                );
                if !glue.contains("timestamp") {
                    continue;
                }
                // A cast is required on both sides of a union, because tables may show the instant
                // with a zone.
                instants += 1;
                let halves = sql.split("UNION ALL").map(|half| half.split("FROM").next().unwrap());
                for half in halves {
                    assert!(
                        half.contains(&format!(" AS {engine}) AS {name}")),
                        "{view}.{name}: {sql}"
                    );
                }
            }
        }
        assert!(instants > 100, "{instants}");
    }
}
