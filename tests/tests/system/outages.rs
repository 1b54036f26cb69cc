//! S3 and `DynamoDB` that stand still for a minute, or die and start again, while workers are at
//! work: a deployment over them ends exact.

use std::sync::Arc;
use std::time::Duration;

use e2e::cloud::{Cloud, Plan, TICK};
use e2e::emulators::lasting::LastingEmulator;
use e2e::lambda::pause;
use serde_json::Value;
use sim::AccountScale;

/// Time for which the stores do not answer.
const OUTAGE: Duration = Duration::from_mins(1);
/// Least duration of an invocation that was held up; others take a second at most.
const HELD_UP: Duration = Duration::from_secs(5);

/// Starts the workers that are due, and waits until Harvest has had `requests` more requests.
#[expect(clippy::unwrap_used, reason = "a surprise ends the test")]
async fn at_work(cloud: &Cloud, requests: u64) {
    cloud.served.with(sim::Account::reset_statistics);
    let asked = || cloud.served.with(|account| account.statistics().general.requests);
    let tick = async {
        let event = serde_json::from_str(TICK).unwrap();
        cloud.lambda.call("orchestrator", event).await.unwrap();
    };
    let busy = async {
        while asked() < requests {
            pause(Duration::from_millis(2)).await;
        }
    };
    tokio::join!(tick, busy);
}

/// Number of invocations since the last call that failed, or were held up.
fn disturbed(cloud: &Cloud) -> usize {
    let failed = |answer: &Value| answer["outcome"] == "failed";
    let attempts = cloud.lambda.attempts().into_iter();
    attempts.filter(|one| one.answer.as_ref().map_or(true, failed) || one.took >= HELD_UP).count()
}

#[test]
fn stores_that_stand_still_or_start_again_lose_nothing() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let (s3, dynamodb) = tokio::join!(LastingEmulator::s3(), LastingEmulator::dynamodb());
        let stores = [Arc::new(s3), Arc::new(dynamodb)];
        let (scale, stores_of) = (AccountScale::demo(), Some(stores.clone()));
        let plan = Plan { scale, stores: stores_of, ..Plan::default() };
        let cloud = Box::pin(Cloud::deploy(plan)).await;

        at_work(&cloud, 20).await;
        for store in &stores {
            store.freeze();
        }
        pause(OUTAGE).await;
        for store in &stores {
            store.thaw();
        }
        cloud.lambda.quiet().await;
        assert!(disturbed(&cloud) > 0, "no worker was disturbed by stores that stood still");

        cloud.expire_leases().await;
        cloud.forget_failures().await;
        at_work(&cloud, 20).await;
        for store in &stores {
            store.kill();
            store.start().await;
        }
        cloud.lambda.quiet().await;
        assert!(disturbed(&cloud) > 0, "no worker was disturbed by stores that died");
        cloud.rest_exact("after the outages").await;
    });
}
