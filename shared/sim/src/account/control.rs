//! The control face: requests of tests that need no credentials, and meet no limits and faults.
//!
//! Tests of another process, or in another language, need it; a test that holds the `Account` calls
//! its methods instead. Its answers to `truth` are the oracle of the end-to-end tests: the records
//! as an administrator gets them now, made by the same code as the answers of the API, but without
//! paging, faults and limits. All paths are listed in the README of this crate.
//!
//! A path or parameter that it does not understand is answered with 400 and a sentence.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Account;
use crate::calendar::{Day, Moment};
use crate::fault::FaultRule;
use crate::filter::ListFilter;
use crate::gate::QuotaLimit;
use crate::json::JsonWriter;
use crate::mutate::Mutation;
use crate::report::ReportDays;
use crate::request::{ServerRequest, ServerResponse};
use crate::spelling::Spelling;
use crate::stream::Stream;
use crate::table::UNDATED;
use crate::viewer::Viewer;

/// Answers a request below `/_sim/`; `path` is the part after it.
pub(crate) fn handle(
    account: &mut Account,
    now: Timestamp,
    path: &str,
    request: &ServerRequest,
) -> ServerResponse {
    let segments: Vec<&str> = path.split('/').collect();
    let answer = match (request.method.as_str(), segments.as_slice()) {
        ("GET", ["truth", stream]) => truth(account, Moment::of(now), stream, request),
        ("GET", ["extent"]) => Ok(extent(account)),
        ("GET", ["months"]) => Ok(months(account)),
        ("GET", ["stats"]) => Ok(as_json(account.statistics())),
        ("POST", ["reset-stats"]) => {
            account.reset_statistics();
            Ok(done())
        }
        ("POST", ["faults"]) => faults(account, request),
        ("DELETE", ["faults"]) => {
            account.clear_faults();
            Ok(done())
        }
        ("POST", ["mutate"]) => mutate(account, now, request),
        ("POST", ["apply"]) => apply(account, now, request),
        ("POST", ["limits"]) => limits(account, request),
        _ => Err("no such control".to_owned()),
    };
    answer.unwrap_or_else(|problem| ServerResponse::message(400, &problem))
}

/// Returns the answer to a request that has changed something and has nothing to tell: `{}`.
fn done() -> ServerResponse {
    ServerResponse::json(200, b"{}".to_vec())
}

/// Returns a value as a JSON answer.
fn as_json<T: serde::Serialize>(value: &T) -> ServerResponse {
    ServerResponse::json(200, serde_json::to_vec(value).unwrap_or_default())
}

/// Adds the rules of the body, all or none: a rule that cannot be read refuses the whole list.
fn faults(account: &mut Account, request: &ServerRequest) -> Result<ServerResponse, String> {
    let rules: Vec<FaultRule> =
        serde_json::from_slice(&request.body).map_err(|error| error.to_string())?;
    for rule in rules {
        account.add_fault(rule);
    }
    Ok(done())
}

/// Sets the limits that are given, such as `general=100/15s` or `reports=off`. `off` keeps the
/// numbers of Harvest, so that the statistics still have windows of the right length.
fn limits(account: &mut Account, request: &ServerRequest) -> Result<ServerResponse, String> {
    if let Some(text) = request.param("general") {
        let limit = QuotaLimit::GENERAL.read(text).ok_or("unreadable limit")?;
        account.set_general_limit(limit);
    }
    if let Some(text) = request.param("reports") {
        let limit = QuotaLimit::REPORTS.read(text).ok_or("unreadable limit")?;
        account.set_report_limit(limit);
    }
    Ok(done())
}

/// Makes up to `steps` random changes with `seed`; both are 1 if they are not given. Returns those
/// that were made.
fn mutate(
    account: &mut Account,
    now: Timestamp,
    request: &ServerRequest,
) -> Result<ServerResponse, String> {
    let number = |name: &str, otherwise: u64| match request.param(name) {
        Some(text) => text.parse().map_err(|_| format!("`{name}` must be a number")),
        None => Ok(otherwise),
    };
    Ok(as_json(&account.mutate(now, number("seed", 1)?, number("steps", 1)?)))
}

/// Makes the one change of the body; a change that Harvest would refuse is answered with 400.
fn apply(
    account: &mut Account,
    now: Timestamp,
    request: &ServerRequest,
) -> Result<ServerResponse, String> {
    let mutation: Mutation =
        serde_json::from_slice(&request.body).map_err(|error| error.to_string())?;
    let applied = account.apply(now, &mutation).map_err(|error| error.to_string())?;
    Ok(as_json(&applied))
}

/// Returns the first and last day of entries and expenses, and of invoices; null where there are
/// none. Reports of days outside of it are empty, so a test compares windows within only.
fn extent(account: &Account) -> ServerResponse {
    let mut json = JsonWriter::default();
    json.open();
    let spent = account.books.spent_range();
    let issued = account.books.issue_range();
    json.maybe_day("first_day", spent.map(|days| days.0));
    json.maybe_day("last_day", spent.map(|days| days.1));
    json.maybe_day("first_issue_day", issued.map(|days| days.0));
    json.maybe_day("last_issue_day", issued.map(|days| days.1));
    json.close();
    ServerResponse::json(200, json.finish())
}

/// Returns the months that have entries, expenses or invoices, each by its first day. Records
/// without a usable day are in none.
fn months(account: &Account) -> ServerResponse {
    let books = &account.books;
    let days = books.entries.iter().map(|one| one.spent);
    let days = days.chain(books.expenses.iter().map(|one| one.spent));
    let days = days.chain(books.invoices.iter().filter_map(|one| one.document.issued));
    let dated = days.filter(|day| day.0 != UNDATED);
    let months: BTreeSet<Day> = dated.map(Day::first_of_month).collect();
    let mut json = JsonWriter::default();
    json.open();
    json.texts(
        "months",
        months.into_iter().map(Day::text).collect::<Vec<_>>().iter().map(|one| &**one),
    );
    json.close();
    ServerResponse::json(200, json.finish())
}

/// Returns every record of a stream as an administrator would get it now, with its parent and the
/// time at which the parent was created, by which the lake partitions children.
///
/// Values have the documented types, whatever spelling is set: the oracle compares values, and a
/// spelling changes none. Reports take the same parameters as in the API. With `at`, an instant, the
/// present records are told as of then: what was spent of a monthly budget depends on the month, and
/// the hours of a running timer on the second.
fn truth(
    account: &Account,
    now: Moment,
    stream: &str,
    request: &ServerRequest,
) -> Result<ServerResponse, String> {
    let stream = Stream::from_name(stream).ok_or("no such stream")?;
    let now = match request.param("at") {
        Some(text) => Moment::of(text.parse().map_err(|_| "`at` must be an instant")?),
        None => now,
    };
    let viewer = Viewer::omniscient();
    let mut answerer = account.answerer(now, &viewer);
    answerer.look.spelling = Spelling::default();
    let mut json = JsonWriter::with_capacity(1 << 16);
    json.open();
    json.list("records");
    if stream.is_report() {
        let window = ReportDays::of(request, stream)
            .map_err(|refusal| String::from_utf8_lossy(&refusal.body).into_owned())?;
        for row in answerer.report_rows(stream, window).iter() {
            json.open();
            json.raw("record", row);
            json.null("parent");
            json.null("parent_created_at");
            json.close();
        }
    } else {
        // One pass for a stream without parents, else one for each parent, as a client reads them.
        for (parent, created) in parents(account, stream) {
            let keys = ListFilter::default().keys(&answerer.look, stream, parent);
            // Harvest refuses the teammates of a user who is no manager: there are none.
            let keys = keys.unwrap_or_default();
            // `/company` is one object without an id, so one key that is not looked up stands for
            // it.
            let single = [(0, 0)];
            let keys = if stream == Stream::Company { &single[..] } else { &keys[..] };
            for key in keys {
                let mut record = JsonWriter::with_capacity(2048);
                answerer.look.record(&mut record, stream, parent, key.1);
                json.open();
                json.raw("record", &record.finish());
                json.maybe_int("parent", parent);
                json.maybe_moment("parent_created_at", created);
                json.close();
            }
        }
    }
    json.end_list();
    json.close();
    Ok(ServerResponse::json(200, json.finish()))
}

/// Returns the parents of a stream, each with its time of creation. A stream without parents has
/// one entry, without id and time, so that the caller needs no second way.
#[expect(clippy::wildcard_enum_match_arm, reason = "all other streams are treated alike")]
fn parents(account: &Account, stream: Stream) -> Vec<(Option<i64>, Option<Moment>)> {
    let books = &account.books;
    match stream {
        Stream::InvoiceMessages | Stream::InvoicePayments => {
            let documents = books.invoices.iter().map(|one| &one.document);
            documents.map(|one| (Some(one.id), Some(one.created))).collect()
        }
        Stream::EstimateMessages => {
            let documents = books.estimates.iter().map(|one| &one.document);
            documents.map(|one| (Some(one.id), Some(one.created))).collect()
        }
        _ if stream.has_parent() => {
            books.users.iter().map(|one| (Some(one.id), Some(one.created))).collect()
        }
        _ => vec![(None, None)],
    }
}
