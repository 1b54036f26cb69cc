//! Parents whose children could not be read: how they are tried again, and when they stay parked.

use std::collections::VecDeque;

use super::doubts::{drive, path};
use super::*;

static TEAMS: StreamSpec = spec(
    "teams",
    "/parents/{parent}/team",
    StreamKind::PerParent(PerParent {
        trigger: &CURSOR,
        parent_id: "id",
        parent_path: "/parents/{parent}",
        parent_column: "parent_id",
        only_role: Some("manager"),
    }),
);

/// A trigger page that names one parent with these roles.
fn with_roles(id: i64, roles: &[&str]) -> PageFacts {
    let mut facts = named(&[id]);
    facts.parents[0].roles = Some(roles.iter().map(|&role| role.to_owned()).collect());
    facts
}

fn parked(id: i64) -> BTreeMap<i64, ParkedParent> {
    BTreeMap::from([(
        id,
        ParkedParent { created_year: Some(2024), attempts: 1, reason: String::new() },
    )])
}

#[test]
fn a_parked_parent_whose_children_contradict_themselves_or_change_stays_parked() {
    let parked = ParkedParent { created_year: None, attempts: 1, reason: String::new() };
    let parked = BTreeMap::from([(6, parked)]);
    let totals: [(&dyn Fn(u64) -> u64, bool); 3] =
        [(&|_| 2, true), (&|asked| asked + 1, true), (&|_| 1, false)];
    for (pass, (total, stays)) in
        [Pass::Incremental, Pass::Full].into_iter().flat_map(|pass| totals.map(|one| (pass, one)))
    {
        let parked = parked.clone();
        let mut reading = Reading::start(ReadingPlan { parked, ..plan(&CHILDREN, pass) });
        let mut asked = 0;
        let (_, _, stopped) = drive(&mut reading, |request| match request.purpose {
            AnswerPurpose::Records(_) => {
                asked += 1;
                Ok(page_of(&[1], total(asked)))
            }
            AnswerPurpose::Parents
            | AnswerPurpose::Count
            | AnswerPurpose::Existence(_)
            | AnswerPurpose::Record
            | AnswerPurpose::Along => Ok(named(&[])),
        });
        let left = reading.parked().into_keys().collect::<Vec<_>>();
        assert_eq!((stopped, left), (None, if stays { vec![6] } else { Vec::new() }), "{pass:?}");
        assert_eq!(reading.proof() == ListProof::Proven, !stays, "{pass:?} after {asked}");
    }
}

#[test]
fn a_refused_link_to_more_children_is_no_empty_list() {
    let mut reading = Reading::start(plan(&TEAMS, Pass::Full));
    let mut asked = 0;
    let (effects, _, stopped) = drive(&mut reading, |request| match request.purpose {
        AnswerPurpose::Records(_) => {
            asked += 1;
            match (asked, &request.target) {
                (1, _) => Ok(PageFacts { next: Some("old".to_owned()), ..page_of(&[1, 2], 4) }),
                (_, RequestTarget::Link(_)) => Err(RequestFailure::Invalid(422)),
                (_, RequestTarget::Path { .. }) => Ok(page_of(&[1, 2, 3, 4], 4)),
            }
        }
        AnswerPurpose::Parents => Ok(named(&[1])),
        AnswerPurpose::Existence(parent) => Ok(named(&[parent.id])),
        AnswerPurpose::Count | AnswerPurpose::Record | AnswerPurpose::Along => panic!(),
    });
    assert_eq!(stopped, None);
    let dropped = effects.contains(&AnswerEffect::Drop(parent(1)));
    assert!(dropped, "2 of 4 children count as all of them: {effects:?}");
}

#[test]
fn a_list_with_records_that_are_no_rows_deletes_none_and_is_told_of() {
    let mut reading = Reading::start(plan(&CHILDREN, Pass::Full));
    let mut lists = 0;
    let (effects, _, stopped) = drive(&mut reading, |request| match request.purpose {
        AnswerPurpose::Records(_) => {
            lists += 1;
            let quarantined = u64::from(lists == 1);
            Ok(PageFacts { quarantined, ..page_of(&[1], 1 + quarantined) })
        }
        AnswerPurpose::Parents => Ok(named(&[1, 2])),
        AnswerPurpose::Existence(parent) => Ok(named(&[parent.id])),
        AnswerPurpose::Count | AnswerPurpose::Record | AnswerPurpose::Along => panic!(),
    });
    assert_eq!((stopped, reading.proof()), (None, ListProof::Proven));
    let covered =
        |id| effects.contains(&AnswerEffect::Complete { unit: parent(id), covered: Some(AT) });
    assert_eq!((covered(1), covered(2)), (false, true), "{effects:?}");
    let remarks = reading.remarks();
    assert!(
        matches!(remarks.as_slice(), [one] if one.contains("1 of the parents' lists")),
        "{remarks:?}"
    );
}

#[test]
fn a_parked_parent_whose_records_could_not_be_rows_stays_parked_if_the_pass_does_not_count() {
    use crate::item::{ItemValue, StreamPosition};
    use crate::position::{PassFlush, PassStage, PassStart};
    use crate::quarantine::AnswerCounts;
    let pass = Pass::Incremental;
    let mut reading = Reading::start(ReadingPlan { parked: parked(6), ..plan(&CHILDREN, pass) });
    let mut answers = AnswerCounts::default();
    let (_, _, stopped) = drive(&mut reading, |request| {
        let facts = match request.purpose {
            AnswerPurpose::Records(_) => PageFacts { quarantined: 3, ..page_of(&[], 3) },
            AnswerPurpose::Parents
            | AnswerPurpose::Count
            | AnswerPurpose::Existence(_)
            | AnswerPurpose::Record
            | AnswerPurpose::Along => named(&[]),
        };
        answers.count(request.purpose, &facts);
        Ok(facts)
    });
    assert_eq!((stopped, reading.proof()), (None, ListProof::Proven));
    let hour = |hour: i64| Timestamp::from_second(hour * 3600).unwrap();
    let flush = PassFlush {
        spec: &CHILDREN,
        pass,
        start: PassStart { begun: hour(9), by_server: hour(9) },
        stage: PassStage::Complete { by_halves: false, absent: None, idle: false },
        proof: reading.proof(),
        answers,
        parked: reading.parked(),
        requests: 2,
        progress: reading.progress(),
        grid: crate::window::WindowGrid::Month,
        fixed_fees: FixedFeeAmounts::default(),
        start_date: None,
        present: crate::present::Present::ours(hour(10)),
    };
    assert!(!flush.is_usable());
    let before = StreamPosition {
        cursor: Some(hour(8)),
        parked: ItemValue::Here(parked(6)),
        ..StreamPosition::default()
    };
    let after = flush.position(&before).position;
    assert_eq!(
        (after.cursor, after.incremental.last_begun),
        (Some(hour(8)), None),
        "it runs again"
    );
    let ItemValue::Here(left) = after.parked else { panic!() };
    // The next run: Harvest's records are as they should be again.
    let mut again = Reading::start(ReadingPlan { parked: left, ..plan(&CHILDREN, pass) });
    let mut children = 0;
    drive(&mut again, |request| {
        if let AnswerPurpose::Records(_) = request.purpose {
            children += 1;
            return Ok(page_of(&[1, 2, 3], 3));
        }
        Ok(named(&[]))
    });
    assert_eq!(children, 1, "the children of the parked parent are asked for again");
}

#[test]
fn a_parent_that_is_in_doubt_after_the_control_questions_failed_keeps_no_pass_from_its_end() {
    for saved in [false, true] {
        let plan = plan(&CHILDREN, Pass::Incremental);
        let mut reading = Reading::start(ReadingPlan { width: 1, ..plan.clone() });
        answer(&mut reading, &named(&[1, 2]));
        let fail = |reading: &mut Reading, wanted: &str, failure: RequestFailure| {
            let ReadingStep::Fetch(request) = reading.next_step() else { panic!() };
            assert_eq!(path(&request), wanted);
            reading.on_failure(request.id, AT, &failure, true);
        };
        fail(&mut reading, "/parents/1/children", RequestFailure::NotFound);
        fail(&mut reading, "/parents/2", RequestFailure::Server(500));
        fail(&mut reading, "/parents/1", RequestFailure::Server(500));
        fail(&mut reading, "/parents/2/children", RequestFailure::NotFound);
        if saved {
            let parked = reading.parked();
            let plan = ReadingPlan { parked, ..plan };
            reading = Reading::resume(plan, &reading.save().unwrap()).unwrap();
            // Harvest is well again.
            for _ in 0..2 {
                answer(&mut reading, &page_of(&[1], 1));
            }
        }
        assert_eq!(reading.next_step(), ReadingStep::Done, "saved: {saved}");
    }
}

#[test]
fn a_parked_user_who_is_no_manager_any_more_has_no_team() {
    for pass in [Pass::Incremental, Pass::Full] {
        let mut reading = Reading::start(ReadingPlan { parked: parked(1), ..plan(&TEAMS, pass) });
        let (effects, _, stopped) = drive(&mut reading, |request| match request.purpose {
            AnswerPurpose::Records(_) => Err(RequestFailure::Invalid(422)),
            AnswerPurpose::Parents => Ok(with_roles(1, &["member"])),
            AnswerPurpose::Existence(parent) => Ok(named(&[parent.id])),
            AnswerPurpose::Count | AnswerPurpose::Record | AnswerPurpose::Along => panic!(),
        });
        assert_eq!(stopped, None);
        let complete = AnswerEffect::Complete { unit: parent(1), covered: Some(AT) };
        let parked = reading.parked();
        assert!(
            effects.contains(&complete) && parked.is_empty(),
            "{pass:?} {effects:?} {parked:?}"
        );
    }
}

#[test]
fn a_parent_parked_by_the_other_pass_and_named_afterwards_is_read_once() {
    // The full pass stops between two pages of its trigger; the incremental pass parks a parent of
    // the second one.
    let mut reading = Reading::start(plan(&CHILDREN, Pass::Full));
    answer(&mut reading, &PageFacts { next: Some("two".to_owned()), ..named(&[1]) });
    let saved = reading.save().unwrap();
    let plan = ReadingPlan { parked: parked(2), ..plan(&CHILDREN, Pass::Full) };
    let mut reading = Reading::resume(plan, &saved).unwrap();
    let mut asks = Vec::new();
    let mut waiting = VecDeque::new();
    loop {
        match reading.next_step() {
            ReadingStep::Fetch(request) => waiting.push_back(request),
            ReadingStep::Held => drop(reading.on_held(TableUnits::default())),
            ReadingStep::Done => break,
            ReadingStep::Wait => {
                let Some(request) = waiting.pop_front() else {
                    panic!("the reading waits for answers, but none is under way: {asks:?}")
                };
                asks.push(path(&request));
                let facts = match (&request.purpose, &request.target) {
                    (AnswerPurpose::Records(_), RequestTarget::Path { path, .. }) => {
                        PageFacts { next: Some(format!("{path}/rest")), ..page_of(&[1], 2) }
                    }
                    (AnswerPurpose::Records(_), _) => page_of(&[2], 2),
                    _ => named(&[2]),
                };
                reading.on_page(request.id, AT, &facts);
            }
            ReadingStep::Missing(_) | ReadingStep::Stop(_) => panic!("{asks:?}"),
        }
    }
    let of_two = asks.iter().filter(|path| *path == "/parents/2/children").count();
    assert_eq!((of_two, reading.proof()), (1, ListProof::Proven), "{asks:?}");
}
