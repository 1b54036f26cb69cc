//! `harvest-lake report`: the figures of the business and of the lake as one page.
//!
//! The sums are made by the crate `report`, which says what each figure means. Here are the tables
//! that it is given (`tables`), the answers of other commands about the lake, which the page
//! repeats as they are, and the place of the page.

mod machine;
mod tables;

use std::path::{Path, PathBuf};

use bytes::Bytes;
use catalog::model::ANSWERS;
use delta::store::{FolderStore, ObjectStore as _};
use deployment::config::GivenSettings;
use engine::time::{Date, utc_day};
use report::{DayNumber, ReportDocument};
use runtime::clock::{Clock as _, SystemClock};
use serde_json::{Map, Value, json};

use crate::arguments::ReportArguments;
use crate::error::CliError;
use crate::exit::CliExit;
use crate::lake_facts::LakeFacts;
use crate::said::CommandAnswer;
use crate::text;

/// Name of the page in the lake, and of its file where none is named.
const PAGE: &str = "report.html";
/// Answers whose definitions the figures follow. The page repeats what their heads say.
const FOLLOWED: [&str; 9] = [
    "billable_split_by_client",
    "hours_by_person_and_week",
    "invoice_ageing",
    "margin_by_client",
    "margin_by_project",
    "project_budget_burn",
    "revenue_and_cash_by_month",
    "unbilled_work",
    "utilisation",
];

/// Whether the answer has the data of the page. They are most of the memory of the command, and text
/// does not show them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PrintedFigures {
    /// All of them, for programs.
    Whole,
    /// None of them.
    LeftOut,
}

impl PrintedFigures {
    /// Returns the choice for an answer that is printed as JSON, or for one that is not.
    pub(crate) const fn when(json: bool) -> Self {
        if json { Self::Whole } else { Self::LeftOut }
    }
}

/// Writes the page, and returns its place and data.
///
/// # Errors
/// Fails if a setting is wrong, there is no table of time entries, a table cannot be read, or the
/// page cannot be written.
pub(crate) async fn report(
    arguments: &ReportArguments,
    mut given: GivenSettings,
    data: PrintedFigures,
) -> Result<CommandAnswer, CliError> {
    arguments.settings.give(&mut given);
    // Before the lake is opened: a wrong name is reported at once.
    let file = arguments.out.as_deref().or((!arguments.publish).then_some(PAGE));
    let file = file.map(PageFile::parse).transpose()?;
    let today = match arguments.today.as_deref() {
        Some(text) => text.parse().map_err(|_| CliError::Time { found: text.to_owned() })?,
        None => utc_day(SystemClock.now()),
    };
    let lake = LakeFacts::of(&given).await?;
    let mut document = Box::pin(document(&lake, today)).await?;
    document.machine = Box::pin(machine::machine(&given)).await;
    let page = report::page(&document).map_err(CliError::Page)?;
    let bytes = page.len() as u64;
    let places = write(arguments, file, &lake, page.into()).await?;
    let text = format!("{}  {}\n", places.join("\n"), text::bytes(bytes));
    let json = json!({
        "lake": lake.place.to_string(),
        "pages": places,
        "bytes": bytes,
        "report": match data {
            PrintedFigures::Whole => json!(document),
            PrintedFigures::LeftOut => Value::Null,
        },
    });
    Ok(CommandAnswer::new(text, json, CliExit::Done))
}

/// File of the page outside of the lake.
struct PageFile {
    folder: PathBuf,
    name: String,
    /// Path as it was given.
    place: String,
}

impl PageFile {
    /// Parses a path.
    ///
    /// # Errors
    /// Fails if the path is empty or names a folder.
    fn parse(place: &str) -> Result<Self, CliError> {
        let path = Path::new(place);
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.filter(|name| !path.is_dir() && !name.trim().is_empty());
        let Some(name) = name else {
            return Err(CliError::PageName { found: place.to_owned() });
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        Ok(Self {
            folder: folder.unwrap_or(Path::new(".")).to_owned(),
            name: name.to_owned(),
            place: place.to_owned(),
        })
    }
}

/// Makes the data of the page, without what other commands say.
///
/// # Errors
/// Fails if there is no table of time entries, or a table cannot be read.
async fn document(lake: &LakeFacts, today: Date) -> Result<ReportDocument, CliError> {
    let parts = tables::parts(lake, DayNumber::of(today)).await?;
    let mut document = parts.document();
    let followed = ANSWERS.iter().filter(|answer| FOLLOWED.contains(&answer.name));
    let heads = followed.map(|answer| (answer.name.to_owned(), head(&answer.doc())));
    document.answers = Value::Object(heads.collect::<Map<String, Value>>());
    Ok(document)
}

/// Returns the parts of an answer's head.
fn head(doc: &str) -> Value {
    let (doc, cannot_tell) = doc.split_once("Harvest cannot tell:").unwrap_or((doc, ""));
    let (question, assumptions) = doc.split_once("Assumptions:").unwrap_or((doc, ""));
    let question = question.trim_start_matches("Question:");
    json!({
        "question": question.trim(),
        "assumptions": assumptions.trim(),
        "harvest_cannot_tell": cannot_tell.trim(),
    })
}

/// Writes the page where the arguments say, and returns its places.
///
/// # Errors
/// Fails if a place cannot be written.
async fn write(
    arguments: &ReportArguments,
    file: Option<PageFile>,
    lake: &LakeFacts,
    page: Bytes,
) -> Result<Vec<String>, CliError> {
    let mut places = Vec::new();
    if arguments.publish {
        let place = lake.place.locate(PAGE);
        let put = lake.store.put(PAGE, page.clone()).await;
        put.map_err(|source| CliError::PageWrite { place: place.clone(), source })?;
        places.push(place);
    }
    if let Some(PageFile { folder, name, place }) = file {
        // Readers see the page before or the new one, whole, as with any object of a store.
        let put = FolderStore::new(folder).put(&name, page).await;
        put.map_err(|source| CliError::PageWrite { place: place.clone(), source })?;
        places.push(place);
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_that_is_followed_has_a_head_of_three_parts() {
        for name in FOLLOWED {
            let answer = ANSWERS.iter().find(|answer| answer.name == name).unwrap();
            let head = head(&answer.doc());
            for part in ["question", "assumptions", "harvest_cannot_tell"] {
                let text = head[part].as_str().unwrap();
                assert!(text.len() > 10 && !text.contains("Question"), "{name}: {head}");
            }
        }
    }
}
