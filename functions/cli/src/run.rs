//! Runs a command line to its result.

use std::io::Write;

use deployment::config::{ConfigError, Given, Setting};
use deployment::telemetry::{self, LogStyle};
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
use crate::output::AnswerWriter;
use crate::plan;
use crate::quarantine;
use crate::reset;
use crate::said::{Paint, Said};
use crate::status;
use crate::stream_list;
use crate::sync;
use crate::upgrade;
use crate::verify;

/// Abilities of standard output and standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    /// Standard output takes colours.
    pub out: bool,
    /// Standard error is a terminal.
    pub err: bool,
    /// Standard error takes colours.
    pub colour_err: bool,
}

/// Runs the command, writes its result to `out`, and returns its exit code. Errors go to standard
/// error; with `--json` also to `out`. A failed write of the result counts as an error.
pub async fn run(arguments: &Arguments, terminal: Terminal, out: &mut dyn Write) -> Exit {
    let mut output = AnswerWriter::new(out, arguments.json);
    let said = match begin(arguments, terminal) {
        Ok(given) => Box::pin(command(arguments, given, terminal, &mut output)).await,
        Err(error) => Err(error.into()),
    };
    let exit = match said {
        Ok(said) => {
            output.say(&said);
            said.exit
        }
        Err(error) => {
            complain(terminal, &error.chain());
            if arguments.json {
                output.say(&failed(&error));
            }
            error.exit()
        }
    };
    end(output, exit, terminal)
}

/// Answers a command line that cannot be parsed, or that asks for help or the version.
pub fn unparsed(error: &clap::Error, terminal: Terminal, out: &mut dyn Write) -> Exit {
    let rendered = error.render();
    let shown = |colours| match Paint::when(colours) {
        Paint::Colours => rendered.ansi().to_string(),
        Paint::Plain => rendered.to_string(),
    };
    if error.use_stderr() {
        write!(std::io::stderr(), "{}", shown(terminal.colour_err)).ok();
        return Exit::Usage;
    }
    let mut output = AnswerWriter::new(out, false);
    output.say(&Said { text: shown(terminal.out), json: json!(null), exit: Exit::Done });
    end(output, Exit::Done, terminal)
}

/// Returns the settings of the environment. Turns the log on, and sets the permissions of files
/// that are written from now on.
fn begin(arguments: &Arguments, terminal: Terminal) -> Result<Given, ConfigError> {
    let mut given = Given::from_shell()?;
    if let Some(filter) = &arguments.log {
        given.set(Setting::LOG, filter.as_str());
    }
    if arguments.shared {
        given.set(Setting::SHARED, "true");
    }
    let style = if terminal.colour_err { LogStyle::Colours } else { LogStyle::Plain };
    telemetry::init(given.get(Setting::LOG).unwrap_or("warn"), style);
    deployment::config::readers(&given)?.apply();
    Ok(given)
}

fn end(output: AnswerWriter<'_>, exit: Exit, terminal: Terminal) -> Exit {
    let (exit, error) = output.end(exit);
    if let Some(error) = error {
        complain(terminal, &format!("the answer could not be written: {error}"));
    }
    exit
}

/// Writes a line to standard error. If that fails, too, only the exit code tells of the error.
fn complain(terminal: Terminal, what: &str) {
    let paint = Paint::when(terminal.colour_err);
    writeln!(std::io::stderr(), "{} {what}", paint.bad("harvest-lake:")).ok();
}

/// Returns the JSON document of a command that failed.
fn failed(error: &CliError) -> Said {
    let exit = error.exit();
    let json = json!({ "error": error.chain(), "exit_code": exit.code(), "complete": false });
    Said { text: String::new(), json, exit }
}

async fn command(
    arguments: &Arguments,
    given: Given,
    terminal: Terminal,
    output: &mut AnswerWriter<'_>,
) -> Result<Said, CliError> {
    let paint = Paint::when(terminal.out && !arguments.json);
    let show = if terminal.err { Show::Bars } else { Show::Lines };
    match &arguments.command {
        Command::Sync(sync) => Box::pin(sync::sync(sync, given, show, paint)).await,
        Command::Sweep(sweep) => Box::pin(sync::sync(&sweep.as_sync(), given, show, paint)).await,
        Command::Demo(demo) => {
            let first = |said: &Said| {
                if !output.is_json() {
                    output.say(said);
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
