//! How an audit says what it is doing and how far it is. The library only tells; who shows it, and whether, is the
//! caller's business.
//!
//! Steps of an audit read the same bytes again, some of them side by side. So that what is reported adds up to the bytes of
//! the model and no more, each of [`Step::SHARED`] has an equal share of them: a `Stage` counts in units of its own and
//! tells its share of the bytes, all of it by its end. So no step has to know what it will come to.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What is done with a model, an archive or all models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// An archive comes from standard input. How much there is of it is not known.
    Receiving,
    /// What is compressed is unpacked.
    Unpacking,
    /// Text and chunks become wire format; the checkpoint's index is read.
    Reading,
    /// Every byte is charged.
    Charging,
    /// Elements of metagraphs are held against those of earlier ones.
    ComparingMetaGraphs,
    /// Tensors, constants and assets of one length are held against each other.
    ComparingTensors,
    /// Functions are held against each other without their names.
    ComparingFunctions,
    /// What the signatures need is followed.
    FollowingSignatures,
    /// A name is looked for.
    Searching,
    /// The causes of size are looked for.
    LookingForCauses,
    /// The data of tensors is read, and held against checksums.
    Verifying,
    /// Models are held against each other.
    ComparingModels,
    /// A smaller model is written.
    Writing,
    /// What was written is read back and held against the model.
    Proving,
}

impl Step {
    /// The steps that share the bytes of a model's messages.
    pub const SHARED: [Self; 5] = [
        Self::Charging,
        Self::ComparingMetaGraphs,
        Self::ComparingFunctions,
        Self::FollowingSignatures,
        Self::LookingForCauses,
    ];

    /// In words, which the name of what it is done with may follow.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Receiving => "receiving",
            Self::Unpacking => "unpacking",
            Self::Reading => "reading",
            Self::Charging => "charging",
            Self::ComparingMetaGraphs => "comparing metagraphs",
            Self::ComparingTensors => "comparing tensors",
            Self::ComparingFunctions => "comparing functions",
            Self::FollowingSignatures => "following signatures",
            Self::Searching => "searching",
            Self::LookingForCauses => "looking for causes",
            Self::Verifying => "verifying",
            Self::ComparingModels => "comparing models",
            Self::Writing => "writing",
            Self::Proving => "proving",
        }
    }
}

/// Is given what is done and how far it is. All methods may be called often, and by several threads, and must be cheap.
/// Audits that run side by side may share one.
pub trait Progress: Sync {
    /// A model's parts are open: what it is called, and how many bytes will be reported until its audit ends.
    fn start(&self, _model: &str, _bytes: u64) {}
    /// There are that many bytes more to do than was said.
    fn expect(&self, _bytes: u64) {}
    /// A step is begun with what is called so. Several may be under way.
    fn begin(&self, _step: Step, _of: &str) {}
    /// That step has ended.
    fn end(&self, _step: Step, _of: &str) {}
    /// That many bytes more are done.
    fn advance(&self, bytes: u64);
}

/// Reports to nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn advance(&self, _bytes: u64) {}
}

/// The work on one model or archive, or on all models, and who it is reported to.
#[derive(Clone, Copy)]
pub struct Work<'p> {
    progress: &'p dyn Progress,
    of: &'p str,
    share: u64,
}

impl<'p> Work<'p> {
    /// Work on what is called `of` and has `bytes` for the shared steps.
    #[must_use]
    pub fn new(progress: &'p dyn Progress, of: &'p str, bytes: u64) -> Self {
        Self { progress, of, share: bytes / Step::SHARED.len() as u64 }
    }

    /// The parts are open, and so many bytes will be reported.
    pub(crate) fn start(&self, bytes: u64) {
        self.progress.start(self.of, bytes);
    }

    /// Work that is reported to nobody.
    #[must_use]
    pub fn silent() -> Work<'static> {
        Work::new(&Silent, "", 0)
    }

    /// The bytes of all shared steps.
    pub(crate) fn shared_bytes(&self) -> u64 {
        self.share.saturating_mul(Step::SHARED.len() as u64)
    }

    /// Begins a step that counts to `whole`, in whatever unit; a shared one tells its share.
    pub(crate) fn begin(&self, step: Step, whole: u64) -> Stage<'p> {
        self.begin_part(step, if Step::SHARED.contains(&step) { self.share } else { 0 }, whole)
    }

    /// Tells of a step that there is no need for.
    pub(crate) fn skip(&self, step: Step) {
        drop(self.begin(step, 0));
    }

    /// Begins a step of so many bytes, which `start` announced.
    pub(crate) fn begin_own(&self, step: Step, bytes: u64) -> Stage<'p> {
        self.begin_part(step, bytes, bytes)
    }

    /// Begins a step that counts to `whole` and tells so many bytes.
    pub(crate) fn begin_part(&self, step: Step, share: u64, whole: u64) -> Stage<'p> {
        self.progress.begin(step, self.of);
        Stage { work: *self, step, share, whole, done: AtomicU64::new(0) }
    }
}

/// A step that is under way. It ends when it is dropped.
pub(crate) struct Stage<'p> {
    work: Work<'p>,
    step: Step,
    /// The bytes that are reported.
    share: u64,
    /// What the stage counts to.
    whole: u64,
    done: AtomicU64,
}

impl Stage<'_> {
    /// The stage has so many bytes more, which were not announced.
    pub(crate) fn expect_more(&mut self, bytes: u64) {
        self.share = self.share.saturating_add(bytes);
        self.whole = self.whole.saturating_add(bytes);
        self.work.progress.expect(bytes);
    }

    /// The bytes to tell of when so much is done.
    fn reported(&self, done: u64) -> u64 {
        let share = u128::from(self.share) * u128::from(done.min(self.whole));
        share.checked_div(u128::from(self.whole)).and_then(|reported| u64::try_from(reported).ok()).unwrap_or_default()
    }
}

impl Progress for Stage<'_> {
    fn advance(&self, units: u64) {
        let before = self.done.fetch_add(units, Relaxed);
        self.work.progress.advance(self.reported(before.saturating_add(units)).saturating_sub(self.reported(before)));
    }
}

impl Drop for Stage<'_> {
    /// What the stage did not come to is done as well.
    fn drop(&mut self) {
        self.work.progress.advance(self.share.saturating_sub(self.reported(self.done.load(Relaxed))));
        self.work.progress.end(self.step, self.work.of);
    }
}

/// A walk through a file, reported every few megabytes, so that it costs a comparison where it is asked.
pub(crate) struct Ticks<'p> {
    progress: &'p dyn Progress,
    reported: usize,
}

impl<'p> Ticks<'p> {
    /// How many bytes are between two words about progress.
    const EVERY: usize = 1 << 22;

    /// A walk that begins at `start`.
    pub(crate) fn new(progress: &'p dyn Progress, start: usize) -> Self {
        Self { progress, reported: start }
    }

    /// All in front of `offset` is done.
    #[inline]
    pub(crate) fn up_to(&mut self, offset: usize) {
        let news = offset.saturating_sub(self.reported);
        if news >= Self::EVERY {
            self.progress.advance(news as u64);
            self.reported = offset;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Counted {
        bytes: AtomicU64,
        expected: AtomicU64,
        steps: Mutex<Vec<String>>,
    }

    impl Progress for Counted {
        fn expect(&self, bytes: u64) {
            self.expected.fetch_add(bytes, Relaxed);
        }
        fn begin(&self, step: Step, of: &str) {
            self.steps.lock().unwrap().push(format!("{} {of}", step.words()));
        }
        fn end(&self, step: Step, of: &str) {
            self.steps.lock().unwrap().push(format!("not {} {of}", step.words()));
        }
        fn advance(&self, bytes: u64) {
            self.bytes.fetch_add(bytes, Relaxed);
        }
    }

    #[test]
    fn a_stage_tells_its_share_as_it_gets_on_and_all_of_it_in_the_end() {
        for (whole, done) in
            [(10, vec![3, 4, 3]), (10, vec![1]), (10, vec![8, 8, 8]), (0, vec![5]), (7_000_000, vec![1])]
        {
            let reported = Counted::default();
            let stage = Work::new(&reported, "m", 1003).begin(Step::Charging, whole);
            for units in &done {
                stage.advance(*units);
            }
            let sum = done.iter().sum::<u64>().min(whole);
            assert_eq!(
                reported.bytes.load(Relaxed),
                (200 * sum).checked_div(whole).unwrap_or(0),
                "{done:?} of {whole}"
            );
            drop(stage);
            assert_eq!(reported.bytes.load(Relaxed), 200, "{done:?} of {whole}");
        }
    }

    #[test]
    fn a_stage_with_more_to_do_than_was_said_says_so() {
        let reported = Counted::default();
        let mut stage = Work::new(&reported, "m", 1003).begin(Step::ComparingTensors, 0);
        stage.expect_more(40);
        stage.advance(10);
        assert_eq!((reported.expected.load(Relaxed), reported.bytes.load(Relaxed)), (40, 10));
        stage.expect_more(2);
        drop(stage);
        assert_eq!((reported.expected.into_inner(), reported.bytes.into_inner()), (42, 42));
        assert_eq!(reported.steps.into_inner().unwrap(), ["comparing tensors m", "not comparing tensors m"]);
    }

    #[test]
    fn a_way_is_told_of_every_few_megabytes() {
        let reported = Counted::default();
        let mut ticks = Ticks::new(&reported, 100);
        for (offset, sum) in [(200, 0), (99 + Ticks::EVERY, 0), (100 + Ticks::EVERY, 1 << 22), (7, 1 << 22)] {
            ticks.up_to(offset);
            assert_eq!(reported.bytes.load(Relaxed), sum, "{offset}");
        }
    }
}
