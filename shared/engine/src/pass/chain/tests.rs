//! Verdicts on lists of one, two or many answers.

use proptest::prelude::*;

use super::*;
use crate::pass::tests::page_of;

fn moved(verdict: &ChainVerdict) -> bool {
    matches!(verdict, ChainVerdict::Broken(ChainFlaw::Moved))
}

fn last(following: ChainLinkage, pages: &[PageFacts]) -> ChainVerdict {
    let mut chain = PageChain::default();
    let mut verdict = ChainVerdict::GoesOn;
    for (at, page) in pages.iter().enumerate() {
        assert_eq!(verdict, ChainVerdict::GoesOn, "page {at} is not asked for");
        verdict = chain.take(page, following);
    }
    verdict
}

fn linked(ids: &[i64], total: u64, link: &str) -> PageFacts {
    PageFacts { next: Some(link.to_owned()), ..page_of(ids, total) }
}

#[test]
fn a_list_is_whole_only_where_every_sign_agrees() {
    use ChainLinkage::{Links, Numbers};
    let check = |following, pages: &[PageFacts], verdict| {
        assert_eq!(last(following, pages), verdict, "{pages:?}");
    };
    let broken = ChainVerdict::Broken;
    let miscounted = |read, total| ChainVerdict::Broken(ChainFlaw::Miscounted { read, total });
    for following in [Links, Numbers] {
        check(following, &[page_of(&[1, 2], 2)], ChainVerdict::Whole);
        check(
            following,
            &[PageFacts { total_entries: None, ..page_of(&[1], 0) }],
            ChainVerdict::Whole,
        );
        check(following, &[linked(&[2], 2, "a"), page_of(&[1], 2)], ChainVerdict::Whole);
        // The documentation shows `next_page` 2 on page 2.
        let slip = PageFacts { page: Some(2), next_page: Some(2), ..page_of(&[1], 2) };
        check(following, &[linked(&[2], 2, "a"), slip], ChainVerdict::Whole);
        check(following, &[page_of(&[1, 2], 1)], miscounted(2, 1));
        // A record that comes twice is in the place of another; or the totals count it twice.
        check(following, &[page_of(&[2, 2], 1)], ChainVerdict::Whole);
        check(following, &[page_of(&[], 7)], miscounted(0, 7));
        let ended = PageFacts { total_pages: Some(2), ..page_of(&[2], 3) };
        check(following, &[linked(&[1, 2], 3, "a"), ended], miscounted(2, 3));
        check(following, &[linked(&[], 0, "a")], broken(ChainFlaw::Idle));
        check(following, &[linked(&[1], 5, "a"), linked(&[1], 5, "b")], broken(ChainFlaw::Idle));
    }
    // Only a link leads on in a list that is followed by links.
    check(Links, &[page_of(&[1, 2], 3)], miscounted(2, 3));
    // A record that comes twice is in the place of another, for which there may be a second page.
    check(Links, &[page_of(&[3, 2, 2], 3)], miscounted(2, 3));
    check(Numbers, &[page_of(&[3, 2, 2], 3), page_of(&[], 3)], miscounted(2, 3));
    // Rows of a report whose key has a part without a value are not told apart here.
    let hidden = |part: i64| Key(vec![KeyPart::Int(part), KeyPart::Null]);
    let row = PageFacts { keys: vec![hidden(1), hidden(1), hidden(2)], ..page_of(&[], 3) };
    check(Numbers, &[row], ChainVerdict::Whole);
    let nameless = || Key(vec![KeyPart::Null]);
    let rows = PageFacts { keys: vec![Key::id(1), nameless(), nameless()], ..page_of(&[], 3) };
    check(Links, &[rows], miscounted(2, 3));
    for sign in [
        PageFacts { next_page: Some(2), ..page_of(&[1], 1) },
        PageFacts { total_pages: Some(2), ..page_of(&[1], 1) },
        PageFacts { page: Some(4), next_page: Some(5), ..page_of(&[1], 1) },
    ] {
        check(Links, core::slice::from_ref(&sign), broken(ChainFlaw::NoLink));
        check(Numbers, &[sign], ChainVerdict::GoesOn);
    }
    check(Numbers, &[page_of(&[1, 2], 3)], ChainVerdict::GoesOn);
    check(Numbers, &[page_of(&[1, 2], 3), page_of(&[], 3)], miscounted(2, 3));
    check(Links, &[linked(&[1], 9, "a"), linked(&[2], 9, "b"), linked(&[3], 9, "a")], {
        broken(ChainFlaw::Circle)
    });
}

#[test]
fn a_total_that_moves_by_what_is_missing_is_a_list_that_changed() {
    let check = |totals: [u64; 2], read: &[i64], is_moved| {
        let (first, rest) = read.split_at(2);
        let ended = PageFacts { total_pages: Some(2), ..page_of(rest, totals[1]) };
        let pages = [linked(first, totals[0], "a"), ended];
        assert_eq!(moved(&last(ChainLinkage::Numbers, &pages)), is_moved, "{totals:?}");
    };
    check([4, 3], &[1, 2, 3], true);
    check([3, 4], &[1, 2, 3], true);
    check([5, 4], &[1, 2, 3], true);
    // Each page calls itself the whole list.
    check([2, 5], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], false);
    // Neither deletions nor additions explain it.
    check([506, 6], &[1, 2, 3], false);
    check([6, 506], &[1, 2, 3], false);
    // By links nothing is passed over: the last total counts.
    let pages = [linked(&[1, 2], 4, "a"), page_of(&[3], 3)];
    assert_eq!(last(ChainLinkage::Links, &pages), ChainVerdict::Whole);
    let pages = [linked(&[1, 2], 4, "a"), page_of(&[3, 4], 5)];
    assert!(moved(&last(ChainLinkage::Links, &pages)), "one was added in front");
    let pages = [linked(&[1, 2], 4, "a"), page_of(&[3], 5)];
    let miscounted = ChainFlaw::Miscounted { read: 3, total: 5 };
    assert_eq!(last(ChainLinkage::Links, &pages), ChainVerdict::Broken(miscounted));
}

#[test]
fn a_contradiction_of_an_earlier_reading_is_not_forgotten() {
    let contradiction = || ChainFlaw::Miscounted { read: 3, total: 6 };
    assert_eq!(ChainFlaw::Moved.after(Some(contradiction())), contradiction());
    assert_eq!(contradiction().after(Some(ChainFlaw::Moved)), contradiction());
    assert_eq!(ChainFlaw::Moved.after(None), ChainFlaw::Moved);
}

#[test]
fn pages_past_the_total_end_after_a_while() {
    let mut chain = PageChain::default();
    let pages = (0..10_000).take_while(|page| {
        chain.take(&linked(&[*page], 3, &page.to_string()), ChainLinkage::Links)
            == ChainVerdict::GoesOn
    });
    assert_eq!(pages.count(), 102, "two of the total, a hundred more");
}

#[test]
fn unusable_records_count_and_do_not_go_on_for_ever() {
    let unusable = |total, link: Option<String>| PageFacts {
        quarantined: 1,
        next: link,
        total_entries: total,
        ..PageFacts::default()
    };
    let pages = [linked(&[1], 2, "a"), unusable(Some(2), None)];
    assert_eq!(last(ChainLinkage::Links, &pages), ChainVerdict::Whole);
    let mut chain = PageChain::default();
    let pages = (0..10_000).take_while(|page| {
        let page = unusable(None, Some(page.to_string()));
        chain.take(&page, ChainLinkage::Links) == ChainVerdict::GoesOn
    });
    assert_eq!(pages.count(), 100);
}

proptest! {
    #[test]
    fn a_list_at_rest_is_whole_and_one_that_lacks_a_record_is_not(
        count in 0_i64..60,
        size in 1_usize..12,
        numbers: bool,
        lacking in any::<prop::sample::Index>(),
    ) {
        let following = if numbers { ChainLinkage::Numbers } else { ChainLinkage::Links };
        let ids: Vec<i64> = (0..count).collect();
        let pages = |ids: &[i64], total: u64| -> Vec<PageFacts> {
            let chunks: Vec<&[i64]> = if ids.is_empty() { vec![&[]] } else { ids.chunks(size).collect() };
            let last = chunks.len();
            chunks
                .into_iter()
                .enumerate()
                .map(|(at, ids)| {
                    let next = (at + 1 < last).then(|| format!("page {at}"));
                    PageFacts { next, ..page_of(ids, total) }
                })
                .collect()
        };
        let all = u64::try_from(count).unwrap();
        prop_assert_eq!(last(following, &pages(&ids, all)), ChainVerdict::Whole);
        if count > 0 {
            let mut fewer = ids;
            fewer.remove(lacking.index(fewer.len()));
            let mut pages = pages(&fewer, all);
            // A numbered list is asked for what its total promises.
            if following == ChainLinkage::Numbers && !fewer.is_empty() {
                pages.push(page_of(&[], all));
            }
            prop_assert!(matches!(last(following, &pages), ChainVerdict::Broken(_)));
        }
    }
}
