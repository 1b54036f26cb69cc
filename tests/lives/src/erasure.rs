//! Search of the whole lake for texts that must be nowhere.

#![expect(clippy::wildcard_enum_match_arm, reason = "files have columns of few types")]

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use bytes::Bytes;
use memchr::memmem;

use crate::naive::json::quoted;
use crate::oracle::Oracle;
use crate::reader::file::batch;
use crate::reader::memory::{KeptSearch, is_same};

impl Oracle<'_> {
    /// Returns the objects of the lake that contain one of `texts`, such as names of an erased person
    /// or values of an excluded field. Parquet files are searched as they are stored, statistics
    /// included, and cell by cell; all other objects as they are stored, also for texts in JSON's
    /// escapes.
    ///
    /// Objects that were searched for the same texts before are not searched again.
    pub async fn erased(&self, texts: &[&str]) -> Vec<String> {
        self.erased_below("", texts).await
    }

    /// Returns the same for the objects whose keys begin with `prefix`.
    pub async fn erased_below(&self, prefix: &str, texts: &[&str]) -> Vec<String> {
        let mut found = Vec::new();
        for object in self.store.list(prefix, None).await.expect("a store") {
            let Some(bytes) = self.store.get(&object.key).await.expect("a store") else { continue };
            let known = self.memory.shelves().searched.get(&object.key).cloned();
            if known.is_some_and(|it| it.texts == texts && is_same(&it.bytes, &bytes)) {
                continue;
            }
            let cells = self.cells(&object.key, &bytes);
            let is_in = |text: &str| {
                cells.contains(text) || memmem::find(&bytes, text.as_bytes()).is_some()
            };
            let holds = |text: &&&str| is_in(text) || is_in(quoted(text).trim_matches('"'));
            let held: Vec<&&str> = texts.iter().filter(holds).collect();
            found.extend(held.iter().map(|text| format!("{} contains {text}", object.key)));
            if held.is_empty() {
                let texts = texts.iter().map(|text| (*text).to_owned()).collect();
                self.memory.shelves().searched.insert(object.key, KeptSearch { bytes, texts });
            }
        }
        found
    }

    /// Returns all texts in the cells of a Parquet file.
    fn cells(&self, key: &str, bytes: &Bytes) -> String {
        let mut cells = String::new();
        if !key.ends_with(".parquet") {
            return cells;
        }
        let rows = self.memory.shelves().rows(key, bytes).or_else(|| batch(bytes).ok());
        for column in rows.iter().flat_map(RecordBatch::columns) {
            push_texts(&mut cells, column);
        }
        cells
    }
}

/// Adds every text of a column, at any depth.
fn push_texts(content: &mut String, column: &dyn Array) {
    match column.data_type() {
        DataType::Utf8 => {
            for text in column.as_string::<i32>().iter().flatten() {
                content.push_str(text);
                content.push('\n');
            }
        }
        DataType::Struct(_) => {
            for inner in column.as_struct().columns() {
                push_texts(content, inner);
            }
        }
        DataType::List(_) => push_texts(content, column.as_list::<i32>().values()),
        DataType::Map(_, _) => push_texts(content, column.as_map().entries()),
        other => debug_assert!(other.is_primitive() || *other == DataType::Boolean, "{other}"),
    }
}
