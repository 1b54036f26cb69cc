//! `harvest-lake streams`.

use engine::spec::{Module, Paging, StreamKind, StreamSpec, SweepCadence};
use serde_json::json;

use crate::exit::CliExit;
use crate::said::CommandAnswer;
use crate::text;

/// Lists all streams as they are declared.
pub(crate) fn streams() -> CommandAnswer {
    let row = |spec: &&'static StreamSpec| {
        vec![
            spec.name.to_owned(),
            kind(spec).to_owned(),
            spec.rate_class.name().to_owned(),
            module(spec).unwrap_or("·").to_owned(),
            spec.primary_key.join(", "),
            spec.partition.column().unwrap_or("·").to_owned(),
            spec.doc.to_owned(),
        ]
    };
    let header = ["stream", "kind", "budget", "module", "primary key", "partition", "a row is"];
    let text = text::table(&header, 0..0, streams::STREAMS.iter().map(row).collect());
    let document = |spec: &&'static StreamSpec| {
        json!({
            "name": spec.name,
            "kind": kind(spec),
            "rate_class": spec.rate_class.name(),
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
    CommandAnswer { text, json, exit: CliExit::Done }
}

/// Returns the name of a stream's kind.
pub(crate) const fn kind(spec: &StreamSpec) -> &'static str {
    match spec.kind {
        StreamKind::Listing(_) => "listing",
        StreamKind::Snapshot(_) => "snapshot",
        StreamKind::PerParent(_) => "per parent",
        StreamKind::ReportWindow(_) => "report window",
    }
}

fn module(spec: &StreamSpec) -> Option<&'static str> {
    spec.module.map(Module::feature)
}

const fn paging(spec: &StreamSpec) -> &'static str {
    match spec.paging() {
        Paging::Single => "single",
        Paging::Cursor => "cursor",
        Paging::Offset => "offset",
        Paging::DateKeyset { .. } => "date keyset",
    }
}

const fn sweep(spec: &StreamSpec) -> &'static str {
    match spec.sweep {
        SweepCadence::ByCost => "daily under 100 requests, else weekly",
        SweepCadence::Daily => "daily",
        SweepCadence::Always => "with every run",
    }
}

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
        let said = streams();
        let listed = said.json["streams"].as_array().unwrap();
        assert_eq!(listed.len(), streams::STREAMS.len());
        for spec in streams::STREAMS {
            assert!(said.text.lines().any(|line| line.starts_with(&format!("{} ", spec.name))));
            assert!(listed.iter().any(|stream| stream["name"] == spec.name));
        }
    }
}
