//! Tensors as people write them: `float32[?,224,224,3]`, and variables by the name that says most.

use foldhash::{HashMap, HashSet, HashSetExt as _};

use super::TensorReport;
use super::document::Name;
use crate::checkpoint::KEY_SUFFIX;

/// `float32[?,3]`; `?` is an unknown dimension and `[*]` an unknown rank, as in MLIR.
pub(crate) fn tensor_type(dtype: &str, shape: Option<&[i64]>) -> String {
    let Some(shape) = shape else { return format!("{dtype}[*]") };
    let dimensions: Vec<String> = shape.iter().map(|d| if *d < 0 { "?".to_owned() } else { d.to_string() }).collect();
    format!("{dtype}[{}]", dimensions.join(","))
}

/// What the tensors of a checkpoint are called: by the variable's own name, with the key in brackets where several have
/// the same.
pub(super) struct Called<'a> {
    shared: HashSet<&'a str>,
    by_key: HashMap<&'a str, &'a TensorReport>,
}

impl<'a> Called<'a> {
    pub(super) fn of(tensors: &'a [TensorReport]) -> Self {
        let (mut seen, mut shared) = (HashSet::new(), HashSet::new());
        for tensor in tensors {
            if !seen.insert(own_name(tensor)) {
                shared.insert(own_name(tensor));
            }
        }
        Self { shared, by_key: tensors.iter().map(|tensor| (tensor.key.as_str(), tensor)).collect() }
    }

    /// What the tensor with this key is called.
    pub(super) fn of_key(&self, key: &str) -> Option<Name> {
        self.by_key.get(key).map(|tensor| self.name(tensor))
    }

    pub(super) fn name(&self, tensor: &TensorReport) -> Name {
        let own = own_name(tensor);
        let key = (self.shared.contains(own) && own != key(tensor)).then(|| key(tensor).to_owned());
        Name { also: key, ..Name::new(own) }
    }
}

/// The variable's own name; its key where it has none.
pub(super) fn own_name(tensor: &TensorReport) -> &str {
    tensor.name.as_deref().filter(|name| !name.is_empty()).unwrap_or_else(|| key(tensor))
}

/// The key, without the part that all keys of objects have.
fn key(tensor: &TensorReport) -> &str {
    tensor.key.strip_suffix(KEY_SUFFIX).unwrap_or(&tensor.key)
}

/// The tensors of a checkpoint, largest first; equal ones by their place in the index.
pub(super) fn largest_first(tensors: &[TensorReport]) -> Vec<&TensorReport> {
    let mut sorted: Vec<&TensorReport> = tensors.iter().collect();
    sorted.sort_by_key(|tensor| std::cmp::Reverse(tensor.bytes));
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::tensor;

    #[test]
    fn unknown_dimensions_and_ranks_are_marked() {
        assert_eq!(tensor_type("float32", Some(&[-1, 224, 3])), "float32[?,224,3]");
        assert_eq!(tensor_type("string", Some(&[])), "string[]");
        assert_eq!(tensor_type("float32", None), "float32[*]");
    }

    #[test]
    fn a_variable_goes_by_its_own_name_and_by_its_key_where_others_have_the_same() {
        let key = "layer-0/kernel/.ATTRIBUTES/VARIABLE_VALUE";
        let mut tensors = [tensor(key, 4), tensor("layer-1/kernel/.ATTRIBUTES/VARIABLE_VALUE", 4)];
        let names = |tensors: &[TensorReport]| {
            let called = Called::of(tensors);
            tensors.iter().map(|tensor| called.name(tensor)).collect::<Vec<Name>>()
        };
        assert_eq!(names(&tensors), [Name::new("layer-0/kernel"), Name::new("layer-1/kernel")]);
        tensors[0].name = Some("kernel".to_owned());
        assert_eq!(names(&tensors)[0], Name::new("kernel"));
        tensors[1].name = Some("kernel".to_owned());
        let also = Some("layer-1/kernel".to_owned());
        assert_eq!(names(&tensors)[1], Name { also, ..Name::new("kernel") });
    }
}
