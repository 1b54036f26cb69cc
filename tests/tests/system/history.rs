//! History of runs in the state.

use engine::spec::StreamKind;
use lives::world::{World, in_simulated_time, sync};
use sim::AccountScale;
use state::StateStore;

#[test]
fn each_run_is_remembered_for_three_months() {
    in_simulated_time(async {
        let world = World::new(&AccountScale::tiny(), 3);
        let account = world.settings.account;
        let context = world.process(None);
        sync(&context, None).await.unwrap();
        let runs = world.state.list(account, "run#").await.unwrap();
        let mut complete = 0;
        for (key, item) in &runs {
            let run: serde_json::Value = serde_json::from_str(&item.body).unwrap();
            e2e::json::check("run", &run);
            if run["outcome"] == "complete" {
                complete += 1;
            } else {
                assert_eq!(run["outcome"], "waiting", "{}", key.sort);
                assert!(run["waits_until"].is_string(), "{run}");
            }
            let stream = run["stream"].as_str().unwrap();
            assert!(key.sort.ends_with(&format!("#{stream}")), "{}", key.sort);
            let changed = run["counts"]["inserted"].as_u64().unwrap() > 0;
            assert_eq!(run["commits"], u64::from(changed), "{}", key.sort);
        }
        let reports = streams::STREAMS.iter();
        let reports =
            reports.filter(|spec| matches!(spec.kind, StreamKind::ReportWindow(_))).count();
        // Reports read their recent windows first, then all.
        assert_eq!(complete, streams::STREAMS.len() + reports);
        world.sleep(91 * 24).await;
        sync(&context, None).await.unwrap();
        let later = world.state.list(account, "run#").await.unwrap();
        let old = later.iter().filter(|(key, _)| runs.iter().any(|(before, _)| before == key));
        assert_eq!(old.count(), 0, "runs of three months ago are forgotten");
        assert!(!later.is_empty());
    });
}
