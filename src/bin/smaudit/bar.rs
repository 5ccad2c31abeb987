//! The progress bar: on standard error, on a terminal, and only when the work takes long enough to wonder.
//!
//! One line says what is done now, of what, how far all of it is, and how fast. Of steps that are done side by side it
//! names the one that was begun last. A thread of its own draws, so that the line shows life also where a step has
//! nothing to tell for a while; it is there only where somebody may look.

use std::io::{self, IsTerminal as _};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
use smaudit::progress::{Progress, Step};
use smaudit::report::fit;

use crate::cli::When;
use crate::interrupt;

/// How long the work may take before a bar appears.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long the line stays as it is at most, and how often a second it changes at most.
const REFRESH: Duration = Duration::from_millis(100);
const REFRESH_RATE: u8 = 10;

/// The bar of a run, over all its models.
pub(crate) struct Bar {
    /// `None` where nobody wants one.
    shown: Option<Shown>,
}

/// A bar, what it stands for, and who draws it until this is dropped.
struct Shown {
    bar: ProgressBar,
    state: Mutex<State>,
    _drawing: Sender<()>,
}

/// What is to be seen.
#[derive(Default)]
struct State {
    /// The bytes of the models that are begun, and of those that are not.
    begun: u64,
    ahead: u64,
    /// The steps that are under way, the last one last.
    steps: Vec<(Step, String)>,
    layout: Option<Layout>,
}

impl State {
    fn bytes(&self) -> u64 {
        self.begun.saturating_add(self.ahead)
    }
}

impl Bar {
    /// A bar when it is wanted.
    pub(crate) fn new(when: When, quiet: bool) -> Self {
        let wanted = match when {
            When::Auto => !quiet && io::stderr().is_terminal(),
            When::Always => true,
            When::Never => false,
        };
        let patience = if when == When::Always { Duration::ZERO } else { PATIENCE };
        Self { shown: wanted.then(|| Shown::new(patience)) }
    }

    /// Begins work on so many bytes; what was done before does not count any more.
    pub(crate) fn restart(&self, bytes: u64) {
        self.with(|shown, state| {
            (state.begun, state.ahead) = (0, bytes);
            shown.bar.reset();
            shown.bar.set_length(bytes);
            shown.lay_out(state);
        });
    }

    fn with(&self, act: impl FnOnce(&Shown, &mut State)) {
        if let Some(shown) = &self.shown {
            act(shown, &mut shown.state.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

impl Drop for Bar {
    /// Wipes the line off.
    fn drop(&mut self) {
        self.with(|shown, _| {
            shown.bar.finish_and_clear();
            interrupt::is_cleared();
        });
    }
}

impl Shown {
    fn new(patience: Duration) -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
        interrupt::clears(&bar);
        let state = Mutex::new(State { layout: Some(lay_out(&bar, None, false)), ..State::default() });
        Self { _drawing: draw(bar.clone(), patience), bar, state }
    }

    /// Says what is done now, in the columns that there are.
    fn lay_out(&self, state: &mut State) {
        let layout = lay_out(&self.bar, state.layout, state.bytes() > 0);
        state.layout = Some(layout);
        // Between two steps the line stays as it is.
        if let Some((step, of)) = state.steps.last() {
            self.bar.set_message(layout.message(*step, of));
        }
    }
}

/// Gives the bar the layout that it should have, where that is not the one `before`.
fn lay_out(bar: &ProgressBar, before: Option<Layout>, measured: bool) -> Layout {
    let layout = Layout { columns: usize::from(Page(Term::stderr()).width()), measured };
    if before != Some(layout) {
        bar.set_style(layout.style());
    }
    layout
}

/// Starts the thread that draws the bar after a while, and until what is returned is dropped.
fn draw(bar: ProgressBar, patience: Duration) -> Sender<()> {
    let (sender, dropped) = channel::<()>();
    let show = |bar: &ProgressBar| {
        bar.set_draw_target(ProgressDrawTarget::term_like_with_hz(Box::new(Page(Term::stderr())), REFRESH_RATE));
    };
    if patience.is_zero() {
        show(&bar);
    }
    // Where there can be no thread there is no bar, which is no reason not to audit.
    let _ = thread::Builder::new().name("progress".to_owned()).spawn(move || {
        let waits = |time| dropped.recv_timeout(time) == Err(RecvTimeoutError::Timeout);
        if !patience.is_zero() {
            if !waits(patience) {
                return;
            }
            show(&bar);
        }
        while waits(REFRESH) {
            bar.tick();
        }
    });
    sender
}

/// What the bar is drawn on: standard error but for two columns. They are for the `^C` that a terminal shows, which would
/// begin a line of its own behind a full one, and the line above would stay. Standard error need not be a terminal.
#[derive(Debug)]
struct Page(Term);

impl TermLike for Page {
    fn width(&self) -> u16 {
        self.0.size().1.saturating_sub(2)
    }
    fn move_cursor_up(&self, lines: usize) -> io::Result<()> {
        self.0.move_cursor_up(lines)
    }
    fn move_cursor_down(&self, lines: usize) -> io::Result<()> {
        self.0.move_cursor_down(lines)
    }
    fn move_cursor_left(&self, columns: usize) -> io::Result<()> {
        self.0.move_cursor_left(columns)
    }
    fn move_cursor_right(&self, columns: usize) -> io::Result<()> {
        self.0.move_cursor_right(columns)
    }
    fn write_line(&self, text: &str) -> io::Result<()> {
        self.0.write_line(text)
    }
    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.write_str(text)
    }
    fn clear_line(&self) -> io::Result<()> {
        self.0.clear_line()
    }
    fn flush(&self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Progress for Bar {
    fn start(&self, _model: &str, bytes: u64) {
        self.with(|shown, state| {
            state.begun = state.begun.saturating_add(bytes);
            state.ahead = state.ahead.saturating_sub(bytes);
            shown.bar.set_length(state.bytes());
        });
    }

    fn expect(&self, bytes: u64) {
        self.with(|shown, state| {
            // What came in before it was known how much there is, is no part of it.
            if state.bytes() == 0 {
                shown.bar.reset();
            }
            state.begun = state.begun.saturating_add(bytes);
            shown.bar.set_length(state.bytes());
            shown.lay_out(state);
        });
    }

    fn begin(&self, step: Step, of: &str) {
        self.with(|shown, state| {
            state.steps.push((step, of.to_owned()));
            shown.lay_out(state);
        });
    }

    fn end(&self, step: Step, of: &str) {
        self.with(|shown, state| {
            let ended = state.steps.iter().rposition(|(other, name)| *other == step && name == of);
            ended.map(|at| state.steps.remove(at));
            shown.lay_out(state);
        });
    }

    fn advance(&self, bytes: u64) {
        if let Some(shown) = &self.shown {
            shown.bar.inc(bytes);
        }
    }
}

/// How the line is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Layout {
    columns: usize,
    /// Whether it is known how many bytes there are.
    measured: bool,
}

/// The columns from which on there is room for a bar, and for a rate.
const WIDE: usize = 64;
const MEDIUM: usize = 30;

/// What stands behind the message, and the columns that it takes. Where there is room, with a sign of life for when the
/// figures stay as they are for a while.
const FIGURES: (usize, &str) =
    (34, " {spinner} {decimal_bytes:>9}/{decimal_total_bytes:9} {decimal_bytes_per_sec:>11}");
const SHARE_AND_RATE: (usize, &str) = (17, " {percent:>3}% {decimal_bytes_per_sec:>11}");
const SHARE: (usize, &str) = (5, " {percent:>3}%");
const BYTES_AND_RATE: (usize, &str) = (24, " {spinner} {decimal_bytes:>9} {decimal_bytes_per_sec:>11}");
const BYTES: (usize, &str) = (10, " {decimal_bytes:>9}");

impl Layout {
    /// The columns of the message, those of the bar with the space in front of it, and what comes behind them.
    fn parts(self) -> (usize, usize, &'static str) {
        let (behind, template) = match self.columns {
            WIDE.. if self.measured => FIGURES,
            MEDIUM.. if self.measured => SHARE_AND_RATE,
            _ if self.measured => SHARE,
            MEDIUM.. => BYTES_AND_RATE,
            _ => BYTES,
        };
        let room = self.columns.saturating_sub(behind);
        let message = if template == FIGURES.1 { room * 2 / 3 } else { room };
        (message, room - message, template)
    }

    fn style(self) -> ProgressStyle {
        let (message, bar, behind) = self.parts();
        let bar = if bar > 1 { format!(" {{bar:{}}}", bar - 1) } else { String::new() };
        let template = format!("{{msg:{message}!}}{bar}{behind}");
        // The template is ours; where indicatif should not take it, its own default will do.
        let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
        style.progress_chars("█▉▊▋▌▍▎▏ ")
    }

    /// What is done, and, as far as there is room, with what.
    fn message(self, step: Step, of: &str) -> String {
        let (columns, ..) = self.parts();
        let room = columns.saturating_sub(step.words().len() + 1);
        // Of a path that is too long the end says most; a few columns say nothing.
        let end = of.rsplit('/').next().filter(|end| !end.is_empty());
        let name = if fit(of, room) == fit(of, usize::MAX) { of } else { end.unwrap_or(of) };
        if of.is_empty() || room < 6 {
            step.words().to_owned()
        } else {
            format!("{} {}", step.words(), fit(name, room))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// So many columns, and what is written on them.
    #[derive(Debug)]
    struct Paper(u16, Arc<Mutex<String>>);

    impl TermLike for Paper {
        fn width(&self) -> u16 {
            self.0
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.1.lock().unwrap().push_str(text);
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }
        fn clear_line(&self) -> io::Result<()> {
            self.1.lock().unwrap().clear();
            Ok(())
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The line in so many columns, when 118.3 of 261.2 MB are done, or when nobody knows of how many.
    fn line(columns: u16, measured: bool, step: Step, of: &str) -> String {
        let written = Arc::default();
        let target = ProgressDrawTarget::term_like(Box::new(Paper(columns, Arc::clone(&written))));
        let bar = ProgressBar::with_draw_target(Some(261_200_000), target);
        let layout = Layout { columns: usize::from(columns), measured };
        bar.set_style(layout.style());
        bar.set_message(layout.message(step, of));
        bar.set_position(118_300_000);
        bar.tick();
        let line = written.lock().unwrap();
        line.clone()
    }

    #[test]
    fn a_line_says_what_is_done_how_far_all_of_it_is_and_how_fast() {
        let wide = line(80, true, Step::Charging, "my_model");
        assert!(wide.starts_with("charging my_model  ") && wide.contains('█'), "{wide}");
        assert!(wide.contains(" 118.30 MB/261.20 MB ") && wide.ends_with("B/s"), "{wide}");
        let narrow = line(40, true, Step::Charging, "my_model");
        assert!(narrow.starts_with("charging my_model  ") && narrow.contains("  45% "), "{narrow}");
        let unmeasured = line(80, false, Step::Receiving, "standard input");
        assert!(unmeasured.starts_with("receiving standard input "), "{unmeasured}");
        assert!(unmeasured.contains(" 118.30 MB ") && !unmeasured.contains("261"), "{unmeasured}");
    }

    #[test]
    fn no_terminal_is_so_narrow_that_a_line_is_broken() {
        let step = Step::FollowingSignatures;
        for columns in 12..200 {
            for measured in [true, false] {
                let line = line(columns, measured, step, "models/\u{1b}[2J/a name of \u{4e00} that has no end, or so");
                let width = console::measure_text_width(&line);
                assert!(width == usize::from(columns) && !line.contains(['\n', '\u{1b}']), "{columns}: {line:?}");
            }
        }
    }

    #[test]
    fn of_a_long_path_the_end_is_shown() {
        let line = line(80, true, Step::Charging, "/a/folder/of/folders/of/models/my_model");
        assert!(line.starts_with("charging my_model "), "{line}");
    }
}
