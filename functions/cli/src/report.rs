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
use delta::store::{FolderStore, ObjectStore, StoreError};
use deployment::config::GivenSettings;
use engine::time::{Date, utc_day};
use report::{DayNumber, ReportDocument};
use runtime::clock::{Clock as _, SystemClock};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::arguments::ReportArguments;
use crate::error::CliError;
use crate::exit::CliExit;
use crate::files::day;
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
    let page = MadePage::of(&given, arguments.today.as_deref()).await?;
    let mut places = Vec::new();
    if arguments.publish {
        places.push(page.publish().await?);
    }
    if let Some(file) = file {
        places.push(page.write(file).await?);
    }
    let bytes = page.html.len() as u64;
    let text = format!("{}  {}\n", places.join("\n"), text::bytes(bytes));
    let json = json!({
        "lake": page.lake.place.to_string(),
        "pages": places,
        "bytes": bytes,
        "report": match data {
            PrintedFigures::Whole => json!(page.document),
            PrintedFigures::LeftOut => Value::Null,
        },
    });
    Ok(CommandAnswer::new(text, json, CliExit::Done))
}

/// Page that was written into a lake, in the form of the publisher's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PublishedPage {
    /// Place of the page: `s3://bucket/prefix/report.html`.
    pub page: String,
    /// Size in bytes.
    pub bytes: u64,
}

/// Writes the page into the lake alone, for the day `today` or the present one in UTC.
///
/// # Errors
/// Fails if a setting is wrong, there is no table of time entries, a table cannot be read, or the
/// page cannot be written.
pub async fn publish(
    given: &GivenSettings,
    today: Option<&str>,
) -> Result<PublishedPage, CliError> {
    let made = Box::pin(MadePage::of(given, today)).await?;
    let page = made.publish().await?;
    Ok(PublishedPage { page, bytes: made.html.len() as u64 })
}

/// Page of a lake, not yet written.
struct MadePage {
    lake: LakeFacts,
    document: ReportDocument,
    html: Bytes,
}

impl MadePage {
    /// Makes the page for the day `today`, or the present one in UTC.
    ///
    /// # Errors
    /// Fails if the day or a setting is wrong, there is no table of time entries, or a table cannot be
    /// read.
    async fn of(given: &GivenSettings, today: Option<&str>) -> Result<Self, CliError> {
        let today = match today {
            Some(text) => day(text)?,
            None => utc_day(SystemClock.now()),
        };
        let lake = LakeFacts::of(given).await?;
        let mut document = Box::pin(document(&lake, today)).await?;
        document.machine = Box::pin(machine::machine(given)).await;
        let html = report::page(&document).map_err(CliError::Page)?.into();
        Ok(Self { lake, document, html })
    }

    /// Writes the page into the lake, and returns its place.
    ///
    /// # Errors
    /// Fails if it cannot be written.
    async fn publish(&self) -> Result<String, CliError> {
        put(&*self.lake.store, PAGE, self.html.clone(), self.lake.place.locate(PAGE)).await
    }

    /// Writes the page outside of the lake, and returns its place.
    ///
    /// # Errors
    /// Fails if it cannot be written.
    async fn write(&self, file: PageFile) -> Result<String, CliError> {
        put(&FolderStore::new(file.folder), &file.name, self.html.clone(), file.place).await
    }
}

/// Writes a page as an object of a store: readers see the page before or the new one, whole.
///
/// # Errors
/// Fails if it cannot be written.
async fn put(
    store: &dyn ObjectStore,
    key: &str,
    page: Bytes,
    place: String,
) -> Result<String, CliError> {
    match store.put(key, page).await {
        Ok(()) => Ok(place),
        Err(source) => Err(CliError::PageWrite { place, source }),
    }
}

/// Removes the page from the lake; returns whether there was one.
///
/// # Errors
/// Fails if the store fails.
pub(crate) async fn withdraw(store: &dyn ObjectStore) -> Result<bool, StoreError> {
    let is_there = store.get_range(PAGE, 0..1).await?.is_some();
    if is_there {
        store.delete(PAGE).await?;
    }
    Ok(is_there)
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
