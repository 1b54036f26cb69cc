//! Time entries and expenses.

use std::borrow::Cow;

use super::{ListedRecord, NewValues, nothing, selected};
use crate::books::Books;
use crate::calendar::{Day, Moment};
use crate::decimal::{DecimalNumber, Money};
use crate::filter::{ListFilter, is_wanted};
use crate::generate::AccountGenerator;
use crate::json::JsonWriter;
use crate::mutate::NotApplied;
use crate::render::{RenderContext, tracked};
use crate::table::{RankKey, Record, UNDATED};
use crate::viewer::Viewer;
use crate::work::{Expense, TimeEntry};

impl ListedRecord for TimeEntry {
    fn make(maker: &mut AccountGenerator<'_>, created: Moment) -> Result<Self, NotApplied> {
        maker.entry(created).ok_or_else(nothing)
    }

    fn render(&self, look: &RenderContext<'_>, json: &mut JsonWriter) {
        tracked::entry(look, json, self);
    }

    fn vary(&mut self, new: NewValues) {
        self.hours = DecimalNumber::cents(new.roll % 1200 + 1);
        self.notes = new.text.map(Into::into);
    }

    fn redate(&mut self, day: Option<Day>) -> bool {
        self.spent = day.unwrap_or(Day(UNDATED));
        true
    }

    fn passes(&self, filter: &ListFilter, look: &RenderContext<'_>) -> bool {
        is_wanted(filter.user, &self.user)
            && is_wanted(filter.project, &self.project)
            && is_wanted(filter.task, &self.task)
            && is_wanted(filter.is_billed, &self.invoice.is_some())
            && is_wanted(filter.is_running, &self.timer.is_some())
            && filter.approval.as_deref().is_none_or(|status| status == self.approval.name())
            && filter.reference.is_none_or(|id| self.reference == Some(id))
            && filter.client.is_none_or(|id| client_is(look, self.project, id))
    }

    fn is_shown(&self, viewer: &Viewer) -> bool {
        viewer.sees_work(self.user, self.project)
    }

    fn is_in_use(&self, _books: &Books) -> bool {
        self.invoice.is_some()
    }

    fn put(self, books: &mut Books) {
        books.put_entry(self);
    }

    fn remove(maker: &mut AccountGenerator<'_>, id: i64) {
        maker.books.remove_entry(id);
    }

    fn keys<'a>(filter: &ListFilter, look: &RenderContext<'a>) -> Cow<'a, [RankKey]> {
        // Few entries run and each run of a reader asks for them, so they have an index of their
        // own.
        if filter.is_running != Some(true) {
            return selected::<Self>(filter, look);
        }
        let found = look.books.running.iter().filter_map(|id| look.books.entries.get(*id));
        let ranks = filter.ranks().unwrap_or((UNDATED, i64::MAX));
        let mut keys: Vec<RankKey> = found
            .filter(|one| (ranks.0..=ranks.1).contains(&one.spent.0))
            .filter(|one| filter.since.is_none_or(|since| one.updated >= since))
            .filter(|one| one.passes(filter, look) && one.is_shown(look.viewer))
            .map(|one| (one.rank(), one.id))
            .collect();
        keys.sort_unstable();
        Cow::Owned(keys)
    }
}

impl ListedRecord for Expense {
    fn make(maker: &mut AccountGenerator<'_>, created: Moment) -> Result<Self, NotApplied> {
        maker.expense(created).ok_or_else(nothing)
    }

    fn render(&self, look: &RenderContext<'_>, json: &mut JsonWriter) {
        tracked::expense(look, json, self);
    }

    fn vary(&mut self, new: NewValues) {
        self.total = Money::cents(new.roll * 7);
        self.notes = new.text.map(Into::into);
    }

    fn redate(&mut self, day: Option<Day>) -> bool {
        self.spent = day.unwrap_or(Day(UNDATED));
        true
    }

    fn passes(&self, filter: &ListFilter, look: &RenderContext<'_>) -> bool {
        is_wanted(filter.user, &self.user)
            && is_wanted(filter.project, &self.project)
            && is_wanted(filter.is_billed, &self.invoice.is_some())
            && filter.approval.as_deref().is_none_or(|status| status == self.approval.name())
            && filter.client.is_none_or(|id| client_is(look, self.project, id))
    }

    fn is_shown(&self, viewer: &Viewer) -> bool {
        viewer.sees_work(self.user, self.project)
    }
}

/// Tells whether a project belongs to a client. Entries and expenses name their project only.
fn client_is(look: &RenderContext<'_>, project: i64, client: i64) -> bool {
    look.books.projects.get(project).is_some_and(|one| one.client == client)
}
