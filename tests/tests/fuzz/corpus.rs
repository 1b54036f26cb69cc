//! Documents that inputs begin with.

use std::fs;
use std::path::{Path, PathBuf};

use crate::tree::JsonTree;

/// Returns the JSON documents in these folders of the package, in the order of their names.
pub(crate) fn documents(folders: &[&str]) -> Vec<JsonTree> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let documents: Vec<JsonTree> =
        folders.iter().flat_map(|folder| in_folder(&root.join(folder))).collect();
    assert!(!documents.is_empty(), "{folders:?} have documents");
    documents
}

fn in_folder(folder: &Path) -> Vec<JsonTree> {
    let Ok(files) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let text = |file: &PathBuf| fs::read_to_string(file).unwrap();
    files.iter().map(|file| JsonTree::of(text(file).trim())).collect()
}

/// Returns one of the documents; `which` is taken modulo their number.
pub(crate) fn one(documents: &[JsonTree], which: u8) -> JsonTree {
    documents[usize::from(which) % documents.len()].clone()
}
