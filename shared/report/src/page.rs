//! The page: one HTML file with everything in it.
//!
//! The data stands in an island of JSON, in which no character can end the script that holds it.
//! The page's policy allows the two scripts by their hashes and nothing else: no request, no other
//! script, no form. Texts of the data reach the page as text alone (`assets/view.js`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::document::ReportDocument;

const PAGE: &str = include_str!("../assets/page.html");
const STYLE: &str = include_str!("../assets/page.css");
const CHART_STYLE: &str = include_str!("../assets/chartist/index.css");
const CHARTS: &str = include_str!("../assets/chartist/index.umd.js");
const MODEL: &str = include_str!("../assets/model.js");
const VIEW: &str = include_str!("../assets/view.js");

/// Returns the page of a document.
///
/// # Errors
/// When the document cannot be written as JSON.
pub fn page(document: &ReportDocument) -> Result<String, serde_json::Error> {
    let island = island(&serde_json::to_string(document)?);
    let charts = without_source_map(CHARTS);
    let program = format!("{MODEL}\n{VIEW}");
    let parts = [
        ("{{policy}}", policy(&[&charts, &program])),
        ("{{style}}", format!("{}\n{STYLE}", without_source_map(CHART_STYLE))),
        ("{{data}}", island),
        ("{{charts}}", charts),
        ("{{program}}", program),
    ];
    // In the order of the page, each looked for after the one before: what stands in the data is no
    // place for another part.
    let mut page = String::with_capacity(parts.iter().map(|(_, part)| part.len()).sum());
    let mut rest = PAGE;
    for (place, part) in &parts {
        let (before, after) = rest.split_once(place).unwrap_or((rest, ""));
        page.push_str(before);
        page.push_str(part);
        rest = after;
    }
    page.push_str(rest);
    Ok(page)
}

/// Returns JSON that can stand in a script of any kind: what HTML gives a meaning to is escaped.
fn island(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                safe.push_str("\\u");
                safe.push_str(&format!("{:04x}", u32::from(character)));
            }
            other => safe.push(other),
        }
    }
    safe
}

/// The policy of the page, with the hashes of its scripts.
fn policy(scripts: &[&str]) -> String {
    let hash = |script: &&str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(script)));
    let scripts: Vec<String> = scripts.iter().map(hash).collect();
    format!(
        "default-src 'none'; script-src {}; style-src 'unsafe-inline'; base-uri 'none'; \
         form-action 'none'",
        scripts.join(" ")
    )
}

/// Text without the comment that names a map of it, which a browser would look for.
fn without_source_map(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.contains("sourceMappingURL="));
    lines.collect::<Vec<_>>().join("\n")
}
