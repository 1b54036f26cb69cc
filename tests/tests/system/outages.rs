//! Stores that nobody reaches for a minute in the middle of a run: their processes stand still, or are
//! killed and started again. Runs fail and say so; afterwards the tables are exact.

use std::time::Duration;

use e2e::cloud::{Cloud, Plan};
use e2e::emulators::LastingEmulator;
use e2e::lambda::pause;
use e2e::oracle::After;
use serde_json::json;

/// Length of an outage.
const OUTAGE: Duration = Duration::from_mins(1);
/// Number of requests to Harvest after which it begins.
const UNDER_WAY: u64 = 12;

fn signal(stores: [&LastingEmulator; 2], signal: &str) {
    for store in stores {
        store.signal(signal);
    }
}

/// Waits until runs have sent requests.
async fn under_way(cloud: &Cloud) {
    while cloud.served.with(|account| account.statistics().general.requests) < UNDER_WAY {
        pause(Duration::from_millis(5)).await;
    }
}

/// Ticks until all tables are exact. Failed streams need not back off, nor wait for leases of the dead.
#[expect(clippy::disallowed_methods, reason = "real processes live in real time")]
async fn recover(cloud: &Cloud) {
    let recovery = tokio::time::timeout(Duration::from_mins(4), async {
        loop {
            cloud.forget_failures().await;
            cloud.expire_leases().await;
            cloud.tick().await.ok();
            if cloud.oracle().differences(After::FullPasses).await.is_empty() {
                break;
            }
        }
    });
    drop(recovery.await);
    assert_eq!(cloud.oracle().differences(After::FullPasses).await, [""; 0]);
}

#[test]
fn stores_out_of_reach_for_a_minute_cost_nothing_but_time() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let (mut s3, mut dynamodb) =
            tokio::join!(LastingEmulator::s3(), LastingEmulator::dynamodb());
        let stores = Some([s3.server.clone(), dynamodb.server.clone()]);
        let cloud = Box::pin(Cloud::deploy(Plan { stores, ..Plan::default() })).await;
        let full = json!({ "now": true, "pass": "full", "accept_deletes": true });

        // The first load: the stores stand still, as behind a network that drops all packets.
        let stopped = async {
            under_way(&cloud).await;
            signal([&s3, &dynamodb], "STOP");
            pause(OUTAGE).await;
            signal([&s3, &dynamodb], "CONT");
        };
        tokio::join!(cloud.lambda.call("orchestrator", full.clone()), stopped).0.ok();
        cloud.lambda.quiet().await;
        recover(&cloud).await;

        // A full pass with changes: they are killed, and their successors have what they held.
        cloud.served.with(|account| {
            account.mutate(e2e::scene::now(), 5, 200);
            account.reset_statistics();
        });
        let killed = async {
            under_way(&cloud).await;
            signal([&s3, &dynamodb], "KILL");
            pause(OUTAGE).await;
            tokio::join!(s3.start_again(), dynamodb.start_again());
        };
        tokio::join!(cloud.lambda.call("orchestrator", full), killed).0.ok();
        cloud.lambda.quiet().await;
        let failed = cloud.lambda.attempts().iter().filter(|one| one.answer.is_err()).count();
        let said = cloud.said();
        assert!(failed > 0 || said.contains("\"level\":\"ERROR\""), "an outage went unnoticed");
        recover(&cloud).await;
        assert!(!cloud.said().contains(sim::ADMINISTRATOR_TOKEN), "the token is in the log");
    });
}
