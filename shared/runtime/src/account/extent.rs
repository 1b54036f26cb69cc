//! Extent of the account: how far back it goes, by Harvest's answers and our own tables.
//!
//! Reports are read by windows, and Harvest does not say in which windows there is anything. This
//! module asks for the oldest and newest days of the lists whose entries reports sum up (time
//! entries, expenses, invoices). `engine::extent` decides which stretch of the calendar to ask for
//! and what an answer proves; this module sends the questions and reads the answers.
//!
//! A list that cannot be read must not shorten the reports without a word. Its days are then taken
//! from the first source that proves them, and the extent says which one it is:
//!
//! 1. its table, if a full pass has completed it;
//! 2. the earlier extent, if the list could be read then;
//! 3. none: full passes of the reports that need the list fail, their recent windows go on.

mod known;

use engine::extent::{
    AccountExtent, BeyondGap, CalendarStretch, DatedEntry, DatedList, ExtentSurvey, ListedEntries,
    Outlier, ReportReach, UnreadList, joined,
};
use engine::item::AccountItem;
use engine::pass::RequestTarget;
use engine::retry::{FailureReach, RequestFailure};
use engine::spec::{EntryDate, RateClass, StreamSpec};
use engine::time::{Date, SignedDuration, Timestamp, plus, utc_day};
use engine::window::WindowGrid;
use harvest_api::{ApiError, JsonLiteral, LooseObject};

use known::KnownDays;

use super::asking::{PermitPatience, try_ask_until};
use crate::context::Context;
use crate::error::{RunError, from_api};

/// Lists whose entries have the days that reports are about. The table of streams begins with the
/// lists that others refer to; people look for odd days among its last ones, the entries.
fn dated_lists() -> impl Iterator<Item = (&'static StreamSpec, EntryDate)> {
    streams::STREAMS.into_iter().rev().filter_map(|spec| Some((spec, spec.dated?)))
}

/// Number of entries of one answer. The entries far from today usually fit into one answer.
const PER_PAGE: u32 = 50;
/// Time within which failed questions about one list are asked again: 45 seconds. A tick has two
/// minutes for everything.
const ASKED_AGAIN_FOR: SignedDuration = SignedDuration::from_secs(45);

/// Days that one list has.
enum ListDays {
    /// The list's module is off, or the person of the token may not read it.
    Nothing,
    /// The days of its entries.
    Days { days: (Date, Date), outliers: Vec<Outlier>, doubts: Vec<String> },
    /// The list could not be read.
    Unread {
        list: UnreadList,
        days: Option<(Date, Date)>,
        outliers: Vec<Outlier>,
        doubts: Vec<String>,
    },
}

/// Returns the oldest and newest days of the account. For a list that cannot be read, the days that
/// its table or an earlier extent proves count instead, and the extent says so.
///
/// # Errors
/// Fails if the credentials are not accepted, the state store fails, or no request may be sent
/// soon.
pub async fn extent(context: &Context, account: &AccountItem) -> Result<AccountExtent, RunError> {
    let read_at = context.clock.now();
    let reach = ReportReach::around(utc_day(read_at), context.settings.report_years_back);
    let told = dated_lists().map(|(spec, dated)| told(context, account, spec, dated, reach));
    let told = futures::future::try_join_all(told).await?;
    let mut extent = AccountExtent::new(read_at);
    for ((_, dated), told) in dated_lists().zip(told) {
        let (days, outliers) = match told {
            ListDays::Nothing => continue,
            ListDays::Days { days, outliers, doubts } => {
                extent.doubts.extend(doubts);
                (Some(days), outliers)
            }
            ListDays::Unread { list, days, outliers, doubts } => {
                extent.unread.push(list);
                extent.doubts.extend(doubts);
                (days, outliers)
            }
        };
        let range = match dated {
            EntryDate::Spent => &mut extent.spent,
            EntryDate::Issued => &mut extent.issued,
        };
        *range = joined(*range, days);
        extent.outliers.extend(outliers);
    }
    Ok(extent)
}

/// Surveys one list: asks until the survey knows its first and last days, or cannot go on.
async fn told(
    context: &Context,
    account: &AccountItem,
    spec: &'static StreamSpec,
    dated: EntryDate,
    reach: ReportReach,
) -> Result<ListDays, RunError> {
    let module = spec.module.map(engine::spec::Module::feature);
    if module.is_some_and(|module| account.modules_off.iter().any(|off| off == module)) {
        return Ok(ListDays::Nothing);
    }
    let list = DatedList { name: spec.name, dated };
    let earlier = account.extent.as_ref();
    let before = earlier.and_then(|extent| match dated {
        EntryDate::Spent => extent.spent,
        EntryDate::Issued => extent.issued,
    });
    // Days that are proven already are covered without a question, and stay covered.
    let known = KnownDays::of(context, spec, dated, reach).await;
    let now = context.clock.now();
    let recent = recent_days(context.settings.grid, utc_day(now));
    let mut survey = ExtentSurvey::new(list, reach, recent, joined(before, known.table));
    let latest = plus(now, ASKED_AGAIN_FOR);
    let why = loop {
        let Some(stretch) = survey.next() else {
            break None;
        };
        match asked(context, spec, dated, stretch, latest).await? {
            Ok(listed) => survey.on_answer(&listed),
            Err(error) if is_none(spec, &error) => return Ok(ListDays::Nothing),
            Err(error) => break Some(error.to_string()),
        }
    };
    let found = survey.found();
    let gap = found.gap.filter(|_| why.is_none());
    let why = why.or_else(|| gap.map(|gap| told_gap(gap, reach)));
    let Some(why) = why else {
        return Ok(ListDays::Days {
            days: found.days,
            outliers: found.outliers,
            doubts: found.doubts,
        });
    };
    // The list could not be read to the end. What its answers showed counts, together with the
    // first source that proves the rest.
    let outlier = |day| Outlier { list: spec.name.to_owned(), dated, day, id: None };
    let mut outliers = found.outliers;
    let days = joined(Some(found.days), known.proven);
    outliers.extend(far_before(earlier, spec, reach));
    let instead = if known.proven.is_some() {
        outliers.extend(known.beyond.into_iter().map(outlier));
        Some(format!("the table `{}`", spec.name))
    } else {
        // An earlier extent that lacked this list itself proves nothing about it.
        let proves = |extent: &&AccountExtent| {
            before.is_some() && extent.unread.iter().all(|one| one.list != spec.name)
        };
        earlier.filter(proves).map(|extent| {
            format!("what was read at {}", extent.read_at.strftime("%Y-%m-%d %H:%M UTC"))
        })
    };
    outliers.sort();
    outliers.dedup();
    // Within the reach the answers were enough; the windows beyond it may be too few.
    let proven = instead.is_some() && !known.hides_far_days;
    let far_days_open = gap == Some(BeyondGap::Contradicted) && !proven;
    let instead = instead.or_else(|| far_days_open.then(|| "its other answers".to_owned()));
    let list = UnreadList { list: spec.name.to_owned(), dated, why, instead, far_days_open };
    Ok(ListDays::Unread { list, days, outliers, doubts: found.doubts })
}

/// Entries of the list beyond `reach`, by the earlier reading. Its own reach may have been smaller.
fn far_before(
    earlier: Option<&AccountExtent>,
    spec: &StreamSpec,
    reach: ReportReach,
) -> impl Iterator<Item = Outlier> {
    let all = earlier.into_iter().flat_map(|extent| &extent.outliers);
    all.filter(move |one| one.list == spec.name && !reach.holds(one.day)).cloned()
}

/// Reason to give up a list whose months outside of `reach` are not all known.
fn told_gap(gap: BeyondGap, reach: ReportReach) -> String {
    let ReportReach { first, last } = reach;
    match gap {
        BeyondGap::TooMany => format!(
            "it has entries in very many months before {first} or after {last}; let windows reach \
             them with `--report-years-back`"
        ),
        BeyondGap::Contradicted => {
            format!("its answers about days before {first} or after {last} contradict themselves")
        }
    }
}

/// First and last day of the windows that incremental passes read.
fn recent_days(grid: WindowGrid, today: Date) -> (Date, Date) {
    let recent = grid.recent(today);
    let ends = recent.last().zip(recent.first()).map(|(first, last)| (first.start, last.end));
    ends.unwrap_or((today, today))
}

/// Whether the refusal means that this person has no such list, because its module is off.
fn is_none(spec: &StreamSpec, error: &ApiError) -> bool {
    spec.module.is_some()
        && matches!(error.failure(), RequestFailure::Forbidden | RequestFailure::NotFound)
}

/// Asks for the entries of one stretch of the calendar: `from` and `to` of the Harvest API v2, both
/// days included. A refused token ends the survey of all lists.
async fn asked(
    context: &Context,
    spec: &'static StreamSpec,
    dated: EntryDate,
    stretch: CalendarStretch,
    last: Timestamp,
) -> Result<Result<ListedEntries, ApiError>, RunError> {
    let pair = |name: &str, value: String| (name.to_owned(), value);
    let mut query = Vec::new();
    query.extend(stretch.from.map(|day| pair("from", day.to_string())));
    query.extend(stretch.to.map(|day| pair("to", day.to_string())));
    query.push(pair("per_page", PER_PAGE.to_string()));
    let path = spec.path.to_owned();
    let target = RequestTarget::Path { path, query };
    let class = RateClass::General;
    let answer =
        try_ask_until(context, spec.name, class, &target, PermitPatience::Brief, last).await?;
    Ok(match answer {
        Ok(answer) => listed(spec, dated, &answer.body).ok_or_else(|| {
            ApiError::new(RequestFailure::Malformed, format!("GET {}", spec.path))
                .with_detail("it holds no list of records")
        }),
        Err(error) if error.failure().reach() == FailureReach::StopAccount => {
            return Err(from_api(spec.name, context.settings.account.0, Box::new(error)));
        }
        Err(error) => Err(error),
    })
}

/// Reads an answer, of each record only id and date; `None` if it holds no list of records.
///
/// Members are read in every form in which they may come. A value that is unusable in a table must
/// not make the day of its record unknown. Any sign of further pages counts, because only an answer
/// without any sign proves that a stretch has no more entries.
fn listed(spec: &StreamSpec, dated: EntryDate, body: &str) -> Option<ListedEntries> {
    let body = LooseObject::read(body)?;
    let records = body.get(spec.records_key?)?.items()?;
    let entry = |record: JsonLiteral<'_>| {
        let record = record.object();
        let member = |name: &str| record.as_ref().and_then(|record| record.get(name));
        let day = member(dated.field()).and_then(JsonLiteral::text);
        let day = day.filter(|text| text.len() == 10).and_then(|text| text.parse().ok());
        let day = day.filter(|day: &Date| day.year() > 0);
        DatedEntry { id: member("id").and_then(JsonLiteral::integer), day }
    };
    let number = |name: &str| body.get(name).and_then(JsonLiteral::count);
    let links = body.get("links").and_then(JsonLiteral::object);
    let next = links.and_then(|links| links.get("next")).and_then(JsonLiteral::text);
    let has_next = next.is_some_and(|next| !next.is_empty());
    Some(ListedEntries {
        entries: records.into_iter().map(entry).collect(),
        total: number("total_entries"),
        goes_on: has_next
            || body.get("next_page").is_some()
            || number("total_pages").is_some_and(|pages| pages > 1),
        is_other_page: number("page").is_some_and(|page| page != 1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(year: i16, month: i8, day: i8) -> Date {
        Date::new(year, month, day).unwrap()
    }

    fn read(body: &str) -> Option<ListedEntries> {
        listed(&streams::TIME_ENTRIES, EntryDate::Spent, body)
    }

    #[test]
    fn records_are_read_no_further_than_to_id_and_date() {
        let body = r#"{"time_entries":[{"id":"1","spent_date":"2026-01-05","notes":"\ud800"},
            {"id":2.0,"spent_date":null},{"id":{},"spent_date":"2026-02-30"},5,
            {"id":4,"spent_date":"0000-01-01"},{"id":5,"id":6,"spent_date":"9999-12-31"}],
            "total_entries":"6","page":1,"total_pages":1,"next_page":null,"links":{"next":null}}"#;
        let entry = |id, day| DatedEntry { id, day };
        assert_eq!(
            read(body).unwrap(),
            ListedEntries {
                entries: vec![
                    entry(Some(1), Some(date(2026, 1, 5))),
                    entry(Some(2), None),
                    entry(None, None),
                    entry(None, None),
                    entry(Some(4), None),
                    entry(Some(6), Some(date(9999, 12, 31))),
                ],
                total: Some(6),
                goes_on: false,
                is_other_page: false,
            }
        );
    }

    #[test]
    fn every_sign_of_more_counts() {
        let check = |members: &str, goes_on, other| {
            let listed = read(&format!(r#"{{"time_entries":[]{members}}}"#)).unwrap();
            assert_eq!((listed.goes_on, listed.is_other_page), (goes_on, other), "{members}");
        };
        check("", false, false);
        check(r#","links":null,"next_page":null,"page":null"#, false, false);
        check(r#","links":{"next":""},"total_pages":1"#, false, false);
        check(r#","links":{"next":"https://x"}"#, true, false);
        check(r#","links":[],"next_page":2"#, true, false);
        check(r#","total_pages":2"#, true, false);
        check(r#","page":2"#, false, true);
        for body in ["[]", "{}", r#"{"time_entries":{}}"#, r#"{"time_entries":null}"#] {
            assert_eq!(read(body), None, "{body}");
        }
    }
}
