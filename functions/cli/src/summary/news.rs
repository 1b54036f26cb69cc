//! Differences between the records of a sync and their declarations.
//!
//! The text has two kinds of them. Findings that cost values (a column is null because of them) are
//! all named, before everything else. Findings without loss, such as new members, are cut off after
//! a few for each stream: an object whose member names are ids would otherwise fill the screen.

use engine::drift::DriftFinding;

use super::StreamSummary;

/// Most findings without lost values that the text has for one stream.
const MOST: usize = 8;

impl StreamSummary {
    /// Adds the findings of another run of the stream: the same finding about the same member is
    /// one, with the numbers added.
    pub(super) fn see(&mut self, findings: &[DriftFinding]) {
        for finding in findings {
            let same = |known: &&mut DriftFinding| {
                (known.what, &known.member) == (finding.what, &finding.member)
            };
            if let Some(known) = self.drift.iter_mut().find(same) {
                known.add(finding);
            } else {
                self.drift.push(finding.clone());
            }
        }
        // The most important ones come first; `DriftKind` has them in this order.
        self.drift.sort_by_key(|finding| finding.what);
    }
}

/// Sentences about all findings with lost values (columns are null), of every stream. None is cut
/// off.
pub(super) fn urgent(lines: &[StreamSummary]) -> impl Iterator<Item = String> + '_ {
    let findings = |line: &'_ StreamSummary| -> Vec<String> {
        let costly = line.drift.iter().filter(|finding| finding.what.costs_values());
        costly.map(|finding| format!("{}: {}", line.stream, finding.sentence())).collect()
    };
    lines.iter().flat_map(findings)
}

/// Sentences about the first `MOST` of the other findings, and one about the number of the rest.
pub(super) fn told(findings: &[DriftFinding]) -> impl Iterator<Item = String> + '_ {
    let others = || findings.iter().filter(|finding| !finding.what.costs_values());
    let more = others().count().saturating_sub(MOST);
    let more = (more > 0).then(|| format!("and {more} members more; `--json` names them all"));
    others().take(MOST).map(DriftFinding::sentence).chain(more)
}
