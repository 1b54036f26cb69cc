//! Wires the parts together.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use cli::{Arguments, Terminal};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let plain = runtime::config::refuses_colour();
    let terminal = Terminal {
        out: std::io::stdout().is_terminal() && !plain,
        err: std::io::stderr().is_terminal(),
        colour_err: std::io::stderr().is_terminal() && !plain,
    };
    let mut out = std::io::stdout().lock();
    let exit = cli::run(&arguments, terminal, &mut out).await;
    // A reader that went away has read enough.
    out.flush().ok();
    exit.into()
}
