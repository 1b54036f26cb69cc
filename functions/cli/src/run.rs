//! Runs a command line to its result.

use std::io::Write;

use deployment::config::{ConfigError, GivenSettings, SettingName};
use deployment::telemetry::{self, LogStyle};
use serde_json::json;

use crate::arguments::{CliArguments, CliCommand};
use crate::check;
use crate::ddl;
use crate::demo;
use crate::display::DisplayForm;
use crate::erase;
use crate::exit::{CliError, CliExit};
use crate::export;
use crate::files;
use crate::output::AnswerWriter;
use crate::plan;
use crate::quarantine;
use crate::reset;
use crate::said::{CommandAnswer, TextStyle};
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
pub async fn run(arguments: &CliArguments, terminal: Terminal, out: &mut dyn Write) -> CliExit {
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
pub fn unparsed(error: &clap::Error, terminal: Terminal, out: &mut dyn Write) -> CliExit {
    let rendered = error.render();
    let shown = |colours| match TextStyle::when(colours) {
        TextStyle::Colours => rendered.ansi().to_string(),
        TextStyle::Plain => rendered.to_string(),
    };
    if error.use_stderr() {
        write!(std::io::stderr(), "{}", shown(terminal.colour_err)).ok();
        return CliExit::Usage;
    }
    let mut output = AnswerWriter::new(out, false);
    output.say(&CommandAnswer {
        text: shown(terminal.out),
        json: json!(null),
        exit: CliExit::Done,
    });
    end(output, CliExit::Done, terminal)
}

/// Returns the settings of the environment. Turns the log on, and sets the permissions of files
/// that are written from now on.
fn begin(arguments: &CliArguments, terminal: Terminal) -> Result<GivenSettings, ConfigError> {
    let mut given = GivenSettings::from_shell()?;
    if let Some(filter) = &arguments.log {
        given.set(SettingName::LOG, filter.as_str());
    }
    if arguments.shared {
        given.set(SettingName::SHARED, "true");
    }
    let style = if terminal.colour_err { LogStyle::Colours } else { LogStyle::Plain };
    telemetry::init(given.get(SettingName::LOG).unwrap_or("warn"), style);
    deployment::config::readers(&given)?.apply();
    Ok(given)
}

fn end(output: AnswerWriter<'_>, exit: CliExit, terminal: Terminal) -> CliExit {
    let (exit, error) = output.end(exit);
    if let Some(error) = error {
        complain(terminal, &format!("the answer could not be written: {error}"));
    }
    exit
}

/// Writes a line to standard error. If that fails, too, only the exit code tells of the error.
fn complain(terminal: Terminal, what: &str) {
    let paint = TextStyle::when(terminal.colour_err);
    writeln!(std::io::stderr(), "{} {what}", paint.bad("harvest-lake:")).ok();
}

/// Returns the JSON document of a command that failed.
fn failed(error: &CliError) -> CommandAnswer {
    let exit = error.exit();
    let json = json!({ "error": error.chain(), "exit_code": exit.code(), "complete": false });
    CommandAnswer { text: String::new(), json, exit }
}

async fn command(
    arguments: &CliArguments,
    given: GivenSettings,
    terminal: Terminal,
    output: &mut AnswerWriter<'_>,
) -> Result<CommandAnswer, CliError> {
    let paint = TextStyle::when(terminal.out && !arguments.json);
    let show = if terminal.err { DisplayForm::Bars } else { DisplayForm::Lines };
    match &arguments.command {
        CliCommand::Sync(sync) => Box::pin(sync::sync(sync, given, show, paint)).await,
        CliCommand::Sweep(sweep) => {
            Box::pin(sync::sync(&sweep.as_sync(), given, show, paint)).await
        }
        CliCommand::Demo(demo) => {
            let first = |said: &CommandAnswer| {
                if !output.is_json() {
                    output.say(said);
                }
            };
            Box::pin(demo::demo(demo, show, paint, first)).await
        }
        CliCommand::Check(check) => check::check(check, given, paint).await,
        CliCommand::Status(status) => status::status(status, given, paint).await,
        CliCommand::Plan(wanted) => plan::plan(wanted, given, paint).await,
        CliCommand::Streams => Ok(stream_list::streams()),
        CliCommand::Schema(schema) => ddl::schema(schema, &given),
        CliCommand::Files(files) => files::files(files, &given).await,
        CliCommand::Verify(wanted) => Box::pin(verify::verify(wanted, given, paint)).await,
        CliCommand::Export(wanted) => export::export(wanted, &given).await,
        CliCommand::Reset(reset) => reset::reset(reset, given).await,
        CliCommand::Quarantine(wanted) => quarantine::quarantine(wanted, given).await,
        CliCommand::Erase(wanted) => erase::erased(wanted, given).await,
        CliCommand::Upgrade(wanted) => upgrade::upgrade(wanted, given).await,
    }
}
