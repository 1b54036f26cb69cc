//! An account made by hand, for questions whose answers are worked out by hand.
//!
//! It is small enough to be added up on paper, and has what makes answers wrong: three currencies,
//! a rate that changes in the middle of a week, an archived person, a newcomer, rounded hours, a
//! fixed fee, a credit note, a refund, a monthly budget, budgets by task and by person, a running
//! timer, work of the future, weeks that begin on Saturday, missing rates, an invoice without a
//! day. `tests/queries/edge.py` has the answers, and the sums that lead to them.
//!
//! Its days are fixed: today is Wednesday, 18 March 2026, noon in UTC. In the week before, on
//! Monday the 9th, Ben began to work half of the week; the change itself is a mutation
//! (`set_capacity`), since only a reader that has seen both knows of it.

mod billing;
mod projects;
mod tracked;

use std::collections::BTreeMap;

use crate::books::Books;
use crate::calendar::{Day, Moment};
use crate::decimal::DecimalNumber;
use crate::generate::GeneratedAccount;
use crate::people::{Company, Role, User, UserRate};
use crate::scale::AccountScale;
use crate::viewer::{ADMINISTRATOR_TOKEN, MANAGER_TOKEN, MEMBER_TOKEN};

/// Noon of today in the account.
const NOON: Moment = Moment(AccountScale::PRESENT_BY_HAND);

/// Hour in seconds, the unit of capacities.
const HOUR: i64 = 3600;

/// Ids of the people, whose names begin with the letters A to D.
#[derive(Clone, Copy, Debug)]
struct Crew {
    ada: i64,
    ben: i64,
    cleo: i64,
    dov: i64,
}

/// Returns the account. Nothing of it depends on chance or on the clock.
pub(crate) fn account() -> GeneratedAccount {
    let mut books = Books::new(Company {
        name: "Edge".to_owned(),
        domain: "edge.harvestapp.com".to_owned(),
        expense_feature: true,
        invoice_feature: true,
        estimate_feature: true,
        weekly_capacity: 40 * HOUR,
        color_scheme: None,
        week_start_day: "Saturday",
        currency: "EUR",
    });
    let crew = people(&mut books);
    let work = tracked::work(&mut books, crew);
    billing::documents(&mut books, crew.ada, &work);
    let holders = [ADMINISTRATOR_TOKEN, MANAGER_TOKEN, MEMBER_TOKEN];
    let people = [crew.ada, crew.ben, crew.cleo];
    let tokens: BTreeMap<String, i64> =
        holders.into_iter().map(str::to_owned).zip(people).collect();
    GeneratedAccount { books, tokens }
}

/// Returns the day of a date such as `2026-03-18`.
fn day(text: &str) -> Day {
    let found = Day::parse(text);
    debug_assert!(found.is_some(), "{text} is no day");
    found.unwrap_or(Day::FIRST)
}

/// Returns nine o'clock in UTC of a date.
fn nine(text: &str) -> Moment {
    Moment(day(text).start().0 + 9 * HOUR)
}

/// Makes the people and their roles: two designers, two developers.
fn people(books: &mut Books) -> Crew {
    for name in ["Design", "Development"] {
        let (id, created) = (books.roles.claim_id(), nine("2025-01-02"));
        books.roles.put(Role { id, name: name.to_owned(), created, updated: created });
    }
    // Ada is worth more from Wednesday, 11 March.
    let rates = [(10_000, None, Some("2026-03-10")), (12_000, Some("2026-03-11"), None)];
    let ada = person(books, "Ada Berg", "administrator", "Design", "2025-01-02");
    rated(books, ada, &rates, Some(5_000));
    let ben = person(books, "Ben Cole", "manager", "Development", "2025-01-02");
    rated(books, ben, &[(9_000, None, None)], Some(4_000));
    // A newcomer, whose rate and cost nobody has set yet.
    let cleo = person(books, "Cleo Dahl", "member", "Design", "2026-03-11");
    let dov = person(books, "Dov Egan", "member", "Development", "2025-06-02");
    rated(books, dov, &[(8_000, None, None)], Some(4_500));
    books.users.edit(dov, nine("2026-03-06"), |user| {
        (user.is_active, user.is_contractor) = (false, true);
    });
    Crew { ada, ben, cleo, dov }
}

/// Makes a person of 40 hours a week without rates.
fn person(books: &mut Books, name: &str, access: &str, role: &str, joined: &str) -> i64 {
    let id = books.users.claim_id();
    let (first, last) = name.split_once(' ').unwrap_or((name, ""));
    books.users.put(User {
        id,
        first_name: first.to_owned(),
        last_name: last.to_owned(),
        email: format!("{}@example.com", first.to_lowercase()),
        telephone: None,
        timezone: "UTC",
        is_contractor: false,
        is_active: true,
        all_future_projects: false,
        weekly_capacity: 40 * HOUR,
        default_rate: None,
        cost_rate: None,
        roles: vec![role.to_owned()],
        access_roles: vec![access.to_owned()],
        avatar: 1,
        employee_id: None,
        teammates: Vec::new(),
        billable_rates: Vec::new(),
        cost_rates: Vec::new(),
        created: nine(joined),
        updated: nine(joined),
    });
    id
}

/// Gives a person billable rates, each with its first and last day, and one cost; both in cents.
fn rated(
    books: &mut Books,
    user: i64,
    billable: &[(i64, Option<&str>, Option<&str>)],
    cost: Option<i64>,
) {
    let created = nine("2025-01-02");
    let mut rate = |cents: i64, start: Option<&str>, end: Option<&str>| UserRate {
        id: books.claim_child(),
        amount: DecimalNumber::cents(cents),
        start: start.map(day),
        end: end.map(day),
        created,
        updated: created,
    };
    let billable: Vec<UserRate> =
        billable.iter().map(|(cents, start, end)| rate(*cents, *start, *end)).collect();
    let costs: Vec<UserRate> = cost.map(|cents| rate(cents, None, None)).into_iter().collect();
    books.users.edit_quietly(user, |one| {
        one.default_rate = billable.last().map(|rate| rate.amount);
        one.cost_rate = costs.last().map(|rate| rate.amount);
        (one.billable_rates, one.cost_rates) = (billable, costs);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_its_days_are_days_and_today_is_a_wednesday() {
        assert_eq!(NOON.day(), day("2026-03-18"));
        // `day` fails by its assertion for a text that is no day.
        let made = account();
        assert_eq!(made.books.entries.len(), 19);
        assert_eq!(made.books.invoices.len(), 8);
        assert_eq!(made.tokens.len(), 3);
    }
}
