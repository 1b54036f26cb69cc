//! Generator of accounts: the same size, seed and end make the same account.

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

/// Fresh account, and the users of its tokens.
#[derive(Debug)]
pub(crate) struct GeneratedAccount {
    pub(crate) books: Books,
    pub(crate) tokens: BTreeMap<String, i64>,
}

/// State that all parts of the generator share.
#[derive(Debug)]
pub(crate) struct AccountGenerator<'a> {
    pub(crate) scale: &'a AccountScale,
    pub(crate) dice: Dice,
    pub(crate) books: &'a mut Books,
    /// Beginning of the history, which ends at `now`.
    pub(crate) start: Moment,
    pub(crate) now: Moment,
}

/// Makes up the account of this size and seed, with a history that ends at `now`.
pub(crate) fn account(scale: &AccountScale, seed: u64, now: Moment) -> GeneratedAccount {
    let company = Company {
        name: "Beispiel & Söhne".to_owned(),
        domain: "beispiel.harvestapp.com".to_owned(),
        expense_feature: true,
        invoice_feature: true,
        estimate_feature: true,
        weekly_capacity: 126_000,
        color_scheme: Some("orange".to_owned()),
    };
    let days = i64::from(scale.years.max(1)) * 365;
    let start = Day(now.day().0 - days).start();
    let mut books = Books::new(company);
    let mut maker =
        AccountGenerator { scale, dice: Dice::new(seed), books: &mut books, start, now };
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

impl AccountGenerator<'_> {
    /// Returns a random second of the history.
    pub(crate) fn moment(&mut self) -> Moment {
        Moment(self.dice.between(self.start.0, (self.now.0 - 3600).max(self.start.0)))
    }

    /// Returns `count` random seconds of the history, oldest first, so that ids rise with times.
    pub(crate) fn moments(&mut self, count: usize) -> Vec<Moment> {
        let mut moments: Vec<Moment> = (0..count).map(|_| self.moment()).collect();
        moments.sort_unstable();
        moments
    }

    /// Returns a random second up to a month after `since`, but not after the end of the history.
    pub(crate) fn soon_after(&mut self, since: Moment) -> Moment {
        let later = self.dice.between(0, 30 * 86_400);
        let later = if self.dice.chance(40) { 0 } else { later };
        Moment((since.0 + later).min(self.now.0 - 60)).max(since)
    }

    /// Returns nothing, an empty text, or this one: optional texts occur in all three forms.
    pub(crate) fn maybe(&mut self, text: &str) -> Option<String> {
        match self.dice.between(0, 5) {
            0 => None,
            1 => Some(String::new()),
            _ => Some(text.to_owned()),
        }
    }
}
