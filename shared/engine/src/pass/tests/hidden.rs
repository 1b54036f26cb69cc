//! Servers whose answers lack records that they count.

use super::doubts::drive;
use super::*;

/// Days of the records by their ids, of which `hidden` are left out after paging.
fn read(
    days: &[i8],
    hidden: &BTreeSet<i64>,
    page: usize,
    change: impl Fn(&PageRequest, &mut PageFacts),
) -> (BTreeSet<Key>, u32, ListProof) {
    let records = (1..).zip(days.iter().map(|day| Some(date(2026, 3, *day)))).collect();
    let server = ListServer { records, page, undated_first: false };
    let hidden: BTreeSet<Key> = hidden.iter().copied().map(Key::id).collect();
    let mut reading = Reading::start(plan(&DATED, Pass::Full));
    let mut seen = BTreeSet::new();
    let (_, requests, stopped) = drive(&mut reading, |request| {
        let mut facts = server.answer(&request.target);
        let shown = |at: &usize| !hidden.contains(&facts.keys[*at]);
        let shown: Vec<usize> = (0..facts.keys.len()).filter(shown).collect();
        facts.dates = shown.iter().map(|at| facts.dates[*at]).collect();
        facts.keys = shown.iter().map(|at| facts.keys[*at].clone()).collect();
        change(request, &mut facts);
        seen.extend(facts.keys.iter().cloned());
        Ok(facts)
    });
    assert_eq!(stopped, None);
    (seen, requests, reading.proof())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// A filter of permissions after paging, for instance.
    #[test]
    fn records_that_are_counted_and_in_no_answer_are_missed(
        days in proptest::collection::vec(1_i8..25, 1..40),
        hidden in proptest::collection::btree_set(1_i64..40, 0..4),
        page in 2_usize..9,
    ) {
        let all = i64::try_from(days.len()).unwrap();
        let hidden: BTreeSet<i64> = hidden.into_iter().filter(|id| *id <= all).collect();
        let (seen, requests, proof) = read(&days, &hidden, page, |_, _| {});
        prop_assert!(seen.len() == days.len() || !hidden.is_empty());
        prop_assert_eq!(proof == ListProof::Proven, hidden.is_empty(), "{:?}", proof);
        prop_assert!(requests < 300, "{}", requests);
    }
}

#[test]
fn a_server_whose_last_day_is_exclusive_proves_nothing() {
    let days: Vec<i8> = (1..25).collect();
    let (_, _, proof) = read(&days, &BTreeSet::new(), 4, |request, facts| {
        let RequestTarget::Path { query, .. } = &request.target else { return };
        let Some((_, to)) = query.iter().find(|(name, _)| name == "to") else { return };
        let to: Date = to.parse().unwrap();
        let before = facts.dates.iter().position(|day| day.is_none_or(|day| day < to));
        let lost = before.unwrap_or(facts.dates.len());
        facts.dates.drain(..lost);
        facts.keys.drain(..lost);
        facts.total_entries = facts.total_entries.map(|total| total - lost as u64);
    });
    assert!(
        matches!(&proof, ListProof::Contradictory(why) if why.contains("to=2026-03-")),
        "{proof:?}"
    );
}

#[test]
fn a_server_that_caps_its_pages_and_says_otherwise_is_read() {
    let days: Vec<i8> = (1..25).flat_map(|day| [day, day]).collect();
    let (seen, requests, proof) = read(&days, &BTreeSet::new(), 5, |_, facts| {
        facts.per_page = Some(2_000);
    });
    assert_eq!((seen.len(), proof), (days.len(), ListProof::Proven));
    assert!(requests < 30, "{requests}");
}
