//! How the records of a sync differ from their declarations.

use engine::drift::Finding;

use super::Line;

impl Line {
    /// Adds what another run of the stream found.
    pub(super) fn see(&mut self, findings: &[Finding]) {
        for finding in findings {
            let same = |known: &&mut Finding| {
                (known.what, &known.member) == (finding.what, &finding.member)
            };
            if let Some(known) = self.drift.iter_mut().find(same) {
                known.times = known.times.saturating_add(finding.times);
                known.at = known.at.max(finding.at);
            } else {
                self.drift.push(finding.clone());
            }
        }
    }
}

/// Sentences about the first of many findings.
pub(super) fn told(findings: &[Finding]) -> impl Iterator<Item = String> + '_ {
    const MOST: usize = 8;
    let more = findings.len().saturating_sub(MOST);
    let more = (more > 0).then(|| format!("and {more} members more; `--json` names them all"));
    findings.iter().take(MOST).map(Finding::sentence).chain(more)
}
