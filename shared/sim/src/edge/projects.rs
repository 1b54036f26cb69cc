//! Clients, tasks and projects of the account made by hand, and who may track what.

use super::{Crew, nine};
use crate::books::Books;
use crate::decimal::{DecimalNumber, Money};
use crate::work::{Client, Project, Task, TaskAssignment, UserAssignment};

/// Ids of the tasks. Meetings are never billable.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tasks {
    pub(super) design: i64,
    pub(super) development: i64,
    pub(super) meetings: i64,
}

/// Ids of the projects.
#[derive(Clone, Copy, Debug)]
pub(super) struct Projects {
    pub(super) website: i64,
    pub(super) fixed: i64,
    pub(super) support: i64,
    pub(super) internal: i64,
    pub(super) app: i64,
}

/// Makes the projects of both clients.
pub(super) fn projects(books: &mut Books, acme: i64, bolt: i64) -> Projects {
    // Hours for each task.
    let website = project(books, acme, "Website", |one| one.budget_by = "task");
    // A fee of 5,000 for all of it, and 40 hours.
    let fixed = project(books, acme, "Relaunch", |one| {
        (one.is_fixed_fee, one.fee) = (true, Some(Money::cents(500_000)));
        (one.budget_by, one.budget) = ("project", Some(DecimalNumber::whole(40)));
    });
    // 1,000 dollars each month.
    let support = project(books, bolt, "Support", |one| {
        (one.budget_by, one.budget_is_monthly) = ("project_cost", true);
        one.cost_budget = Some(DecimalNumber::whole(1000));
    });
    let internal = project(books, acme, "Internal", |one| {
        (one.is_billable, one.bill_by) = (false, "none");
    });
    // Hours for each person.
    let app = project(books, bolt, "App", |one| one.budget_by = "person");
    Projects { website, fixed, support, internal, app }
}

/// Assigns tasks and people to the projects, with the budgets of Website and App.
pub(super) fn assign(books: &mut Books, crew: Crew, tasks: Tasks, projects: Projects) {
    let Projects { website, fixed, support, internal, app } = projects;
    for (project, budgets) in
        [(website, [Some(20), Some(6)]), (fixed, [None; 2]), (support, [None; 2]), (app, [None; 2])]
    {
        put_task(books, project, tasks.design, true, budgets[0]);
        put_task(books, project, tasks.development, true, budgets[1]);
    }
    put_task(books, internal, tasks.meetings, false, None);
    for (project, people) in [
        (website, vec![(crew.ada, None), (crew.cleo, None), (crew.dov, None)]),
        (fixed, vec![(crew.ada, None), (crew.ben, None)]),
        (support, vec![(crew.ben, None)]),
        (internal, vec![(crew.ben, None), (crew.cleo, None)]),
        (app, vec![(crew.ada, Some(8)), (crew.ben, Some(2))]),
    ] {
        for (user, budget) in people {
            put_user(books, project, user, budget);
        }
    }
}

/// Makes a client; returns its id.
pub(super) fn client(books: &mut Books, name: &str, currency: &'static str) -> i64 {
    let id = books.clients.claim_id();
    let created = nine("2025-01-02");
    books.clients.put(Client {
        id,
        name: name.to_owned(),
        is_active: true,
        address: None,
        statement_key: format!("{id:032x}"),
        currency,
        created,
        updated: created,
    });
    id
}

/// Makes a task; returns its id.
pub(super) fn task(books: &mut Books, name: &str, billable: bool) -> i64 {
    let id = books.tasks.claim_id();
    let created = nine("2025-01-02");
    books.tasks.put(Task {
        id,
        name: name.to_owned(),
        billable_by_default: billable,
        default_rate: None,
        is_default: false,
        is_active: true,
        created,
        updated: created,
    });
    id
}

/// Makes a project by time and materials at the rates of people, without a budget; `change` makes
/// it another.
fn project(books: &mut Books, client: i64, name: &str, change: impl FnOnce(&mut Project)) -> i64 {
    let id = books.projects.claim_id();
    let created = nine("2025-11-03");
    let mut made = Project {
        id,
        client,
        name: name.to_owned(),
        code: None,
        is_active: true,
        is_billable: true,
        is_fixed_fee: false,
        bill_by: "People",
        hourly_rate: None,
        budget: None,
        budget_by: "none",
        budget_is_monthly: false,
        cost_budget: None,
        fee: None,
        notes: None,
        starts: Some(created.day()),
        ends: None,
        notified: None,
        is_locked: false,
        created,
        updated: created,
    };
    change(&mut made);
    books.projects.put(made);
    id
}

fn put_task(books: &mut Books, project: i64, task: i64, billable: bool, budget: Option<i64>) {
    let created = nine("2025-11-03");
    let assignment = TaskAssignment {
        id: books.task_assignments.claim_id(),
        project,
        task,
        is_active: true,
        billable,
        hourly_rate: None,
        budget: budget.map(DecimalNumber::whole),
        created,
        updated: created,
    };
    books.put_task_assignment(assignment);
}

fn put_user(books: &mut Books, project: i64, user: i64, budget: Option<i64>) {
    let created = nine("2026-03-11");
    let assignment = UserAssignment {
        id: books.user_assignments.claim_id(),
        project,
        user,
        is_active: true,
        is_project_manager: false,
        use_default_rates: true,
        hourly_rate: None,
        budget: budget.map(DecimalNumber::whole),
        created,
        updated: created,
    };
    books.put_user_assignment(assignment);
}
