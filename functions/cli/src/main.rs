//! Wires the parts together.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;
use cli::{CliArguments, Terminal};

#[tokio::main]
async fn main() -> ExitCode {
    let plain = deployment::config::refuses_colour();
    let terminal = Terminal {
        out: std::io::stdout().is_terminal() && !plain,
        err: std::io::stderr().is_terminal(),
        colour_err: std::io::stderr().is_terminal() && !plain,
    };
    let mut out = std::io::stdout().lock();
    match CliArguments::try_parse() {
        Ok(arguments) => cli::run(&arguments, terminal, &mut out).await.into(),
        Err(error) => cli::unparsed(&error, terminal, &mut out).into(),
    }
}
