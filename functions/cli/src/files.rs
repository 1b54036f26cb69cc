//! `harvest-lake files`.

use runtime::config::{Given, find_stream};
use serde_json::json;

use crate::arguments::FilesArguments;
use crate::exit::{CliError, Exit};
use crate::lake_facts::LakeFacts;
use crate::said::Said;
use crate::text;

/// The files that a table consists of now.
pub(crate) async fn files(arguments: &FilesArguments, given: &Given) -> Result<Said, CliError> {
    let of_changes = arguments.stream.strip_suffix("_changes");
    let spec = find_stream(of_changes.unwrap_or(&arguments.stream))?;
    let mut given = given.clone();
    arguments.lake.give(&mut given);
    let lake = LakeFacts::of(&given).await?;
    let opened =
        if of_changes.is_some() { lake.open_changes(spec).await? } else { lake.open(spec).await? };
    let Some(table) = opened else {
        return Err(CliError::NoTable { stream: spec.name, lake: lake.place.to_string() });
    };
    let path = |path: &str| lake.place.locate(&format!("{}/{path}", table.root()));
    let mut lines = String::new();
    let mut rows = Vec::new();
    let mut documents = Vec::new();
    for file in table.files() {
        let path = path(&file.path);
        lines.push_str(&path);
        lines.push('\n');
        let partition = file.partition.clone().unwrap_or_else(|| "·".to_owned());
        rows.push(vec![path.clone(), partition, text::count(file.rows), text::bytes(file.size)]);
        documents.push(json!({
            "path": path,
            "partition": file.partition,
            "rows": file.rows,
            "bytes": file.size,
        }));
    }
    let count = rows.len() as u64;
    let sum = format!(
        "\n{} of version {}: {}, {}, {}\n",
        table.schema().name,
        table.version(),
        text::plural(count, "file", "files"),
        text::plural(table.rows(), "row", "rows"),
        text::bytes(table.bytes()),
    );
    let text = if arguments.paths {
        lines
    } else {
        text::table(&["file", "partition", "rows", "size"], 2..4, rows) + &sum
    };
    let json = json!({
        "stream": &*table.schema().name,
        "version": table.version(),
        "rows": table.rows(),
        "bytes": table.bytes(),
        "files": documents,
    });
    Ok(Said { text, json, exit: Exit::Done })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use engine::ids::AccountId;
    use engine::time::Timestamp;
    use lake::store::FolderStore;
    use lake::table::Table;
    use runtime::config::Setting;

    use super::*;

    #[tokio::test]
    async fn a_table_without_rows_has_no_files_and_a_missing_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(FolderStore::new(folder.path()));
        let account = AccountId(7);
        let now = Timestamp::UNIX_EPOCH;
        Table::create(store.clone(), &streams::CLIENTS, account, now).await.unwrap();
        Table::create_changes(store, &streams::CLIENTS, account, now).await.unwrap();
        let mut given = Given::default();
        given.set(Setting::LAKE, folder.path().to_str().unwrap());
        let ask = |stream: &str, paths| FilesArguments {
            stream: stream.to_owned(),
            paths,
            ..FilesArguments::default()
        };
        let said = files(&ask("clients", true), &given).await.unwrap();
        assert_eq!(said.text, "");
        assert_eq!(said.json["version"], 0);
        let said = files(&ask("clients_changes", true), &given).await.unwrap();
        assert_eq!(said.json["stream"], "clients_changes");
        let error = files(&ask("tasks", false), &given).await.unwrap_err();
        assert_eq!(error.exit(), Exit::SomeFailed);
        assert!(error.chain().contains("`tasks`"), "{}", error.chain());
    }
}
