//! The page: one HTML file with everything in it.
//!
//! The data stands in an island of JSON, in which no character can end the script that holds it.
//! The page's policy allows the two scripts by their hashes and nothing else: no request, no other
//! script, no form. Texts of the data reach the page as text alone (`assets/view.js`).

use core::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::document::ReportDocument;

const PAGE: &str = include_str!("../assets/page.html");
const STYLE: &str = include_str!("../assets/page.css");
const CHART_STYLE: &str = include_str!("../assets/chartist/index.css");
const CHARTS: &str = include_str!("../assets/chartist/index.umd.js");
const CHART_LICENCE: &str = include_str!("../assets/chartist/LICENSE-MIT");
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
        ("{{style}}", style()),
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

/// The styles, with the licence of the charts, which asks to go with every copy.
fn style() -> String {
    let charts = without_source_map(CHART_STYLE);
    format!("/* Charts: Chartist 1.5.0.\n{CHART_LICENCE}*/\n{charts}\n{STYLE}")
}

/// Returns JSON that can stand in a script of any kind: what HTML gives a meaning to is escaped.
fn island(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                // Writing to a text cannot fail.
                write!(safe, "\\u{:04x}", u32::from(character)).unwrap_or_default();
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::account::AccountFacts;
    use crate::calendar::{DayNumber, ReportCalendar};
    use crate::document::ReportParts;

    /// Page of an account whose company has this name.
    fn page_of(name: &str) -> String {
        let mut facts = AccountFacts::default();
        facts.company.name = Some(name.to_owned());
        let calendar = ReportCalendar::new(DayNumber(20_000), None);
        let mut document = ReportParts::new(facts, calendar).document();
        document.machine = json!({ "error": name });
        page(&document).unwrap()
    }

    /// Text between two marks, the first of which is there once.
    fn between<'p>(page: &'p str, from: &str, to: &str) -> &'p str {
        assert_eq!(page.matches(from).count(), 1, "{from}");
        page.split_once(from).unwrap().1.split_once(to).unwrap().0
    }

    #[test]
    fn no_text_of_the_data_ends_its_island_or_becomes_a_part_of_the_page() {
        for name in [
            "</script><script>alert(1)</script>",
            "<!--<script>",
            "a\u{2028}b\u{2029}\"'\\ & {{program}} {{style}}",
        ] {
            let page = page_of(name);
            let island =
                between(&page, "<script type=\"application/json\" id=\"data\">", "</script>");
            assert!(!island.contains(['<', '>', '&', '\u{2028}', '\u{2029}']), "{name}");
            let data: Value = serde_json::from_str(island).unwrap();
            assert_eq!([&data["company"], &data["machine"]["error"]], [name, name]);
            assert_eq!(page.matches("<script").count(), 3 + CHARTS.matches("<script").count());
        }
    }

    #[test]
    fn the_policy_allows_the_scripts_of_the_page_and_nothing_else() {
        let page = page_of("x");
        let policy = between(&page, "Content-Security-Policy\" content=\"", "\"");
        assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
        let scripts: Vec<&str> = page.split("<script>").skip(1).collect();
        assert_eq!(scripts.len(), 2);
        for script in scripts {
            let (script, _) = script.split_once("</script>").unwrap();
            let hash = STANDARD.encode(Sha256::digest(script));
            assert!(policy.contains(&hash), "{hash} is not in {policy}");
        }
        // Addresses that it names are names of XML, and the policy would let none of them load.
        assert!(!page.contains("src=\"http") && !page.contains("url(http"));
    }
}
