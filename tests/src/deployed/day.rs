//! Changes of the account in an hour of an ordinary week.

use engine::time::Timestamp;
use jiff::tz::Offset;
use sim::{Account, Mutation};

use super::functions::Deployed;

/// Hours at which people work, UTC.
const AT_WORK: core::ops::Range<i8> = 8..18;

impl Deployed {
    /// Makes the changes of one hour by `people`, each of whom makes eight entries on a working
    /// day. Makes none on week-ends and at night. Changes that Harvest would refuse are left out.
    pub fn an_hour_of_work(&self, people: usize) {
        let mut account = self.world.account.lock().expect("no panic");
        an_hour_of_work(&mut account, self.now(), people);
    }
}

fn an_hour_of_work(account: &mut Account, now: Timestamp, people: usize) {
    let civil = engine::time::utc_day(now);
    let hour = Offset::UTC.to_datetime(now).hour();
    let weekend = civil.weekday().to_monday_zero_offset() >= 5;
    if weekend || !AT_WORK.contains(&hour) {
        return;
    }
    let create = |stream: &str| Mutation::Create { stream: stream.to_owned() };
    let update = |stream: &str| Mutation::Update { stream: stream.to_owned(), id: None };
    let delete = |stream: &str| Mutation::Delete { stream: stream.to_owned(), id: None };
    let message = || Mutation::AddMessage { stream: "invoices".to_owned(), id: None };
    // Tenths of a change per hundred people and hour; a fraction of one comes every few hours.
    let usual: [(u32, Mutation); 17] = [
        (800, create("time_entries")),
        (200, update("time_entries")),
        (20, delete("time_entries")),
        (20, Mutation::StartTimer),
        (20, Mutation::StopTimer { id: None }),
        (10, Mutation::MoveEntry { id: None, day: None, project: None }),
        (40, create("expenses")),
        (10, update("expenses")),
        (5, create("invoices")),
        (5, update("invoices")),
        (5, Mutation::AddPayment { id: None }),
        (5, message()),
        (2, create("estimates")),
        (2, update("projects")),
        (2, create("contacts")),
        (2, create("user_assignments")),
        (1, update("users")),
    ];
    let people = u32::try_from(people).unwrap_or(u32::MAX);
    let round = u32::try_from(now.as_second() / 3600).unwrap_or(0);
    for (often, mutation) in usual {
        // Whole changes happen now; the rest adds up over the hours until it is a whole change.
        let sum = |hours: u32| u64::from(hours % 100_000) * u64::from(often * people) / 1000;
        for _ in sum(round)..sum(round + 1) {
            drop(account.apply(now, &mutation));
        }
    }
}
