//! Helpers for stories: a world, a sync in which nothing fails, actual and expected rows.

#![expect(
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "a test fails by panicking"
)]

use engine::pass::Pass;
use runtime::run::RunReport;
use sim::{AccountScale, FaultChoice, FaultEffect, FaultRule, Mutation};

use crate::oracle::Contents;
use crate::world::{Synced, World, in_simulated_time, now, sync};

/// Runs a story in simulated time, on this thread.
pub fn story<T>(future: impl Future<Output = T>) -> T {
    delta::offload::stay_on_this_thread();
    in_simulated_time(future)
}

/// Returns a world whose tables of these streams are loaded.
pub async fn loaded(scale: &AccountScale, streams: &[&str]) -> World {
    let mut world = World::new(scale, 7);
    only(&mut world, streams);
    quiet(&world, None).await;
    world.sleep(1).await;
    world
}

/// Lets only these streams run.
pub fn only(world: &mut World, streams: &[&str]) {
    world.settings.streams = Some(streams.iter().map(|&name| name.to_owned()).collect());
}

/// Runs a sync, and asserts that nothing fails.
pub async fn quiet(world: &World, pass: Option<Pass>) -> Synced {
    let synced = sync(&world.process(None), pass).await.unwrap();
    assert_eq!(synced.failures(), Vec::<String>::new());
    synced
}

/// Returns the rows of a table.
pub async fn rows(world: &World, stream: &str) -> Contents {
    world.oracle().table_rows(streams::find(stream).unwrap()).await
}

/// Returns the rows that the table should have.
pub fn truth(world: &World, stream: &str) -> Contents {
    world.oracle().true_rows(streams::find(stream).unwrap(), &world.oracle().months())
}

/// Makes one change of the account; returns the id of the record.
pub fn apply(world: &World, mutation: &Mutation) -> i64 {
    world.account.lock().unwrap().apply(now(world), mutation).unwrap().id
}

/// Returns the deletion of a record, as a mutation.
pub fn delete(stream: &str, id: i64) -> Mutation {
    Mutation::Delete { stream: stream.to_owned(), id: Some(id) }
}

/// Adds a fault rule: requests to `path` have `effect` from now on.
pub fn fault(world: &World, path: &str, select: FaultChoice, effect: FaultEffect) {
    world.account.lock().unwrap().add_fault(FaultRule { path: path.to_owned(), select, effect });
}

/// Removes all fault rules.
pub fn calm(world: &World) {
    world.account.lock().unwrap().clear_faults();
}

/// Returns the effect of an answer with this status.
pub fn status(status: u16, html: bool) -> FaultEffect {
    FaultEffect::Status { status, retry_after: None, html }
}

/// Number of requests so far for a path, with ids as `{id}`.
pub fn asked(world: &World, path: &str) -> u64 {
    world.account.lock().unwrap().statistics().paths.get(path).copied().unwrap_or(0)
}

/// Returns the last report of a stream.
pub fn report<'a>(synced: &'a Synced, stream: &str) -> &'a RunReport {
    synced.reports.iter().rfind(|report| report.stream == stream).unwrap()
}
