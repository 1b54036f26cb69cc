//! Memory of a run, station by station, in bytes unless a name says otherwise.
//!
//! A station that is full makes the one before it wait, or moves rows to a temporary file. The figures are
//! limits of what each station may hold; `make memory` measures whole processes.
//!
//! | station | limit | beyond it |
//! | --- | --- | --- |
//! | answers under way, compressed, and pages that wait for the run | [`UNDER_WAY`] | fewer requests at once |
//! | answers that are unpacked and decoded | [`DECODED_AT_ONCE`] | others wait compressed |
//! | rows collected | [`COLLECTED`] | a temporary file |
//! | temporary files merged at once | 32 chunks of 300 KB | they are merged into fewer first |
//! | new versions of rows that are updated in place | 16,384 rows of a file | the file is written as a whole |
//! | file of a table being read | [`FILE_IN_MEMORY`] | a temporary file |
//! | row group of a file being written | [`ROW_GROUP`] | the group ends |
//! | changes that are encoded after the table's files | [`DEFERRED_CHANGES`] | a temporary file |
//! | file under construction, and complete | [`FILE_BUILT_IN_MEMORY`] | a temporary file |
//! | copied file of changes | [`COPIED_CHANGES`], or one file of the table | the file is stored |
//! | complete files that wait for the store | [`FILES_WAITING`] | the writer waits |
//! | file that is being stored | two parts of 256 KB | |
//! | row groups of the files that an export writes side by side | [`EXPORT_ROW_GROUPS`] | the largest group ends |

/// Byte of a large buffer before it is filled. Not zero: for a block of zeros jemalloc gives pages back to
/// the system and takes new ones, page by page, which takes longer than filling those that it has.
pub const UNFILLED: u8 = 0xff;

/// Largest sum of the bodies of answers that one run has under way.
pub const UNDER_WAY: usize = 20 << 20;

/// Number of answers that a process unpacks and decodes at once.
pub const DECODED_AT_ONCE: usize = 2;

/// Rows collected by a run before they are sorted into a temporary file.
pub const COLLECTED: usize = 8 << 20;

/// Row group of a file while it is written.
pub const ROW_GROUP: usize = 16 << 20;

/// Changes of a merge that wait until the files of its table are written.
pub const DEFERRED_CHANGES: usize = 1 << 20;

/// File of changes whose columns are copied from the table's files.
pub const COPIED_CHANGES: usize = 8 << 20;

/// Row groups of the files that an export writes side by side.
pub const EXPORT_ROW_GROUPS: usize = 24 << 20;

/// File under construction; a larger one goes on in a temporary file.
pub const FILE_BUILT_IN_MEMORY: usize = 1 << 20;

/// File of a table that is read into memory with one request. A larger one is read in parts of this size into a
/// temporary file, and from there page by page.
pub const FILE_IN_MEMORY: usize = 4 << 20;

/// Number of complete files that wait for the store.
pub const FILES_WAITING: usize = 1;

/// Number of files that are under construction or complete: a table's and the file of changes before
/// it, and those that wait.
const FILES_AT_ONCE: usize = 2 + FILES_WAITING;

/// Size of a page of 2,000 time entries as JSON: 1,300 bytes for each.
const PAGE: usize = 2_600_000;
/// Memory that a body takes while it is decoded, in bytes for each byte of the body: the text, its
/// values, and the columns.
const DECODED: usize = 4;
/// Number of files of a table that are read at once: the one before is kept until the next one is there.
const FILES_READ_AT_ONCE: usize = 2;

/// Sum of the stations while a run reads.
pub const READING: usize = UNDER_WAY + DECODED_AT_ONCE * DECODED * PAGE + COLLECTED;

/// Sum of the stations while a run writes; answers that were under way are still there.
pub const WRITING: usize = UNDER_WAY
    + ROW_GROUP
    + DEFERRED_CHANGES
    + FILES_AT_ONCE * FILE_BUILT_IN_MEMORY
    + FILES_READ_AT_ONCE * FILE_IN_MEMORY;

// A worker of 256 MB has room for either, and for the program itself.
const _: () = assert!(READING < 100 << 20 && WRITING < 100 << 20);
