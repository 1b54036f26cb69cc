//! Random changes, like those of an ordinary day.
//!
//! Entries change more often than other records, as in a real account, but each kind of change
//! occurs. The weights are part of every history: another weight or another order changes what each
//! seed does, and with it the seeds that stand in tests.

use jiff::Timestamp;
use jiff::civil::date;

use super::{AppliedMutation, Mutation, RateKind};
use crate::account::Account;
use crate::calendar::Day;
use crate::dice::Dice;
use crate::stream::Stream;

impl Account {
    /// Makes up to `steps` random changes, and returns those that were made; the ones that Harvest
    /// would refuse are left out. Tokens, access roles and modules do not change, so that the
    /// account stays readable.
    pub fn mutate(&mut self, now: Timestamp, seed: u64, steps: u64) -> Vec<AppliedMutation> {
        let mut dice = Dice::new(seed ^ self.seed.rotate_left(17));
        let mut applied = Vec::new();
        for _ in 0..steps {
            let mutation = any_mutation(&mut dice);
            // Each change has dice of its own: how many numbers it draws does not alter the changes
            // after it.
            let own = Dice::new(dice.next());
            applied.extend(self.apply_by(now, &mutation, own));
        }
        self.mutate_others(now, Dice::new(dice.next()), steps, &mut applied);
        applied
    }

    /// Changes the listings that `MOVING` does not name. They come last, with numbers of their own,
    /// and are not counted, so that all other records stay the same.
    fn mutate_others(
        &mut self,
        now: Timestamp,
        mut dice: Dice,
        steps: u64,
        applied: &mut Vec<AppliedMutation>,
    ) {
        let changes = self.changes;
        let listings = Stream::ALL.iter().filter(|stream| stream.listing().is_some());
        for stream in listings.map(|stream| stream.name()).filter(|name| !MOVING.contains(name)) {
            for _ in 0..steps.div_ceil(20) {
                let (stream, id) = (stream.to_owned(), None);
                let mutation = match dice.between(0, 3) {
                    0 => Mutation::Create { stream },
                    1 => Mutation::Delete { stream, id },
                    _ => Mutation::Update { stream, id },
                };
                let own = Dice::new(dice.next());
                applied.extend(self.apply_by(now, &mutation, own));
            }
        }
        self.changes = changes;
    }
}

/// Names of the streams whose records change; those named several times change more often.
const MOVING: &[&str] = &[
    "time_entries",
    "time_entries",
    "time_entries",
    "time_entries",
    "expenses",
    "expenses",
    "invoices",
    "estimates",
    "clients",
    "contacts",
    "projects",
    "tasks",
    "users",
    "roles",
    "user_assignments",
    "task_assignments",
    "expense_categories",
    "invoice_item_categories",
    "estimate_item_categories",
];

/// Returns a random change. Of a hundred, about 24 create a record, 30 update one, 12 delete one, 7
/// rename or archive one, and 27 concern rates, messages, payments, timers and days.
fn any_mutation(dice: &mut Dice) -> Mutation {
    let stream = dice.pick(MOVING).to_owned();
    let document = if dice.chance(60) { "invoices" } else { "estimates" }.to_owned();
    let id = None;
    match dice.between(0, 99) {
        0..24 => Mutation::Create { stream },
        24..54 => Mutation::Update { stream, id },
        54..66 => Mutation::Delete { stream, id },
        66..70 => {
            let stream = dice.pick(&["clients", "projects", "tasks", "users"]).to_owned();
            Mutation::Rename { stream, id, name: None }
        }
        70..73 => Mutation::Archive { stream, id },
        73..77 => {
            let kind = if dice.chance(50) { RateKind::Billable } else { RateKind::Cost };
            let start =
                dice.chance(60).then(|| Day::of(date(2024, 1, 1)).plus(dice.between(0, 1500)));
            let start_date = start.map(Day::text);
            Mutation::ChangeRate { user: None, kind, cents: None, start_date }
        }
        77..82 => Mutation::AddMessage { stream: document, id },
        82..84 => Mutation::RemoveMessage { stream: document, id },
        84..89 => Mutation::AddPayment { id },
        89..91 => Mutation::RemovePayment { id },
        91..93 => Mutation::StartTimer,
        93..95 => Mutation::StopTimer { id },
        95..99 => Mutation::MoveEntry { id, day: None, project: None },
        _ => Mutation::Undate { id },
    }
}
