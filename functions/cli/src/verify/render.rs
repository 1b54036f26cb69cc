//! What `verify` found, for people.

use lake::verify::Finding;

use super::Verdict;
use crate::said::Paint;
use crate::text;

/// Findings of one stream that are shown; all of them are in the JSON.
const SHOWN: usize = 20;

pub(super) fn text(verdicts: &[Verdict], paint: Paint) -> String {
    let rows = verdicts.iter().map(|verdict| {
        vec![
            verdict.stream.to_owned(),
            verdict.table.version.to_string(),
            text::count(verdict.table.files),
            text::count(verdict.table.rows),
            text::bytes(verdict.table.bytes),
            match verdict.findings() {
                0 => "✓".to_owned(),
                found => text::plural(found, "finding", "findings"),
            },
        ]
    });
    let header = ["stream", "version", "files", "rows", "size", ""];
    let mut text = text::table(&header, 1..5, rows.collect());
    for verdict in verdicts {
        for finding in verdict.table.findings.iter().take(SHOWN) {
            text.push('\n');
            text.push_str(&line(verdict.stream, finding, paint));
        }
        let more = verdict.table.findings.len().saturating_sub(SHOWN) as u64;
        if more > 0 {
            let line = format!("\n✗ {}: {} more, see `--json`\n", verdict.stream, more);
            text.push_str(&paint.bad(&line));
        }
    }
    text.push('\n');
    text.push_str(&end(verdicts));
    text
}

fn line(stream: &str, finding: &Finding, paint: Paint) -> String {
    let Finding { check, file, what, expected, found } = finding;
    let file = file.as_deref().map_or_else(String::new, |file| format!("/{file}"));
    let head = paint.bad(&format!("✗ {stream}{file}"));
    let name = check.name();
    format!("{head}\n  {name}: {what}\n  expected {expected}\n  found    {found}\n")
}

fn end(verdicts: &[Verdict]) -> String {
    let bad: Vec<&str> = verdicts
        .iter()
        .filter(|verdict| !verdict.table.findings.is_empty())
        .map(|verdict| verdict.stream)
        .collect();
    if bad.is_empty() {
        let rows = verdicts.iter().map(|verdict| verdict.table.rows).sum();
        let tables = text::plural(verdicts.len() as u64, "table", "tables");
        return format!(
            "{tables}, {}: files, order, statistics and keys are as they must be\n",
            text::plural(rows, "row", "rows")
        );
    }
    format!(
        "Restore the files from a backup, or read {} anew: `harvest-lake reset {}`, then \
         `harvest-lake sync`\n",
        if bad.len() == 1 { "the stream" } else { "the streams" },
        bad.join(" ")
    )
}
