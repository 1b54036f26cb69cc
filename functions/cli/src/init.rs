//! `harvest-lake init`: settings and secrets of a folder, and the question whether they do.
//!
//! | file | content |
//! | --- | --- |
//! | `harvest-lake.toml` | account, lake, every setting that was given, all others as comments |
//! | `.env` | the token and URLs of webhooks, for its owner alone; lines that are there already stay |
//! | `.gitignore` | in a repository of git: `.env` |
//!
//! Nothing is written before Harvest has said which account the token opens. With `--schedule`
//! nothing is asked and nothing is written: the entry of a scheduler is printed.

mod files;
mod schedule;

use std::path::Path;

use deployment::config::{
    DeploymentSettings, GivenSettings, HookOccasion, HookTarget, SECRETS_FILE, SETTINGS_FILE,
    SettingName, token_file,
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
    let deployment = DeploymentSettings::parse(&given)?;
    let secrets = secrets(arguments, &deployment, &token);
    let ignored = write(arguments, &given, &secrets)?;
    let mut lines = vec![
        format!("account   {} {}", account.id, account.name),
        format!("settings  {SETTINGS_FILE}"),
    ];
    if !secrets.is_empty() {
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
        "secrets": if secrets.is_empty() { Value::Null } else { SECRETS_FILE.into() },
        "check": checked.document(),
    });
    Ok(CommandAnswer { text, json, ..checked })
}

/// Returns what belongs into the file of secrets: the token, and the URLs of webhooks that are given as
/// flags. Whoever knows one can write into somebody's channel.
fn secrets(
    arguments: &InitArguments,
    deployment: &DeploymentSettings,
    token: &InitToken,
) -> Vec<(SettingName, String)> {
    let token = token.to_be_kept.iter().map(|text| (SettingName::TOKEN, text.clone()));
    let url = |occasion: HookOccasion| {
        let setting = occasion.setting();
        let given = arguments.settings.get(setting)?;
        let is_url = matches!(deployment.hook(occasion), Some(HookTarget::Webhook(_)));
        is_url.then(|| (setting, given.to_owned()))
    };
    let urls = [HookOccasion::Failure, HookOccasion::Recovery].into_iter().filter_map(url);
    token.chain(urls).collect()
}

/// Writes the files. Returns whether git is told to ignore the secrets.
fn write(
    arguments: &InitArguments,
    given: &GivenSettings,
    secrets: &[(SettingName, String)],
) -> Result<bool, CliError> {
    let mut own = GivenSettings::default();
    arguments.settings.give(&mut own);
    let written = |setting: SettingName| {
        let found = [SettingName::ACCOUNT, SettingName::LAKE].contains(&setting);
        let from = if found { given } else { &own };
        let is_secret = secrets.iter().any(|(secret, _)| *secret == setting);
        from.stated(setting).filter(|_| !is_secret).map(str::to_owned)
    };
    let failed = |file: &'static str| move |source| CliError::Init { file, source };
    files::settings(Path::new(SETTINGS_FILE), written).map_err(failed(SETTINGS_FILE))?;
    if secrets.is_empty() {
        return Ok(false);
    }
    for (setting, text) in secrets {
        files::secret(Path::new(SECRETS_FILE), setting.variable, text)
            .map_err(failed(SECRETS_FILE))?;
    }
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
        return Ok(InitToken { token: token_file(Path::new(path))?, to_be_kept: None });
    }
    let text = match given.stated(SettingName::TOKEN) {
        Some(text) => text.to_owned(),
        None => ask::token()?,
    };
    let token = Token::new(&text).map_err(LoginError::from)?;
    Ok(InitToken { token, to_be_kept: Some(text) })
}
