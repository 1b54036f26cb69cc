//! Users and roles.

use super::{ListedRecord, NewValues, can_be_renamed};
use crate::books::Books;
use crate::calendar::Moment;
use crate::generate::AccountGenerator;
use crate::json::JsonWriter;
use crate::mutate::NotApplied;
use crate::people::{Role, User};
use crate::render::{RenderContext, people};
use crate::viewer::Viewer;

impl User {
    /// Tells whether the user holds one of the tokens: the first three do. They are neither
    /// archived nor deleted, so that a random history does not lock out its reader.
    fn holds_token(&self, books: &Books) -> bool {
        books.users.iter().take(3).any(|one| one.id == self.id)
    }
}

impl ListedRecord for User {
    fn make(maker: &mut AccountGenerator<'_>, created: Moment) -> Result<Self, NotApplied> {
        // Place 2 makes an ordinary member: a mutation never adds an administrator.
        Ok(Self { is_active: true, ..maker.user(2, created) })
    }

    fn render(&self, look: &RenderContext<'_>, json: &mut JsonWriter) {
        people::user(look, json, self);
    }

    fn vary(&mut self, new: NewValues) {
        self.telephone = new.text;
    }

    fn name(&mut self) -> Option<&mut String> {
        Some(&mut self.last_name)
    }

    fn archive(&mut self, books: &Books) -> bool {
        self.is_active = false;
        !self.holds_token(books)
    }

    fn is_active(&self) -> Option<bool> {
        Some(self.is_active)
    }

    fn is_shown(&self, viewer: &Viewer) -> bool {
        viewer.sees_user(self.id)
    }

    fn is_in_use(&self, books: &Books) -> bool {
        self.holds_token(books)
            || books.entries.iter().any(|one| one.user == self.id)
            || books.expenses.iter().any(|one| one.user == self.id)
    }

    fn remove(maker: &mut AccountGenerator<'_>, id: i64) {
        // Assignments go through the books, which keep the index by project in step.
        let own = maker.books.user_assignments.iter().filter(|one| one.user == id);
        for assignment in own.map(|one| one.id).collect::<Vec<_>>() {
            maker.books.remove_user_assignment(assignment);
        }
        maker.books.users.remove(id);
    }
}

impl ListedRecord for Role {
    can_be_renamed!();

    fn make(maker: &mut AccountGenerator<'_>, created: Moment) -> Result<Self, NotApplied> {
        let id = maker.books.roles.claim_id();
        Ok(Self { id, name: format!("Role {id}"), created, updated: created })
    }

    fn render(&self, look: &RenderContext<'_>, json: &mut JsonWriter) {
        people::role(look, json, self);
    }

    fn vary(&mut self, new: NewValues) {
        // A role has only its name.
        self.name = format!("Rolle {}", new.roll);
    }

    /// Adds or replaces a role. Its name is a field of its users, so they move, too.
    fn put(self, books: &mut Books) {
        let old = books.roles.get(self.id).map(|one| one.name.clone());
        for user in old.iter().flat_map(|old| holders(books, old)).collect::<Vec<_>>() {
            books.users.edit(user, self.updated, |one| {
                for held in one.roles.iter_mut().filter(|held| Some(&**held) == old.as_ref()) {
                    held.clone_from(&self.name);
                }
            });
        }
        books.roles.put(self);
    }

    fn remove(maker: &mut AccountGenerator<'_>, id: i64) {
        let books = &mut *maker.books;
        let Some(role) = books.roles.remove(id) else {
            return;
        };
        for user in holders(books, &role.name) {
            books.users.edit(user, maker.now, |one| one.roles.retain(|held| *held != role.name));
        }
    }
}

/// Returns the ids of the users with a business role.
fn holders(books: &Books, role: &str) -> Vec<i64> {
    let holds = |user: &&User| user.roles.iter().any(|held| held == role);
    books.users.iter().filter(holds).map(|user| user.id).collect()
}
