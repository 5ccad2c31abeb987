//! The progress bar: on standard error, on a terminal, and only when the audits take long enough to wonder.

use std::io::IsTerminal as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use smaudit::progress::Progress;

use crate::cli::{AuditRequest, When};

/// How long audits may take before a bar appears.
const PATIENCE: Duration = Duration::from_millis(500);

/// How often a second a bar is drawn at most.
const REFRESH_RATE: u8 = 10;

const TEMPLATE: &str = "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec}";

/// The bar of a run, over all its models.
#[derive(Debug)]
pub(crate) struct Bar {
    patience: Duration,
    /// `None` where nobody wants one.
    shown: Option<Mutex<Shown>>,
}

/// A bar and what it stands for.
#[derive(Debug)]
struct Shown {
    bar: ProgressBar,
    since: Instant,
    /// The bytes of the models that are begun, and of those that are not.
    begun: u64,
    ahead: u64,
}

impl Bar {
    /// The bar as `request` wants it, over models of so many bytes.
    pub(crate) fn new(request: &AuditRequest, bytes: u64) -> Self {
        let wanted = match request.progress {
            When::Auto => !request.quiet && std::io::stderr().is_terminal(),
            When::Always => true,
            When::Never => false,
        };
        let patience = if request.progress == When::Always { Duration::ZERO } else { PATIENCE };
        Self { patience, shown: wanted.then(|| Mutex::new(Shown::new(bytes))) }
    }

    /// Takes the bar away.
    pub(crate) fn clear(&self) {
        self.with(|shown| shown.bar.finish_and_clear());
    }

    fn with(&self, act: impl FnOnce(&mut Shown)) {
        if let Some(shown) = &self.shown {
            act(&mut shown.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

impl Shown {
    fn new(bytes: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::hidden());
        // The template is ours; where indicatif should not take it, its own default will do.
        bar.set_style(ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar, since: Instant::now(), begun: 0, ahead: bytes }
    }
}

impl Progress for Bar {
    /// A model may have more to read than its files' bytes: `--verify` reads tensors again.
    fn start(&self, model: &str, bytes: u64) {
        self.with(|shown| {
            shown.begun = shown.begun.saturating_add(bytes);
            shown.ahead = shown.ahead.saturating_sub(bytes);
            shown.bar.set_length(shown.begun.saturating_add(shown.ahead));
            shown.bar.set_message(model.escape_debug().to_string());
        });
    }

    fn advance(&self, bytes: u64) {
        self.with(|shown| {
            shown.bar.inc(bytes);
            if shown.bar.is_hidden() && shown.since.elapsed() >= self.patience {
                // A `Term` handed over as such would hide the bar where there is no terminal; `always` wants it there.
                let term = Box::new(console::Term::stderr());
                shown.bar.set_draw_target(ProgressDrawTarget::term_like_with_hz(term, REFRESH_RATE));
            }
        });
    }
}
