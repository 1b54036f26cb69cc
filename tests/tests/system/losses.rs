//! Runs that end without giving their lease back: out of memory, out of time.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use delta::offload::stay_on_this_thread;
use engine::pass::Pass;
use engine::time::{SignedDuration, between, plus};
use lives::oracle::After;
use lives::world::{Death, World, in_simulated_time};
use runtime::Context;
use runtime::run::{RunOutcome, RunReport, YieldReason};
use sim::AccountScale;

const STREAM: &str = "invoice_payments";

/// A run as an invocation makes it: 15 minutes at most.
async fn run(world: &World, context: &Context) -> RunReport {
    let event = runtime::invoke::WorkerEvent {
        stream: STREAM.to_owned(),
        pass: Pass::Full,
        tick: None,
        accept_deletes: false,
    };
    let deadline = plus(context.clock.now(), SignedDuration::from_mins(15));
    let report = worker::work(context, &event, Some(deadline)).await.unwrap();
    world.clock.seen(SignedDuration::ZERO).sleep_until(plus(report.ended, MINUTE)).await;
    report
}

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

#[test]
fn a_worker_that_dies_three_times_comes_back_with_shorter_runs_and_is_told_of() {
    in_simulated_time(async {
        stay_on_this_thread();
        let mut world = World::new(&AccountScale { invoices: 900, ..AccountScale::tiny() }, 3);
        world.latency = SignedDuration::from_secs(10);
        world.settings.streams = Some([STREAM.to_owned()].into());
        orchestrator::prepare(&world.process(None)).await.unwrap();
        for number in 0..3 {
            let dies = world.process(Some(Death { after_calls: 60, effect: false }));
            let report = run(&world, &dies).await;
            assert!(report.error().is_some(), "{report:?}");
            assert_eq!(world.item(STREAM).await.health.failures, number);
        }
        // The next run finds that three never gave their lease back: the stream counts as failing,
        // which raises the alarm, and the size of its flushes is halved.
        let survivor = world.process(None);
        let watch = async {
            world
                .clock
                .seen(SignedDuration::ZERO)
                .sleep_until(plus(lives::world::now(&world), MINUTE))
                .await;
            world.item(STREAM).await.health
        };
        let (report, health) = futures::future::join(run(&world, &survivor), watch).await;
        assert_eq!(health.failures, 3);
        assert!(health.last_error.unwrap().1.contains("ended without a word"));
        assert!(matches!(report.outcome, RunOutcome::Yielded(YieldReason::Deadline)), "{report:?}");
        let length = between(report.began, report.ended);
        assert!(length > SignedDuration::from_mins(5) && length < SignedDuration::from_mins(6));
        assert!(report.commits > 0, "{report:?}");
        // Runs stay short until the pass is complete.
        let mut runs = 1;
        loop {
            let report = run(&world, &survivor).await;
            runs += 1;
            assert!(between(report.began, report.ended) < SignedDuration::from_mins(6));
            if matches!(report.outcome, RunOutcome::Complete) {
                break;
            }
            assert_eq!(world.item(STREAM).await.health.failures, 3);
        }
        assert!(runs > 1 && runs < 5, "{runs} runs");
        let item = world.item(STREAM).await;
        assert_eq!((item.health.failures, item.health.last_error), (0, None));
        let wrong = world.oracle().differences_of(STREAM, After::FullPasses).await;
        assert_eq!(wrong, Vec::<String>::new());
    });
}
