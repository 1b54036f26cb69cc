//! Entry point of the binary `harvest-lake`: finds out what the terminal can do, parses the command
//! line, and leaves everything else to the library, so that tests can run commands without a
//! process.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use cli::{CliArguments, Terminal};

#[tokio::main]
async fn main() -> ExitCode {
    cli::outlive_file_limits();
    // Standard output and standard error are looked at separately: `harvest-lake sync > file` still
    // shows bars on the terminal. `NO_COLOR` takes away the colours alone, not the bars, so `err`
    // does not depend on it.
    let plain = deployment::config::refuses_colour();
    let terminal = Terminal {
        out: std::io::stdout().is_terminal() && !plain,
        width: terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| width.0),
        err: std::io::stderr().is_terminal(),
        colour_err: std::io::stderr().is_terminal() && !plain,
    };
    let mut out = std::io::stdout().lock();
    // Not `parse`: that would end the process inside clap. Help and version take the same way as
    // answers, so that a full disk or a closed pipe is treated alike.
    match CliArguments::typed() {
        Ok(arguments) => cli::run(&arguments, terminal, &mut out).await.into(),
        Err(error) => cli::unparsed(&error, terminal, &mut out).into(),
    }
}
