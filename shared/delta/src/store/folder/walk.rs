//! Walk over the files of a folder and of the folders in it.

use std::fs;
use std::io;
use std::path::Path;

use super::super::check_key;
use super::{StoreFolder, present};

impl StoreFolder {
    /// Calls `visit` with key and path of every file that may lie below `prefix`, in any order.
    /// Files and folders that vanish during the walk are skipped: other processes may write and
    /// delete.
    ///
    /// `prefix` need not end at a folder. For `t/a` the walk begins in `t` and enters `a`, `a-b`
    /// and `a1`, but not `b`; `visit` checks the prefix of each key itself.
    pub(super) fn walk(
        &self,
        prefix: &str,
        visit: &mut dyn FnMut(&str, &Path) -> io::Result<()>,
    ) -> io::Result<()> {
        let (folder, _) = prefix.rsplit_once('/').unwrap_or_default();
        if check_key(folder).is_err() && !folder.is_empty() {
            return Ok(()); // no key begins so
        }
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            let Some(entries) = present(fs::read_dir(self.root.join(&folder)))? else {
                continue;
            };
            for entry in entries {
                let Some(entry) = present(entry)? else {
                    continue;
                };
                // Names that are not UTF-8 are not ours.
                let Ok(name) = entry.file_name().into_string() else {
                    continue;
                };
                let key = if folder.is_empty() { name } else { format!("{folder}/{name}") };
                let Some(kind) = present(entry.file_type())? else {
                    continue;
                };
                if !kind.is_dir() {
                    visit(&key, &entry.path())?;
                } else if key.starts_with(prefix) || prefix.starts_with(&key) {
                    folders.push(key);
                }
            }
        }
        Ok(())
    }
}
