//! What a node takes: another node's output, by name.

/// An input of a NodeDef, or a result of a FunctionDef: `node`, `node:1`, `^node`, in a function also `node:output:1` and an
/// argument's name (tensorflow/core/framework/node_def.proto, tensorflow/core/framework/function.proto).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Input<'f> {
    /// Whether it only has to run before: `^node`.
    pub is_control: bool,
    /// The node or argument.
    pub name: &'f [u8],
    /// What follows the name, with its colons.
    pub port: &'f [u8],
}

impl<'f> Input<'f> {
    /// Reads an input. No name of a node or an argument has a colon in it, so it ends at the first one.
    #[must_use]
    #[inline]
    pub fn parse(input: &'f [u8]) -> Self {
        let (is_control, tensor) = input.strip_prefix(b"^").map_or((false, input), |name| (true, name));
        let colon = tensor.iter().position(|byte| *byte == b':').unwrap_or(tensor.len());
        let (name, port) = tensor.split_at_checked(colon).unwrap_or((tensor, &[]));
        Self { is_control, name, port }
    }

    /// The output's name, in a function: `output` of `node:output:1`.
    #[must_use]
    pub fn output(&self) -> Option<&'f [u8]> {
        let mut parts = self.port.split(|byte| *byte == b':').skip(1);
        let (output, index) = (parts.next()?, parts.next());
        index.map(|_| output)
    }

    /// The output's number; of those of one name in a function. The first where none is written.
    #[must_use]
    pub fn index(&self) -> usize {
        let index = self.port.rsplit(|byte| *byte == b':').next();
        index.and_then(|index| std::str::from_utf8(index).ok()?.parse().ok()).unwrap_or_default()
    }
}

/// The node that an input comes from.
#[must_use]
#[inline]
pub fn input_node(input: &[u8]) -> &[u8] {
    Input::parse(input).name
}

/// Whether an input is a tensor, and not only a node that has to run before.
#[must_use]
#[inline]
pub fn is_data(input: &[u8]) -> bool {
    !input.starts_with(b"^")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_a_name_that_ends_at_a_colon() {
        let input = |input: &'static str| {
            let input = Input::parse(input.as_bytes());
            (input.is_control, std::str::from_utf8(input.name).unwrap(), input.index())
        };
        let inputs = ["a/b", "a:1", "^a", "a:output:2", "a:", ":3", ""].map(input);
        let expected = [
            (false, "a/b", 0),
            (false, "a", 1),
            (true, "a", 0),
            (false, "a", 2),
            (false, "a", 0),
            (false, "", 3),
            (false, "", 0),
        ];
        assert_eq!(inputs, expected);
    }

    #[test]
    fn only_a_function_names_an_output() {
        let output = |input: &'static str| Input::parse(input.as_bytes()).output();
        assert_eq!(["a", "a:1", "a:output:2", "^a"].map(output), [None, None, Some(&b"output"[..]), None]);
    }
}
