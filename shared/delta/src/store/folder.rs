//! Objects as files in a local folder, durable when a call returns.
//!
//! | step of a put | failure that it prevents |
//! | --- | --- |
//! | make the folder and its ancestors durable | the folder is gone after a loss of power |
//! | write a temporary file in that folder, sync it | an object lacks bytes after a loss of power |
//! | publish it by a hard link or a rename | readers see half an object, two writers both win |
//! | sync the folder | the object's name is gone after a loss of power |
//!
//! A hard link fails if the name exists, which makes `put_if_absent` conditional without any lock.
//! A rename replaces the name in one step, so readers see the old or the new object.

mod durable;
mod hold;
mod temporary;
mod walk;

use core::ops::Range;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use engine::time::Timestamp;

use super::{
    FileObject, ObjectMeta, ObjectStore, PutIfAbsent, ReplaceOutcome, StoreError, check_key, clamp,
};
use durable::sync_folder;
use hold::{alone, beside_others};
use temporary::{NewContent, TemporaryFile, is_temporary};

/// Number of attempts of a put whose temporary file or folder was removed meanwhile, by
/// `clean_leftovers` or by a person who deleted the folder.
const TRIES: u32 = 5;

/// Object store in a folder. Several processes may use one folder at the same time.
///
/// The file system must support hard links, which make a put conditional.
#[derive(Clone, Debug)]
pub struct FolderStore {
    inner: Arc<StoreFolder>,
}

#[derive(Debug)]
struct StoreFolder {
    root: PathBuf,
    /// Folders whose directory entries this process has made durable.
    durable: Mutex<BTreeSet<PathBuf>>,
}

impl FolderStore {
    /// Store in the folder `root`, which is created with the first object.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let durable = Mutex::default();
        Self { inner: Arc::new(StoreFolder { root: root.into(), durable }) }
    }

    /// Root folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.inner.root
    }

    /// Deletes temporary files below `prefix` that dead writers left behind and returns their
    /// number. Living writers hold a lock on theirs, so these stay.
    ///
    /// # Errors
    /// When a folder cannot be read or a file cannot be deleted.
    pub async fn clean_leftovers(&self, prefix: &str) -> Result<u64, StoreError> {
        self.run(prefix, StoreFolder::clean_leftovers).await
    }

    /// Runs `work` on a thread that may block, and names `key` in its error.
    async fn run<T: Send + 'static>(
        &self,
        key: &str,
        work: impl FnOnce(&StoreFolder, &str) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let folder = Arc::clone(&self.inner);
        let owned = key.to_owned();
        match tokio::task::spawn_blocking(move || work(&folder, &owned)).await {
            Ok(done) => done.map_err(|source| StoreError::from_io(key, source)),
            Err(source) => {
                Err(StoreError::Failed { key: key.to_owned(), source: Box::new(source) })
            }
        }
    }
}

#[async_trait]
impl ObjectStore for FolderStore {
    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<PutIfAbsent, StoreError> {
        check_key(key)?;
        self.run(key, move |folder, key| folder.put_if_absent(key, &NewContent::Bytes(bytes))).await
    }

    async fn put_file_if_absent(
        &self,
        key: &str,
        file: &FileObject,
    ) -> Result<PutIfAbsent, StoreError> {
        check_key(key)?;
        let content = NewContent::File(file.clone());
        self.run(key, move |folder, key| folder.put_if_absent(key, &content)).await
    }

    async fn put(&self, key: &str, bytes: Bytes) -> Result<(), StoreError> {
        check_key(key)?;
        self.run(key, move |folder, key| folder.put(key, &NewContent::Bytes(bytes))).await
    }

    async fn put_file(&self, key: &str, file: &FileObject) -> Result<(), StoreError> {
        check_key(key)?;
        let content = NewContent::File(file.clone());
        self.run(key, move |folder, key| folder.put(key, &content)).await
    }

    async fn replace(
        &self,
        key: &str,
        old: &Bytes,
        new: Bytes,
    ) -> Result<ReplaceOutcome, StoreError> {
        check_key(key)?;
        let (old, new) = (old.clone(), NewContent::Bytes(new));
        self.run(key, move |folder, key| folder.replace(key, &old, &new)).await
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        check_key(key)?;
        self.run(key, |folder, key| Ok(present(fs::read(folder.root.join(key)))?.map(Bytes::from)))
            .await
    }

    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Option<Bytes>, StoreError> {
        check_key(key)?;
        self.run(key, move |folder, key| folder.get_range(key, &range)).await
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<ObjectMeta>, StoreError> {
        let after = after.map(str::to_owned);
        self.run(prefix, move |folder, prefix| {
            let mut found = Vec::new();
            folder.walk(prefix, &mut |key, path| {
                if !key.starts_with(prefix)
                    || after.as_deref().is_some_and(|after| key <= after)
                    || is_temporary(key)
                {
                    return Ok(());
                }
                if let Some(file) = present(fs::metadata(path))? {
                    let modified = Timestamp::try_from(file.modified()?).unwrap_or_default();
                    found.push(ObjectMeta { key: key.to_owned(), size: file.len(), modified });
                }
                Ok(())
            })?;
            // The file system gives the entries of a folder in any order.
            found.sort_unstable_by(|a, b| a.key.cmp(&b.key));
            Ok(found)
        })
        .await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        check_key(key)?;
        self.run(key, |folder, key| {
            let path = folder.root.join(key);
            let parent = folder.parent(&path);
            let _held = present(beside_others(parent))?;
            if present(fs::remove_file(&path))?.is_some() {
                // Otherwise the object could come back after a loss of power.
                sync_folder(parent)?;
            }
            Ok(())
        })
        .await
    }
}

impl StoreFolder {
    fn put_if_absent(&self, key: &str, content: &NewContent) -> io::Result<PutIfAbsent> {
        let target = self.root.join(key);
        let parent = self.parent(&target);
        // A look first saves writing a temporary file in vain. The link below is what decides.
        let mut lost = target.symlink_metadata().is_ok();
        if !lost {
            lost = self.with_temporary(parent, content, |temporary| {
                match fs::hard_link(&temporary.path, &target) {
                    Ok(()) => Ok(false),
                    Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(true),
                    Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                        // The temporary file in the same folder could be written, so this is not a
                        // matter of permissions.
                        Err(io::Error::new(
                            ErrorKind::PermissionDenied,
                            format!("no hard links on this file system ({error}): use another"),
                        ))
                    }
                    Err(error) => Err(error),
                }
            })?;
        }
        // Also after a lost race: the caller relies on the other writer's object being durable.
        self.sync_entry(parent)?;
        Ok(if lost { PutIfAbsent::Exists } else { PutIfAbsent::Stored })
    }

    fn put(&self, key: &str, content: &NewContent) -> io::Result<()> {
        let target = self.root.join(key);
        let parent = self.parent(&target);
        self.with_temporary(parent, content, |temporary| {
            let _held = beside_others(parent)?;
            fs::rename(&temporary.path, &target)
        })?;
        self.sync_entry(parent)
    }

    fn replace(&self, key: &str, old: &[u8], new: &NewContent) -> io::Result<ReplaceOutcome> {
        let target = self.root.join(key);
        let parent = self.parent(&target);
        // Held until the new object has its name: no other process may put or delete in between.
        let Some(_held) = present(alone(parent))? else {
            return Ok(ReplaceOutcome::Changed);
        };
        if present(fs::read(&target))?.as_deref() != Some(old) {
            return Ok(ReplaceOutcome::Changed);
        }
        self.with_temporary(parent, new, |temporary| fs::rename(&temporary.path, &target))?;
        self.sync_entry(parent)?;
        Ok(ReplaceOutcome::Replaced)
    }

    fn get_range(&self, key: &str, range: &Range<u64>) -> io::Result<Option<Bytes>> {
        let Some(mut file) = present(File::open(self.root.join(key)))? else {
            return Ok(None);
        };
        let range = clamp(range, file.metadata()?.len());
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(range.start))?;
        // Unix opens a folder like a file and fails only when it is read.
        if present(file.take(range.end - range.start).read_to_end(&mut bytes))?.is_none() {
            return Ok(None);
        }
        Ok(Some(Bytes::from(bytes)))
    }

    /// Folder of the object at `target`.
    fn parent<'a>(&'a self, target: &'a Path) -> &'a Path {
        target.parent().unwrap_or(&self.root)
    }

    /// Runs `publish` with a durable temporary file of `content` in `folder`. Begins anew with
    /// another file if the file or the folder was removed meanwhile. The file is removed at the
    /// end, whatever `publish` did.
    fn with_temporary<T>(
        &self,
        folder: &Path,
        content: &NewContent,
        publish: impl Fn(&TemporaryFile) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut tries = TRIES;
        loop {
            self.make_durable(folder)?;
            let done =
                TemporaryFile::create(folder, content).and_then(|temporary| publish(&temporary));
            tries -= 1;
            match done {
                // Another process removed the folder, or the temporary file before it was locked.
                Err(error) if error.kind() == ErrorKind::NotFound && tries > 0 => {
                    self.forget_durable();
                }
                done => return done,
            }
        }
    }
}

/// Turns "not found" into `None`. A folder in the place of a file, or a file in the place of a
/// folder, counts as not found, because no object of that key can exist.
fn present<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::IsADirectory
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
