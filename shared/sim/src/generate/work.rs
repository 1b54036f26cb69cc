//! Clients, contacts, projects, tasks, assignments and expense categories.
//!
//! They come before any entry. Names are drawn and may repeat: only ids tell records apart.

use super::{AccountGenerator, words};
use crate::calendar::Moment;
use crate::decimal::{DecimalNumber, Money};
use crate::work::{
    Client, Contact, ExpenseCategory, Project, Task, TaskAssignment, UserAssignment,
};

impl AccountGenerator<'_> {
    /// Makes clients, contacts, tasks, projects with their crews, and expense categories.
    pub(crate) fn work(&mut self) {
        for created in self.moments(self.scale.clients.max(1)) {
            let client = self.client(created);
            self.books.clients.put(client);
        }
        for created in self.moments(self.scale.contacts) {
            if let Some(client) = self.any_client() {
                let contact = self.contact(client, created);
                self.books.contacts.put(contact);
            }
        }
        for place in 0..self.scale.tasks.max(1) {
            let task = self.task(place);
            self.books.tasks.put(task);
        }
        for created in self.moments(self.scale.projects.max(1)) {
            let project = self.project(created);
            let id = project.id;
            self.books.projects.put(project);
            self.staff(id, created);
        }
        for (name, unit_name, price) in words::EXPENSE_CATEGORIES {
            let created = self.start;
            let category = ExpenseCategory {
                id: self.books.expense_categories.claim_id(),
                name: (*name).to_owned(),
                unit_name: *unit_name,
                unit_price: unit_name.map(|_| DecimalNumber(*price)),
                is_active: *name != "Sonstiges",
                created,
                updated: created,
            };
            self.books.expense_categories.put(category);
        }
    }

    /// Returns the id of a random client; `None` if there is none.
    pub(crate) fn any_client(&mut self) -> Option<i64> {
        let place = self.dice.index(self.books.clients.len())?;
        self.books.clients.id_at(place)
    }

    /// Returns the id of a random project, archived or not; `None` if there is none.
    pub(crate) fn any_project(&mut self) -> Option<i64> {
        let place = self.dice.index(self.books.projects.len())?;
        self.books.projects.id_at(place)
    }

    /// Returns the id of a random user, archived or not; `None` if there is none.
    pub(crate) fn any_user(&mut self) -> Option<i64> {
        let place = self.dice.index(self.books.users.len())?;
        self.books.users.id_at(place)
    }

    /// Makes a client created at `created`.
    pub(crate) fn client(&mut self, created: Moment) -> Client {
        let name = format!("{} {}", self.dice.pick(words::COMPANIES), self.dice.pick(words::FORMS));
        Client {
            id: self.books.clients.claim_id(),
            name,
            is_active: !self.dice.chance(15),
            address: self.maybe("Hauptstraße 1\r\n10115 Berlin"),
            statement_key: self.dice.hex(32),
            currency: self.dice.pick(words::CURRENCIES),
            created,
            updated: self.soon_after(created),
        }
    }

    /// Makes a contact of a client.
    pub(crate) fn contact(&mut self, client: i64, created: Moment) -> Contact {
        let id = self.books.contacts.claim_id();
        let last_name = self.dice.pick(words::LAST_NAMES);
        Contact {
            id,
            client,
            title: self.maybe(words::TITLES.first().copied().unwrap_or_default()),
            first_name: self.dice.pick(words::FIRST_NAMES).to_owned(),
            last_name: self.maybe(last_name),
            email: self.maybe(&format!("contact{id}@example.com")),
            phone_office: self.maybe("(203) 697-8885"),
            phone_mobile: self.maybe("(203) 697-8886"),
            fax: self.maybe("(203) 697-8887"),
            created,
            updated: self.soon_after(created),
        }
    }

    /// Makes a task. The first ones have the names of `words::TASKS`, four are the defaults of new
    /// projects, and every fourth is not billable.
    pub(crate) fn task(&mut self, place: usize) -> Task {
        let plain = words::TASKS.get(place).copied();
        let created = Moment(self.start.0 + self.dice.between(0, 90));
        Task {
            id: self.books.tasks.claim_id(),
            name: plain.map_or_else(|| format!("Task {place}"), str::to_owned),
            billable_by_default: place % 4 != 3,
            default_rate: (place % 3 != 2)
                .then(|| DecimalNumber::cents(self.dice.between(0, 4) * 2550)),
            is_default: place < 4,
            is_active: place < 3 || !self.dice.chance(15),
            created,
            updated: self.soon_after(created),
        }
    }

    /// Makes a project of a random client. A budget is in hours or in money, never in both, and a
    /// project that is not billable has no rate.
    pub(crate) fn project(&mut self, created: Moment) -> Project {
        let id = self.books.projects.claim_id();
        let is_fixed_fee = self.dice.chance(20);
        let is_billable = is_fixed_fee || !self.dice.chance(15);
        let budget_by =
            self.dice.pick(&["project", "project_cost", "task", "person", "none", "task_fees"]);
        let in_money = matches!(budget_by, "project_cost" | "task_fees");
        let has_budget = budget_by != "none";
        let code = format!("P{}", id % 1000);
        let hours = DecimalNumber::cents(self.dice.between(10, 900) * 50);
        let money = DecimalNumber::cents(self.dice.between(100, 90_000) * 10);
        let name = format!("{} {}", self.dice.pick(words::SUBJECTS), id % 100);
        Project {
            id,
            client: self.any_client().unwrap_or_default(),
            name,
            code: self.maybe(&code),
            is_active: !self.dice.chance(20),
            is_billable,
            is_fixed_fee,
            bill_by: if is_billable {
                self.dice.pick(&["Project", "Tasks", "People"])
            } else {
                "none"
            },
            hourly_rate: (is_billable && self.dice.chance(50))
                .then(|| DecimalNumber::cents(id % 90 * 175)),
            budget: (has_budget && !in_money).then_some(hours),
            budget_by,
            budget_is_monthly: has_budget && self.dice.chance(20),
            cost_budget: (has_budget && in_money).then_some(money),
            fee: is_fixed_fee.then(|| Money::cents(id % 50 * 100_000 + 50)),
            notes: self.maybe("Rahmenvertrag; siehe Anlage\r\nv2"),
            starts: self.dice.chance(60).then(|| created.day()),
            ends: self.dice.chance(30).then(|| created.day().plus(200)),
            notified: self.dice.chance(10).then(|| self.now.day().plus(-3)),
            is_locked: false,
            created,
            updated: self.soon_after(created),
        }
    }

    /// Assigns the administrator, some users and some tasks to a project, so that each project has
    /// at least one of each and entries can be made for it.
    pub(crate) fn staff(&mut self, project: i64, created: Moment) {
        let mut users: Vec<i64> = self.books.users.iter().take(1).map(|user| user.id).collect();
        for _ in 0..self.dice.between(2, 6) {
            users.extend(self.any_user());
        }
        // Sorted, so that the ids of assignments do not depend on the order of the draw, and each
        // user once.
        users.sort_unstable();
        users.dedup();
        for user in users {
            let assignment = self.user_assignment(project, user, created);
            self.books.put_user_assignment(assignment);
        }
        let tasks: Vec<i64> = self.books.tasks.iter().map(|task| task.id).collect();
        let mut chosen: Vec<i64> =
            (0..self.dice.between(3, 6)).map(|_| self.dice.pick(&tasks)).collect();
        chosen.sort_unstable();
        chosen.dedup();
        for task in chosen {
            let assignment = self.task_assignment(project, task, created);
            self.books.put_task_assignment(assignment);
        }
    }

    /// Makes the assignment of a user to a project; the caller adds it.
    pub(crate) fn user_assignment(
        &mut self,
        project: i64,
        user: i64,
        created: Moment,
    ) -> UserAssignment {
        let use_default_rates = self.dice.chance(60);
        let manages = self.books.users.get(user).is_some_and(|one| !one.has("member"));
        UserAssignment {
            id: self.books.user_assignments.claim_id(),
            project,
            user,
            is_active: !self.dice.chance(15),
            is_project_manager: manages && self.dice.chance(60),
            use_default_rates,
            hourly_rate: (!use_default_rates)
                .then(|| DecimalNumber::cents(self.dice.between(40, 200) * 50)),
            budget: self
                .dice
                .chance(15)
                .then(|| DecimalNumber::cents(self.dice.between(1, 80) * 125)),
            created,
            updated: self.soon_after(created),
        }
    }

    /// Makes the assignment of a task to a project; the caller adds it.
    pub(crate) fn task_assignment(
        &mut self,
        project: i64,
        task: i64,
        created: Moment,
    ) -> TaskAssignment {
        TaskAssignment {
            id: self.books.task_assignments.claim_id(),
            project,
            task,
            is_active: !self.dice.chance(10),
            billable: !self.dice.chance(25),
            hourly_rate: self
                .dice
                .chance(50)
                .then(|| DecimalNumber::cents(self.dice.between(40, 200) * 50)),
            budget: self
                .dice
                .chance(15)
                .then(|| DecimalNumber::cents(self.dice.between(1, 80) * 125)),
            created,
            updated: self.soon_after(created),
        }
    }
}
