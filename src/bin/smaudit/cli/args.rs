//! The arguments as they are typed, which are also the help, the manual page and the completions.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use smaudit::CAUSES;
use smaudit::gate::{Rule, limit};
use smaudit::input::Depth;
use smaudit::report::{DiffFormat, Format, SlimLevel, SlimStep, Sort};
use smaudit::{Dimension, Only};

use super::{When, WhyFormat};

/// Says why a TensorFlow SavedModel is as big as it is, and what can be avoided
#[derive(Debug, Parser)]
#[command(name = "smaudit", version, arg_required_else_help = true)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = format!("Examples:\n{EXAMPLES}\n{LIMITS}\nExit codes: {EXIT_CODES}"))]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) audit: AuditArgs,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

/// What to try first.
pub(super) const EXAMPLES: &str = "  \
  smaudit ./my_model                           where the bytes are, what can go
  smaudit ./my_model --full                    everything that is known
  smaudit ./my_model --by section,function     which functions they are in
  smaudit ./my_model --by node --only op=Const the constants
  smaudit ./base                               a tree of versions, in one table
  smaudit ./my_model --open                    see it in a browser
  smaudit ./my_model --json | jq '.models[0].categories'
  smaudit ./my_model --max-avoidable 5%        fail when more of it can go
  smaudit baseline ./my_model -o size.json     a file to commit, and later:
  smaudit ./my_model --baseline size.json --max-growth 1%
  smaudit explain optimizer-state              what a finding means, what to do
";

/// What a limit is.
pub(super) const LIMITS: &str = "\
A limit is a share of the model (5%) or a size (10MB, 10MiB, 5000); exactly at
it passes. More rules, and duplicates that may stay, can be in smaudit.toml.
";

/// How a run ends.
pub(super) const EXIT_CODES: &str = "\
0 audited, every rule holds; 1 audited, a rule is broken; 2 wrong
usage or configuration; 3 an input cannot be read, is damaged or not a whole
model (what could be read is still reported, and the rules are held against it);
70 a mistake in smaudit.";

#[derive(Debug, Args)]
pub(super) struct AuditArgs {
    /// A SavedModel's directory, its saved_model.pb, a tree that holds several, an archive (.tar, .tar.gz, .tar.zst,
    /// .zip), - for an archive on standard input, or the URL of one of these (s3://, gs://, az://, https://)
    #[arg(required = true, value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,

    /// Break bytes down by these, outermost first, and for several models by model before all; `scope` given again goes
    /// one folder deeper [default: category]
    #[arg(short = 'd', long, value_name = "DIM", value_delimiter = ',', help_heading = SHOW)]
    #[arg(value_parser = dimension_parser())]
    pub(super) by: Vec<Dimension>,

    /// Of the breakdown only the bytes whose name in a dimension matches a pattern (*, ?, [ab]); given again, all must match
    #[arg(long, value_name = "DIM=GLOB", value_parser = only, help_heading = SHOW)]
    pub(super) only: Vec<Only>,

    /// Rows a level, 0 for all [default: 20, and 8 of the other lists, in text and markdown; else all]
    #[arg(short = 'n', long, value_name = "N", help_heading = SHOW)]
    pub(super) top: Option<usize>,

    /// Everything that is known, page by page
    #[arg(long, help_heading = SHOW)]
    pub(super) full: bool,

    /// The causes of size instead, the largest ones with what to do; `all` also shows what each rests on
    #[arg(long, value_name = "N|all", value_parser = findings, help_heading = SHOW)]
    pub(super) findings: Option<FindingsShown>,

    /// The order of several models [default: avoidable in text and markdown, else that of the command line]
    #[arg(long, value_name = "ORDER", value_parser = sort_parser(), help_heading = SHOW)]
    pub(super) sort: Option<Sort>,

    /// Read every tensor of a checkpoint and check its CRC32C, every message of the main file, and whether fingerprint.pb
    /// fits the model
    #[arg(long, help_heading = SHOW)]
    pub(super) verify: bool,

    /// How much of a model at a URL is read [default: index]
    #[arg(long, value_name = "DEPTH", value_parser = depth_parser(), help_heading = SHOW)]
    pub(super) remote_depth: Option<Depth>,

    /// Leave out the models at URLs that a file of --format jsonl has already, as they are now
    #[arg(long, value_name = "FILE", help_heading = SHOW)]
    pub(super) resume: Option<PathBuf>,

    /// The smallest payload that is compared for duplicates [default: 1KiB]
    #[arg(long, value_name = "SIZE", value_parser = limit::size, allow_hyphen_values = true, help_heading = SHOW)]
    pub(super) min_duplicate: Option<u64>,

    /// How the report is written
    #[arg(short, long, value_name = "FORMAT", default_value = "text", help_heading = OUTPUT)]
    #[arg(value_parser = format_parser())]
    pub(super) format: Format,

    /// The same as --format json
    #[arg(long, conflicts_with = "format", help_heading = OUTPUT)]
    pub(super) json: bool,

    /// Write the report as a page, into a temporary file unless --output names one, and open it in a browser
    #[arg(long, conflicts_with = "json", help_heading = OUTPUT)]
    pub(super) open: bool,

    /// Write the report there, a file or a URL; - is standard output [default: -]
    #[arg(short, long, value_name = "FILE", help_heading = OUTPUT)]
    pub(super) output: Option<PathBuf>,

    /// No report unless --format, --json or --output asks for it, and no messages but errors
    #[arg(short, long, help_heading = OUTPUT)]
    pub(super) quiet: bool,

    /// Colour in the report; auto heeds NO_COLOR
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = When::Auto, help_heading = OUTPUT)]
    pub(super) color: When,

    /// A progress bar on standard error; auto shows it on a terminal when an audit takes long
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = When::Auto, help_heading = OUTPUT)]
    pub(super) progress: When,

    /// The columns of the report, at least 60 [default: those of the terminal, else 80]
    #[arg(long, value_name = "N", value_parser = width, help_heading = OUTPUT)]
    pub(super) width: Option<usize>,

    /// Fail when more than a share (5%) or a size (10MB) can be avoided: what all findings say can go
    #[arg(long, value_name = "LIMIT", value_parser = Rule::max_avoidable, allow_hyphen_values = true)]
    #[arg(help_heading = CHECKS)]
    pub(super) max_avoidable: Option<Rule>,

    /// Fail when redundant bytes exceed a share (5%) or a size (10MB)
    #[arg(long, value_name = "LIMIT", value_parser = Rule::max_duplication, allow_hyphen_values = true)]
    #[arg(help_heading = CHECKS)]
    pub(super) max_duplication: Option<Rule>,

    /// Fail when the model, or one category of it, is larger; may be given again
    #[arg(long, value_name = "[CATEGORY=]LIMIT", value_parser = Rule::max_size, allow_hyphen_values = true)]
    #[arg(help_heading = CHECKS)]
    pub(super) max_size: Vec<Rule>,

    /// What growth is measured from: a file that `smaudit baseline` wrote, or a model
    #[arg(long, value_name = "FILE|MODEL", help_heading = CHECKS)]
    pub(super) baseline: Option<PathBuf>,

    /// Fail when the model has grown by more than a share of its baseline (1%) or a size
    #[arg(long, value_name = "LIMIT", value_parser = Rule::max_growth, allow_hyphen_values = true)]
    #[arg(help_heading = CHECKS)]
    pub(super) max_growth: Option<Rule>,

    /// Rules and defaults [default: smaudit.toml in this directory or around it, up to the repository's root]
    #[arg(long, value_name = "FILE", help_heading = CHECKS)]
    pub(super) config: Option<PathBuf>,
}

const SHOW: &str = "What to show";
const OUTPUT: &str = "Output";
const CHECKS: &str = "Checks";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Say how a signature comes to need a node, function, variable or asset
    Why {
        /// A SavedModel's directory, its saved_model.pb, a tree that holds several, an archive, or -
        path: PathBuf,
        /// A name, or the end of one if no other name ends so
        #[arg(value_name = "NAME")]
        name: String,
        /// How the answer is written
        #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t = WhyFormat::Text)]
        format: WhyFormat,
        /// The same as --format json
        #[arg(long, conflicts_with = "format")]
        json: bool,
    },
    /// Write a smaller model that serves the same, proven before it appears
    Slim {
        /// SavedModels: a directory, its saved_model.pb, an archive, or a tree that holds several
        #[arg(value_name = "MODEL", required = true)]
        paths: Vec<PathBuf>,
        /// The directory to write, or an archive: .tar, .tar.gz, .tgz or .zip. It must not be there; of several models each has
        /// a folder in it
        #[arg(short, long, value_name = "DIR", value_hint = ValueHint::AnyPath)]
        output: PathBuf,
        /// What the smaller model may do without
        #[arg(long, value_name = "LEVEL", default_value = "safe", value_parser = level_parser())]
        level: SlimLevel,
        /// With --level serving: the tags of the metagraph that is kept; without it that of `serve`
        #[arg(long, value_name = "TAG", value_delimiter = ',')]
        tags: Vec<String>,
        /// With --level serving: a signature that is kept; may be given again, without it all are
        #[arg(long, value_name = "NAME")]
        signature: Vec<String>,
        /// With --level serving: a function of Python that is kept, by the attributes that lead to it; may be given again
        #[arg(long, value_name = "NAME")]
        keep_function: Vec<String>,
        /// Leave out shapes of nodes in functions, which loaders find again, and names of arguments, which messages have; not
        /// with --level safe
        #[arg(long)]
        strip: bool,
        /// Leave a step out; may be given again
        #[arg(long, value_name = "STEP", value_delimiter = ',', value_parser = step_parser())]
        skip: Vec<SlimStep>,
        /// Say what would be written, exactly, and write nothing
        #[arg(long)]
        dry_run: bool,
        /// One document for a script
        #[arg(long)]
        json: bool,
        /// A progress bar on standard error
        #[arg(long, value_name = "WHEN", value_enum, default_value_t = When::Auto)]
        progress: When,
    },
    /// Say what a finding means, how it is known, what to do and when not to
    Explain {
        /// The finding; without one, all are listed
        #[arg(value_parser = PossibleValuesParser::new(CAUSES.iter().map(|cause| cause.id)), hide_possible_values = true)]
        id: Option<String>,
    },
    /// Write the figures of a model to a small file to commit, which --baseline compares with
    Baseline {
        /// The model
        #[arg(value_name = "MODEL")]
        path: PathBuf,
        /// The file; - is standard output
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Say what changed from one model to another, or over the versions of one
    Diff(Box<DiffArgs>),
    /// Print the JSON Schema of a document that smaudit writes
    Schema {
        /// The document
        #[arg(value_enum, default_value_t = Document::Report)]
        document: Document,
    },
    /// Print the completion script of a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page, or write one for each command
    Man {
        /// The directory to write them to
        #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
        directory: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 whatever changed; 1 a rule is broken; 2 wrong usage or configuration;\n3 an input cannot be read, is damaged or not a whole model; 70 a mistake in smaudit."
)]
pub(super) struct DiffArgs {
    /// Models, archives or JSON reports of smaudit, or their URLs, the oldest first; one tree, or one report, stands for its versions in order
    #[arg(required = true, value_name = "OLD NEW|BASE")]
    pub(super) paths: Vec<PathBuf>,

    /// Join the breakdowns by these dimensions instead, outermost first
    #[arg(short = 'd', long, value_name = "DIM", value_delimiter = ',', help_heading = SHOW)]
    #[arg(value_parser = dimension_parser())]
    pub(super) by: Vec<Dimension>,

    /// How much of a model at a URL is read [default: index]
    #[arg(long, value_name = "DEPTH", value_parser = depth_parser(), help_heading = SHOW)]
    pub(super) remote_depth: Option<Depth>,

    /// Rows that changed by less are one row, on each level
    #[arg(long, value_name = "SIZE", value_parser = limit::size, allow_hyphen_values = true, help_heading = SHOW)]
    pub(super) min_delta: Option<u64>,

    /// Rows of each list in text and markdown, 0 for all [default: what fits on a screen; 20 in markdown]
    #[arg(short = 'n', long, value_name = "N", help_heading = SHOW)]
    pub(super) top: Option<usize>,

    /// How the diff is written
    #[arg(short, long, value_name = "FORMAT", default_value = "text", help_heading = OUTPUT)]
    #[arg(value_parser = diff_format_parser())]
    pub(super) format: DiffFormat,

    /// The same as --format json
    #[arg(long, conflicts_with = "format", help_heading = OUTPUT)]
    pub(super) json: bool,

    /// Write the diff there; - is standard output [default: -]
    #[arg(short, long, value_name = "FILE", help_heading = OUTPUT)]
    pub(super) output: Option<PathBuf>,

    /// The columns of the diff, at least 60 [default: those of the terminal, else 80]
    #[arg(long, value_name = "N", value_parser = width, help_heading = OUTPUT)]
    pub(super) width: Option<usize>,

    /// Fail when the new model has grown by more than a share of the old one (1%) or a size
    #[arg(long, value_name = "LIMIT", value_parser = Rule::max_growth, allow_hyphen_values = true)]
    #[arg(help_heading = CHECKS)]
    pub(super) max_growth: Option<Rule>,

    /// Rules for the new model, those on `growth` against the old one; no other file is looked for
    #[arg(long, value_name = "FILE", help_heading = CHECKS)]
    pub(super) config: Option<PathBuf>,
}

/// The documents that have a JSON Schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Document {
    /// That of an audit
    Report,
    /// That of `smaudit why --json`
    Why,
    /// That of `smaudit slim --json`
    Slim,
    /// That of `smaudit diff --json`
    Diff,
    /// That of `smaudit baseline`
    Baseline,
}

/// A parser of one of these names, each with what it is.
fn one_of<T, const N: usize>(
    all: [T; N],
    name: fn(T) -> &'static str,
    about: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + 'static,
{
    let named = move |text: String| all.into_iter().find(|value| name(*value) == text).ok_or("not one of these");
    PossibleValuesParser::new(all.map(|value| PossibleValue::new(name(value)).help(about(value)))).try_map(named)
}

fn dimension_parser() -> impl TypedValueParser<Value = Dimension> {
    one_of(Dimension::ALL, Dimension::name, Dimension::about)
}

fn format_parser() -> impl TypedValueParser<Value = Format> {
    one_of(Format::ALL, Format::name, Format::about)
}

fn depth_parser() -> impl TypedValueParser<Value = Depth> {
    one_of(Depth::ALL, Depth::name, Depth::about)
}

fn level_parser() -> impl TypedValueParser<Value = SlimLevel> {
    one_of(SlimLevel::ALL, SlimLevel::name, SlimLevel::about)
}

fn step_parser() -> impl TypedValueParser<Value = SlimStep> {
    one_of(SlimStep::ALL, SlimStep::name, SlimStep::about)
}

fn diff_format_parser() -> impl TypedValueParser<Value = DiffFormat> {
    one_of(DiffFormat::ALL, DiffFormat::name, DiffFormat::about)
}

fn sort_parser() -> impl TypedValueParser<Value = Sort> {
    one_of(Sort::ALL, Sort::name, Sort::about)
}

/// How many findings; `None` for all.
#[derive(Debug, Clone, Copy)]
pub(super) struct FindingsShown(pub(super) Option<usize>);

fn findings(text: &str) -> Result<FindingsShown, String> {
    match text {
        "all" => Ok(FindingsShown(None)),
        _ => text.parse().map(|number| FindingsShown(Some(number))).map_err(|_| "write a number, or `all`".to_owned()),
    }
}

/// A dimension, `=` and a pattern.
fn only(text: &str) -> Result<Only, String> {
    let (dimension, glob) =
        text.split_once('=').ok_or("write a dimension, `=` and a pattern of names: `op=Const`, `scope=encoder*`")?;
    let dimension = dimension.parse().map_err(|error| format!("{error}"))?;
    Ok(Only { dimension, glob: glob.parse().map_err(|error| format!("{error}"))? })
}

/// Columns in which figures and names have room: as many as a terminal can say that it has, as a line is made at once.
fn width(text: &str) -> Result<usize, String> {
    match text.parse().map_err(|_| "write a number of columns")? {
        0..60 => Err("a report has at least 60 columns".to_owned()),
        columns if columns > usize::from(u16::MAX) => Err(format!("a report has at most {} columns", u16::MAX)),
        columns => Ok(columns),
    }
}
