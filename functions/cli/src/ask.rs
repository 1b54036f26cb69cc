//! Questions to the person: on the terminal, or as lines of standard input.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use engine::ids::AccountId;
use harvest_api::OpenAccount;

use crate::login_error::LoginError;

/// Asks for a secret, which is not shown.
///
/// # Errors
/// Where nothing is given.
pub(crate) fn hidden(question: &str, what: &'static str) -> Result<String, LoginError> {
    let line = if io::stdin().is_terminal() {
        rpassword::prompt_password(question).map_err(|source| LoginError::Input { what, source })?
    } else {
        line(what)?
    };
    some(&line, what)
}

/// Asks for a personal access token.
///
/// # Errors
/// Where nothing is given.
pub(crate) fn token() -> Result<String, LoginError> {
    let question = "Personal access token of an administrator, made on\n\
                    https://id.getharvest.com/developers (not shown): ";
    hidden(question, "the token")
}

/// Asks for a line that may be left empty; returns `default` then, and without a terminal.
///
/// # Errors
/// Where the answer cannot be read.
pub(crate) fn or_default(question: &str, default: &str) -> Result<String, LoginError> {
    if !io::stdin().is_terminal() {
        return Ok(default.to_owned());
    }
    write!(io::stderr(), "{question} [{default}]: ").ok();
    let answer = line("the answer")?;
    let answer = answer.trim();
    Ok(if answer.is_empty() { default } else { answer }.to_owned())
}

/// Asks for a line.
///
/// # Errors
/// Where nothing is given.
pub(crate) fn shown(question: &str, what: &'static str) -> Result<String, LoginError> {
    if io::stdin().is_terminal() {
        // Without the question the person waits for nothing, and ends it.
        write!(io::stderr(), "{question}").ok();
    }
    some(&line(what)?, what)
}

/// Asks which account is meant; `None` without a terminal.
///
/// # Errors
/// Where nothing is given.
pub(crate) fn account(open: &[OpenAccount]) -> Result<Option<AccountId>, LoginError> {
    if !io::stdin().is_terminal() {
        return Ok(None);
    }
    let lines = open.iter().map(|account| format!("  {:<10} {}\n", account.id.0, account.name));
    let lines: String = lines.collect();
    let id = shown(&format!("The token opens several accounts:\n{lines}Account: "), "the account")?;
    Ok(id.parse().ok().map(AccountId))
}

/// Asks whether to go on; only `y` and `yes` mean it. `None` without a terminal.
///
/// # Errors
/// Where the answer cannot be read.
pub(crate) fn consent(question: &str) -> Result<Option<bool>, LoginError> {
    if !io::stdin().is_terminal() {
        return Ok(None);
    }
    write!(io::stderr(), "{question} [y/N] ").ok();
    let answer = line("the answer")?;
    Ok(Some(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")))
}

fn line(what: &'static str) -> Result<String, LoginError> {
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    read.map_err(|source| LoginError::Input { what, source })?;
    Ok(line)
}

fn some(line: &str, what: &'static str) -> Result<String, LoginError> {
    let line = line.trim();
    if line.is_empty() { Err(LoginError::NothingGiven { what }) } else { Ok(line.to_owned()) }
}
