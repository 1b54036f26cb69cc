//! From the command line to a result.

use std::io::Write;

use runtime::config::{Given, Setting};
use serde_json::json;

use crate::arguments::{Arguments, Command};
use crate::check;
use crate::ddl;
use crate::demo;
use crate::display::Show;
use crate::erase;
use crate::exit::{CliError, Exit};
use crate::export;
use crate::files;
use crate::plan;
use crate::quarantine;
use crate::reset;
use crate::said::{Paint, Said};
use crate::status;
use crate::stream_list;
use crate::sync;
use crate::upgrade;
use crate::verify;

/// What standard output and standard error are connected to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    /// Standard output takes colours.
    pub out: bool,
    /// Standard error is a terminal.
    pub err: bool,
    /// Standard error takes colours.
    pub colour_err: bool,
}

/// Runs the command, writes its result to `out`, and says how it ended. Errors go to standard
/// error; with `--json` also to `out`.
pub async fn run(arguments: &Arguments, terminal: Terminal, out: &mut dyn Write) -> Exit {
    let said = match Given::from_environment() {
        Ok(mut given) => {
            if let Some(filter) = &arguments.log {
                given.set(Setting::LOG, filter.as_str());
            }
            runtime::telemetry::init(given.get(Setting::LOG).unwrap_or("warn"));
            Box::pin(command(arguments, given, terminal, out)).await
        }
        Err(error) => Err(error.into()),
    };
    match said {
        Ok(said) => {
            // A reader that went away has read enough.
            said.write(arguments.json, out).ok();
            said.exit
        }
        Err(error) => {
            let exit = error.exit();
            let paint = Paint::when(terminal.colour_err);
            writeln!(std::io::stderr(), "{} {}", paint.bad("harvest-lake:"), error.chain()).ok();
            if arguments.json {
                failed(&error).write(true, out).ok();
            }
            exit
        }
    }
}

/// The JSON document of a command that could not do what it is for.
fn failed(error: &CliError) -> Said {
    let exit = error.exit();
    let json = json!({ "error": error.chain(), "exit_code": exit.code(), "complete": false });
    Said { text: String::new(), json, exit }
}

async fn command(
    arguments: &Arguments,
    given: Given,
    terminal: Terminal,
    out: &mut dyn Write,
) -> Result<Said, CliError> {
    let paint = Paint::when(terminal.out && !arguments.json);
    let show = if terminal.err { Show::Bars } else { Show::Lines };
    match &arguments.command {
        Command::Sync(sync) => Box::pin(sync::sync(sync, given, show, paint)).await,
        Command::Sweep(sweep) => Box::pin(sync::sync(&sweep.as_sync(), given, show, paint)).await,
        Command::Demo(demo) => {
            let first = |said: &Said| {
                if !arguments.json {
                    said.write(false, out).ok();
                    out.flush().ok();
                }
            };
            Box::pin(demo::demo(demo, show, paint, first)).await
        }
        Command::Check(check) => check::check(check, given, paint).await,
        Command::Status(status) => status::status(status, given, paint).await,
        Command::Plan(wanted) => plan::plan(wanted, given, paint).await,
        Command::Streams => Ok(stream_list::streams()),
        Command::Schema(schema) => ddl::schema(schema, &given),
        Command::Files(files) => files::files(files, &given).await,
        Command::Verify(wanted) => Box::pin(verify::verify(wanted, given, paint)).await,
        Command::Export(wanted) => export::export(wanted, &given).await,
        Command::Reset(reset) => reset::reset(reset, given).await,
        Command::Quarantine(wanted) => quarantine::quarantine(wanted, given).await,
        Command::Erase(wanted) => erase::erased(wanted, given).await,
        Command::Upgrade(wanted) => upgrade::upgrade(wanted, given).await,
    }
}
