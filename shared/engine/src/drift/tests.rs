use proptest::prelude::*;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// A look at `objects` records of which none has the members `absent` of `a`, `b`, `c`.
fn look(objects: u64, absent: &[&str]) -> DriftLook {
    let declared = ["a", "b", "c"].map(|path| {
        let seen = objects > 0 && !absent.contains(&path);
        (path.to_owned(), MemberPresence { objects, seen })
    });
    DriftLook { declared: declared.into(), ..DriftLook::default() }
}

fn unknown(times: u64) -> DriftLook {
    DriftLook { unknown: BTreeMap::from([("location".to_owned(), times)]), ..look(30, &[]) }
}

fn misfits(times: u64, kind: &'static str) -> DriftLook {
    let misfits = DeviatingValues { times, kinds: BTreeSet::from([kind]), form: None };
    DriftLook { misfits: BTreeMap::from([("hours".to_owned(), misfits)]), ..look(30, &[]) }
}

fn incremental(drift: &Drift, look: &DriftLook, now: i64) -> Drift {
    let pass = Pass::Incremental;
    drift.after(DriftRun { look, pass, pass_began: at(now), completes: true, now: at(now) })
}

fn full(drift: &Drift, look: &DriftLook, began: i64, now: i64, completes: bool) -> Drift {
    drift.after(DriftRun { look, pass: Pass::Full, pass_began: at(began), completes, now: at(now) })
}

fn told(drift: &Drift) -> Vec<String> {
    drift.findings().iter().map(DriftFinding::sentence).collect()
}

#[test]
fn what_was_seen_stays_until_a_full_pass_has_not_seen_it() {
    let first = full(&Drift::default(), &unknown(812), 10, 10, true);
    let sentence = "new member `location`, 812 records; kept in extra_json";
    assert_eq!(told(&first), [sentence]);
    // Neither nothing nor a few records without it say that it is gone.
    let quiet = incremental(&first, &look(0, &[]), 20);
    let few = incremental(&quiet, &look(3, &[]), 30);
    assert_eq!(told(&few), [sentence]);
    // The largest number stays, and a full pass that is under way proves nothing yet.
    let more = incremental(&few, &unknown(2), 40);
    let begun = full(&more, &look(50, &[]), 50, 50, false);
    assert_eq!(told(&begun), [sentence]);
    let ended = full(&begun, &look(50, &[]), 50, 60, true);
    assert_eq!(told(&ended), [""; 0]);
}

#[test]
fn the_runs_of_one_full_pass_are_one_look() {
    let before = full(&Drift::default(), &unknown(7), 1, 1, true);
    let first = full(&before, &unknown(800), 10, 10, false);
    let second = full(&first, &unknown(12), 10, 20, false);
    let last = full(&second, &look(40, &[]), 10, 30, true);
    assert_eq!(last.unknown["location"].times, 812);
    assert_eq!(last.unknown["location"].at, at(20));
}

#[test]
fn a_changed_type_is_told_with_the_kinds_of_value() {
    let text = incremental(&Drift::default(), &misfits(812, "text"), 10);
    assert_eq!(
        told(&text),
        [
            "`hours` was text in 812 records, which its column does not hold: it is null there; kept \
          in extra_json"
        ]
    );
    let both = incremental(&text, &misfits(1, "an object"), 20);
    assert_eq!(both.findings()[0].kinds, ["an object", "text"]);
    // A full pass tells of its own kinds only.
    let anew = full(&both, &misfits(3, "an object"), 30, 30, true);
    assert_eq!(anew.findings()[0].kinds, ["an object"]);
    assert_eq!(anew.findings()[0].times, 3);
}

#[test]
fn a_value_in_another_form_is_told_with_it_and_one_that_is_finer_with_its_own_sentence() {
    let values = |times, form: &str| DeviatingValues {
        times,
        kinds: BTreeSet::from(["text"]),
        form: Some(form.to_owned()),
    };
    let of = |path: &str, values| BTreeMap::from([(path.to_owned(), values)]);
    let look = DriftLook {
        converted: of("hours", values(812, "\"9.9\"")),
        finer: of("lines[].rate", values(1, "9.99999999999999999")),
        ..misfits(2, "an object")
    };
    let drift = incremental(&Drift::default(), &look, 10);
    let sentences = [
        "`hours` was an object in 2 records, which its column does not hold: it is null there; kept \
         in extra_json",
        "`lines[].rate` had more decimal places than its column (such as 9.99999999999999999) in 1 \
         item: it is null there, so that nothing is rounded; kept in extra_json",
        "`hours` came as text (such as \"9.9\") in 812 records; its column holds the same values",
    ];
    assert_eq!(told(&drift), sentences);
    assert_eq!(drift.findings_of(&look), drift.findings());
    // The first form stays, and a full pass tells of its own.
    let other = DriftLook { converted: of("hours", values(1, "\"9e9\"")), ..DriftLook::default() };
    let kept = incremental(&drift, &other, 20);
    assert_eq!(kept.converted["hours"].form.as_deref(), Some("\"9.9\""));
    let anew = full(&kept, &other, 30, 30, true);
    let forms: Vec<_> = anew.findings().into_iter().map(|it| (it.what, it.form)).collect();
    assert_eq!(forms, [(DriftKind::Converted, Some("\"9e9\"".to_owned()))]);
}

#[test]
fn the_name_of_a_member_gives_no_orders_to_a_terminal() {
    let unknown = BTreeMap::from([("\u{1b}[2J\0\u{e9}".to_owned(), 1)]);
    let drift = incremental(&Drift::default(), &DriftLook { unknown, ..look(30, &[]) }, 10);
    let sentence = "new member `\\u{1b}[2J\\u{0}\u{e9}`, 1 record; kept in extra_json";
    assert_eq!(told(&drift), [sentence]);
}

#[test]
fn what_costs_values_comes_first_and_is_never_cut_off() {
    let many = |prefix: &'static str| (0..300).map(move |id| format!("{prefix}{id:03}"));
    let values = |path| (path, DeviatingValues { times: 1, ..DeviatingValues::default() });
    let look = DriftLook {
        unknown: many("a_new").map(|path| (path, 1)).collect(),
        misfits: many("misfit").map(values).collect(),
        finer: many("finer").map(values).collect(),
        converted: many("a_converted").map(values).collect(),
        ..look(30, &[])
    };
    let findings = full(&Drift::default(), &look, 10, 10, true).findings();
    let whats: Vec<DriftKind> = findings.iter().map(|finding| finding.what).collect();
    assert!(whats.is_sorted(), "{whats:?}");
    let count = |what| whats.iter().filter(|&&one| one == what).count();
    assert_eq!((count(DriftKind::Changed), count(DriftKind::Finer)), (300, 300));
    assert_eq!((count(DriftKind::Converted), count(DriftKind::New)), (300, MOST));
    assert!(whats[..600].iter().all(|what| what.costs_values()));
}

#[test]
fn a_member_that_took_the_place_of_another_in_the_declaration_is_not_gone() {
    let first = full(&Drift::default(), &look(100, &[]), 10, 10, true);
    let mut swapped = look(100, &[]);
    let absent = MemberPresence { objects: 100, seen: false };
    swapped.declared.remove("c");
    swapped.declared.insert("d".to_owned(), absent);
    let second = full(&first, &swapped, 20, 20, true);
    assert_eq!(told(&second), [""; 0]);
    // From then on it counts as never seen, and others that disappear are told.
    swapped.declared.insert("b".to_owned(), absent);
    assert_eq!(full(&second, &swapped, 30, 30, true).gone.keys().collect::<Vec<_>>(), ["b"]);
}

#[test]
fn a_member_is_gone_when_many_records_lack_what_others_had() {
    let first = full(&Drift::default(), &look(100, &["c"]), 10, 10, true);
    // `c` was never there: its absence is no news. Of 19 records `b` may be missing by chance.
    let few = incremental(&first, &look(19, &["b", "c"]), 20);
    assert_eq!(told(&few), [""; 0]);
    let enough = incremental(&few, &look(20, &["b", "c"]), 30);
    assert_eq!(told(&enough), ["member `b` is no longer there"]);
    assert_eq!(enough.gone["b"], at(30));
    // It stays so, also over full passes, until one record has it.
    let still = full(&enough, &look(500, &["b", "c"]), 40, 40, true);
    let still = incremental(&still, &look(0, &[]), 50);
    assert_eq!(still.gone, enough.gone);
    let back = incremental(&still, &look(1, &["a", "c"]), 60);
    assert_eq!(told(&back), [""; 0]);
    // A member that was never there may appear, and be gone later.
    let came = incremental(&back, &look(1, &["a", "b"]), 70);
    assert_eq!(told(&incremental(&came, &look(20, &["c"]), 80)), ["member `c` is no longer there"]);
}

#[test]
fn a_newer_declaration_misses_nothing_that_it_only_now_knows() {
    let first = full(&Drift::default(), &look(100, &[]), 10, 10, true);
    let mut wider = look(100, &[]);
    wider.declared.insert("d".to_owned(), MemberPresence { objects: 100, seen: false });
    let after = incremental(&first, &wider, 20);
    assert_eq!(told(&after), [""; 0]);
    wider.declared.get_mut("a").unwrap().seen = false;
    assert_eq!(told(&incremental(&after, &wider, 30)), ["member `a` is no longer there"]);
}

#[test]
fn members_of_objects_that_were_not_read_are_not_missed() {
    let mut with = look(100, &[]);
    with.declared.insert("a.x".to_owned(), MemberPresence { objects: 100, seen: true });
    let first = full(&Drift::default(), &with, 10, 10, true);
    let mut without = look(100, &["a"]);
    without.declared.insert("a.x".to_owned(), MemberPresence::default());
    assert_eq!(told(&incremental(&first, &without, 20)), ["member `a` is no longer there"]);
}

#[test]
fn names_without_end_are_cut_off() {
    let names = (0..10_000).map(|id| (format!("by_id.{id:05}"), 1));
    let look = DriftLook { unknown: names.collect(), ..look(30, &[]) };
    let drift = full(&Drift::default(), &look, 10, 10, true);
    assert_eq!(drift.unknown.len(), MOST);
}

#[test]
fn a_run_tells_of_itself_only() {
    let before = full(&Drift::default(), &unknown(800), 10, 10, true);
    let seen = misfits(1, "text");
    let after = incremental(&before, &seen, 20);
    let findings = after.findings_of(&seen);
    assert_eq!(findings.len(), 1);
    assert_eq!((findings[0].what, findings[0].times), (DriftKind::Changed, 1));
    let again = unknown(2);
    let findings = incremental(&after, &again, 30).findings_of(&again);
    assert_eq!((findings[0].what, findings[0].times), (DriftKind::New, 2));
}

#[test]
fn what_is_kept_comes_back_from_its_text() {
    let drift = full(&Drift::default(), &misfits(3, "text"), 10, 10, true);
    let drift = incremental(&drift, &look(20, &["b"]), 20);
    let text = serde_json::to_string(&drift).unwrap();
    assert_eq!(serde_json::from_str::<Drift>(&text).unwrap(), drift);
    assert_eq!(serde_json::from_str::<Drift>("{}").unwrap(), Drift::default());
}

proptest! {
    /// In any order of runs, a member is gone exactly if some run had it, and since the last such
    /// run some run read enough records without it.
    #[test]
    fn gone_is_what_was_there_and_is_missing_from_enough(
        runs in proptest::collection::vec((0_u64..40, any::<[bool; 3]>(), any::<bool>()), 1..12),
    ) {
        let (mut drift, mut seen, mut missing) = (Drift::default(), [false; 3], [false; 3]);
        for (now, (objects, has, is_full)) in runs.into_iter().enumerate() {
            let absent: Vec<&str> = ["a", "b", "c"]
                .into_iter()
                .zip(has)
                .filter(|(_, has)| !has)
                .map(|(path, _)| path)
                .collect();
            let look = look(objects, &absent);
            let now = i64::try_from(now).unwrap();
            drift = if is_full {
                full(&drift, &look, now, now, true)
            } else {
                incremental(&drift, &look, now)
            };
            for member in 0..3 {
                if has[member] && objects > 0 {
                    (seen[member], missing[member]) = (true, false);
                } else if seen[member] && objects >= ENOUGH {
                    missing[member] = true;
                }
            }
            let gone: Vec<bool> =
                ["a", "b", "c"].iter().map(|path| drift.gone.contains_key(*path)).collect();
            prop_assert_eq!(gone, missing);
        }
    }
}

#[test]
fn values_of_several_answers_are_added_and_the_first_form_stays() {
    let form = |text: &str| Some(text.to_owned());
    let values = |times, kind, form| DeviatingValues { times, kinds: BTreeSet::from([kind]), form };
    let mut sum = values(2, "text", None);
    sum.add(values(3, "list", form("[]")));
    sum.add(values(u64::MAX, "text", form("\"a\"")));
    let kinds = BTreeSet::from(["list", "text"]);
    assert_eq!(sum, DeviatingValues { times: u64::MAX, kinds, form: form("[]") });
}

#[test]
fn sightings_of_a_clock_that_was_ahead_end_with_the_next_full_pass_of_whatever_kind_they_are() {
    let values = |kind| DeviatingValues { times: 3, kinds: BTreeSet::from([kind]), form: None };
    let ahead = DriftLook {
        unknown: BTreeMap::from([("location".to_owned(), 3)]),
        misfits: BTreeMap::from([("hours".to_owned(), values("text"))]),
        finer: BTreeMap::from([("rate".to_owned(), values("number"))]),
        converted: BTreeMap::from([("id".to_owned(), values("text"))]),
        ..look(30, &[])
    };
    let mut drift = incremental(&Drift::default(), &ahead, 100_000);
    assert_eq!(told(&drift).len(), 4);
    drift.free(&Present::ours(at(1_000)));
    let swept = full(&drift, &look(30, &[]), 1_000, 1_000, true);
    assert_eq!(told(&swept), [""; 0]);
}
