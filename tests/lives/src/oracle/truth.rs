//! Truth about the account: rows that tables should have, from what the fake Harvest tells of its
//! own records.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use engine::spec::{StreamKind, StreamSpec};
use engine::window::Period;
use serde_json::value::RawValue;
use sim::ServerRequest;

use super::{Contents, Oracle, versions};
use crate::naive::record::{NaiveReader, RowOrigin};
use crate::reader::memory::{KeptTruth, is_same};

impl Oracle<'_> {
    pub(super) fn ask(&self, target: &str) -> Bytes {
        let request = ServerRequest::new("GET", "http://sim", target);
        let response = self.account.lock().expect("no panic").handle(self.now, &request);
        assert_eq!(response.status, 200, "{target}");
        Bytes::from(response.body.to_vec())
    }

    /// Returns the rows of each answer of the truth: one for a report window, and one for any other
    /// stream.
    pub(super) fn truths(
        &self,
        spec: &'static StreamSpec,
        windows: &BTreeSet<Period>,
        erased: &BTreeSet<i64>,
    ) -> Vec<KeptTruth> {
        let privacy = self.settings.map(|settings| settings.privacy.of(spec)).unwrap_or_default();
        self.truths_by(&NaiveReader::new(spec, self.id, erased, privacy), windows)
    }

    pub(super) fn truths_by(
        &self,
        reader: &NaiveReader<'_>,
        windows: &BTreeSet<Period>,
    ) -> Vec<KeptTruth> {
        let spec = reader.spec;
        let target = format!("/_sim/truth/{}", spec.name);
        if !matches!(spec.kind, StreamKind::ReportWindow(_)) {
            return vec![self.truth(reader, &target, None)];
        }
        let of_window = |window: &Period| {
            let target = format!("{target}?from={}&to={}", window.start, window.end);
            self.truth(reader, &target, Some(*window))
        };
        windows.iter().map(of_window).collect()
    }

    /// Returns the rows of one answer. Records that were read before are not read again.
    fn truth(&self, reader: &NaiveReader<'_>, target: &str, period: Option<Period>) -> KeptTruth {
        let body = self.ask(target);
        let reading = format!("{} {:?} {:?}", self.id, reader.erased, reader.privacy);
        let place = (target.to_owned(), reading.clone());
        let kept = self.memory.shelves().truths.get(&place).cloned().unwrap_or_default();
        if is_same(&kept.body, &body) {
            return kept;
        }
        let truth: Truth<'_> = serde_json::from_slice(&body).expect("the truth");
        let mut records = BTreeMap::new();
        for one in &truth.records {
            let origin =
                RowOrigin { parent: one.parent, parent_created_at: one.parent_created_at, period };
            let text = one.text();
            let known = kept.records.get(&text).cloned();
            let row = known.unwrap_or_else(|| reader.row(one.record.get(), &origin));
            records.insert(text, row);
        }
        let rows: Contents = records.values().flatten().cloned().collect();
        let new = KeptTruth {
            versions: Arc::new(versions(reader.spec, &rows)),
            hashed: reader.hashed(),
            rows: Arc::new(rows),
            records: Arc::new(records),
            reading,
            body,
        };
        self.memory.shelves().truths.insert(place, new.clone());
        new
    }
}

#[derive(serde::Deserialize)]
struct Truth<'a> {
    #[serde(borrow)]
    records: Vec<TrueRecord<'a>>,
}

#[derive(serde::Deserialize)]
struct TrueRecord<'a> {
    #[serde(borrow)]
    record: &'a RawValue,
    parent: Option<i64>,
    parent_created_at: Option<&'a str>,
}

impl TrueRecord<'_> {
    /// Returns everything that its row depends on.
    fn text(&self) -> String {
        let (record, since) = (self.record.get(), self.parent_created_at.unwrap_or_default());
        let mut text = String::with_capacity(record.len() + since.len() + 24);
        text.push_str(record);
        text.push_str(since);
        if let Some(parent) = self.parent {
            text.push_str(&parent.to_string());
        }
        text
    }
}
