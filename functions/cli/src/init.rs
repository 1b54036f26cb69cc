//! `harvest-lake init`: settings and secrets of a folder, and the question whether they do.
//!
//! | file | content |
//! | --- | --- |
//! | `harvest-lake.toml` | account, lake, every setting that was given, all others as comments |
//! | `.env` | the token, for its owner alone; lines that are there already stay |
//! | `.gitignore` | in a repository of git: `.env` |
//!
//! Nothing is written before Harvest has said which account the token opens. With `--schedule`
//! nothing is asked and nothing is written: the entry of a scheduler is printed.

mod files;
mod schedule;

use std::path::Path;

use deployment::config::{
    DeploymentSettings, GivenSettings, SECRETS_FILE, SETTINGS_FILE, SettingName,
};
use harvest_api::Token;
use serde_json::{Value, json};

use crate::arguments::{CheckArguments, InitArguments};
use crate::ask;
use crate::check;
use crate::error::CliError;
use crate::exit::CliExit;
use crate::login;
use crate::login_error::LoginError;
use crate::said::{CommandAnswer, TextStyle};

/// Writes the settings of the current folder, and checks them.
///
/// # Errors
/// Fails if the folder has settings already, nothing is given, Harvest does not accept the token, a
/// setting cannot be used, or a file cannot be written. A check that finds something is part of the answer.
pub(crate) async fn init(
    arguments: &InitArguments,
    mut given: GivenSettings,
    paint: TextStyle,
) -> Result<CommandAnswer, CliError> {
    arguments.settings.give(&mut given);
    given.check()?;
    if let Some(scheduler) = arguments.schedule {
        return schedule::entry(scheduler, &given);
    }
    if Path::new(SETTINGS_FILE).exists() && !arguments.force {
        return Err(CliError::Initialized);
    }
    let token = token(&given)?;
    let (holder, account) = login::account_of(&given, &token.token).await?;
    if given.stated(SettingName::LAKE).is_none() {
        let default = given.get(SettingName::LAKE).unwrap_or_default().to_owned();
        let lake = ask::or_default("Lake, a folder or s3://bucket/prefix", &default)?;
        given.set(SettingName::LAKE, lake);
    }
    given.set(SettingName::ACCOUNT, account.id.to_string());
    if let Some(text) = &token.to_be_kept {
        given.set(SettingName::TOKEN, text.as_str());
    }
    // A value that no command can use would stop all of them, once it is in the file.
    DeploymentSettings::parse(&given)?;
    let ignored = write(arguments, &given, &token)?;
    let mut lines = vec![
        format!("account   {} {}", account.id, account.name),
        format!("settings  {SETTINGS_FILE}"),
    ];
    if token.to_be_kept.is_some() {
        let note = if ignored { ", which git ignores now" } else { "" };
        lines.push(format!("secrets   {SECRETS_FILE}{note}"));
    }
    let report = Box::pin(check::report(&CheckArguments::default(), given)).await?;
    let checked = report.said(paint);
    let rest = if checked.exit == CliExit::Done {
        format!(
            "{}\nnext      harvest-lake plan --ask, then harvest-lake sync",
            report.brief(paint)
        )
    } else {
        let next = "next      harvest-lake check, after a look at the failures above";
        format!("\n{}\n{next}", checked.text)
    };
    let text = format!("{}\n{rest}\n", lines.join("\n"));
    let json = json!({
        "account_id": account.id.0,
        "account": account.name,
        "person": holder.person,
        "settings": SETTINGS_FILE,
        "secrets": token.to_be_kept.as_ref().map_or(Value::Null, |_| SECRETS_FILE.into()),
        "check": checked.document(),
    });
    Ok(CommandAnswer { text, json, ..checked })
}

/// Writes the files. Returns whether git is told to ignore the secrets.
fn write(
    arguments: &InitArguments,
    given: &GivenSettings,
    token: &InitToken,
) -> Result<bool, CliError> {
    let mut own = GivenSettings::default();
    arguments.settings.give(&mut own);
    let written = |setting: SettingName| {
        let found = [SettingName::ACCOUNT, SettingName::LAKE].contains(&setting);
        let from = if found { given } else { &own };
        from.stated(setting).map(str::to_owned)
    };
    let failed = |file: &'static str| move |source| CliError::Init { file, source };
    files::settings(Path::new(SETTINGS_FILE), written).map_err(failed(SETTINGS_FILE))?;
    let Some(text) = &token.to_be_kept else {
        return Ok(false);
    };
    files::secret(Path::new(SECRETS_FILE), SettingName::TOKEN.variable, text)
        .map_err(failed(SECRETS_FILE))?;
    files::ignore(Path::new("."), SECRETS_FILE).map_err(failed(".gitignore"))
}

/// Token, and its text if it is to be kept in the folder.
struct InitToken {
    token: Token,
    to_be_kept: Option<String>,
}

/// Returns the token that is given, or that a person pastes.
fn token(given: &GivenSettings) -> Result<InitToken, CliError> {
    if let Some(path) = given.stated(SettingName::TOKEN_FILE) {
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|source| deployment::config::ConfigError::TokenFile {
            path: path.into(),
            source,
        })?;
        let token = Token::new(&text).map_err(LoginError::from)?;
        return Ok(InitToken { token, to_be_kept: None });
    }
    let text = match given.stated(SettingName::TOKEN) {
        Some(text) => text.to_owned(),
        None => ask::token()?,
    };
    let token = Token::new(&text).map_err(LoginError::from)?;
    Ok(InitToken { token, to_be_kept: Some(text) })
}
