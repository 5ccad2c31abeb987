//! The command line: what was typed becomes what is meant. clap is known here only.

mod config;

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use smaudit::gate::{self, Defaults, Rule, Rules};
use smaudit::report::{Format, Page, Sort};
use smaudit::{Dimension, check_by};

/// Says why a TensorFlow SavedModel is as big as it is, and which bytes are there twice.
#[derive(Debug, Parser)]
#[command(
    name = "smaudit",
    version,
    arg_required_else_help = true,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(flatten)]
    audit: AuditArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

const AFTER_HELP: &str = "\
Examples:
  smaudit ./my_model                         where the bytes are
  smaudit ./my_model --by section,function   which functions they are in
  smaudit ./my_model --by op -n 0            every op
  smaudit ./my_model --json | jq '.models[0].categories'
  smaudit ./my_model --max-duplication 5%    fail when more is there twice
  smaudit explain optimizer-state            what a finding means, what to do

A limit is a share of the model (5%) or a size (10MB, 10MiB, 5000); exactly at
it passes. More rules, and duplicates that may stay, can be in smaudit.toml.

Exit codes: 0 audited, every rule holds; 1 audited, a rule is broken; 2 wrong
usage or configuration; 3 an input cannot be read, is damaged or not a whole
model (what could be read is still reported, and the rules are held against it);
70 a mistake in smaudit.";

#[derive(Debug, Args)]
struct AuditArgs {
    /// A SavedModel's directory, its saved_model.pb, a tree that holds several, an archive (.tar, .tar.gz, .tar.zst,
    /// .zip), or - for an archive on standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Break bytes down by these, outermost first; `scope` given again goes one folder deeper [default: category]
    #[arg(short = 'd', long, value_name = "DIM", value_delimiter = ',')]
    #[arg(value_parser = dimension_parser())]
    by: Vec<Dimension>,

    /// Rows a level, 0 for all [default: 20, and 8 of the other lists, in text and markdown; else all]
    #[arg(short = 'n', long, value_name = "N")]
    top: Option<usize>,

    /// The order of several models
    #[arg(long, value_name = "ORDER", value_enum, default_value_t = Order::Avoidable)]
    sort: Order,

    /// Everything that is known, page by page
    #[arg(long)]
    full: bool,

    /// The causes of size instead, the largest ones with what to do; `all` also shows what each rests on
    #[arg(long, value_name = "N|all", value_parser = findings)]
    findings: Option<FindingsShown>,

    /// Read every tensor of a checkpoint and check its CRC32C, every message of the main file, and whether fingerprint.pb
    /// fits the model
    #[arg(long)]
    verify: bool,

    /// How the report is written
    #[arg(short, long, value_name = "F", default_value = "text")]
    #[arg(value_parser = format_parser())]
    format: Format,

    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,

    /// Write the report there; - is standard output [default: -]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// The columns of a text report, from 60 on [default: those of the terminal, else 80]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(60..))]
    width: Option<u16>,

    /// The smallest payload that is compared for duplicates [default: 1KiB]
    #[arg(long, value_name = "SIZE", value_parser = gate::limit::size, allow_hyphen_values = true)]
    min_duplicate: Option<u64>,

    /// Fail when redundant bytes exceed a share (5%) or a size (10MB)
    #[arg(long, value_name = "LIMIT", value_parser = Rule::max_duplication, allow_hyphen_values = true)]
    max_duplication: Option<Rule>,

    /// Fail when the model, or one category of it, is larger; may be given again
    #[arg(long, value_name = "[CATEGORY=]LIMIT", value_parser = Rule::max_size, allow_hyphen_values = true)]
    max_size: Vec<Rule>,

    /// Rules and defaults [default: ./smaudit.toml where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// No report unless --format, --json or --output asks for it, and no messages but errors
    #[arg(short, long)]
    quiet: bool,

    /// Colour in the report; auto heeds NO_COLOR
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = When::Auto)]
    color: When,

    /// A progress bar on standard error; auto shows it on a terminal when an audit takes long
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = When::Auto)]
    progress: When,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the completion script of a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page
    Man,
    /// Print the JSON Schema of the report, or of what `why --json` writes
    Schema {
        /// The document
        #[arg(value_enum, default_value_t = Document::Report)]
        document: Document,
    },
    /// Say what a finding means, how it is known, what to do and when not to
    Explain {
        /// The finding; without one, all are listed
        id: Option<String>,
    },
    /// Say how a signature comes to need a node, function, variable or asset
    Why {
        /// A SavedModel's directory, its saved_model.pb, a tree that holds several, an archive, or -
        path: PathBuf,
        /// A name, or the end of one if no other name ends so
        thing: String,
        /// How the answer is written
        #[arg(short, long, value_name = "F", value_enum, default_value_t = WhyFormat::Text)]
        format: WhyFormat,
        /// The same as --format json
        #[arg(long, conflicts_with = "format")]
        json: bool,
    },
}

/// The documents that have a JSON Schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Document {
    /// That of an audit
    Report,
    /// That of `smaudit why --json`
    Why,
}

/// How the answer of `smaudit why` is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum WhyFormat {
    /// For a person
    Text,
    /// One document, with the models that do not have the thing as well
    Json,
}

/// The order of several models in text and Markdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Order {
    /// The most avoidable bytes first
    Avoidable,
    /// The largest first
    Size,
    /// By path
    Path,
}

impl From<Order> for Sort {
    fn from(order: Order) -> Self {
        match order {
            Order::Avoidable => Self::Avoidable,
            Order::Size => Self::Size,
            Order::Path => Self::Path,
        }
    }
}

/// When to do what a terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// On a terminal
    Auto,
    /// Also where there is no terminal
    Always,
    /// Not at all
    Never,
}

fn dimension_parser() -> impl clap::builder::TypedValueParser<Value = Dimension> {
    PossibleValuesParser::new(Dimension::ALL.map(Dimension::name)).map(|name| {
        let named = Dimension::ALL.into_iter().find(|dimension| dimension.name() == name);
        named.unwrap_or(Dimension::Category)
    })
}

fn format_parser() -> impl clap::builder::TypedValueParser<Value = Format> {
    PossibleValuesParser::new(Format::ALL.map(Format::name)).map(|name| {
        let named = Format::ALL.into_iter().find(|format| format.name() == name);
        named.unwrap_or(Format::Text)
    })
}

/// How many findings; `None` for all.
#[derive(Debug, Clone, Copy)]
struct FindingsShown(Option<usize>);

fn findings(text: &str) -> Result<FindingsShown, String> {
    match text {
        "all" => Ok(FindingsShown(None)),
        _ => text.parse().map(|number| FindingsShown(Some(number))).map_err(|_| "write a number, or `all`".to_owned()),
    }
}

/// What is meant: one thing to do.
#[derive(Debug)]
pub(crate) enum Request {
    /// Audit models and write a report.
    Audit(AuditRequest),
    /// Say why a thing is needed.
    Why(WhyRequest),
    /// Say what a finding means; without an id, which there are.
    Explain(Option<String>),
    /// Write a text that does not depend on any model.
    Print(Vec<u8>),
}

/// What to ask of which models.
#[derive(Debug)]
pub(crate) struct WhyRequest {
    /// Where the models are.
    pub(crate) path: PathBuf,
    /// What is asked about.
    pub(crate) thing: String,
    /// How the answer is written.
    pub(crate) format: WhyFormat,
}

/// What to audit, and where the report goes.
#[derive(Debug)]
pub(crate) struct AuditRequest {
    /// At least one.
    pub(crate) paths: Vec<PathBuf>,
    /// What to ask.
    pub(crate) options: smaudit::Options,
    /// What must hold.
    pub(crate) rules: Rules,
    /// How the report is written; `None` where nobody wants one.
    pub(crate) format: Option<Format>,
    /// What a person sees of it.
    pub(crate) page: Page,
    /// How many findings; `None` for all.
    pub(crate) findings: Option<usize>,
    /// The order of several models.
    pub(crate) sort: Sort,
    /// The columns of text; `None` for those of the terminal.
    pub(crate) width: Option<usize>,
    /// A file instead of standard output.
    pub(crate) output: Option<PathBuf>,
    /// No messages but errors.
    pub(crate) quiet: bool,
    /// Colour.
    pub(crate) color: When,
    /// Progress on standard error.
    pub(crate) progress: When,
}

/// What `--output` calls standard output. It is no file to replace: redirected into one, it would lose what others write
/// there.
const STANDARD_OUTPUT: [&str; 2] = ["-", "/dev/stdout"];

/// Reads the command line. clap itself ends the process on `--help`, `--version` and what it cannot understand.
pub(crate) fn request() -> anyhow::Result<Request> {
    let matches = Cli::command().get_matches();
    let format_given = matches.value_source("format") == Some(clap::parser::ValueSource::CommandLine);
    let cli = <Cli as clap::FromArgMatches>::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    match cli.command {
        None => cli.audit.request(format_given).map(Request::Audit),
        Some(Command::Why { path, thing, format, json }) => {
            let format = if json { WhyFormat::Json } else { format };
            Ok(Request::Why(WhyRequest { path, thing, format }))
        }
        Some(Command::Explain { id }) => Ok(Request::Explain(id)),
        Some(command) => command.print().map(Request::Print),
    }
}

impl AuditArgs {
    fn request(self, format_given: bool) -> anyhow::Result<AuditRequest> {
        let config = config::read(self.config.as_deref())?;
        let wanted = !self.quiet || format_given || self.json || self.output.is_some();
        let format = if self.json { Format::Json } else { self.format };
        let is_by = !self.by.is_empty() || config.defaults.by.is_some();
        let page = match (self.full, self.findings) {
            (true, _) => Page::Full,
            (false, Some(_)) => Page::Findings,
            (false, None) if is_by => Page::Table,
            (false, None) => Page::Brief,
        };
        Ok(AuditRequest {
            paths: self.paths,
            options: smaudit::Options {
                verify: self.verify,
                ..options(self.by, self.top, self.min_duplicate, config.defaults)?
            },
            rules: rules(self.max_duplication, self.max_size, config.rules),
            format: wanted.then_some(format),
            output: self.output.filter(|path| !STANDARD_OUTPUT.iter().any(|name| path == Path::new(name))),
            page,
            findings: self.findings.and_then(|shown| shown.0),
            sort: self.sort.into(),
            width: self.width.map(usize::from),
            quiet: self.quiet,
            color: self.color,
            progress: self.progress,
        })
    }
}

/// What is asked: on the command line, else in the configuration, else what is usual.
fn options(
    by: Vec<Dimension>,
    top: Option<usize>,
    min_duplicate: Option<u64>,
    defaults: Defaults,
) -> anyhow::Result<smaudit::Options> {
    let usual = smaudit::Options::default();
    let by = if by.is_empty() { defaults.by.unwrap_or(usual.by) } else { by };
    check_by(&by).map_err(|error| anyhow!("--by {error}"))?;
    Ok(smaudit::Options {
        by,
        top: top.or(defaults.top).or(usual.top),
        min_duplicate: min_duplicate.or(defaults.min_duplicate).unwrap_or(usual.min_duplicate),
        ..usual
    })
}

/// The rules of the command line, then those of the configuration.
fn rules(max_duplication: Option<Rule>, max_size: Vec<Rule>, configured: Rules) -> Rules {
    let rules = max_duplication.into_iter().chain(max_size).chain(configured.rules).collect();
    Rules { rules, allow: configured.allow }
}

impl Command {
    fn print(self) -> anyhow::Result<Vec<u8>> {
        let mut out = Vec::new();
        match self {
            Self::Completions { shell } => clap_complete::generate(shell, &mut Cli::command(), "smaudit", &mut out),
            Self::Man => clap_mangen::Man::new(Cli::command()).render(&mut out)?,
            Self::Why { .. } | Self::Explain { .. } => {}
            Self::Schema { document: Document::Report } => out = smaudit::report::schema().into_bytes(),
            Self::Schema { document: Document::Why } => out = smaudit::report::why_schema().into_bytes(),
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
