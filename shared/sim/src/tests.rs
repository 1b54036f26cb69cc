//! Tests of the account through its API.

mod access;
mod faults;
mod history;
mod http;
mod identity;
mod listings;
mod reports;
mod truth;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::{
    ADMINISTRATOR_TOKEN, Account, AccountScale, Mutation, QuotaLimit, ServerRequest, ServerResponse,
};

const ORIGIN: &str = "http://127.0.0.1:1";

/// API client with a clock of its own.
struct Caller {
    account: Account,
    now: Timestamp,
    token: &'static str,
}

impl Caller {
    fn new(scale: &AccountScale, seed: u64) -> Self {
        let now: Timestamp = "2026-11-23T06:00:00Z".parse().unwrap();
        let mut account = Account::generate(scale, seed, now);
        account.set_general_limit(QuotaLimit::GENERAL.off());
        account.set_report_limit(QuotaLimit::REPORTS.off());
        Self { account, now, token: ADMINISTRATOR_TOKEN }
    }

    fn tiny() -> Self {
        Self::new(&AccountScale::tiny(), 7)
    }

    fn wait(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    fn ask(&mut self, target: &str) -> ServerResponse {
        let request = ServerRequest::new("GET", ORIGIN, target)
            .header("User-Agent", "tests (tests@example.com)")
            .header("Authorization", &format!("Bearer {}", self.token))
            .header("Harvest-Account-Id", "1000001");
        self.account.handle(self.now, &request)
    }

    fn control(&mut self, target: &str) -> Value {
        let response = self.account.handle(self.now, &ServerRequest::new("GET", ORIGIN, target));
        assert_eq!(response.status, 200, "{target}: {:?}", response.body);
        serde_json::from_slice(&response.body).unwrap()
    }

    fn get(&mut self, target: &str) -> Value {
        let response = self.ask(target);
        assert_eq!(response.status, 200, "{target}: {:?}", response.body);
        serde_json::from_slice(&response.body).unwrap()
    }

    fn apply(&mut self, mutation: &str) -> i64 {
        let mutation: Mutation = serde_json::from_str(mutation).unwrap();
        self.account.apply(self.now, &mutation).unwrap().id
    }

    /// Returns all records of a list by following `links.next`; `between` is called after each
    /// page.
    fn walk(&mut self, target: &str, key: &str, mut between: impl FnMut(&mut Self)) -> Vec<Value> {
        let mut records = Vec::new();
        let mut next = Some(target.to_owned());
        while let Some(target) = next {
            let page = self.get(&target);
            records.extend(page[key].as_array().unwrap().iter().cloned());
            let link = page["links"]["next"].as_str();
            next = link.map(|link| link.strip_prefix(ORIGIN).unwrap().to_owned());
            assert!(records.len() < 10_000, "the walk does not end");
            between(self);
        }
        records
    }

    /// Returns the records of a stream from the control face, each as its own text.
    fn truth(&mut self, stream: &str) -> Vec<Truth> {
        let request = ServerRequest::new("GET", ORIGIN, &format!("/_sim/truth/{stream}"));
        let response = self.account.handle(self.now, &request);
        assert_eq!(response.status, 200, "{stream}: {:?}", response.body);
        let answer: TruthAnswer = serde_json::from_slice(&response.body).unwrap();
        answer.records
    }
}

#[derive(serde::Deserialize)]
struct TruthAnswer {
    records: Vec<Truth>,
}

#[derive(serde::Deserialize)]
struct Truth {
    record: Box<RawValue>,
    parent: Option<i64>,
    parent_created_at: Option<String>,
}

impl Truth {
    fn value(&self) -> Value {
        serde_json::from_str(self.record.get()).unwrap()
    }

    /// Returns the fields as they are written.
    fn members(&self) -> BTreeMap<String, Box<RawValue>> {
        serde_json::from_str(self.record.get()).unwrap()
    }

    fn exact(&self, member: &str) -> i128 {
        self.members().get(member).map_or(0, |raw| exact(raw.get()))
    }

    fn int(&self, path: &str) -> i64 {
        self.value().pointer(path).and_then(Value::as_i64).unwrap()
    }
}

/// Returns the value of a literal in millionths; 0 for null.
fn exact(literal: &str) -> i128 {
    if literal == "null" {
        return 0;
    }
    let (whole, rest) = literal.split_once('.').unwrap_or((literal, ""));
    let digits = format!("{whole}{rest:0<6}");
    digits.parse().unwrap()
}

fn id(record: &Value) -> i64 {
    record["id"].as_i64().unwrap()
}
