//! A page of JSON, straight into Arrow columns.

use std::collections::BTreeMap;

use arrow::record_batch::RecordBatch;
use engine::ids::AccountId;
use engine::key::Key;
use engine::time::{Date, Timestamp};
use engine::window::Period;

/// Where and when a page was read: what its rows hold beside the records.
#[derive(Clone, Copy, Debug)]
pub struct ReadAt {
    /// The Harvest account.
    pub account: AccountId,
    /// When the page was requested.
    pub synced_at: Timestamp,
    /// The parent whose list it is (per parent streams).
    pub parent: Option<Parent>,
    /// The window that was asked for (report streams).
    pub period: Option<Period>,
}

/// The parent of a list of children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Its id.
    pub id: i64,
    /// Year of its `created_at` in UTC; `None` where that is null.
    pub created_year: Option<i64>,
}

/// A decoded page.
#[derive(Debug)]
pub struct DecodedPage {
    /// Rows in the order of the answer, columns as `schema::TableSchema`.
    pub rows: RecordBatch,
    /// The primary key of each row.
    pub keys: Vec<Key>,
    /// The value of the stream's keyset date of each row; empty where the paging is another.
    pub dates: Vec<Option<Date>>,
    /// `total_entries` of the answer.
    pub total_entries: Option<u64>,
    /// `links.next` of the answer.
    pub next: Option<String>,
    /// Records without a usable id, raw.
    pub quarantined: Vec<Quarantined>,
    /// Values that did not fit their column, by member path (list indices as `[]`).
    pub misfits: BTreeMap<String, u64>,
    /// Members that the declaration does not know, by path (list indices as `[]`).
    pub unknown: BTreeMap<String, u64>,
}

/// A record that cannot be a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// The record as Harvest sent it.
    pub raw: String,
    /// Why.
    pub reason: String,
}
