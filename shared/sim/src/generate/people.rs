//! Users, roles and rates.
//!
//! They come first, because all work is done by users, at their rates.

use super::{AccountGenerator, words};
use crate::calendar::{Day, Moment};
use crate::decimal::DecimalNumber;
use crate::people::{Role, User, UserRate};

impl AccountGenerator<'_> {
    /// Makes roles and users; the first three users hold the tokens.
    pub(crate) fn people(&mut self) {
        let created = self.moments(words::ROLES.len());
        for (name, created) in words::ROLES.iter().zip(created) {
            let id = self.books.roles.claim_id();
            let role = Role { id, name: (*name).to_owned(), created, updated: created };
            self.books.roles.put(role);
        }
        // All users join in the first tenth of the history, so that entries have users.
        let tenth = (self.now.0 - self.start.0) / 10;
        for place in 0..self.scale.users.max(3) {
            let joined = i64::try_from(place * 97).unwrap_or(0);
            let created = Moment(self.start.0 + self.dice.between(0, 60) + joined.min(tenth));
            let user = self.user(place, created);
            self.books.users.put(user);
        }
        // Teammates last: they refer to users who must exist already.
        let ids: Vec<i64> = self.books.users.iter().map(|user| user.id).collect();
        for id in &ids {
            let is_manager = self.books.users.get(*id).is_some_and(|user| user.has("manager"));
            if !is_manager {
                continue;
            }
            let mut teammates: Vec<i64> = (0..4).map(|_| self.dice.pick(&ids)).collect();
            teammates.sort_unstable();
            teammates.dedup();
            teammates.retain(|other| other != id);
            self.books.users.edit_quietly(*id, |user| user.teammates = teammates);
        }
    }

    /// Makes a user; `place` decides access roles and hours, chance all other fields. The first
    /// three users are always active, since an archived person could not hold a token.
    pub(crate) fn user(&mut self, place: usize, created: Moment) -> User {
        let id = self.books.users.claim_id();
        let first_name = self.dice.pick(words::FIRST_NAMES).to_owned();
        let last_name = self.dice.pick(words::LAST_NAMES).to_owned();
        let access_roles: &[&str] = match place {
            0 => &["administrator"],
            1 => &["manager", "managed_projects_invoice_manager"],
            _ if place % 7 == 3 => &["manager", "billable_rates_manager", "project_creator"],
            _ => &["member"],
        };
        let role = self.dice.pick(words::ROLES);
        let other = self.dice.pick(words::ROLES);
        let mut roles = vec![role.to_owned()];
        if other != role && self.dice.chance(20) {
            roles.push(other.to_owned());
        }
        let billable_rates = self.rates(created, 80);
        let cost_rates = self.rates(created, 45);
        User {
            id,
            email: format!("user{id}@example.com"),
            first_name,
            last_name,
            telephone: self.maybe("+49 30 123456"),
            timezone: self.dice.pick(words::TIMEZONES),
            is_contractor: place % 9 == 5,
            is_active: place < 3 || !self.dice.chance(15),
            all_future_projects: self.dice.chance(30),
            weekly_capacity: if place % 4 == 3 { 72_000 } else { 126_000 },
            default_rate: billable_rates.last().map(|rate| rate.amount),
            cost_rate: cost_rates.last().map(|rate| rate.amount),
            roles,
            access_roles: access_roles.iter().map(|role| (*role).to_owned()).collect(),
            avatar: self.dice.next() % 1_000_000,
            employee_id: place.is_multiple_of(3).then(|| format!("E-{place:04}")),
            teammates: Vec::new(),
            billable_rates,
            cost_rates,
            created,
            updated: self.soon_after(created),
        }
    }

    /// Makes a history of up to three rates: the first without a start, the last without an end,
    /// and sometimes none at all. `base` is the first rate in whole units.
    fn rates(&mut self, since: Moment, base: i64) -> Vec<UserRate> {
        let count = self.dice.between(0, 3);
        let mut rates: Vec<UserRate> = Vec::new();
        for place in 0..count {
            let id = self.books.claim_child();
            let created = Moment(since.0 + place * 31).min(self.now);
            let start = (place > 0).then(|| self.start.day().plus(place * 120));
            // Each rate ends on the day before the next one starts, and is changed by that.
            if let (Some(last), Some(start)) = (rates.last_mut(), start) {
                last.end = Some(start.plus(-1));
                last.updated = created;
            }
            let cents = base * 100 + place * 525 + self.dice.between(0, 3) * 25;
            rates.push(UserRate {
                id,
                amount: DecimalNumber::cents(cents),
                start,
                end: None,
                created,
                updated: created,
            });
        }
        rates
    }
}

/// Returns the rate of the list that is valid on `day`: the last one that has started. Rates are
/// ordered by their start, those without one first.
pub(crate) fn rate_on(rates: &[UserRate], day: Day) -> Option<DecimalNumber> {
    let holds = |rate: &&UserRate| rate.start.is_none_or(|start| start <= day);
    rates.iter().rev().find(holds).map(|rate| rate.amount)
}
