//! JSON of records, as Harvest serves them.
//!
//! A record is rendered for one person, at one instant. Names of other records are looked up, and
//! computed values are computed, at that moment. The JSON of a record can therefore change although
//! the record has not moved: after the renaming of its client, the locking of its project, or a
//! second of a running timer.
//!
//! Undocumented fields that live accounts have (`employee_id`, `is_explicitly_locked`,
//! `reimbursement` and others) are there, too.
//!
//! Functions below this module append an object and leave it open, because `RenderContext::record`
//! closes it after the field that no declaration knows.

pub(crate) mod billing;
pub(crate) mod people;
pub(crate) mod tracked;
pub(crate) mod work;

use crate::books::Books;
use crate::calendar::Moment;
use crate::dice::scramble;
use crate::json::JsonWriter;
use crate::spelling::Spelling;
use crate::viewer::Viewer;

pub(crate) use people::{avatar, me};

/// Conditions on which the JSON of a record depends, besides the record.
#[derive(Debug)]
pub(crate) struct RenderContext<'a> {
    pub(crate) books: &'a Books,
    /// Time of the answer, for running timers and links of receipts.
    pub(crate) now: Moment,
    pub(crate) viewer: &'a Viewer,
    /// Whether some records have a field that is in no declaration.
    pub(crate) unknown_members: bool,
    /// Choice of the fields that are written as another type than documented.
    pub(crate) spelling: Spelling,
}

impl RenderContext<'_> {
    /// Closes a record; about a third of them get a field before that no declaration knows. Its
    /// value is nested, and has a trailing zero and an escaped letter: a reader that keeps unknown
    /// fields must keep the value, and one that compares records must not see a change where there
    /// is none.
    pub(crate) fn close(&self, json: &mut JsonWriter, id: i64) {
        if self.unknown_members && scramble(id.unsigned_abs(), 3).is_multiple_of(3) {
            json.raw("x_new_member", br#"{"a":1.10,"b":[null,"\u00e9"]}"#);
        }
        json.close();
    }

    /// Appends `{"id", "name"}` of a user as `user`. A deleted one keeps the id.
    fn user_stub(&self, json: &mut JsonWriter, id: i64) {
        json.object("user");
        json.int("id", id);
        let name = self.books.users.get(id).map(crate::people::User::name);
        json.text("name", name.as_deref().unwrap_or("Deleted User"));
        json.close();
    }

    /// Appends `{"id", "name"` of a client as `client`, and leaves it open: some records add its
    /// currency.
    fn client_stub(&self, json: &mut JsonWriter, id: i64) {
        json.object("client");
        json.int("id", id);
        json.text("name", self.books.clients.get(id).map_or("", |one| one.name.as_str()));
    }

    /// Appends the currency of a client; USD, the account's own, if there is no such client.
    fn client_currency(&self, json: &mut JsonWriter, id: i64) {
        json.text("currency", self.books.clients.get(id).map_or("USD", |one| one.currency));
    }
}
