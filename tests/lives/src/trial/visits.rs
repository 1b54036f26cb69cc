//! Random commits of other engines.

use engine::time::SignedDuration;
use rand::RngExt;

use super::lists::all_spots;
use crate::foreign::Visitor;
use crate::mishap::{Chronicle, Mishap};
use crate::watch::Watch;
use crate::world::World;

/// Kinds that are work of other engines.
const FOREIGN: [Mishap; 5] = [
    Mishap::Compaction,
    Mishap::ForeignDelete,
    Mishap::ForeignRestore,
    Mishap::ForeignAppend,
    Mishap::ForeignVacuum,
];

/// Makes random commits of other engines.
pub async fn visit(world: &World, chronicle: &mut Chronicle, watch: &mut Watch) {
    for mishap in FOREIGN {
        if !chronicle.befalls(mishap) {
            continue;
        }
        let spots = all_spots(world);
        if spots.is_empty() {
            continue;
        }
        let name = chronicle.one(&spots).stream;
        let (step, back) = (chronicle.random.random_range(1..4), chronicle.one(&[1, 1, 2, 3]));
        let spec = streams::find(name).unwrap();
        let Some(visitor) = Visitor::of(world, spec).await else { continue };
        let done = if mishap == Mishap::Compaction {
            visitor.compact().await
        } else if mishap == Mishap::ForeignDelete {
            visitor.delete_every(step).await
        } else if mishap == Mishap::ForeignAppend {
            visitor.append().await
        } else if mishap == Mishap::ForeignVacuum {
            visitor.vacuum(SignedDuration::from_hours(25)).await
        } else {
            visitor.restore(back).await
        };
        chronicle.tell(format!("{}: {name}, done: {done}", mishap.declared().name));
        chronicle.fired(mishap, u64::from(done));
        if done && mishap == Mishap::ForeignVacuum {
            watch.forget_removed();
        }
        if done && !matches!(mishap, Mishap::Compaction | Mishap::ForeignVacuum) {
            watch.excuse(world, name).await;
        }
    }
}
