//! What people change in an hour of an ordinary week.

use engine::time::Timestamp;
use jiff::tz::Offset;
use sim::{Account, Mutation};

/// Hours at which people work, UTC.
const AT_WORK: core::ops::Range<i8> = 8..18;

/// The changes of one hour by `people`, of whom each notes eight entries on a day of work; on
/// week-ends and at night nobody does anything. What Harvest would refuse is left out.
pub fn an_hour_of_work(account: &mut Account, now: Timestamp, people: usize) -> usize {
    let civil = engine::time::utc_day(now);
    let hour = Offset::UTC.to_datetime(now).hour();
    let weekend = civil.weekday().to_monday_zero_offset() >= 5;
    if weekend || !AT_WORK.contains(&hour) {
        return 0;
    }
    let create = |stream: &str| Mutation::Create { stream: stream.to_owned() };
    let update = |stream: &str| Mutation::Update { stream: stream.to_owned(), id: None };
    let delete = |stream: &str| Mutation::Delete { stream: stream.to_owned(), id: None };
    let message = || Mutation::AddMessage { stream: "invoices".to_owned(), id: None };
    // So many tenths per hundred people and hour; a fraction comes every few hours.
    let usual: [(u32, Mutation); 17] = [
        (80_0, create("time_entries")),
        (20_0, update("time_entries")),
        (2_0, delete("time_entries")),
        (2_0, Mutation::StartTimer),
        (2_0, Mutation::StopTimer { id: None }),
        (1_0, Mutation::MoveEntry { id: None, day: None, project: None }),
        (4_0, create("expenses")),
        (1_0, update("expenses")),
        (0_5, create("invoices")),
        (0_5, update("invoices")),
        (0_5, Mutation::AddPayment { id: None }),
        (0_5, message()),
        (0_2, create("estimates")),
        (0_2, update("projects")),
        (0_2, create("contacts")),
        (0_2, create("user_assignments")),
        (0_1, update("users")),
    ];
    let tenths = u32::try_from(people).unwrap_or(u32::MAX);
    let round = u32::try_from(now.as_second() / 3600).unwrap_or(0);
    let mut made = 0;
    for (often, mutation) in usual {
        // Whole ones now, and what is left over when the hours have made it one.
        let sum = |hours: u32| u64::from(hours % 100_000) * u64::from(often * tenths) / 1000;
        for _ in sum(round)..sum(round + 1) {
            made += usize::from(account.apply(now, &mutation).is_ok());
        }
    }
    made
}
