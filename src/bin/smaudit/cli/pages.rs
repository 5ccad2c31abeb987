//! What the command line says of itself: completions, manual pages, and the schemas of what is written.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use smaudit::Dimension;

use super::args::{Cli, Document, EXAMPLES, EXIT_CODES, LIMITS};

/// The completion script of a shell.
pub(super) fn completions(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "smaudit", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    match shell {
        Shell::Bash => with_lists_in_bash(&script),
        Shell::Zsh => with_paths_in_zsh(&with_lists_in_zsh(&script)),
        _ => script,
    }
    .into_bytes()
}

fn dimensions() -> String {
    Dimension::ALL.map(Dimension::name).join(" ")
}

/// clap_complete completes the first dimension of a list. Here what stands before the last comma is kept.
fn with_lists_in_bash(script: &str) -> String {
    let one = format!("compgen -W \"{}\" -- \"${{cur}}\"", dimensions());
    let many = format!("compgen -P \"${{cur%\"${{cur##*,}}\"}}\" -W \"{}\" -- \"${{cur##*,}}\"", dimensions());
    script.replace(&one, &many)
}

/// As for bash: `_sequence` completes lists with commas.
fn with_lists_in_zsh(script: &str) -> String {
    const BEGIN: &str = ":DIM:((";
    const END: &str = "))'";
    let mut parts = script.split(BEGIN);
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (_, rest) = part.split_once(END).unwrap_or(("", part));
        kept += &format!(":DIM:_sequence compadd - {}'{rest}", dimensions());
    }
    kept
}

/// clap_complete has zsh take the first word for a path and the second one for a command. Here the first word is either, and is
/// a command where it is the name of one.
fn with_paths_in_zsh(script: &str) -> String {
    const ARGUMENTS: &str = "    _arguments \"${_arguments_options[@]}\" : \\\n";
    const PATHS: &str = "':paths ";
    const MAIN: &str = "\n_smaudit() {\n";
    let parts = script.split_once(ARGUMENTS).and_then(|(head, rest)| {
        let (options, rest) = rest.split_once(PATHS)?;
        Some((head, options, rest.split_once('\n')?.1))
    });
    let Some((head, options, rest)) = parts else { return script.to_owned() };
    let commands: Vec<String> = Cli::command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
    let head = head.replacen(MAIN, &format!("{FIRST_WORD}{MAIN}"), 1);
    let is_none = format!("[[ ' {} help ' != *\" $words[2] \"* ]]", commands.join(" "));
    let rest = rest.replace("$line[2]", "$line[1]");
    format!(
        "{head}    if (( CURRENT == 2 )) || {is_none}; then\n\
         {ARGUMENTS}{options}'*: :_smaudit_first_word' && ret=0\n        \
         return ret\n    \
         fi\n\
         {ARGUMENTS}{options}{rest}"
    )
}

const FIRST_WORD: &str = "
_smaudit_first_word() {
    local found=1
    (( CURRENT == 2 )) && _smaudit_commands && found=0
    _files && found=0
    return found
}
";

/// The manual page of the command, or of one of its commands.
fn page(command: clap::Command, is_main: bool) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    // What is behind the options in the help has sections of its own here.
    let man = Man::new(command.after_help(""));
    man.render_title(&mut out)?;
    man.render_name_section(&mut out)?;
    man.render_synopsis_section(&mut out)?;
    if is_main {
        examples(&mut out)?;
    }
    man.render_description_section(&mut out)?;
    man.render_options_section(&mut out)?;
    if is_main {
        section("LIMITS", LIMITS, &mut out)?;
        man.render_subcommands_section(&mut out)?;
    }
    exit_status(&mut out)?;
    if is_main {
        man.render_version_section(&mut out)?;
    }
    Ok(out)
}

fn examples(out: &mut dyn Write) -> io::Result<()> {
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]).control("nf", []);
    for line in EXAMPLES.lines() {
        roff.text([roman(line.trim_start())]);
    }
    roff.control("fi", []);
    roff.to_writer(out)
}

fn exit_status(out: &mut dyn Write) -> io::Result<()> {
    let mut roff = Roff::new();
    roff.control("SH", ["EXIT STATUS"]);
    for code in EXIT_CODES.replace('\n', " ").split("; ") {
        let (number, meaning) = code.split_once(' ').unwrap_or((code, ""));
        roff.control("TP", []).text([bold(number)]).text([roman(meaning)]);
    }
    roff.to_writer(out)
}

fn section(title: &str, text: &str, out: &mut dyn Write) -> io::Result<()> {
    Roff::new().control("SH", [title]).text([roman(text.replace('\n', " ").trim_end())]).to_writer(out)
}

/// The commands, each with the name of its page.
fn commands() -> Vec<(String, clap::Command)> {
    let mut main = Cli::command();
    main.build();
    let own = main.get_subcommands().filter(|command| command.get_name() != "help");
    own.map(|command| (format!("smaudit-{}", command.get_name()), command.clone())).collect()
}

/// The manual page.
pub(super) fn man() -> anyhow::Result<Vec<u8>> {
    Ok(page(main_command(), true)?)
}

/// The command without the help command, which has no page.
fn main_command() -> clap::Command {
    Cli::command().disable_help_subcommand(true)
}

/// Writes the manual page and those that it refers to into a directory, which is made where it is not there.
pub(crate) fn write_pages(directory: &Path) -> anyhow::Result<()> {
    let cannot = || format!("{}: the pages cannot be written there", directory.display());
    fs::create_dir_all(directory).with_context(cannot)?;
    let write = |name: &str, page: Vec<u8>| fs::write(directory.join(format!("{name}.1")), page).with_context(cannot);
    write("smaudit", man()?)?;
    commands().into_iter().try_for_each(|(name, command)| write(&name, page(command, false)?))
}

/// The names of the commands.
pub(super) fn command_names() -> Vec<String> {
    Cli::command().get_subcommands().map(|command| command.get_name().to_owned()).collect()
}

/// The JSON Schema of a document.
pub(super) fn schema(document: Document) -> Vec<u8> {
    let schema = match document {
        Document::Report => smaudit::report::schema(),
        Document::Why => smaudit::report::why_schema(),
        Document::Slim => smaudit::report::slim_schema(),
        Document::Diff => smaudit::report::diff_schema(),
        Document::Baseline => smaudit::report::baseline_schema(),
    };
    schema.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
