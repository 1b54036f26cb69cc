//! Place of a login that Harvest is yet to make.
//!
//! A refresh token may be good for one use. A full disk, or a folder that cannot be written, is
//! therefore found before Harvest is asked: after the answer the login only overwrites blanks.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Room for what a new login has more than the present one: 4 KiB.
const ROOM: u64 = 4096;

/// File of blanks beside that of the login, on disk, for its owner alone.
#[derive(Debug)]
pub(super) struct ReservedFile(NamedTempFile);

/// Folder of the login that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error(
    "Harvest was asked for no new access token, and the login is unharmed: free some space, or \
     allow writing in the folder `{}`, and run again",
    folder.display()
)]
pub(super) struct LoginUnwritable {
    pub(super) folder: PathBuf,
    #[source]
    pub(super) source: io::Error,
}

impl ReservedFile {
    /// Makes the file, larger than the present one of the `login`. The caller holds the login's lock:
    /// a file of that name is one that a process left behind when it was killed.
    pub(super) fn beside(login: &Path) -> io::Result<Self> {
        let present = std::fs::metadata(login).map_or(0, |found| found.len());
        let path = login.with_extension("new");
        std::fs::remove_file(&path).ok();
        let name = path.file_name().unwrap_or_default();
        let mut file =
            tempfile::Builder::new().prefix(name).rand_bytes(0).tempfile_in(folder_of(login))?;
        io::copy(&mut io::repeat(b' ').take(present.saturating_add(ROOM)), &mut file)?;
        file.as_file().sync_all()?;
        Ok(Self(file))
    }

    /// Writes the text over the blanks, and puts the file in place of that of the `login`; durable
    /// on return.
    pub(super) fn replace(self, login: &Path, text: &str) -> io::Result<()> {
        let Self(mut file) = self;
        file.rewind()?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        let length = file.stream_position()?;
        // Blanks that stay at the end are no fault of the login.
        file.as_file().set_len(length).ok();
        file.as_file().sync_all()?;
        file.persist(login).map_err(|error| error.error)?;
        File::open(folder_of(login))?.sync_all()
    }
}

fn folder_of(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new("."))
}
