//! Tensors as people write them: `float32[?,224,224,3]`, and variables by the name that says most.

use super::TensorReport;
use crate::checkpoint::KEY_SUFFIX;

/// `float32[?,3]`; `?` is an unknown dimension and `[*]` an unknown rank, as in MLIR.
pub(super) fn tensor_type(dtype: &str, shape: Option<&[i64]>) -> String {
    let Some(shape) = shape else { return format!("{dtype}[*]") };
    let dimensions: Vec<String> = shape.iter().map(|d| if *d < 0 { "?".to_owned() } else { d.to_string() }).collect();
    format!("{dtype}[{}]", dimensions.join(","))
}

/// What to call a tensor of the checkpoint: the variable's own name where there is one, and its key where that says
/// something else.
pub(super) fn names(tensor: &TensorReport) -> (&str, Option<&str>) {
    let key = tensor.key.strip_suffix(KEY_SUFFIX).unwrap_or(&tensor.key);
    match tensor.name.as_deref() {
        Some(name) if name != key && !name.is_empty() => (name, Some(key)),
        _ => (key, None),
    }
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
    fn a_variable_goes_by_its_own_name_and_its_key_without_the_part_that_all_have() {
        let mut kernel = tensor("layer-0/kernel/.ATTRIBUTES/VARIABLE_VALUE", 4);
        assert_eq!(names(&kernel), ("layer-0/kernel", None));
        kernel.name = Some("dense/kernel".to_owned());
        assert_eq!(names(&kernel), ("dense/kernel", Some("layer-0/kernel")));
        kernel.name = Some("layer-0/kernel".to_owned());
        assert_eq!(names(&kernel), ("layer-0/kernel", None), "nothing is said twice");
    }
}
