//! Changes of the account: single ones by name, and many random ones.
//!
//! An incremental reading is right only if it finds each change that Harvest tells of, and a sweep
//! only if it finds those that Harvest keeps silent about. A mutation therefore does what Harvest
//! does, and no more: it moves the records that Harvest moves, in the same second, and leaves all
//! others alone even if their JSON changes. Which ones move is listed in the README, with `move`
//! for a change of `updated_at`.
//!
//! The new records are made by the generator of accounts. Chance comes from the seed of the account
//! and the number of changes so far, so one history can be repeated change by change.

mod chance;
mod change;
mod create;
mod mutation;
mod remove;

use jiff::Timestamp;

use crate::account::Account;
use crate::calendar::{Day, Moment};
use crate::dice::Dice;
use crate::generate::AccountGenerator;
use crate::listing::RecordEdit;
use crate::scale::AccountScale;
use crate::stream::Stream;

pub use mutation::{AppliedMutation, Mutation, NotApplied, RateKind, SwitchedModule};

impl Account {
    /// Makes one change at `now`. Without an id it concerns a random record, chosen by the
    /// account's seed and the number of changes before.
    ///
    /// # Errors
    ///
    /// Fails if there is no such record, or if Harvest would refuse; then no record is changed.
    pub fn apply(
        &mut self,
        now: Timestamp,
        mutation: &Mutation,
    ) -> Result<AppliedMutation, NotApplied> {
        self.apply_by(now, mutation, Dice::new(self.seed ^ (self.changes + 1)))
    }

    /// Makes one change with these dice. A refused change counts as well: cached reports are
    /// computed again, which costs time and changes nothing.
    fn apply_by(
        &mut self,
        now: Timestamp,
        mutation: &Mutation,
        dice: Dice,
    ) -> Result<AppliedMutation, NotApplied> {
        let now = Moment::of(now);
        // The generator needs a size, but the methods that mutations call do not look at it.
        let scale = AccountScale::tiny();
        let before = self.changes;
        self.changes = before + 1;
        if let Some(applied) = self.apply_to_tokens(now, mutation)? {
            return Ok(applied);
        }
        let mut maker =
            AccountGenerator { scale: &scale, dice, books: &mut self.books, start: now, now };
        maker.apply(mutation)
    }

    /// Changes tokens and the access roles of their users; `None` for other mutations. Tokens are
    /// part of the account and not of its books, which are all that the generator knows.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other mutations are none of tokens")]
    fn apply_to_tokens(
        &mut self,
        now: Moment,
        mutation: &Mutation,
    ) -> Result<Option<AppliedMutation>, NotApplied> {
        let unknown = || NotApplied::new("no such token");
        let (op, id) = match mutation {
            Mutation::SetRoles { token, roles } => {
                let user = self.tokens.get(token).copied().ok_or_else(unknown)?;
                self.books.users.edit(user, now, |one| one.access_roles.clone_from(roles));
                ("set_roles", user)
            }
            Mutation::RevokeToken { token } => {
                ("revoke_token", self.tokens.remove(token).ok_or_else(unknown)?)
            }
            _ => return Ok(None),
        };
        Ok(Some(applied(op, Stream::Users, id)))
    }
}

/// Describes a change that was made.
fn applied(op: &str, stream: Stream, id: i64) -> AppliedMutation {
    AppliedMutation { op: op.to_owned(), stream: stream.name().to_owned(), id }
}

impl AccountGenerator<'_> {
    /// Makes one change of the books, and describes it with the id that was chosen.
    #[expect(clippy::too_many_lines, reason = "a match over all mutations")]
    fn apply(&mut self, mutation: &Mutation) -> Result<AppliedMutation, NotApplied> {
        let done = |op: &str, stream: Stream, id: i64| Ok(applied(op, stream, id));
        match mutation {
            Mutation::Create { stream } => {
                let stream = listing(stream)?;
                let created = stream.listing().map(|listing| (listing.create)(self));
                done("create", stream, created.unwrap_or_else(|| Err(NotApplied::new("none")))?)
            }
            Mutation::Update { stream, id } => {
                self.act("update", listing(stream)?, *id, Self::change)
            }
            Mutation::Delete { stream, id } => {
                self.act("delete", listing(stream)?, *id, |maker, stream, id| {
                    stream.listing().map_or(Ok(()), |listing| (listing.remove)(maker, id))
                })
            }
            Mutation::Rename { stream, id, name } => {
                self.act("rename", listing(stream)?, *id, |maker, stream, id| {
                    maker.rename(stream, id, name.as_deref())
                })
            }
            Mutation::Archive { stream, id } => {
                self.act("archive", listing(stream)?, *id, |maker, stream, id| {
                    maker.edit(stream, id, &RecordEdit::Archive, "such records cannot be archived")
                })
            }
            Mutation::AddMessage { stream, id } => {
                self.act("add_message", listing(stream)?, *id, Self::add_message)
            }
            Mutation::RemoveMessage { stream, id } => {
                self.act("remove_message", listing(stream)?, *id, Self::remove_message)
            }
            Mutation::Redate { stream, id, day: to } => {
                let to = to.as_deref().map(day).transpose()?;
                self.act("redate", listing(stream)?, *id, |maker, stream, id| {
                    maker.edit(stream, id, &RecordEdit::Redate(to), "such records have no day")
                })
            }
            Mutation::ChangeRate { user, kind, cents, start_date } => {
                let start = start_date.as_deref().map(day).transpose()?;
                self.act("change_rate", Stream::Users, *user, |maker, _, id| {
                    maker.change_rate(id, *kind, *cents, start);
                    Ok(())
                })
            }
            Mutation::AddPayment { id } => {
                self.act("add_payment", Stream::Invoices, *id, |maker, _, id| maker.add_payment(id))
            }
            Mutation::RemovePayment { id } => {
                self.act("remove_payment", Stream::Invoices, *id, |maker, _, id| {
                    maker.remove_payment(id)
                })
            }
            Mutation::StartTimer => done("start_timer", Stream::TimeEntries, self.start_timer()?),
            Mutation::StopTimer { id } => {
                let first = self.books.running.first().copied();
                let id = id.or(first).ok_or_else(|| NotApplied::new("no timer runs"))?;
                self.stop_timer(id)?;
                done("stop_timer", Stream::TimeEntries, id)
            }
            Mutation::MoveEntry { id, day: to, project } => {
                let to = to.as_deref().map(day).transpose()?;
                self.act("move_entry", Stream::TimeEntries, *id, |maker, _, id| {
                    maker.move_entry(id, to, *project)
                })
            }
            Mutation::Undate { id } => {
                self.act("undate", Stream::Estimates, *id, |maker, stream, id| {
                    maker.edit(stream, id, &RecordEdit::Redate(None), "such records have no day")
                })
            }
            Mutation::LockProject { id } => {
                let id = self.chosen(Stream::Projects, *id)?;
                self.books.projects.edit_quietly(id, |one| one.is_locked = true);
                done("lock_project", Stream::Projects, id)
            }
            Mutation::SwitchModule { module, on, silent } => {
                *self.feature(*module) = *on;
                self.books.is_silent = *silent;
                done("switch_module", Stream::Company, 0)
            }
            Mutation::SetCapacity { user, seconds } => {
                let id = self.chosen(Stream::Users, Some(*user))?;
                self.books.users.edit(id, self.now, |one| one.weekly_capacity = *seconds);
                done("set_capacity", Stream::Users, id)
            }
            Mutation::SetTeammates { user, teammates } => {
                let id = self.chosen(Stream::Users, Some(*user))?;
                self.books.users.edit_quietly(id, |one| one.teammates.clone_from(teammates));
                done("set_teammates", Stream::Users, id)
            }
            Mutation::SetRoles { .. } | Mutation::RevokeToken { .. } => {
                Err(NotApplied::new("only the account can do that"))
            }
        }
    }

    /// Makes a change of the named record, or of a random one if none is named.
    fn act(
        &mut self,
        op: &str,
        stream: Stream,
        id: Option<i64>,
        change: impl FnOnce(&mut Self, Stream, i64) -> Result<(), NotApplied>,
    ) -> Result<AppliedMutation, NotApplied> {
        let id = self.chosen(stream, id)?;
        change(self, stream, id)?;
        Ok(applied(op, stream, id))
    }

    /// Returns the switch of a module.
    fn feature(&mut self, module: SwitchedModule) -> &mut bool {
        let company = &mut self.books.company;
        match module {
            SwitchedModule::Expense => &mut company.expense_feature,
            SwitchedModule::Invoice => &mut company.invoice_feature,
            SwitchedModule::Estimate => &mut company.estimate_feature,
        }
    }

    /// Returns the id of the named record, or of a random one if none is named. Fails if there is
    /// no such record, so the methods behind it may rely on its existence.
    fn chosen(&mut self, stream: Stream, id: Option<i64>) -> Result<i64, NotApplied> {
        let found = stream.listing().and_then(|listing| (listing.choose)(self, id));
        found.ok_or_else(|| NotApplied::new("no such record"))
    }
}

/// Returns the stream of this name if its records have a table: children, reports and `/company`
/// change through others.
fn listing(name: &str) -> Result<Stream, NotApplied> {
    let stream = Stream::from_name(name).filter(|stream| stream.listing().is_some());
    stream.ok_or_else(|| NotApplied(format!("`{name}` is no listing")))
}

/// Parses a day of a mutation.
fn day(text: &str) -> Result<Day, NotApplied> {
    Day::parse(text).ok_or_else(|| NotApplied(format!("`{text}` is no day")))
}
