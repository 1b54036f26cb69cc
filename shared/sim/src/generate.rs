//! Generator of accounts: the same size, seed and end make the same account.
//!
//! All parts share one sequence of random numbers and one of ids for children, and are made in a
//! fixed order, in which each part finds the records that it refers to: people, then clients and
//! projects, then work, then invoices for it. One more call of the dice in an early part changes
//! all records of the later ones; the README says what that breaks and where a new part belongs.
//!
//! Records get awkward values by chance and on purpose: texts in many alphabets, the empty text
//! beside null, amounts with all digits of their column, entries that were written weeks after the
//! work. Tests need not ask for them; every account has some.

pub(crate) mod billing;
pub(crate) mod people;
pub(crate) mod tracked;
pub(crate) mod words;
pub(crate) mod work;

use std::collections::BTreeMap;

use crate::books::Books;
use crate::calendar::{Day, Moment};
use crate::dice::Dice;
use crate::people::Company;
use crate::scale::AccountScale;
use crate::viewer::{ADMINISTRATOR_TOKEN, MANAGER_TOKEN, MEMBER_TOKEN};

/// Fresh account: its records, and the users of its tokens.
#[derive(Debug)]
pub(crate) struct GeneratedAccount {
    pub(crate) books: Books,
    pub(crate) tokens: BTreeMap<String, i64>,
}

/// State that all parts of the generator share. Mutations use it, too, so that new records are like
/// those of the history; both ends of the history are then the time of the mutation.
#[derive(Debug)]
pub(crate) struct AccountGenerator<'a> {
    /// Size of the account; mutations do not look at it.
    pub(crate) scale: &'a AccountScale,
    /// Sequence of random numbers, the only one of this generator.
    pub(crate) dice: Dice,
    pub(crate) books: &'a mut Books,
    /// Beginning of the history, which ends at `now`.
    pub(crate) start: Moment,
    pub(crate) now: Moment,
}

/// Makes up the account of this size and seed, with a history that ends at `now`. The first three
/// users by id hold the tokens: administrator, manager and member.
pub(crate) fn account(scale: &AccountScale, seed: u64, now: Moment) -> GeneratedAccount {
    let company = Company {
        name: "Beispiel & Söhne".to_owned(),
        domain: "beispiel.harvestapp.com".to_owned(),
        expense_feature: true,
        invoice_feature: true,
        estimate_feature: true,
        weekly_capacity: 126_000,
        color_scheme: Some("orange".to_owned()),
        week_start_day: "Monday",
        currency: "USD",
    };
    let mut books = Books::new(company);
    let mut maker = AccountGenerator::new(scale, Dice::new(seed), &mut books, now);
    maker.people();
    maker.work();
    maker.track_time();
    maker.spend();
    maker.bill();
    maker.estimate();
    let people: Vec<i64> = books.users.iter().map(|user| user.id).collect();
    let holders = [ADMINISTRATOR_TOKEN, MANAGER_TOKEN, MEMBER_TOKEN];
    let tokens = holders.into_iter().map(str::to_owned).zip(people).collect();
    GeneratedAccount { books, tokens }
}

impl<'a> AccountGenerator<'a> {
    /// Returns the generator of an account with this size.
    pub(crate) fn new(
        scale: &'a AccountScale,
        dice: Dice,
        books: &'a mut Books,
        now: Moment,
    ) -> Self {
        let days = i64::from(scale.days.max(1));
        Self { scale, dice, books, start: Day(now.day().0 - days).start(), now }
    }

    /// Returns a random second of the history, at least an hour before its end: a test that begins
    /// at `now` then finds no record that was created in the same second.
    pub(crate) fn moment(&mut self) -> Moment {
        Moment(self.dice.between(self.start.0, (self.now.0 - 3600).max(self.start.0)))
    }

    /// Returns `count` random seconds of the history, oldest first, so that ids rise with times.
    pub(crate) fn moments(&mut self, count: usize) -> Vec<Moment> {
        let mut moments: Vec<Moment> = (0..count).map(|_| self.moment()).collect();
        moments.sort_unstable();
        moments
    }

    /// Returns a random second up to 30 days after `since`, at least a minute before the end of the
    /// history; in two of five cases `since` itself. A record that is made at the end of the
    /// history, as by a mutation, is never changed later than it was created.
    pub(crate) fn soon_after(&mut self, since: Moment) -> Moment {
        let later = self.dice.between(0, 30 * 86_400);
        let later = if self.dice.chance(40) { 0 } else { later };
        Moment((since.0 + later).min(self.now.0 - 60)).max(since)
    }

    /// Returns nothing, an empty text, or this one. Recorded answers of Harvest have all three
    /// forms in one field, so a reader must keep null and the empty text apart.
    pub(crate) fn maybe(&mut self, text: &str) -> Option<String> {
        match self.dice.between(0, 5) {
            0 => None,
            1 => Some(String::new()),
            _ => Some(text.to_owned()),
        }
    }
}
