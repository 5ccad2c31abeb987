//! Where output goes: the report to standard output or a file, everything else to standard error.

mod github;
mod open;

use std::fs::File;
use std::io::{self, IsTerminal as _, Write};
use std::path::Path;

use anstream::{AutoStream, ColorChoice};
use anyhow::Context as _;
use smaudit::Exit;
use smaudit::input::{is_url, write_object};
use smaudit::internals::escape::escape_text;
use smaudit::report::{Format, Gate, ModelReport, Report, RuleOutcome, SlimReport, Status, View, WhyReport};

use crate::cli::{AuditRequest, When};
use crate::interrupt;

/// Columns where there is no terminal to ask.
const DEFAULT_WIDTH: usize = 80;

/// How long, and how often, a reader of a pipe is waited for: two seconds in all.
#[cfg(unix)]
const READER_WAIT: std::time::Duration = std::time::Duration::from_millis(50);
#[cfg(unix)]
const READER_TRIES: u32 = 40;

/// Bytes of a report that are written at once.
const BUFFER: usize = 1 << 16;

/// Problems that are written to standard error; the report has them all.
const MESSAGES: usize = 10;

/// Writes the report where it is wanted, if it is.
pub(crate) fn write(report: &Report, request: &AuditRequest) -> anyhow::Result<()> {
    let Some(format) = request.format else { return Ok(()) };
    let view = View { width: width(request), ..request.view };
    if !format.is_for_people() {
        return write_while_made(request, |out| format.write(report, &view, out));
    }
    let mut text = Vec::new();
    format.write(report, &view, &mut text)?;
    if request.open {
        return open::page(request.output.as_deref(), &text, request);
    }
    match &request.output {
        Some(path) => write_file(path, &text, request.color),
        None if format == Format::Text => print_with(&text, stdout_color(request.color)),
        None => print(&text),
    }
}

/// Writes a text that is made already to where it is wanted.
pub(crate) fn report(output: Option<&Path>, text: &[u8], is_for_people: bool) -> anyhow::Result<()> {
    match output {
        Some(path) => write_file(path, text, When::Never),
        None if is_for_people => print_with(text, stdout_color(When::Auto)),
        None => print(text),
    }
}

/// Writes a page for a person to standard output.
pub(crate) fn page(text: &str) -> anyhow::Result<()> {
    print_with(text.as_bytes(), stdout_color(When::Auto))
}

/// Writes to standard output why a vertex is needed, for a person.
pub(crate) fn why(report: &WhyReport) -> anyhow::Result<()> {
    let mut text = Vec::new();
    report.write_text(columns(true), &mut text)?;
    print_with(&text, stdout_color(When::Auto))
}

/// Writes to standard output what became of models, for a person.
pub(crate) fn slim(report: &SlimReport) -> anyhow::Result<()> {
    let mut text = Vec::new();
    report.write_text(columns(true), &mut text)?;
    print_with(&text, stdout_color(When::Auto))
}

/// Writes a text to standard output as it is.
pub(crate) fn print(text: &[u8]) -> anyhow::Result<()> {
    print_with(text, ColorChoice::AlwaysAnsi)
}

/// Says on standard error what is wrong and what rules are broken, where the report that people read does not say so on
/// standard output: each message once. GitHub Actions gets its annotations always.
pub(crate) fn messages(report: &Report, request: &AuditRequest) {
    let is_said = request.output.is_none() && matches!(request.format, Some(Format::Text | Format::Markdown));
    if !is_said {
        report.unreadable.iter().for_each(|input| error(&input.message));
        report.models.iter().for_each(problems);
    }
    warnings(&report.gate, request);
    broken_rules(&report.gate, is_said, request);
}

/// Says which rules are broken, and what is odd about them.
pub(crate) fn rules(gate: &Gate, request: &AuditRequest) {
    warnings(gate, request);
    broken_rules(gate, false, request);
}

fn warnings(gate: &Gate, request: &AuditRequest) {
    if !request.quiet {
        let warnings = request.warnings.iter().chain(&gate.warnings);
        warnings.for_each(|warning| error(&format!("warning: {warning}")));
    }
}

/// Says what is wrong with a model, as far as anybody reads on.
pub(crate) fn problems(model: &ModelReport) {
    for problem in model.problems.iter().take(MESSAGES) {
        error(&format!("{}: {problem}", model.path));
    }
    if let Some(more @ 1..) = model.problems.len().checked_sub(MESSAGES) {
        error(&format!("{}: {more} more problems, all of them in the report", model.path));
    }
}

/// Quiet is about what is no error: a rule that only warns.
fn broken_rules(gate: &Gate, is_said: bool, request: &AuditRequest) {
    if std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true") {
        // In a log of theirs these are the messages.
        return github::annotations(gate).iter().for_each(|line| say(line));
    }
    let said = |rule: &&RuleOutcome| match rule.status {
        Status::Pass | Status::Unsure => false,
        Status::Warn => !request.quiet,
        Status::Fail => true,
    };
    for rule in gate.rules.iter().filter(said).filter(|_| !is_said) {
        error(&format!("{}: {}", rule.status.word(), rule.sentence()));
    }
}

/// Says what went wrong, with control characters made harmless.
pub(crate) fn error(message: &str) {
    say(&format!("smaudit: {}", escape_text(message)));
}

fn say(line: &str) {
    // Where standard error is closed there is nobody left to tell.
    let _ = writeln!(io::stderr(), "{line}");
}

fn width(request: &AuditRequest) -> usize {
    request.width.unwrap_or_else(|| columns(request.output.is_none()))
}

/// The columns of the terminal, where standard output is written to and is one.
pub(crate) fn columns(to_stdout: bool) -> usize {
    let asked = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let terminal = || match to_stdout {
        true if io::stdout().is_terminal() => terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)),
        _ => None,
    };
    asked.or_else(terminal).unwrap_or(DEFAULT_WIDTH)
}

fn stdout_color(when: When) -> ColorChoice {
    match when {
        // Knows of NO_COLOR, CLICOLOR and TERM=dumb.
        When::Auto => AutoStream::choice(&io::stdout()),
        When::Always => ColorChoice::AlwaysAnsi,
        When::Never => ColorChoice::Never,
    }
}

/// Writes a text to a file, or to standard output.
pub(crate) fn text(output: Option<&Path>, text: &[u8]) -> anyhow::Result<()> {
    output.map_or_else(|| print(text), |path| write_file(path, text, When::Never))
}

/// Lets a report be written while it is made, to where it is wanted; a closed pipe is success here as well.
pub(crate) fn stream(
    request: &AuditRequest,
    write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<Exit>,
) -> anyhow::Result<Exit> {
    match &request.output {
        Some(path) => fill_file(path, write).with_context(|| cannot_write(path)),
        None => write(&mut io::stdout()).context("cannot write to standard output"),
    }
}

/// Writes what only programs read, and may be hundreds of megabytes, without having all of it at once; there are no colours in it.
fn write_while_made(
    request: &AuditRequest,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> anyhow::Result<()> {
    let buffered = |out: &mut dyn Write| {
        let mut out = io::BufWriter::with_capacity(BUFFER, out);
        write(&mut out)?;
        out.flush()
    };
    if let Some(path) = &request.output {
        return fill_file(path, |file| buffered(file)).with_context(|| cannot_write(path));
    }
    match buffered(&mut io::stdout().lock()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write to standard output"),
    }
}

/// A closed pipe is success: whoever read the report has seen enough.
fn print_with(text: &[u8], color: ColorChoice) -> anyhow::Result<()> {
    let mut out = AutoStream::new(io::stdout().lock(), color);
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write to standard output"),
    }
}

/// Writes the whole report or nothing: into a file beside it, which then takes its name. What is there and is no
/// regular file (a pipe, `/dev/stdout`) is written to.
fn write_file(path: &Path, text: &[u8], color: When) -> anyhow::Result<()> {
    let text = if color == When::Always { text.into() } else { anstream::adapter::strip_bytes(text).into_vec() };
    fill_file(path, |file| file.write_all(&text)).with_context(|| cannot_write(path))
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write the report to {}; --output wants a file that can be written", path.display())
}

fn fill_file<T>(path: &Path, fill: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<T>) -> io::Result<T> {
    if is_url(path) {
        let mut contents = Vec::new();
        let filled = fill(&mut contents)?;
        write_object(path, contents.into()).map_err(io::Error::other)?;
        return Ok(filled);
    }
    match path.metadata() {
        Ok(metadata) if !metadata.is_file() => fill(&mut open_to_write(path)?),
        _ => replace_file(path, fill),
    }
}

/// Opens what is no regular file. To open a pipe that nobody reads would wait for ever; who starts a reader beside this run may need
/// a moment.
fn open_to_write(path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
        if path.metadata()?.file_type().is_fifo() {
            let probe = || File::options().write(true).custom_flags(libc::O_NONBLOCK).open(path);
            let mut tries = 0;
            // Kept open until the pipe is opened below: as long as there was a reader, that does not wait.
            let _probe = loop {
                match probe() {
                    Err(error) if error.raw_os_error() == Some(libc::ENXIO) && tries < READER_TRIES => tries += 1,
                    Err(error) if error.raw_os_error() == Some(libc::ENXIO) => {
                        return Err(io::Error::other("it is a pipe without a reader"));
                    }
                    other => break other?,
                }
                std::thread::sleep(READER_WAIT);
            };
            return File::options().write(true).open(path);
        }
    }
    File::options().write(true).open(path)
}

fn replace_file<T>(path: &Path, fill: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<T>) -> io::Result<T> {
    // A link's target is replaced, not the link.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Said without the temporary file's name, which nobody gave.
    let make = || temporary_file().tempfile_in(folder).map_err(|error| io::Error::from(error.kind()));
    let mut file = interrupt::removes(make)?;
    // What is replaced keeps its mode.
    let kept = path.metadata().ok().map(|metadata| metadata.permissions());
    let filled = fill(&mut file);
    let kept = kept.map_or(Ok(()), |permissions| file.as_file().set_permissions(permissions));
    let filled = filled.and_then(|filled| kept.map(|()| filled));
    interrupt::settles(|| {
        let filled = filled?;
        file.persist(&path).map(|_| filled).map_err(|error| error.error)
    })
}

fn temporary_file() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".smaudit-");
    // A report may be read by others, as far as the umask says so; a temporary file would be its owner's alone.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}
