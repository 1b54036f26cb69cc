//! Beginning of a life: its account, streams and settings.

use std::collections::BTreeSet;

use engine::spec::{StreamKind, StreamSpec};
use engine::time::SignedDuration;
use rand::RngExt;
use sim::{AccountScale, Mutation};

use super::past::Past;
use super::{Life, LifeTotals, masses, privacy};
use crate::mishap::{Chronicle, Mishap};
use crate::watch::Watch;
use crate::world::{World, now};

/// Least number of records of the largest stream when a life begins.
const RECORDS: usize = 220;

impl<'c> Life<'c> {
    pub(super) fn begin(seed: u64, chronicle: &'c mut Chronicle) -> Self {
        let streams = cast(chronicle);
        let of_expenses = streams.iter().all(|spec| spec.name != "time_entries");
        let scale = AccountScale {
            // Each month of the history is a partition and a report window.
            days: 45,
            users: 5,
            clients: 4,
            contacts: 5,
            projects: 6,
            tasks: 4,
            time_entries: if of_expenses { 60 } else { 200 },
            expenses: if of_expenses { 200 } else { 30 },
            invoices: 7,
            estimates: 5,
            ..AccountScale::tiny()
        };
        let mut world = World::new(&scale, seed);
        let most = if of_expenses { "expenses" } else { "time_entries" };
        fill(&world, most);
        let names: BTreeSet<String> = streams.iter().map(|spec| spec.name.to_owned()).collect();
        chronicle.tell(format!("streams: {names:?}"));
        world.settings.streams = Some(names);
        // Otherwise older versions stay, to which another engine can go back.
        world.settings.tidy_at_once = chronicle.random.random_bool(0.3);
        if !world.settings.tidy_at_once && chronicle.random.random_bool(0.5) {
            world.settings.retention = SignedDuration::from_hours(chronicle.one(&[25, 48]));
        }
        if chronicle.befalls(Mishap::SmallLimits) {
            let requests = chronicle.one(&[8, 12, 20]);
            masses::limit(&mut world, requests);
            chronicle.tell(format!("{requests} requests in 15 s"));
            chronicle.fired(Mishap::SmallLimits, 1);
        }
        if chronicle.befalls(Mishap::Privacy) {
            world.settings.privacy = privacy::privacy(&mut chronicle.random, &streams);
            let rules = &world.settings.privacy.rules;
            chronicle.tell(format!("privacy: {rules:?}"));
            chronicle.fired(Mishap::Privacy, 1);
        }
        let began = now(&world);
        let (watch, past) = (Watch::default(), Past::default());
        let (late, totals) = (Vec::new(), LifeTotals::default());
        let is_late = chronicle.befalls(Mishap::LateRecords);
        chronicle.fired(Mishap::LateRecords, u64::from(is_late));
        Self {
            world,
            chronicle,
            watch,
            streams,
            late,
            past,
            totals,
            began,
            is_late,
            permitted: false,
        }
    }
}

/// Adds records to `stream` until it has as many as a life should have, and a few that it may lose.
fn fill(world: &World, stream: &str) {
    let spec = streams::find(stream).unwrap();
    let there = world.oracle().true_rows(spec, &BTreeSet::new()).len();
    for _ in there..RECORDS {
        let create = Mutation::Create { stream: stream.to_owned() };
        world.account.lock().unwrap().apply(now(world), &create).unwrap();
    }
}

/// Returns the streams of a life: time entries or expenses, one of each other kind, and sometimes
/// another listing.
fn cast(chronicle: &mut Chronicle) -> Vec<&'static StreamSpec> {
    let of = |is: fn(&StreamKind) -> bool| -> Vec<&'static StreamSpec> {
        streams::STREAMS.into_iter().filter(|spec| is(&spec.kind)).collect()
    };
    let listings = of(|kind| matches!(kind, StreamKind::Listing(_)));
    let mut cast = vec![
        streams::find(chronicle.one(&["time_entries", "time_entries", "expenses"])).unwrap(),
        chronicle.one(&of(|kind| matches!(kind, StreamKind::Snapshot(_)))),
        chronicle.one(&of(|kind| matches!(kind, StreamKind::PerParent(_)))),
        chronicle.one(&of(|kind| matches!(kind, StreamKind::ReportWindow(_)))),
    ];
    if chronicle.random.random_bool(0.4) {
        cast.push(chronicle.one(&listings));
    }
    cast.sort_unstable_by_key(|spec| spec.name);
    cast.dedup_by_key(|spec| spec.name);
    cast
}
