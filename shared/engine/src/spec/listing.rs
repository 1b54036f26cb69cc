//! Declaration of a listing: its pages, and what proves that one of its records is gone.

/// Way in which a listing is read.
#[derive(Debug)]
pub struct Listing {
    /// Order of its pages.
    pub paging: Paging,
    /// Path of one record, `{id}` for its id, `{parent}` for the value of `goes_with`'s column.
    /// 404 there proves that the record is gone, once a record that exists has answered there.
    pub own_path: &'static str,
    /// The record whose deletion deletes the listing's records.
    pub goes_with: Option<GoesWith>,
    /// A filter `(name, value)` whose records are read again in each incremental pass because they
    /// change without moving `updated_at` (running timers).
    pub reread: Option<(&'static str, &'static str)>,
    /// A flag filter whose two values together return every record, for a listing that is not
    /// documented to return them all without it.
    pub halves: Option<&'static str>,
}

/// A record of another stream whose deletion deletes the records that point to it, by Harvest's
/// documentation or because their own path lies below its.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoesWith {
    /// The integer column that holds its id.
    pub column: &'static str,
    /// Its path, `{parent}` for the id.
    pub path: &'static str,
}

impl Listing {
    /// Returns a listing whose records have a path of their own and depend on no other record.
    #[must_use]
    pub const fn new(paging: Paging, own_path: &'static str) -> Self {
        Self { paging, own_path, goes_with: None, reread: None, halves: None }
    }

    /// Returns the same listing, whose records are deleted with the record in `column`.
    #[must_use]
    pub const fn goes_with(mut self, column: &'static str, path: &'static str) -> Self {
        self.goes_with = Some(GoesWith { column, path });
        self
    }

    /// Returns the same listing, of which the records with `name=value` are read in each
    /// incremental pass.
    #[must_use]
    pub const fn reread(mut self, name: &'static str, value: &'static str) -> Self {
        self.reread = Some((name, value));
        self
    }
}

impl Listing {
    /// Returns the same listing with `filter` for its halves: its total is compared with those of
    /// `filter` `true` and `false`, and it is read by these halves if they hold more.
    #[must_use]
    pub const fn halves(mut self, filter: &'static str) -> Self {
        self.halves = Some(filter);
        self
    }
}

/// Way from one page of a list to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paging {
    /// The answer is the one record.
    Single,
    /// `links.next` carries a cursor: nothing shifts while reading.
    Cursor,
    /// `page=N`: records shift while a list is read, so a list of several pages must be proven by
    /// its totals.
    Offset,
    /// Offset paging over a list sorted by a day, newest first, that is read day range by day
    /// range.
    DateKeyset {
        /// The date field that `from` and `to` filter by.
        field: &'static str,
        /// Whether Harvest has records without that date.
        nullable: bool,
    },
}
