//! `harvest-lake streams`: all streams as they are declared.
//!
//! Needs no lake, no account and no settings. Which streams an account has depends on its modules
//! and on the settings; `status` and `check` tell that.

use engine::spec::{Module, Paging, StreamKind, StreamSpec, SweepCadence};
use serde_json::json;

use crate::exit::CliExit;
use crate::said::{CommandAnswer, TextStyle};
use crate::table::TextTable;

/// Lists all streams as they are declared, in the order of the declarations.
pub(crate) fn streams(paint: TextStyle) -> CommandAnswer {
    let row = |spec: &&'static StreamSpec| {
        vec![
            spec.name.to_owned(),
            kind(spec).replace('_', " "),
            spec.rate_class.name().to_owned(),
            module(spec).unwrap_or("·").to_owned(),
            spec.primary_key.join(", "),
            spec.partition.column().unwrap_or("·").to_owned(),
            spec.doc.to_owned(),
        ]
    };
    let header = ["stream", "kind", "budget", "module", "primary key", "partition", "a row is"];
    let rows = streams::STREAMS.iter().map(row).collect();
    let spare = [5, 4, 3, 2];
    let text = TextTable { header: &header, numbers: 0..0, spare: &spare, rows }.text(paint);
    // The document has more than the table: a program may want to know how a stream is read.
    let document = |spec: &&'static StreamSpec| {
        json!({
            "stream": spec.name,
            "kind": kind(spec),
            "class": spec.rate_class.name(),
            "module": module(spec),
            "primary_key": spec.primary_key,
            "partition": spec.partition.column(),
            "path": spec.path,
            "paging": paging(spec),
            "sweep": sweep(spec),
            "parent": parent(spec),
            "doc": spec.doc,
        })
    };
    let json = json!({ "streams": streams::STREAMS.iter().map(document).collect::<Vec<_>>() });
    CommandAnswer::new(text, json, CliExit::Done)
}

/// Returns the word for a stream's kind.
pub(crate) const fn kind(spec: &StreamSpec) -> &'static str {
    match spec.kind {
        StreamKind::Listing(_) => "listing",
        StreamKind::Snapshot(_) => "snapshot",
        StreamKind::PerParent(_) => "per_parent",
        StreamKind::ReportWindow(_) => "report_window",
    }
}

/// Returns the member of `/company` that says whether the stream's module is on; `None` for streams
/// of every account.
fn module(spec: &StreamSpec) -> Option<&'static str> {
    spec.module.map(Module::feature)
}

/// Returns how the pages of the stream's list follow each other.
const fn paging(spec: &StreamSpec) -> &'static str {
    match spec.paging() {
        Paging::Single => "single",
        Paging::Cursor => "cursor",
        Paging::Offset => "offset",
        Paging::DateKeyset { .. } => "date_keyset",
    }
}

/// Returns the word for how often the stream is read whole (`engine::plan::sweep_period`):
/// `by_cost` is daily under 100 requests, else weekly, and `always` is with every run.
const fn sweep(spec: &StreamSpec) -> &'static str {
    match spec.sweep {
        SweepCadence::ByCost => "by_cost",
        SweepCadence::Daily => "daily",
        SweepCadence::Always => "always",
    }
}

/// Returns the stream whose records have a list of this stream's records each; `None` for streams
/// with a list of their own.
fn parent(spec: &StreamSpec) -> Option<&'static str> {
    match &spec.kind {
        StreamKind::PerParent(parent) => Some(parent.trigger.name),
        StreamKind::Listing(_) | StreamKind::Snapshot(_) | StreamKind::ReportWindow(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stream_is_listed_in_both_forms() {
        let said = streams(TextStyle::PLAIN);
        let listed = said.json["streams"].as_array().unwrap();
        assert_eq!(listed.len(), streams::STREAMS.len());
        for spec in streams::STREAMS {
            assert!(said.text.lines().any(|line| line.starts_with(&format!("{} ", spec.name))));
            assert!(listed.iter().any(|stream| stream["stream"] == spec.name));
        }
    }
}
