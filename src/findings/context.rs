//! What detectors look at: the facts about a model, and answers made of them when the first detector asks.

use std::ops::Deref;
use std::sync::OnceLock;

use super::constants::{Large, Uses, follow};
use super::facts::Facts;
use super::kind::Provenance;
use super::program::Program;
use super::variables::{OptimizerState, Variables};

/// A model's facts, and what several causes ask about them. An answer is made of facts and of answers to simpler questions.
pub struct Context<'a> {
    facts: Facts<'a>,
    provenance: OnceLock<Provenance>,
    large: OnceLock<Large<'a>>,
    uses: OnceLock<Uses<'a>>,
    programs: OnceLock<Vec<Program<'a>>>,
    variables: OnceLock<Option<Variables<'a>>>,
    optimizer: OnceLock<OptimizerState>,
}

/// Detectors ask for facts as often as for answers.
impl<'a> Deref for Context<'a> {
    type Target = Facts<'a>;

    fn deref(&self) -> &Facts<'a> {
        &self.facts
    }
}

impl<'a> Context<'a> {
    /// Nothing is found out yet.
    #[must_use]
    pub fn new(facts: Facts<'a>) -> Self {
        Self {
            facts,
            provenance: OnceLock::new(),
            large: OnceLock::new(),
            uses: OnceLock::new(),
            programs: OnceLock::new(),
            variables: OnceLock::new(),
            optimizer: OnceLock::new(),
        }
    }

    /// The variables and who needs them; `None` where that cannot be said.
    pub(super) fn variables(&self) -> Option<&Variables<'a>> {
        self.variables.get_or_init(|| Variables::new(&self.facts)).as_ref()
    }

    /// What an optimizer keeps; nothing where there are no variables.
    pub(super) fn optimizer(&self) -> &OptimizerState {
        let of = |variables| OptimizerState::new(&self.facts, variables);
        self.optimizer.get_or_init(|| self.variables().map(of).unwrap_or_default())
    }

    /// What the model was made with.
    pub(super) fn provenance(&self) -> &Provenance {
        self.provenance.get_or_init(|| Provenance::of(&self.facts))
    }

    /// The large constants and byte strings of all graphs and functions.
    pub(super) fn large(&self) -> &Large<'a> {
        self.large.get_or_init(|| Large::find(&self.facts))
    }

    /// What takes the large constants.
    pub(super) fn uses(&self) -> &Uses<'a> {
        self.uses.get_or_init(|| follow(&self.facts, &self.large().constants))
    }

    /// The programs of the metagraphs that have functions.
    pub(super) fn programs(&self) -> &[Program<'a>] {
        self.programs.get_or_init(|| {
            let meta_graphs = 0..self.saved_model.meta_graphs.len();
            meta_graphs.filter_map(|meta_graph| Program::read(&self.facts, meta_graph)).collect()
        })
    }
}
