//! What the tensors of a checkpoint are called.
//!
//! A checkpoint of TensorFlow 2 keeps a value under the path that leads to it in the object graph
//! (`layer_with_weights-0/kernel/.ATTRIBUTES/VARIABLE_VALUE`), and notes the variable's own name beside it
//! (`SerializedTensor.full_name` in `trackable_object_graph.proto`): the name that people gave or know.

use std::collections::HashSet;

use super::{Checkpoint, KEY_SUFFIX, Tensor};

/// What to call each tensor of a checkpoint, by its place among [`super::Bundle::tensors`].
#[derive(Debug, Clone, Default)]
pub struct VariableNames<'c> {
    own: Vec<&'c str>,
    /// The names that several have.
    shared: HashSet<&'c str>,
}

impl Checkpoint {
    /// What its tensors are called.
    #[must_use]
    pub fn variable_names(&self) -> VariableNames<'_> {
        let own: Vec<&str> = self.bundle.tensors.iter().map(|tensor| self.own_name(tensor)).collect();
        let mut met = HashSet::new();
        let shared = own.iter().copied().filter(|name| !met.insert(*name)).collect();
        VariableNames { own, shared }
    }

    /// The variable's own name; where it has none its key, without what ends all keys.
    fn own_name<'c>(&'c self, tensor: &'c Tensor) -> &'c str {
        let own = self.object_graph.as_ref().and_then(|graph| graph.full_name(&tensor.key));
        own.unwrap_or_else(|| short_key(&tensor.key))
    }
}

impl VariableNames<'_> {
    /// The variable's own name: what its name scopes are read from.
    #[must_use]
    pub fn own(&self, tensor: usize) -> &str {
        self.own.get(tensor).copied().unwrap_or_default()
    }

    /// A name that no other tensor has: the own name, with the key in brackets where several have that.
    #[must_use]
    pub fn distinct(&self, tensor: usize, key: &str) -> String {
        let own = self.own(tensor);
        if self.shared.contains(own) { format!("{own} ({})", short_key(key)) } else { own.to_owned() }
    }
}

fn short_key(key: &str) -> &str {
    key.strip_suffix(KEY_SUFFIX).filter(|rest| !rest.is_empty()).unwrap_or(key)
}
