//! A NodeDef read from its span: what it refers to, and nothing of its values.

use std::ops::Range;

use crate::charge::attribute;
use crate::wire::{Field, fields};

/// `NodeDef` (tensorflow/core/framework/node_def.proto).
const NAME: u32 = 1;
const OP: u32 = 2;
const INPUT: u32 = 3;
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
        self.read_parts(file, range, true);
    }

    /// Reads what a NodeDef is called, what it does and what it takes, but none of its attributes.
    pub(super) fn read_inputs(&mut self, file: &'a [u8], range: Range<usize>) {
        self.read_parts(file, range, false);
    }

    #[inline]
    fn read_parts(&mut self, file: &'a [u8], range: Range<usize>, attributes: bool) {
        (self.name, self.op, self.shared_name, self.value) = (0..0, &[], None, None);
        self.inputs.clear();
        self.functions.clear();
        for field in fields(file, range) {
            match field.number {
                NAME if field.is_len(NAME) => self.name = field.payload(),
                OP => self.op = bytes(file, &field),
                INPUT => self.inputs.push(bytes(file, &field)),
                ATTR if attributes && field.is_len(ATTR) => self.attribute(file, field.payload()),
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
