use proptest::prelude::*;

use super::*;
use crate::pass::Pass;
use crate::run_record::RunTraffic;
use crate::time::plus;

fn at(minute: i64) -> Timestamp {
    plus(Timestamp::UNIX_EPOCH, SignedDuration::from_mins(minute))
}

fn ran(minute: i64) -> RunRecord {
    RunRecord::new(at(minute), at(minute), Pass::Incremental, "1")
}

proptest! {
    /// Each run is filed, or dropped and counted, in any order of filing and forgetting.
    #[test]
    fn no_run_is_lost_without_a_word(steps in prop::collection::vec(0_u8..8, 0..300)) {
        let (mut item, mut filed) = (StreamItem::default(), None);
        let (mut ledger, mut dropped, mut runs) = (BTreeMap::new(), 0, 0);
        for step in steps.into_iter().chain([6]) {
            match step {
                0..=4 => {
                    runs += 1;
                    add_record(&mut item, ran(runs));
                }
                5 => forget_filed(&mut item.runs, filed),
                6 => {
                    for run in unfiled(&item.runs, filed) {
                        if ledger.insert(run.began, run.clone()).is_none() {
                            dropped += run.dropped;
                        }
                    }
                    filed = item.runs.last().map(|run| run.began).or(filed);
                }
                // The state of the ledger is lost.
                _ => filed = None,
            }
            prop_assert!(item.runs.len() <= KEPT);
        }
        let told = i64::try_from(ledger.len()).unwrap() + i64::try_from(dropped).unwrap();
        prop_assert!(told >= runs, "{told} of {runs}");
    }
}

#[test]
fn records_are_dropped_beyond_the_limit_alone_and_forgotten_once_they_are_filed() {
    let last = i64::try_from(KEPT).unwrap();
    let mut item = StreamItem::default();
    for minute in 1..=last {
        add_record(&mut item, ran(minute));
    }
    let oldest = |item: &StreamItem| (item.runs.len(), item.runs[0].began, item.runs[0].dropped);
    assert_eq!(oldest(&item), (KEPT, at(1), 0));
    add_record(&mut item, ran(last + 1));
    assert_eq!(oldest(&item), (KEPT, at(2), 1));
    forget_filed(&mut item.runs, Some(at(last)));
    assert_eq!(item.runs, [ran(last + 1)]);

    let items = BTreeMap::from([("clients", item)]);
    let filed = |minute: i64| FiledRuns::from([("clients".to_owned(), at(minute))]);
    assert!(has_unfiled(&items, &FiledRuns::new()) && has_unfiled(&items, &filed(last)));
    assert!(!has_unfiled(&items, &filed(last + 1)));
    assert!(!has_unfiled(&BTreeMap::from([("clients", StreamItem::default())]), &filed(1)));
}

#[test]
fn a_record_that_the_item_does_not_have_says_nothing() {
    let runs = [ran(1), ran(2), ran(3)];
    let left = |filed| unfiled(&runs, filed).iter().map(|run| run.began).collect::<Vec<_>>();
    assert_eq!(left(None), [at(1), at(2), at(3)]);
    assert_eq!(left(Some(at(1))), [at(2), at(3)]);
    assert!(left(Some(at(3))).is_empty());
    assert_eq!(left(Some(at(7))), [at(1), at(2), at(3)]);
}

#[test]
fn records_wait_for_the_runs_of_the_same_hour_but_not_long() {
    let due = |runs: &[i64], filed: Option<i64>, now| {
        let runs = runs.iter().map(|minute| ran(*minute)).collect();
        let item = StreamItem { runs, ..StreamItem::default() };
        let filed = filed.map(|minute| ("clients".to_owned(), at(minute))).into_iter().collect();
        filing_is_due(&BTreeMap::from([("clients", item)]), &filed, at(now))
    };
    assert!(!due(&[], None, 100), "nothing to file");
    assert!(!due(&[1], Some(1), 100), "filed already");
    assert!(!due(&[1], None, 15), "other runs of the hour follow");
    assert!(due(&[1], None, 16), "old");
    assert!(!due(&[1, 15], Some(1), 16), "the old one is filed");
    assert!(due(&(1..17).collect::<Vec<_>>(), None, 1), "many");
}

#[test]
fn a_record_takes_little_of_an_item_and_leaves_out_what_is_zero() {
    let text = serde_json::to_string(&ran(1)).unwrap();
    assert!(text.len() < 180, "{} bytes: {text}", text.len());
    assert_eq!(serde_json::from_str::<RunRecord>(&text).unwrap(), ran(1));
    let traffic = RunTraffic { requests: 3, throttled: 1, failed: 2, bytes: 10, records: 4 };
    let full = RunRecord { traffic, version: Some(7), rows: 9, dropped: 1, ..ran(2) };
    let text = serde_json::to_string(&full).unwrap();
    assert_eq!(serde_json::from_str::<RunRecord>(&text).unwrap(), full);
}

#[test]
fn the_usual_interval_is_that_of_the_last_syncs_and_not_less_than_the_set_one() {
    let (hour, day) = (60, 24 * 60);
    let usual = |minutes: &[i64]| {
        let began: Vec<_> = minutes.iter().map(|minute| at(*minute)).collect();
        usual_interval(&began, SignedDuration::from_mins(hour)).as_mins()
    };
    assert_eq!(usual(&[]), 60);
    assert_eq!(usual(&[0]), 60);
    assert_eq!(usual(&[0, 10, 20]), 60, "runs of one sync");
    assert_eq!(usual(&[0, day]), day);
    assert_eq!(
        usual(&[2 * day + 2, day + 5, 0, 7, day]),
        day + 2,
        "in any order, the upper median"
    );
    let hourly: Vec<i64> = (0..12).map(|number| number * hour).collect();
    assert_eq!(usual(&[&hourly[..], &[3 * day]].concat()), 60, "one pause");
    assert_eq!(usual(&(0..9).map(|number| number * 30 * day).collect::<Vec<_>>()), 7 * 24 * 60);
}
