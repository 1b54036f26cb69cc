//! `harvest-lake completions` and `harvest-lake man`: from the declaration of the command line.

use core::fmt::Write as _;
use std::fs;
use std::path::Path;

use clap::Command;
use clap_mangen::Man;
use serde_json::json;

use crate::arguments::{CompletionsArguments, ManArguments, declared};
use crate::error::CliError;
use crate::exit::CliExit;
use crate::said::CommandAnswer;

/// Name of the program.
const PROGRAM: &str = "harvest-lake";

/// Prints the completions for a shell.
pub(crate) fn completions(arguments: CompletionsArguments) -> CommandAnswer {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut declared(), PROGRAM, &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    let json = json!({ "shell": arguments.shell.to_string(), "script": script });
    CommandAnswer::new(script, json, CliExit::Done)
}

/// Prints the manual page of the program or of a command, or writes all of them into a folder.
///
/// # Errors
/// Fails if there is no such command, or a page cannot be written.
pub(crate) fn man(arguments: &ManArguments) -> Result<CommandAnswer, CliError> {
    let mut program = declared();
    program.build();
    let failed = |source| CliError::Manual { source };
    let wanted = |command: &&Command| match (&arguments.folder, &arguments.command) {
        (Some(_), _) => true,
        (None, Some(name)) => command.get_name() == name,
        (None, None) => command.get_name() == PROGRAM,
    };
    let all = core::iter::once(&program).chain(program.get_subcommands());
    let pages = all.filter(wanted).map(page);
    let pages = pages.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    if let (true, Some(command)) = (pages.is_empty(), &arguments.command) {
        return Err(CliError::NoCommand { command: command.clone() });
    }
    let mut text = String::new();
    for (name, roff) in &pages {
        match &arguments.folder {
            Some(folder) => {
                let path = Path::new(folder).join(name);
                fs::create_dir_all(folder).and_then(|()| fs::write(&path, roff)).map_err(failed)?;
                writeln!(text, "{}", path.display()).unwrap_or_default();
            }
            None => text.push_str(roff),
        }
    }
    let pages: Vec<_> =
        pages.iter().map(|(name, roff)| json!({ "name": name, "roff": roff })).collect();
    Ok(CommandAnswer::new(text, json!({ "pages": pages }), CliExit::Done))
}

/// Returns the file name and the text of one page. Commands are pages of their own, as those of git.
fn page(command: &Command) -> std::io::Result<(String, String)> {
    let name = match command.get_name() {
        PROGRAM => PROGRAM.to_owned(),
        command => format!("{PROGRAM}-{command}"),
    };
    let mut roff = Vec::new();
    let command = command.clone().version(env!("CARGO_PKG_VERSION"));
    Man::new(command).title(&name).render(&mut roff)?;
    Ok((format!("{name}.1"), String::from_utf8_lossy(&roff).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completions_of_every_shell_know_the_commands() {
        use clap::ValueEnum as _;
        for shell in clap_complete::Shell::value_variants() {
            let said = completions(CompletionsArguments { shell: *shell });
            assert!(said.text.contains("quarantine") && said.text.contains("sync"), "{shell}");
        }
    }

    #[test]
    fn every_command_has_a_page() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("man1");
        let folder = Some(target.display().to_string());
        let said = man(&ManArguments { command: None, folder }).unwrap();
        let pages = said.json["pages"].as_array().unwrap();
        assert_eq!(pages.len(), declared().get_subcommands().count() + 2, "help has one, too");
        assert_eq!(said.text.lines().count(), pages.len());
        let page = fs::read_to_string(target.join("harvest-lake-sync.1")).unwrap();
        assert!(page.contains("HARVEST_LAKE") && page.contains("Examples"), "{page}");
        let one =
            |command: &str| man(&ManArguments { command: Some(command.to_owned()), folder: None });
        assert!(one("erase").unwrap().text.contains("harvest\\-lake\\-erase"));
        assert_eq!(one("eras").unwrap_err().exit(), CliExit::Usage);
    }
}
