//! The progress bar: on standard error, on a terminal, and only when an audit takes long enough to wonder.

use std::cell::RefCell;
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use smaudit::progress::Progress;

use crate::cli::{AuditRequest, When};

/// How long an audit may take before a bar appears.
const PATIENCE: Duration = Duration::from_millis(500);

/// How often a second a bar is drawn at most.
const REFRESH_RATE: u8 = 10;

const TEMPLATE: &str = "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec}";

/// The bar of a run, begun anew for each model.
#[derive(Debug)]
pub(crate) struct Bar {
    wanted: bool,
    patience: Duration,
    model: RefCell<Option<Model>>,
}

/// The model that is being audited.
#[derive(Debug)]
struct Model {
    bar: ProgressBar,
    since: Instant,
}

impl Bar {
    /// The bar as `request` wants it.
    pub(crate) fn new(request: &AuditRequest) -> Self {
        let wanted = match request.progress {
            When::Auto => !request.quiet && std::io::stderr().is_terminal(),
            When::Always => true,
            When::Never => false,
        };
        let patience = if request.progress == When::Always { Duration::ZERO } else { PATIENCE };
        Self { wanted, patience, model: RefCell::new(None) }
    }
}

impl Progress for Bar {
    fn start(&self, model: &str, bytes: u64) {
        if !self.wanted {
            return;
        }
        let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::hidden());
        // The template is ours; where indicatif should not take it, its own default will do.
        bar.set_style(ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(model.escape_debug().to_string());
        *self.model.borrow_mut() = Some(Model { bar, since: Instant::now() });
    }

    fn advance(&self, bytes: u64) {
        if let Some(model) = &*self.model.borrow() {
            model.bar.inc(bytes);
            if model.bar.is_hidden() && model.since.elapsed() >= self.patience {
                // A `Term` handed over as such would hide the bar where there is no terminal; `always` wants it there.
                let term = Box::new(console::Term::stderr());
                model.bar.set_draw_target(ProgressDrawTarget::term_like_with_hz(term, REFRESH_RATE));
            }
        }
    }

    fn finish(&self) {
        if let Some(model) = self.model.borrow_mut().take() {
            model.bar.finish_and_clear();
        }
    }
}
