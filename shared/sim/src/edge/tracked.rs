//! Time and expenses of the account made by hand.

use super::projects::{Projects, Tasks, assign, client, projects, task};
use super::{Crew, NOON, day, nine};
use crate::books::Books;
use crate::calendar::Moment;
use crate::decimal::{DecimalNumber, Money};
use crate::generate::people::rate_on;
use crate::work::{Approval, Expense, ExpenseCategory, TimeEntry};

/// Ids of what invoices and estimates refer to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work {
    /// Client that pays in euros.
    pub(super) acme: i64,
    /// Client that pays in dollars.
    pub(super) bolt: i64,
    /// Client that pays in pounds.
    pub(super) crest: i64,
    pub(super) website: i64,
    pub(super) fixed: i64,
    pub(super) support: i64,
    /// Ids of the entries and the expense that the invoices 1001 and 1003 bill.
    pub(super) billed_website: [i64; 2],
    pub(super) billed_support: [i64; 2],
    pub(super) billed_expense: i64,
}

/// Makes clients, projects, entries and expenses.
pub(super) fn work(books: &mut Books, crew: Crew) -> Work {
    let acme = client(books, "Acme", "EUR");
    let bolt = client(books, "Bolt", "USD");
    let crest = client(books, "Crest", "GBP");
    let tasks = Tasks {
        design: task(books, "Design", true),
        development: task(books, "Development", true),
        meetings: task(books, "Meetings", false),
    };
    let projects = projects(books, acme, bolt);
    assign(books, crew, tasks, projects);
    let (billed_website, billed_support) = track(books, crew, tasks, projects);
    let Projects { website, fixed, support, internal, .. } = projects;
    let billed_expense = spend(books, (crew.ada, crew.ben), [website, support, internal]);
    Work {
        acme,
        bolt,
        crest,
        website,
        fixed,
        support,
        billed_website,
        billed_support,
        billed_expense,
    }
}

/// Makes the entries. Returns the ids of those that the invoices 1001 and 1003 bill.
fn track(books: &mut Books, crew: Crew, tasks: Tasks, projects: Projects) -> ([i64; 2], [i64; 2]) {
    let Projects { website, fixed, support, internal, app } = projects;
    let mut track =
        |spent, user, project, task, cents| entry(books, spent, user, project, task, cents);
    let (ada, ben, cleo) = (crew.ada, crew.ben, crew.cleo);
    // Billed two months later, by an invoice of March.
    let january = track("2026-01-15", ben, support, tasks.development, 800);
    // The week of Saturday, 28 February.
    track("2026-02-28", ada, website, tasks.design, 100);
    let monday = track("2026-03-02", ada, website, tasks.design, 710);
    let tuesday = track("2026-03-03", ada, website, tasks.design, 800);
    let march = track("2026-03-03", ben, support, tasks.development, 600);
    track("2026-03-05", crew.dov, website, tasks.development, 500);
    track("2026-03-06", ben, internal, tasks.meetings, 200);
    // The week of 7 March: Ada's rate rises on Wednesday.
    track("2026-03-09", ben, app, tasks.development, 300);
    track("2026-03-10", ada, website, tasks.design, 402);
    track("2026-03-10", ben, fixed, tasks.development, 650);
    track("2026-03-11", ada, website, tasks.design, 400);
    track("2026-03-12", cleo, website, tasks.design, 500);
    track("2026-03-13", cleo, internal, tasks.meetings, 110);
    // The present week, of 14 March.
    track("2026-03-16", ada, app, tasks.design, 200);
    track("2026-03-17", ada, fixed, tasks.design, 300);
    track("2026-03-17", ben, support, tasks.development, 400);
    let running = track("2026-03-18", ada, website, tasks.design, 50);
    // Planned: next Wednesday, and a day of next year by a slip of the pen.
    track("2026-03-25", ada, website, tasks.design, 800);
    track("2027-03-17", ben, support, tasks.development, 100);
    // 36 minutes ago: 0.5 hours became 1.1, which are 1.25 when rounded.
    books.edit_entry(running, NOON, |one| {
        (one.timer, one.began) = (Some(Moment(NOON.0 - 36 * 60)), Some(10 * 60 + 54));
    });
    for (id, approval) in [(monday, Approval::Approved), (tuesday, Approval::Submitted)] {
        books.edit_entry(id, NOON, |one| one.approval = approval);
    }
    ([monday, tuesday], [january, march])
}

/// Makes the expenses; returns the id of the one that an invoice bills.
fn spend(books: &mut Books, (ada, ben): (i64, i64), projects: [i64; 3]) -> i64 {
    let id = books.expense_categories.claim_id();
    let created = nine("2025-01-02");
    books.expense_categories.put(ExpenseCategory {
        id,
        name: "Travel".to_owned(),
        unit_name: None,
        unit_price: None,
        is_active: true,
        created,
        updated: created,
    });
    let [website, support, internal] = projects;
    let mut put = |spent: &str, user: i64, project: i64, cents: i64| {
        let expense = Expense {
            id: books.expenses.claim_id(),
            spent: day(spent),
            user,
            project,
            category: id,
            user_assignment: None,
            units: DecimalNumber::whole(1),
            total: Money::cents(cents),
            notes: None,
            receipt: None,
            invoice: None,
            approval: Approval::Unsubmitted,
            billable: project != internal,
            created: nine("2026-03-09"),
            updated: nine("2026-03-09"),
        };
        let id = expense.id;
        books.expenses.put(expense);
        id
    };
    put("2026-03-04", ada, website, 12_050);
    let billed = put("2026-03-05", ben, support, 20_000);
    put("2026-03-09", ben, internal, 4_500);
    // A ticket for a journey at the end of the month.
    put("2026-03-30", ada, website, 6_000);
    billed
}

/// Makes an entry at the person's rates of that day; returns its id. Work began at half past eight,
/// which the account shows as 8:30am.
fn entry(books: &mut Books, spent: &str, user: i64, project: i64, task: i64, cents: i64) -> i64 {
    let spent = day(spent);
    let worker = books.users.get(user);
    let rate = worker.and_then(|one| rate_on(&one.billable_rates, spent));
    let cost = worker.and_then(|one| rate_on(&one.cost_rates, spent));
    let assignments = (
        books.crew(project).find(|one| one.user == user).map(|one| one.id),
        books.tasks(project).find(|one| one.task == task).map(|one| (one.id, one.billable)),
    );
    let billable = assignments.1.is_some_and(|one| one.1);
    let created = Moment((spent.start().0 + 17 * 3600).min(NOON.0 - 3600));
    let made = TimeEntry {
        id: books.entries.claim_id(),
        spent,
        user,
        project,
        task,
        user_assignment: assignments.0,
        task_assignment: assignments.1.map(|one| one.0),
        hours: DecimalNumber::cents(cents),
        notes: None,
        reference: None,
        invoice: None,
        approval: Approval::Unsubmitted,
        timer: None,
        began: Some(8 * 60 + 30),
        billable,
        budgeted: true,
        billable_rate: rate.filter(|_| billable),
        cost_rate: cost,
        created,
        updated: created,
    };
    let id = made.id;
    books.put_entry(made);
    id
}
