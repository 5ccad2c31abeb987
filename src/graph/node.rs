//! A NodeDef read from its span: what it refers to, and nothing of its values.

use std::ops::Range;

use crate::charge::attribute;
use crate::wire::{Field, WireType, fields, short_length, split_len};

/// `NodeDef` (tensorflow/core/framework/node_def.proto).
const NAME: u32 = 1;
const OP: u32 = 2;
const INPUT: u32 = 3;
const ATTR: u32 = 5;
/// The wire type of what has a length, as tags have it.
const LEN: u32 = WireType::Len as u32;
/// `AttrValue` and `AttrValue.ListValue` (tensorflow/core/framework/attr_value.proto).
const LIST: u32 = 1;
const S: u32 = 2;
const TENSOR: u32 = 8;
const FUNC: u32 = 10;
const LIST_FUNC: u32 = 9;
/// `NameAttrList`.
const FUNC_NAME: u32 = 1;
const FUNC_ATTR: u32 = 2;

/// A NodeDef as writers make it: its name, its op and its inputs, in this order, and nothing of these behind other fields.
///
/// Nearly all nodes are like that, and read so a node takes a third of the work of a walk over fields with all of their
/// offsets. Of any other [`Node::read`] knows what counts.
pub(super) struct Plain<'a> {
    pub(super) name: &'a [u8],
    /// Where that starts in the node.
    pub(super) name_at: usize,
    pub(super) op: &'a [u8],
    /// The fields of the inputs.
    inputs: &'a [u8],
}

impl<'a> Plain<'a> {
    /// Reads the payload of a NodeDef; `None` of one that is not like that.
    pub(super) fn read(node: &'a [u8]) -> Option<Self> {
        let (name, rest) = split_len(node, NAME)?;
        let name_at = node.len().checked_sub(rest.len())?.checked_sub(name.len())?;
        let (op, inputs) = split_len(rest, OP)?;
        let mut rest = inputs;
        while let Some((_, behind)) = split_len(rest, INPUT) {
            rest = behind;
        }
        let length = inputs.len().checked_sub(rest.len())?;
        while let Some(behind) = skip_other(rest) {
            rest = behind;
        }
        rest.is_empty().then_some(Self { name, name_at, op, inputs: inputs.get(..length)? })
    }

    pub(super) fn inputs(&self) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = self.inputs;
        std::iter::from_fn(move || {
            let (input, behind) = split_len(rest, INPUT)?;
            rest = behind;
            Some(input)
        })
    }
}

/// What is behind the field that `bytes` begin with, if it is one that may stand behind inputs and has a length of one
/// byte or two.
#[inline]
fn skip_other(bytes: &[u8]) -> Option<&[u8]> {
    let [tag @ 0x20..0x80, rest @ ..] = bytes else { return None };
    let (len, rest) = short_length(rest)?;
    rest.get(len..).filter(|_| u32::from(tag & 7) == LEN)
}

/// What one node says of others. Made once and filled again for each node.
#[derive(Debug, Default)]
pub(super) struct Node<'a> {
    pub(super) name: Range<usize>,
    pub(super) op: &'a [u8],
    pub(super) inputs: Vec<&'a [u8]>,
    /// Functions that attributes name.
    pub(super) functions: Vec<&'a [u8]>,
    pub(super) shared_name: Option<&'a [u8]>,
    /// The TensorProto of the attribute `value`.
    pub(super) value: Option<Range<usize>>,
}

impl<'a> Node<'a> {
    /// Reads the NodeDef at `range`.
    pub(super) fn read(&mut self, file: &'a [u8], range: Range<usize>) {
        (self.name, self.op, self.shared_name, self.value) = (0..0, &[], None, None);
        self.inputs.clear();
        self.functions.clear();
        for field in fields(file, range) {
            match field.number {
                NAME if field.is_len(NAME) => self.name = field.payload(),
                OP => self.op = bytes(file, &field),
                INPUT => self.inputs.push(bytes(file, &field)),
                ATTR if field.is_len(ATTR) => self.attribute(file, field.payload()),
                _ => {}
            }
        }
    }

    fn attribute(&mut self, file: &'a [u8], entry: Range<usize>) {
        let (key, value) = attribute(file, entry);
        let key = file.get(key).unwrap_or_default();
        match key {
            b"shared_name" => {
                let shared = fields(file, value).filter(|field| field.is_len(S)).last();
                self.shared_name = shared.map(|field| bytes(file, &field)).filter(|name| !name.is_empty());
            }
            b"value" => {
                self.value = fields(file, value).filter(|field| field.is_len(TENSOR)).last().map(|f| f.payload());
            }
            _ => function_names(file, value, &mut |name| self.functions.push(name)),
        }
    }
}

/// Gives the functions that an AttrValue names to `visit`, those among their own attributes too.
pub(crate) fn function_names<'a>(file: &'a [u8], value: Range<usize>, visit: &mut impl FnMut(&'a [u8])) {
    // Allocates nothing for an attribute without a name that has attributes: most have none.
    let mut open: Vec<Range<usize>> = Vec::new();
    let mut next = Some(value);
    while let Some(value) = next {
        let mut function = |function: Field| {
            for part in fields(file, function.payload()) {
                if part.is_len(FUNC_NAME) {
                    visit(part.bytes(file));
                } else if part.is_len(FUNC_ATTR) {
                    open.extend(fields(file, part.payload()).filter(|field| field.is_len(2)).map(|f| f.payload()));
                }
            }
        };
        for field in fields(file, value) {
            if field.is_len(FUNC) {
                function(field);
            } else if field.is_len(LIST) {
                fields(file, field.payload()).filter(|item| item.is_len(LIST_FUNC)).for_each(&mut function);
            }
        }
        next = open.pop();
    }
}

fn bytes<'a>(file: &'a [u8], field: &Field) -> &'a [u8] {
    field.bytes(file)
}

/// An input of a node: `name`, `name:1`, `^name`, in a function also `name:output:1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Input<'a> {
    pub(super) control: bool,
    pub(super) name: &'a [u8],
    pub(super) index: usize,
}

impl<'a> Input<'a> {
    pub(super) fn parse(input: &'a [u8]) -> Self {
        let (control, tensor) = input.strip_prefix(b"^").map_or((false, input), |name| (true, name));
        if !tensor.contains(&b':') {
            return Self { control, name: tensor, index: 0 };
        }
        let mut parts = tensor.split(|byte| *byte == b':');
        let name = parts.next().unwrap_or_default();
        let index = parts.next_back().and_then(|index| std::str::from_utf8(index).ok()?.parse().ok());
        Self { control, name, index: index.unwrap_or_default() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::support::wire::message;
    use crate::wire::first_len;

    /// Holds what is read of a plain node against what is read of any. Whether it is plain.
    fn agrees(file: &[u8]) -> bool {
        let Some(plain) = Plain::read(file) else { return false };
        let mut node = Node::default();
        node.read(file, 0..file.len());
        assert_eq!((plain.name, plain.op), (&file[node.name.clone()], node.op));
        assert_eq!(plain.inputs().collect::<Vec<_>>(), node.inputs);
        let name = plain.name_at..plain.name_at + plain.name.len();
        assert_eq!([Some(name), first_len(file, 0..file.len(), NAME)], [Some(node.name.clone()), Some(node.name)]);
        true
    }

    proptest! {
        /// Fields of all numbers of a node in any order, and bytes of no message behind them.
        #[test]
        fn a_plain_node_is_read_as_any_other(numbers in prop::collection::vec((1_u32..8, 0_usize..3), 0..6), rest in prop::collection::vec(0_u8..40, 0..4)) {
            let start = message().bytes(1, "name").bytes(2, "Op");
            let all = numbers.iter().fold(start, |node, (number, size)| match size {
                0 => node.int(*number, 200),
                1 => node.bytes(*number, "input"),
                _ => node.bytes(*number, "x".repeat(200)),
            });
            agrees(&[all.0, rest].concat());
        }
    }

    #[test]
    fn nodes_as_writers_make_them_are_plain() {
        let long = "x".repeat(300);
        let start = message().bytes(1, &long).bytes(2, "Op");
        let inputs = message().bytes(1, "name").bytes(2, "Op").bytes(3, "a").bytes(3, "^b");
        let all = message().bytes(1, "name").bytes(2, "Op").bytes(3, "a").bytes(4, "gpu").bytes(5, &long).bytes(6, "");
        assert!(agrees(&start.0) && agrees(&inputs.0) && agrees(&all.0));
    }

    #[test]
    fn a_node_is_not_plain_where_something_that_counts_may_come_later_or_is_long() {
        let later = |number| message().bytes(1, "name").bytes(2, "Op").bytes(5, "attr").bytes(number, "again");
        assert!(!agrees(&later(1).0) && !agrees(&later(2).0) && !agrees(&later(3).0) && agrees(&later(5).0));
        assert!(!agrees(&message().bytes(1, "n".repeat(1 << 14)).bytes(2, "Op").0));
        assert!(!agrees(&message().bytes(2, "Op").0) && !agrees(&message().0));
        let damaged = message().bytes(1, "name").bytes(2, "Op").raw(&[0x2a, 9, 0]);
        assert!(!agrees(&damaged.0));
    }

    #[test]
    fn an_input_is_a_name_that_ends_at_a_colon() {
        let input = |input: &'static str| {
            let Input { control, name, index } = Input::parse(input.as_bytes());
            (control, std::str::from_utf8(name).unwrap(), index)
        };
        let inputs = ["a/b", "a:1", "^a", "a:output:2", "a:", ":3"].map(input);
        let expected =
            [(false, "a/b", 0), (false, "a", 1), (true, "a", 0), (false, "a", 2), (false, "a", 0), (false, "", 3)];
        assert_eq!(inputs, expected);
    }
}
