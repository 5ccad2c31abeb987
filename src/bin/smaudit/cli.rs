//! The command line: what was typed becomes what is meant. clap is known here only.

mod args;
mod config;
mod fits;
mod pages;

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use clap::{CommandFactory as _, ValueEnum};
use smaudit::gate::{Defaults, Rule, Rules};
use smaudit::input::{Depth, check_url, is_url};
use smaudit::internals::suggest::nearest;
use smaudit::report::{DiffFormat, Format, Page, ROOM, SlimLevel, Sort, View};
use smaudit::{Dimension, check_by};

use args::{AuditArgs, Cli, Command, DiffArgs};
use fits::Asked;
pub(crate) use pages::write_pages;

/// How the answer of `smaudit why` is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum WhyFormat {
    /// For a person
    Text,
    /// One document, with the models that do not have it as well
    Json,
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

/// What is meant: one task.
#[derive(Debug)]
pub(crate) enum Request {
    /// Audit models and write a report.
    Audit(Box<AuditRequest>),
    /// Say why a vertex is needed.
    Why(WhyRequest),
    /// Say what a finding means; without an id, which there are.
    Explain(Option<String>),
    /// Write smaller models.
    Slim(SlimRequest),
    /// Write the figures of a model down.
    Baseline(BaselineRequest),
    /// Say what changed from one model to another.
    Diff(Box<DiffRequest>),
    /// Write the manual pages into a directory.
    Pages(PathBuf),
    /// Write a text that does not depend on any model.
    Print(Vec<u8>),
}

/// What to ask of which models.
#[derive(Debug)]
pub(crate) struct WhyRequest {
    /// Where the models are.
    pub(crate) path: PathBuf,
    /// What is asked about.
    pub(crate) name: String,
    /// How the answer is written.
    pub(crate) format: WhyFormat,
}

/// Which models are to become smaller, how, and where they are written.
#[derive(Debug)]
pub(crate) struct SlimRequest {
    /// Where the models are; at least one.
    pub(crate) paths: Vec<PathBuf>,
    /// The directory that is to be written.
    pub(crate) output: PathBuf,
    /// How.
    pub(crate) options: smaudit::internals::slim::Options,
    /// Nothing is written.
    pub(crate) dry_run: bool,
    /// One document in the place of text.
    pub(crate) json: bool,
    /// Progress on standard error.
    pub(crate) progress: When,
}

/// Of which model figures are written down, and where.
#[derive(Debug)]
pub(crate) struct BaselineRequest {
    /// The model.
    pub(crate) path: PathBuf,
    /// The file; `None` for standard output.
    pub(crate) output: Option<PathBuf>,
}

/// Which models are compared, and how that is written.
#[derive(Debug)]
pub(crate) struct DiffRequest {
    /// At least one.
    pub(crate) paths: Vec<PathBuf>,
    /// What to ask of each model.
    pub(crate) options: smaudit::Options,
    /// How much of models in stores is read.
    pub(crate) depth: Depth,
    /// What to ask of two.
    pub(crate) diff: smaudit::diff::Options,
    /// What must hold of the new one.
    pub(crate) rules: Rules,
    /// How it is written.
    pub(crate) format: DiffFormat,
    /// Rows of each list; `None` for what fits.
    pub(crate) top: Option<usize>,
    /// `--width`.
    pub(crate) width: Option<usize>,
    /// A file instead of standard output.
    pub(crate) output: Option<PathBuf>,
}

/// What to audit, and where the report goes.
#[derive(Debug)]
pub(crate) struct AuditRequest {
    /// At least one.
    pub(crate) paths: Vec<PathBuf>,
    /// What to ask.
    pub(crate) options: smaudit::Options,
    /// How much of models in stores is read.
    pub(crate) depth: Depth,
    /// What must hold.
    pub(crate) rules: Rules,
    /// How the report is written; `None` where nobody wants one.
    pub(crate) format: Option<Format>,
    /// What a person sees of it; columns only where `--width` said how many.
    pub(crate) view: View,
    /// `--width`.
    pub(crate) width: Option<usize>,
    /// What growth is measured from.
    pub(crate) baseline: Option<PathBuf>,
    /// A file of lines whose models are left out.
    pub(crate) resume: Option<PathBuf>,
    /// What is odd about what was asked.
    pub(crate) warnings: Vec<String>,
    /// What several models are sorted by; `None` for the order of the command line.
    pub(crate) sort: Option<Sort>,
    /// A file instead of standard output.
    pub(crate) output: Option<PathBuf>,
    /// Whether the report is opened in a browser.
    pub(crate) open: bool,
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

/// What is said of a default that would change what rules see.
const MIN_DUPLICATE_IS_NOT_USED: &str =
    "`min-duplicate` of [defaults] is not used where rules are checked; --min-duplicate is, in every format";

/// What is said where there would be nothing to open.
const OPEN_WANTS_A_PAGE: &str =
    "--open does nothing for this: it opens a page in a file; leave --format out, and --output too or give it a file";

/// Reads the command line. clap itself ends the process on `--help`, `--version` and what it cannot understand.
pub(crate) fn request() -> anyhow::Result<Request> {
    let matches = Cli::command().get_matches();
    let format_given = matches.value_source("format") == Some(clap::parser::ValueSource::CommandLine);
    let cli = <Cli as clap::FromArgMatches>::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let typed = typed(&cli);
    typed.into_iter().try_for_each(|path| check_url(path).map_err(|error| anyhow!(error)))?;
    match cli.command {
        None => cli.audit.request(format_given).map(|request| Request::Audit(Box::new(request))),
        Some(Command::Why { path, name, format, json }) => {
            let format = if json { WhyFormat::Json } else { format };
            Ok(Request::Why(WhyRequest { path, name, format }))
        }
        Some(Command::Slim {
            paths,
            output,
            level,
            tags,
            signature: signatures,
            keep_function: functions,
            strip,
            skip,
            dry_run,
            json,
            progress,
        }) => {
            let wanted = smaudit::internals::slim::Wanted { tags, signatures, functions };
            if level != SlimLevel::Serving && !wanted.is_all() {
                bail!("--tags, --signature and --keep-function are for --level serving");
            }
            if level == SlimLevel::Safe && strip {
                bail!("--strip is for --level inference and serving: it leaves out what messages say");
            }
            let options = smaudit::internals::slim::Options { level, skip, strip, wanted };
            Ok(Request::Slim(SlimRequest { paths, output, options, dry_run, json, progress }))
        }
        Some(Command::Explain { id }) => Ok(Request::Explain(id)),
        Some(Command::Completions { shell }) => Ok(Request::Print(pages::completions(shell))),
        Some(Command::Man { directory: None }) => pages::man().map(Request::Print),
        Some(Command::Man { directory: Some(directory) }) => Ok(Request::Pages(directory)),
        Some(Command::Baseline { path, output }) => {
            Ok(Request::Baseline(BaselineRequest { path, output: to_file(output) }))
        }
        Some(Command::Diff(args)) => args.request().map(|request| Request::Diff(Box::new(request))),
        Some(Command::Schema { document }) => Ok(Request::Print(pages::schema(document))),
    }
}

/// All paths that were typed and may be URLs.
fn typed(cli: &Cli) -> Vec<&Path> {
    let mut typed: Vec<&PathBuf> = match &cli.command {
        None => cli.audit.paths.iter().chain(&cli.audit.baseline).chain(&cli.audit.output).collect(),
        Some(Command::Why { path, .. }) => vec![path],
        Some(Command::Slim { paths, output, .. }) => paths.iter().chain([output]).collect(),
        Some(Command::Baseline { path, output }) => vec![path, output],
        Some(Command::Diff(args)) => args.paths.iter().chain(&args.output).collect(),
        Some(_) => Vec::new(),
    };
    typed.extend(cli.audit.config.iter());
    typed.into_iter().map(PathBuf::as_path).collect()
}

/// How much of models in stores is read: what was asked for, as far as it has an effect and fits the rest.
fn depth(asked: Option<Depth>, paths: &[PathBuf], verify: bool) -> anyhow::Result<Depth> {
    let has_url = paths.iter().any(|path| is_url(path));
    match asked {
        Some(_) if !has_url => bail!("--remote-depth is for models at URLs, and none of these is one"),
        Some(depth) if verify && depth != Depth::Full => {
            bail!("--verify reads all of a model, so it does not go with --remote-depth {}", depth.name())
        }
        None if verify => Ok(Depth::Full),
        asked => Ok(asked.unwrap_or_default()),
    }
}

/// A file to write to; none where that is standard output.
fn to_file(output: PathBuf) -> Option<PathBuf> {
    (!is_standard_output(&output)).then_some(output)
}

fn is_standard_output(output: &Path) -> bool {
    STANDARD_OUTPUT.iter().any(|name| output == Path::new(name))
}

/// Says that a command was probably meant, where a path that is not there is called like one.
pub(crate) fn command_hint(path: &Path) -> String {
    let commands = pages::command_names();
    let name = path.to_str().filter(|name| !name.contains(['/', '.']) && !path.exists());
    let meant = name.and_then(|name| nearest(name, commands.iter().map(String::as_str)));
    meant.map(|meant| format!("; did you mean the command `{meant}`?")).unwrap_or_default()
}

impl AuditArgs {
    fn request(mut self, format_given: bool) -> anyhow::Result<AuditRequest> {
        if self.open {
            let is_page = !format_given || self.format == Format::Html;
            let is_file = self.output.as_ref().is_none_or(|output| !is_standard_output(output));
            if !is_page || !is_file {
                return Err(anyhow!(OPEN_WANTS_A_PAGE));
            }
            self.format = Format::Html;
        }
        let wanted = !self.quiet || format_given || self.json || self.open || self.output.is_some();
        let format = wanted.then_some(if self.json { Format::Json } else { self.format });
        let config = config::read(self.config.as_deref())?;
        let rules = self.rules(config.rules);
        fits::check(&self.asked(format, &rules)).map_err(|error| anyhow!(error))?;
        let depth = depth(self.remote_depth, &self.paths, self.verify)?;
        if self.output.as_ref().is_some_and(|output| is_url(output)) && format == Some(Format::Jsonl) {
            bail!("--output: jsonl is written as the models finish, which no store takes; name a file and copy that");
        }
        if self.resume.is_some() && (format != Some(Format::Jsonl) || !self.paths.iter().any(|path| is_url(path))) {
            bail!("--resume is for --format jsonl of models at URLs");
        }
        if self.resume.is_some() && self.resume == self.output {
            bail!("--resume and --output are one file, which would lose its lines; append to it instead: >> FILE");
        }
        // A machine's format has what it has wherever it is run.
        let is_for_people = format.is_some_and(Format::is_for_people);
        let defaults = if is_for_people { config.defaults } else { Defaults::default() };
        let (mut options, table) = self.options(&defaults)?;
        let mut warnings = Vec::new();
        if let (None, Some(size)) = (self.min_duplicate, defaults.min_duplicate) {
            if rules.rules.is_empty() {
                options.min_duplicate = size;
            } else {
                // Else a rule would be broken in one format and hold in another.
                warnings.push(MIN_DUPLICATE_IS_NOT_USED.to_owned());
            }
        }
        Ok(AuditRequest {
            view: View {
                top: options.top,
                findings: self.findings.and_then(|shown| shown.0),
                page: self.page(table),
                sort: self.sort.unwrap_or_default(),
                ..View::default()
            },
            options: smaudit::Options {
                // A report for programs may be held against another one later.
                digests: matches!(format, Some(Format::Json | Format::Jsonl))
                    || rules.rules.iter().any(Rule::needs_names),
                ..options
            },
            depth,
            rules,
            warnings,
            format,
            width: self.width,
            sort: self.sort,
            resume: self.resume,
            paths: self.paths,
            output: self.output.and_then(to_file),
            open: self.open,
            baseline: self.baseline,
            quiet: self.quiet,
            color: self.color,
            progress: self.progress,
        })
    }

    /// The rules of the command line, then those of the configuration.
    fn rules(&self, configured: Rules) -> Rules {
        let single = [&self.max_avoidable, &self.max_duplication, &self.max_growth].into_iter().flatten();
        let rules = single.chain(&self.max_size).cloned().chain(configured.rules).collect();
        Rules { rules, ..configured }
    }

    fn page(&self, table: bool) -> Page {
        match (self.full, self.findings) {
            (true, _) => Page::Full,
            (false, Some(_)) => Page::Findings,
            (false, None) if table => Page::Table,
            (false, None) => Page::Brief,
        }
    }

    /// What was asked of the report, to be held against its format.
    fn asked(&self, format: Option<Format>, rules: &Rules) -> Asked {
        let mut dimensions = self.by.iter().chain(self.only.iter().map(|only| &only.dimension));
        Asked {
            format,
            by: !self.by.is_empty(),
            only: !self.only.is_empty(),
            top: self.top.is_some(),
            full: self.full,
            findings: self.findings.is_some(),
            sort: self.sort.is_some(),
            width: self.width.is_some(),
            color: self.color,
            min_duplicate: self.min_duplicate.is_some(),
            needs_duplicates: !rules.rules.is_empty() || dimensions.any(|d| *d == Dimension::Duplicate),
        }
    }

    /// What is asked of each model: on the command line, else by default, else what is usual; and whether that is a table.
    fn options(&self, defaults: &Defaults) -> anyhow::Result<(smaudit::Options, bool)> {
        let usual = smaudit::Options::default();
        // Findings are no part of a table: who asks for them does not want the usual one.
        let default_by = defaults.by.clone().filter(|_| self.findings.is_none());
        let by = if self.by.is_empty() { default_by } else { Some(self.by.clone()) };
        let table = by.is_some() || !self.only.is_empty();
        let by = by.unwrap_or(usual.by);
        check_by(&by).map_err(|error| anyhow!("--by {error}"))?;
        let min_duplicate = self.min_duplicate.unwrap_or(usual.min_duplicate);
        let top = self.top.or(defaults.top).or(usual.top);
        let treemap = (self.format == Format::Html).then_some(ROOM);
        let options =
            smaudit::Options { by, only: self.only.clone(), top, min_duplicate, verify: self.verify, treemap, ..usual };
        Ok((options, table))
    }
}

impl DiffArgs {
    fn request(self) -> anyhow::Result<DiffRequest> {
        let format = if self.json { DiffFormat::Json } else { self.format };
        if self.top.is_some() && !format.is_for_people() {
            bail!("--top is for text and markdown: {} is complete", format.name());
        }
        if self.width.is_some() && format != DiffFormat::Text {
            bail!("--width is for text");
        }
        let configured = match &self.config {
            Some(path) => config::read(Some(path))?.rules,
            None => Rules::default(),
        };
        let rules = self.max_growth.clone().into_iter().chain(configured.rules).collect();
        let depth = depth(self.remote_depth, &self.paths, false)?;
        let mut options =
            smaudit::Options { digests: true, file_digests: true, nodes: true, ..smaudit::Options::default() };
        if !self.by.is_empty() {
            check_by(&self.by).map_err(|error| anyhow!("--by {error}"))?;
            options.by.clone_from(&self.by);
        }
        Ok(DiffRequest {
            diff: smaudit::diff::Options { min_delta: self.min_delta.unwrap_or(0), by: self.by.clone() },
            options,
            depth,
            rules: Rules { rules, ..configured },
            format,
            top: self.top,
            width: self.width,
            output: self.output.and_then(to_file),
            paths: self.paths,
        })
    }
}
