//! A NodeDef read from its span: what it refers to, and nothing of its values.

use std::ops::Range;

use crate::charge::attribute;
use crate::wire::{Field, WireType, fields};

/// `NodeDef` (tensorflow/core/framework/node_def.proto).
pub(super) const NAME: u32 = 1;
pub(super) const OP: u32 = 2;
pub(super) const INPUT: u32 = 3;
const ATTR: u32 = 5;
/// `AttrValue` and `AttrValue.ListValue` (tensorflow/core/framework/attr_value.proto).
const LIST: u32 = 1;
const S: u32 = 2;
const TENSOR: u32 = 8;
const FUNC: u32 = 10;
const LIST_FUNC: u32 = 9;
/// `NameAttrList`.
const FUNC_NAME: u32 = 1;
const FUNC_ATTR: u32 = 2;

/// The fields of a NodeDef: their numbers, whether they have a length, and their payloads.
///
/// All that most nodes have is fields of a tag of one byte and a length of one byte. Taken from the front of a slice, one of
/// these is a third of the work that it is as a field with all of its offsets.
pub(super) struct Parts<'a> {
    file: &'a [u8],
    end: usize,
    rest: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Those of the NodeDef at `range`; a range outside of the file has none.
    #[inline]
    pub(super) fn new(file: &'a [u8], range: Range<usize>) -> Self {
        Self { file, end: range.end, rest: file.get(range).unwrap_or_default() }
    }

    /// Where the payload that was given last is, if it has a length.
    #[inline]
    pub(super) fn place_of(&self, last: &[u8]) -> Range<usize> {
        let end = self.end.saturating_sub(self.rest.len());
        end.saturating_sub(last.len())..end
    }

    #[inline]
    fn short(&mut self) -> Option<(u32, bool, &'a [u8])> {
        let [tag @ 0x08..0x80, len @ ..0x80, rest @ ..] = self.rest else { return None };
        let (payload, rest) = rest.split_at_checked(usize::from(*len)).filter(|_| tag & 7 == 2)?;
        self.rest = rest;
        Some((u32::from(tag >> 3), true, payload))
    }

    #[inline(never)]
    fn any(&mut self) -> Option<(u32, bool, &'a [u8])> {
        let start = self.end.saturating_sub(self.rest.len());
        let field = fields(self.file, start..self.end).next();
        self.rest = field.and_then(|field| self.file.get(field.end..self.end)).unwrap_or_default();
        field.map(|field| (field.number, field.wire_type == WireType::Len, field.bytes(self.file)))
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = (u32, bool, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self.short() {
            Some(part) => Some(part),
            None if self.rest.is_empty() => None,
            None => self.any(),
        }
    }
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
        let mut parts = Parts::new(file, range);
        while let Some((number, is_len, payload)) = parts.next() {
            match number {
                NAME if is_len => self.name = parts.place_of(payload),
                OP => self.op = payload,
                INPUT => self.inputs.push(payload),
                ATTR if is_len => self.attribute(file, parts.place_of(payload)),
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

    /// What there is of a message, read field by field.
    fn read(file: &[u8], range: Range<usize>) -> Vec<(u32, bool, &[u8])> {
        fields(file, range).map(|field| (field.number, field.wire_type == WireType::Len, field.bytes(file))).collect()
    }

    proptest! {
        /// Bytes that are mostly tags and short lengths.
        #[test]
        fn parts_are_the_fields_also_of_what_is_no_message(bytes in prop::collection::vec(prop_oneof![any::<u8>(), 0_u8..30], 0..80), start in 0_usize..5) {
            let range = start..bytes.len().max(start);
            prop_assert_eq!(Parts::new(&bytes, range.clone()).collect::<Vec<_>>(), read(&bytes, range));
        }
    }

    #[test]
    fn parts_of_any_length_are_where_they_are_said_to_be() {
        let long = "x".repeat(300);
        let file = message().bytes(1, "name").int(7, 1 << 40).bytes(3, &long).bytes(20, "far").bytes(3, "");
        let mut parts = Parts::new(&file.0, 0..file.len());
        let mut found = Vec::new();
        while let Some((number, is_len, payload)) = parts.next() {
            assert!(!is_len || file.0[parts.place_of(payload)] == *payload);
            found.push((number, payload.len()));
        }
        assert_eq!(found, [(1, 4), (7, 6), (3, 300), (20, 3), (3, 0)]);
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
