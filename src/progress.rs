//! How an audit says how far it is. The library only tells; who shows it, and whether, is the caller's business.

/// Told about the bytes of a model as they are charged. All methods may be called often and must be cheap. Audits that run
/// side by side may share one.
pub trait Progress: Sync {
    /// A model is begun: what it is called, and how many bytes it has.
    fn start(&self, model: &str, bytes: u64);
    /// That many bytes more are done.
    fn advance(&self, bytes: u64);
}

/// Nobody is told.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn start(&self, _model: &str, _bytes: u64) {}
    fn advance(&self, _bytes: u64) {}
}
