//! Changes of existing records.
//!
//! Each method says whether it moves the record, and moves no other unless it says so.

use super::{NotApplied, RateKind};
use crate::calendar::Day;
use crate::decimal::DecimalNumber;
use crate::generate::AccountGenerator;
use crate::listing::{NewValues, RecordEdit};
use crate::people::UserRate;
use crate::stream::Stream;

impl AccountGenerator<'_> {
    /// Changes a few fields of a record, which moves. New texts come in all three forms (null,
    /// empty, not empty) and with line breaks, so that an update can also empty a field.
    pub(super) fn change(&mut self, stream: Stream, id: i64) -> Result<(), NotApplied> {
        let roll = self.dice.between(1, 5000);
        let text = self.maybe(&format!("geändert №{roll}\r\n„{roll}“"));
        let new = NewValues { roll, text, now: self.now };
        self.edit(stream, id, &RecordEdit::Vary(new), "such records cannot be changed")
    }

    /// Gives a record another name; it moves. Records that embed the name change their JSON and do
    /// not move. Roles are the exception: their name is a field of users, who move, too.
    pub(super) fn rename(
        &mut self,
        stream: Stream,
        id: i64,
        name: Option<&str>,
    ) -> Result<(), NotApplied> {
        let roll = self.dice.between(1, 9999);
        let name = name.map_or_else(|| format!("Umbenannt {roll} 改名"), str::to_owned);
        self.edit(stream, id, &RecordEdit::Rename(name), "such records have no name to change")
    }

    /// Makes one change of a record, which moves; fails for this reason if such records do not
    /// allow it.
    pub(super) fn edit(
        &mut self,
        stream: Stream,
        id: i64,
        edit: &RecordEdit,
        refusal: &str,
    ) -> Result<(), NotApplied> {
        let changed = stream.listing().is_some_and(|listing| (listing.edit)(self, id, edit));
        if changed { Ok(()) } else { Err(NotApplied::new(refusal)) }
    }

    /// Sets a rate of a user from a day on, or for all days.
    ///
    /// Harvest documents that a rate without `start_date` replaces all older ones. They are
    /// deleted, and here the user moves, because the current rate is a field of the user. A rate
    /// with a start ends the one before on the day before, and moves that rate but not the user. A
    /// reader finds it only by reading the rates of all users.
    pub(super) fn change_rate(
        &mut self,
        user: i64,
        kind: RateKind,
        cents: Option<i64>,
        start: Option<Day>,
    ) {
        let now = self.now;
        let amount = DecimalNumber::cents(cents.unwrap_or_else(|| self.dice.between(20, 400) * 25));
        let id = self.books.claim_child();
        let rate = UserRate { id, amount, start, end: None, created: now, updated: now };
        let for_all_time = start.is_none();
        self.books.users.edit_quietly(user, |one| {
            let rates = match kind {
                RateKind::Billable => &mut one.billable_rates,
                RateKind::Cost => &mut one.cost_rates,
            };
            // Older rates go, and the user's own field follows the new one.
            if for_all_time {
                rates.clear();
                one.updated = one.updated.max(now);
                match kind {
                    RateKind::Billable => one.default_rate = Some(amount),
                    RateKind::Cost => one.cost_rate = Some(amount),
                }
            }
            // A second rate with the same first day replaces the first one.
            rates.retain(|other| other.start != start);
            rates.push(rate);
            rates.sort_by_key(|one| one.start);
            // Each rate ends on the day before the next one starts, even if the new rate came in
            // between.
            let starts: Vec<Option<Day>> = rates.iter().map(|one| one.start).skip(1).collect();
            for (place, rate) in rates.iter_mut().enumerate() {
                let end = starts.get(place).copied().flatten().map(|next| next.plus(-1));
                if rate.end != end {
                    (rate.end, rate.updated) = (end, now);
                }
            }
        });
    }

    /// Ends a timer and adds its time to the hours; the entry moves.
    pub(super) fn stop_timer(&mut self, id: i64) -> Result<(), NotApplied> {
        let now = self.now;
        if !self.books.running.contains(&id) {
            return Err(NotApplied::new("its timer does not run"));
        }
        self.books.edit_entry(id, now, |one| {
            one.hours = one.hours_at(now);
            one.timer = None;
        });
        Ok(())
    }

    /// Moves an entry to another day, project, or both; to a day up to 70 days earlier if neither
    /// is given. On another project it gets that project's first task, and is embedded without an
    /// assignment of its user.
    ///
    /// An entry may thereby leave the range of days that a reader is reading, or come into one that
    /// it has read: only `updated_since` still finds it.
    pub(super) fn move_entry(
        &mut self,
        id: i64,
        day: Option<Day>,
        project: Option<i64>,
    ) -> Result<(), NotApplied> {
        let nearby = self.dice.between(1, 70);
        let target = match project {
            Some(project) => {
                let tasks = &mut self.books.tasks(project);
                let task = tasks.next().map(|one| (one.id, one.task));
                let task = task.ok_or_else(|| NotApplied::new("no such project with a task"))?;
                Some((project, task))
            }
            None => None,
        };
        self.books.edit_entry(id, self.now, |one| {
            if let Some((project, (assignment, task))) = target {
                (one.project, one.task) = (project, task);
                (one.task_assignment, one.user_assignment) = (Some(assignment), None);
            }
            if let Some(day) = day {
                one.spent = day;
            } else if target.is_none() {
                let before = one.spent.plus(-nearby);
                // No calendar has days before the year 1.
                one.spent = if before < Day::FIRST { one.spent } else { before };
            }
        });
        Ok(())
    }
}
