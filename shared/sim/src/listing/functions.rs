//! The functions of a listing whose records are named by their ids.

use std::borrow::Cow;

use super::{ListedRecord, NewValues};
use crate::calendar::{Day, Moment};
use crate::dice::{Dice, scramble};
use crate::edge;
use crate::filter::ListFilter;
use crate::generate::{self, AccountGenerator, GeneratedAccount};
use crate::json::JsonWriter;
use crate::mutate::NotApplied;
use crate::render::RenderContext;
use crate::scale::AccountScale;
use crate::stream::Stream;
use crate::table::{RankKey, Record, RecordTable};

/// Change of one record that moves it.
#[derive(Debug)]
pub(crate) enum RecordEdit {
    /// A few fields get other values.
    Vary(NewValues),
    /// Another name. Records that embed it do not move.
    Rename(String),
    /// `is_active` becomes false: an update in Harvest, not a deletion.
    Archive,
    /// Another day, or none: the record changes its place in the list.
    Redate(Option<Day>),
}

/// Functions of one plain listing, for records by their ids.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListingFunctions {
    pub(crate) keys: for<'a> fn(&ListFilter, &RenderContext<'a>) -> Cow<'a, [RankKey]>,
    /// Returns `false` if there is no such record.
    pub(crate) render: fn(&RenderContext<'_>, &mut JsonWriter, i64) -> bool,
    pub(crate) is_shown: fn(&RenderContext<'_>, i64) -> bool,
    /// Returns the id of the named record, or of a random one if none is named; `None` if there is
    /// no such record.
    pub(crate) choose: fn(&mut AccountGenerator<'_>, Option<i64>) -> Option<i64>,
    /// Makes the records of a fresh account.
    pub(crate) generate: fn(&mut AccountGenerator<'_>),
    /// Adds a new record; returns its id.
    pub(crate) create: fn(&mut AccountGenerator<'_>) -> Result<i64, NotApplied>,
    /// Returns `false` if such records cannot be changed in this way.
    pub(crate) edit: fn(&mut AccountGenerator<'_>, i64, &RecordEdit) -> bool,
    /// Fails if Harvest would refuse.
    pub(crate) remove: fn(&mut AccountGenerator<'_>, i64) -> Result<(), NotApplied>,
}

macro_rules! functions {
    (
        listings { $($listing:ident $spec:ident $table:ident: $record:ty, above $base:literal;)+ }
        others { $($other:ident $declared:ident;)+ }
    ) => {
        impl Stream {
            /// Returns the functions of a plain listing; `None` for other streams.
            pub(crate) const fn listing(self) -> Option<ListingFunctions> {
                match self {
                    $(Self::$listing => Some(ListingFunctions::of::<$record>()),)+
                    $(Self::$other)|+ => None,
                }
            }
        }
    };
}
all_streams!(functions);

/// Makes up the account of this size and seed. Records of `FRESH` come last, those of each stream
/// by numbers of their own, so that one more stream leaves all others as they are.
pub(crate) fn generate(scale: &AccountScale, seed: u64, now: Moment) -> GeneratedAccount {
    if scale.by_hand {
        return edge::account();
    }
    let mut made = generate::account(scale, seed, now);
    for stream in Stream::ALL {
        let Some(listing) = stream.listing() else { continue };
        let seed = stream.name().bytes().map(u64::from).fold(seed, scramble);
        let mut maker = AccountGenerator::new(scale, Dice::new(seed), &mut made.books, now);
        (listing.generate)(&mut maker);
    }
    made
}

impl ListingFunctions {
    /// Returns the functions for records of one type.
    pub(crate) const fn of<T: ListedRecord>() -> Self {
        Self {
            keys: T::keys,
            render: |look, json, id| {
                T::table(look.books).get(id).map(|one| one.render(look, json)).is_some()
            },
            is_shown: |look, id| {
                T::table(look.books).get(id).is_some_and(|one| one.is_shown(look.viewer))
            },
            choose: |maker, id| choose(T::table(maker.books), &mut maker.dice, id),
            generate: fill::<T>,
            create: create::<T>,
            edit: edit::<T>,
            remove: remove::<T>,
        }
    }
}

/// Returns the id if the table has it; without an id, that of a random record.
fn choose<T: Record>(table: &RecordTable<T>, dice: &mut Dice, id: Option<i64>) -> Option<i64> {
    match id {
        Some(id) => table.get(id).map(Record::id),
        None => table.id_at(dice.index(table.len())?),
    }
}

/// Makes the records of a fresh account that are made last.
fn fill<T: ListedRecord>(maker: &mut AccountGenerator<'_>) {
    for created in maker.moments(T::FRESH) {
        if let Ok(one) = T::make(maker, created) {
            one.put(maker.books);
        }
    }
}

/// Adds a record, created now; returns its id.
fn create<T: ListedRecord>(maker: &mut AccountGenerator<'_>) -> Result<i64, NotApplied> {
    let now = maker.now;
    let one = T::make(maker, now)?;
    let id = one.id();
    one.put(maker.books);
    T::settle(maker, id);
    Ok(id)
}

/// Changes a record, which moves; returns `false` if such records cannot be changed in this way.
fn edit<T: ListedRecord>(maker: &mut AccountGenerator<'_>, id: i64, edit: &RecordEdit) -> bool {
    let Some(mut one) = T::table(maker.books).get(id).cloned() else {
        return false;
    };
    let changed = match edit {
        RecordEdit::Vary(new) => {
            one.vary(new.clone());
            true
        }
        RecordEdit::Rename(name) => one.name().map(|old| old.clone_from(name)).is_some(),
        RecordEdit::Archive => one.archive(maker.books),
        RecordEdit::Redate(day) => one.redate(*day),
    };
    if changed {
        one.touch(maker.now);
        one.put(maker.books);
    }
    changed
}

/// Removes a record, with those that depend on it. Refusals come first, so that a refused deletion
/// has removed nothing.
fn remove<T: ListedRecord>(maker: &mut AccountGenerator<'_>, id: i64) -> Result<(), NotApplied> {
    if T::table(maker.books).get(id).is_some_and(|one| one.is_in_use(maker.books)) {
        return Err(NotApplied::new("it is in use"));
    }
    T::remove(maker, id);
    Ok(())
}
