//! Runs a command line to its result.
//!
//! The order is the same for every command: settings of the environment, log, permissions of new
//! files, the command, its answer on standard output, its errors on standard error, the exit code.
//! An error before the command has begun, such as a variable that is empty, takes the same way as
//! an error of the command itself.

use std::io::Write;

use deployment::config::{ConfigError, GivenSettings, SettingName};
use deployment::telemetry::{self, LogForm, LogSettings, LogStyle};
use runtime::clock::{Clock as _, SystemClock};
use serde_json::json;

use crate::arguments::{CliArguments, CliCommand};
use crate::check;
use crate::cost;
use crate::ddl;
use crate::demo;
use crate::display::DisplayForm;
use crate::erase;
use crate::error::CliError;
use crate::exit::CliExit;
use crate::export;
use crate::files;
use crate::head;
use crate::history;
use crate::init;
use crate::login;
use crate::manual;
use crate::output::AnswerWriter;
use crate::plan;
use crate::quarantine;
use crate::report::{self, PrintedFigures};
use crate::reset;
use crate::said::{CommandAnswer, TextDetail, TextStyle};
use crate::sql;
use crate::status;
use crate::stream_list;
use crate::sync;
use crate::upgrade;
use crate::verify;

/// Log events about each request to Harvest: method, address, status, milliseconds.
const REQUESTS: &str = "runtime::request=debug";
/// Log events about the progress of a command: a run that has ended, and how far all has come.
const PROGRESS: &str = "worker=info,cli::display=info";

/// Abilities of standard output and standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    /// Standard output takes colours.
    pub out: bool,
    /// Width of standard output in columns; `None` if it is no terminal.
    pub width: Option<u16>,
    /// Standard error is a terminal.
    pub err: bool,
    /// Standard error takes colours.
    pub colour_err: bool,
}

/// Runs the command, writes its result to `out`, and returns its exit code. Errors go to standard
/// error; with `--json` also to `out`, so that a program finds a document there in every case. A
/// failed write of the result counts as an error.
pub async fn run(arguments: &CliArguments, terminal: Terminal, out: &mut dyn Write) -> CliExit {
    let mut output = AnswerWriter::new(out, arguments.json);
    let (said, style) = match begin(arguments, terminal) {
        // Boxed, as are the longest commands: the future of a command holds the futures of all its
        // steps, and would lie on the stack with all of them.
        Ok((given, style)) => {
            let look = CommandLook::of(arguments, terminal, style);
            (Box::pin(command(arguments, given, look, &mut output)).await, style)
        }
        Err(error) => (Err(error.into()), first_style(arguments, terminal)),
    };
    let look = ErrorLook::of(style, terminal);
    let exit = match said {
        Ok(said) => {
            // A program that asks for a document gets one in every case.
            let wanted = arguments.json || !arguments.quiet || said.exit != CliExit::Done;
            if wanted {
                output.say(&said);
            }
            said.exit
        }
        // The whole chain of causes in one line: in a log of cron this line is all that is left of
        // the run.
        Err(error) => {
            complain(look, &error.chain());
            if arguments.json {
                output.say(&failed(&error));
            }
            error.exit()
        }
    };
    end(output, exit, look)
}

/// Answers a command line that cannot be parsed, or that asks for help or the version.
///
/// Clap reports all of them as errors. Help and version belong on standard output with exit code 0,
/// where `less` and `grep` find them; a wrong command line is explained on standard error, with
/// exit code 2.
pub fn unparsed(error: &clap::Error, terminal: Terminal, out: &mut dyn Write) -> CliExit {
    let rendered = error.render();
    let shown = |colours| {
        if colours { rendered.ansi().to_string() } else { rendered.to_string() }
    };
    if error.use_stderr() {
        // If even standard error is closed, the exit code alone tells that the command line is
        // wrong.
        write!(std::io::stderr(), "{}", shown(terminal.colour_err)).ok();
        return CliExit::Usage;
    }
    let mut output = AnswerWriter::new(out, false);
    output.say(&CommandAnswer::new(shown(terminal.out), json!(null), CliExit::Done));
    end(output, CliExit::Done, ErrorLook::of(style_of(LogForm::Text, terminal), terminal))
}

/// Amount of text that the flags ask for.
const fn detail(arguments: &CliArguments) -> TextDetail {
    match (arguments.quiet, arguments.verbose) {
        (true, _) => TextDetail::Failures,
        (false, true) => TextDetail::All,
        (false, false) => TextDetail::News,
    }
}

/// Returns the settings of the environment, with the global flags on top. Turns the log on, and
/// sets the permissions of files that are written from now on.
fn begin(
    arguments: &CliArguments,
    terminal: Terminal,
) -> Result<(GivenSettings, LogStyle), ConfigError> {
    let mut given = GivenSettings::from_shell(arguments.settings.get(SettingName::CONFIG))?;
    arguments.settings.give(&mut given);
    // Before anything else that can fail or warn, so that no message is lost.
    let LogSettings { filter, form } = deployment::config::log(&given)?;
    let filter = match (detail(arguments), form) {
        (TextDetail::Failures, _) => "error".to_owned(),
        (TextDetail::News, LogForm::Text) => filter,
        (TextDetail::News, LogForm::Json) => format!("{filter},{PROGRESS}"),
        (TextDetail::All, LogForm::Text) => format!("{filter},{REQUESTS}"),
        (TextDetail::All, LogForm::Json) => format!("{filter},{PROGRESS},{REQUESTS}"),
    };
    let style = style_of(form, terminal);
    telemetry::init(&filter, style);
    // Before any file is created: permissions of files that exist already are not changed.
    deployment::config::readers(&given)?.apply();
    Ok((given, style))
}

/// Returns the style of standard error. No escape codes into files.
const fn style_of(form: LogForm, terminal: Terminal) -> LogStyle {
    match (form, terminal.colour_err) {
        (LogForm::Json, _) => LogStyle::Json,
        (LogForm::Text, true) => LogStyle::Colours,
        (LogForm::Text, false) => LogStyle::Plain,
    }
}

/// Returns the style where the settings cannot be used: the flag alone tells what is wanted.
fn first_style(arguments: &CliArguments, terminal: Terminal) -> LogStyle {
    let flag = arguments.settings.get(SettingName::LOG_FORMAT);
    style_of(flag.and_then(|form| form.parse().ok()).unwrap_or(LogForm::Text), terminal)
}

/// Ends the output, and reports a failed write. Returns the exit code of the process.
fn end(output: AnswerWriter<'_>, exit: CliExit, look: ErrorLook) -> CliExit {
    let (exit, error) = output.end(exit);
    if let Some(error) = error {
        complain(look, &format!("the answer could not be written: {error}"));
    }
    exit
}

/// Form of error messages on standard error.
#[derive(Clone, Copy, Debug)]
struct ErrorLook {
    style: LogStyle,
    /// Width of a terminal, in columns.
    width: Option<u16>,
}

impl ErrorLook {
    /// Returns the form beside log events of this style. Standard output tells the width for both.
    fn of(style: LogStyle, terminal: Terminal) -> Self {
        Self { style, width: terminal.width.filter(|_| terminal.err) }
    }
}

/// Writes a line to standard error, as several if a terminal is narrower. If that fails, too, only the
/// exit code tells of the error.
fn complain(look: ErrorLook, what: &str) {
    let line = match look.style {
        LogStyle::Json => telemetry::error_line(SystemClock.now(), what),
        LogStyle::Colours | LogStyle::Plain => {
            let colours = look.style == LogStyle::Colours;
            let paint = TextStyle { colours, width: look.width, ..TextStyle::PLAIN };
            let name = "harvest-lake:";
            let line = paint.wrapped(&format!("{name} {what}"));
            line.replacen(name, &paint.bad(name), 1)
        }
    };
    writeln!(std::io::stderr(), "{line}").ok();
}

/// Returns the JSON document of a command that failed: the code of the error for programs, and its
/// chain of causes for people.
fn failed(error: &CliError) -> CommandAnswer {
    let json = json!({ "error_type": error.error_type(), "error": error.chain() });
    CommandAnswer::new(String::new(), json, error.exit())
}

/// Look of what a command writes: of its answer, and of its progress.
#[derive(Clone, Copy)]
struct CommandLook {
    paint: TextStyle,
    show: DisplayForm,
}

impl CommandLook {
    fn of(arguments: &CliArguments, terminal: Terminal, style: LogStyle) -> Self {
        // No escape codes inside JSON: they would be part of its texts.
        let colours = terminal.out && !arguments.json;
        let paint = TextStyle { colours, width: terminal.width, detail: detail(arguments) };
        // Also with `--json`: progress goes to standard error and does not mix with the document.
        let show = match (paint.detail, style) {
            (TextDetail::Failures, _) => DisplayForm::Nothing,
            (TextDetail::News | TextDetail::All, LogStyle::Json) => DisplayForm::Events,
            (TextDetail::News, _) if terminal.err => DisplayForm::Bars,
            // Log events would be written into moving bars.
            (TextDetail::News | TextDetail::All, _) => DisplayForm::Lines,
        };
        Self { paint, show }
    }
}

/// Runs the command that the arguments name.
async fn command(
    arguments: &CliArguments,
    given: GivenSettings,
    CommandLook { paint, show }: CommandLook,
    output: &mut AnswerWriter<'_>,
) -> Result<CommandAnswer, CliError> {
    match &arguments.command {
        CliCommand::Sync(sync) => Box::pin(sync::sync(sync, given, show, paint)).await,
        CliCommand::Sweep(sweep) => {
            Box::pin(sync::sync(&sweep.as_sync(), given, show, paint)).await
        }
        CliCommand::Demo(demo) => {
            // The demo has two syncs and shows the first one as soon as it ends. One run has one
            // JSON document, so with `--json` both syncs come together at the end.
            let first = |said: &CommandAnswer| {
                if !output.is_json() {
                    output.say(said);
                }
            };
            Box::pin(demo::demo(demo, show, paint, first)).await
        }
        CliCommand::Login(wanted) => Box::pin(login::login(wanted, given)).await,
        CliCommand::Init(wanted) => Box::pin(init::init(wanted, given, paint)).await,
        CliCommand::Check(check) => check::check(check, given, paint).await,
        CliCommand::Status(wanted) => match wanted.watch {
            None => Box::pin(status::status(wanted, given, paint)).await,
            Some(pause) => Box::pin(status::watched(wanted, given, paint, pause, output)).await,
        },
        CliCommand::History(wanted) => history::history(wanted, given, paint).await,
        CliCommand::Plan(wanted) => plan::plan(wanted, given, paint).await,
        CliCommand::Cost(wanted) => cost::cost(wanted, given, paint),
        CliCommand::Streams => Ok(stream_list::streams(paint)),
        CliCommand::Schema(schema) => ddl::schema(schema, &given, paint),
        CliCommand::Sql(wanted) => sql::sql(wanted, &given),
        CliCommand::Files(files) => files::files(files, &given).await,
        CliCommand::Verify(wanted) => Box::pin(verify::verify(wanted, given, show, paint)).await,
        CliCommand::Export(wanted) => {
            Box::pin(export::export(wanted, &given, show, paint, output)).await
        }
        CliCommand::Head(wanted) => Box::pin(head::head(wanted, &given, paint)).await,
        CliCommand::Report(wanted) => {
            let data = PrintedFigures::when(arguments.json);
            Box::pin(report::report(wanted, given, data)).await
        }
        CliCommand::Reset(reset) => Box::pin(reset::reset(reset, given)).await,
        CliCommand::Quarantine(wanted) => quarantine::quarantine(wanted, given, paint).await,
        CliCommand::Erase(wanted) => Box::pin(erase::erased(wanted, given, show)).await,
        CliCommand::Upgrade(wanted) => upgrade::upgrade(wanted, given, show).await,
        CliCommand::Completions(wanted) => Ok(manual::completions(*wanted)),
        CliCommand::Man(wanted) => manual::man(wanted),
    }
}
