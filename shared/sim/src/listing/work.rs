//! Clients, contacts, projects, tasks, assignments and expense categories.

use std::collections::BTreeSet;

use super::{ListedRecord, NewValues, can_be_archived, can_be_renamed, nothing};
use crate::books::Books;
use crate::calendar::Moment;
use crate::decimal::DecimalNumber;
use crate::filter::{ListFilter, is_wanted};
use crate::generate::AccountGenerator;
use crate::json::JsonWriter;
use crate::mutate::NotApplied;
use crate::render::{RenderContext, work};
use crate::viewer::Viewer;
use crate::work::{
    Client, Contact, ExpenseCategory, Project, Task, TaskAssignment, UserAssignment,
};

impl ListedRecord for Client {
    can_be_archived!();
    can_be_renamed!();

    fn make(maker: &mut AccountGenerator<'_>, created: Moment) -> Result<Self, NotApplied> {
        Ok(maker.client(created))
    }

    fn render(&self, _look: &RenderContext<'_>, json: &mut JsonWriter) {
        work::client(json, self);
    }

    fn vary(&mut self, new: NewValues) {
        self.address = new.text;
    }

    fn is_in_use(&self, books: &Books) -> bool {
        books.projects.iter().any(|one| one.client == self.id)
            || books.invoices.iter().any(|one| one.document.client == self.id)
            || books.estimates.iter().any(|one| one.document.client == self.id)
    }

    fn remove(maker: &mut AccountGenerator<'_>, id: i64) {
        let contacts = maker.books.contacts.iter().filter(|one| one.client == id);
        let contacts: BTreeSet<i64> = contacts.map(|one| one.id).collect();
        maker.books.contacts.remove_all(&contacts);
        maker.books.clients.remove(id);
    }
}

impl ListedRecord for Contact {
    fn make(maker: &mut AccountGenerator<'_>, created: Moment) -> Result<Self, NotApplied> {
        let client = maker.any_client().ok_or_else(nothing)?;
        Ok(maker.contact(client, created))
    }

    fn render(&self, look: &RenderContext<'_>, json: &mut JsonWriter) {
        work::contact(look, json, self);
    }

    fn vary(&mut self, new: NewValues) {
        self.phone_office = new.text;
    }

    fn passes(&self, filter: &ListFilter, _look: &RenderContext<'_>) -> bool {
        is_wanted(filter.client, &self.client)
    }
}

impl ListedRecord for Project {
    can_be_archived!();
    can_be_renamed!();

    fn make(maker: &mut AccountGenerator<'_>, created: Moment) -> Result<Self, NotApplied> {
        Ok(Self { is_active: true, ..maker.project(created) })
    }

    fn render(&self, look: &RenderContext<'_>, json: &mut JsonWriter) {
        work::project(look, json, self);
    }

    fn vary(&mut self, new: NewValues) {
        self.notes = new.text;
        self.budget = self.budget.map(|_| DecimalNumber::cents(new.roll * 25));
    }

    fn passes(&self, filter: &ListFilter, _look: &RenderContext<'_>) -> bool {
        is_wanted(filter.client, &self.client)
    }

    fn is_shown(&self, viewer: &Viewer) -> bool {
        viewer.sees_project(self.id)
    }

    fn settle(maker: &mut AccountGenerator<'_>, id: i64) {
        maker.staff(id, maker.now);
    }

    /// Removes a project with its entries, expenses and assignments. Its invoices stay, and their
    /// lines still name it.
    fn remove(maker: &mut AccountGenerator<'_>, id: i64) {
        let books = &mut *maker.books;
        let entries = books.entries.iter().filter(|one| one.project == id);
        let entries: BTreeSet<i64> = entries.map(|one| one.id).collect();
        // The index of running timers first, while the entries are known; then everything in one
        // pass each, because a project can have a large part of all entries.
        books.running.retain(|entry| !entries.contains(entry));
        books.entries.remove_all(&entries);
        let expenses = books.expenses.iter().filter(|one| one.project == id);
        let expenses: BTreeSet<i64> = expenses.map(|one| one.id).collect();
        books.expenses.remove_all(&expenses);
        books.user_assignments.remove_all(&books.crew_of.remove(&id).unwrap_or_default());
        books.task_assignments.remove_all(&books.tasks_of.remove(&id).unwrap_or_default());
        books.projects.remove(id);
    }
}

impl ListedRecord for Task {
    can_be_archived!();
    can_be_renamed!();

    fn make(maker: &mut AccountGenerator<'_>, created: Moment) -> Result<Self, NotApplied> {
        // A place beyond all names, so the name comes from the id. Tasks are made without a time,
        // at the beginning of the history, so it is set here.
        let one = maker.task(usize::MAX);
        Ok(Self { name: format!("Task {}", one.id), created, updated: created, ..one })
    }

    fn render(&self, _look: &RenderContext<'_>, json: &mut JsonWriter) {
        work::task(json, self);
    }

    fn vary(&mut self, new: NewValues) {
        self.default_rate = Some(DecimalNumber::cents(new.roll));
    }

    fn is_in_use(&self, books: &Books) -> bool {
        books.entries.iter().any(|one| one.task == self.id)
            || books.task_assignments.iter().any(|one| one.task == self.id)
    }
}

impl ListedRecord for UserAssignment {
    can_be_archived!();

    fn make(maker: &mut AccountGenerator<'_>, created: Moment) -> Result<Self, NotApplied> {
        let project = maker.any_project().ok_or_else(nothing)?;
        let user = maker.any_user().ok_or_else(nothing)?;
        // A user is on a project at most once, and a task likewise.
        if maker.books.crew(project).any(|one| one.user == user) {
            return Err(NotApplied::new("already assigned"));
        }
        Ok(Self { is_active: true, ..maker.user_assignment(project, user, created) })
    }

    fn render(&self, look: &RenderContext<'_>, json: &mut JsonWriter) {
        work::user_assignment(look, json, self);
    }

    fn vary(&mut self, new: NewValues) {
        self.hourly_rate = Some(DecimalNumber::cents(new.roll));
        self.is_active = new.roll % 4 != 0;
    }

    fn passes(&self, filter: &ListFilter, _look: &RenderContext<'_>) -> bool {
        is_wanted(filter.user, &self.user)
    }

    fn is_in_use(&self, books: &Books) -> bool {
        books.entries.iter().any(|one| one.user_assignment == Some(self.id))
            || books.expenses.iter().any(|one| one.user_assignment == Some(self.id))
    }

    fn put(self, books: &mut Books) {
        books.put_user_assignment(self);
    }

    fn remove(maker: &mut AccountGenerator<'_>, id: i64) {
        maker.books.remove_user_assignment(id);
    }
}

impl ListedRecord for TaskAssignment {
    can_be_archived!();

    fn make(maker: &mut AccountGenerator<'_>, created: Moment) -> Result<Self, NotApplied> {
        let project = maker.any_project().ok_or_else(nothing)?;
        let place = maker.dice.index(maker.books.tasks.len());
        let task = place.and_then(|place| maker.books.tasks.id_at(place)).ok_or_else(nothing)?;
        if maker.books.tasks(project).any(|one| one.task == task) {
            return Err(NotApplied::new("already assigned"));
        }
        Ok(maker.task_assignment(project, task, created))
    }

    fn render(&self, look: &RenderContext<'_>, json: &mut JsonWriter) {
        work::task_assignment(look, json, self);
    }

    fn vary(&mut self, new: NewValues) {
        self.budget = Some(DecimalNumber::cents(new.roll));
    }

    fn is_in_use(&self, books: &Books) -> bool {
        books.entries.iter().any(|one| one.task_assignment == Some(self.id))
    }

    fn put(self, books: &mut Books) {
        books.put_task_assignment(self);
    }

    fn remove(maker: &mut AccountGenerator<'_>, id: i64) {
        maker.books.remove_task_assignment(id);
    }
}

impl ListedRecord for ExpenseCategory {
    can_be_archived!();

    fn make(maker: &mut AccountGenerator<'_>, created: Moment) -> Result<Self, NotApplied> {
        let id = maker.books.expense_categories.claim_id();
        Ok(Self {
            id,
            name: format!("Kategorie {id}"),
            unit_name: Some("piece"),
            unit_price: Some(DecimalNumber(575_000)),
            is_active: true,
            created,
            updated: created,
        })
    }

    fn render(&self, _look: &RenderContext<'_>, json: &mut JsonWriter) {
        work::expense_category(json, self);
    }

    fn vary(&mut self, new: NewValues) {
        self.name = format!("Kategorie {}", new.roll);
    }

    fn is_in_use(&self, books: &Books) -> bool {
        books.expenses.iter().any(|one| one.category == self.id)
    }
}
