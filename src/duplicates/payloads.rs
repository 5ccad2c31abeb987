//! Payloads: what tensors and blobs hold, wherever they are held.
//!
//! A constant's bytes may be a checkpoint's tensor, a field of a node in the graph or in a function, or an asset.
//! They are found as ranges of files; no byte of them is read here.

use std::ops::Range;

use crate::wire::{WireType, fields, first_len};

// Fields of AttrValue (tensorflow/core/framework/attr_value.proto); those of its ListValue have the same numbers.
const ATTR_LIST: u32 = 1;
const ATTR_S: u32 = 2;
const ATTR_TENSOR: u32 = 8;

// Fields of TensorProto (tensorflow/core/framework/tensor.proto).
const TENSOR_CONTENT: u32 = 4;
const FLOAT_VAL: u32 = 5;
const DOUBLE_VAL: u32 = 6;
const STRING_VAL: u32 = 8;
const NUMBERS: [u32; 10] = [FLOAT_VAL, DOUBLE_VAL, 7, 9, 10, 11, 12, 13, 16, 17];

/// What kind of thing holds a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum PayloadKind {
    /// A tensor of the checkpoint.
    Variable,
    /// A TensorProto in an attribute of a node.
    Const,
    /// A byte string in an attribute of a node.
    Attr,
    /// A file under `assets/` or `assets.extra/`.
    Asset,
}

/// Where in the model's main file a payload's bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) kind: PayloadKind,
    /// What it takes in the file.
    pub(super) range: Range<usize>,
    /// Numbers that were written one by one, each behind a tag of its own: how wide a tag and a number are. The
    /// content is the numbers without the tags.
    pub(super) unpacked: Option<(usize, usize)>,
}

/// Gives the payloads of a NodeDef that take at least `least` bytes to `visit`, in the order of the file.
pub(super) fn of_node(file: &[u8], node: Range<usize>, least: usize, visit: &mut impl FnMut(Found)) {
    for attr in fields(file, node).filter(|field| field.is_len(5) && field.payload().len() >= least) {
        for value in fields(file, attr.payload()).filter(|field| field.is_len(2)) {
            of_attr(file, value.payload(), least, visit);
        }
    }
}

fn of_attr(file: &[u8], value: Range<usize>, least: usize, visit: &mut impl FnMut(Found)) {
    for field in fields(file, value) {
        if field.wire_type != WireType::Len || field.payload().len() < least {
            continue;
        }
        match field.number {
            ATTR_LIST => {
                for item in fields(file, field.payload()).filter(|item| item.wire_type == WireType::Len) {
                    of_value(file, item.number, item.payload(), least, visit);
                }
            }
            number => of_value(file, number, field.payload(), least, visit),
        }
    }
}

fn of_value(file: &[u8], number: u32, range: Range<usize>, least: usize, visit: &mut impl FnMut(Found)) {
    match number {
        ATTR_S if range.len() >= least => visit(Found { kind: PayloadKind::Attr, range, unpacked: None }),
        ATTR_TENSOR if range.len() >= least => of_tensor(file, range, least, visit),
        _ => {}
    }
}

fn of_tensor(file: &[u8], tensor: Range<usize>, least: usize, visit: &mut impl FnMut(Found)) {
    let mut found = |range: Range<usize>, unpacked| {
        if range.len() >= least {
            visit(Found { kind: PayloadKind::Const, range, unpacked });
        }
    };
    let mut strings: Option<Range<usize>> = None;
    let mut run: Option<Run> = None;
    for field in fields(file, tensor) {
        match (field.number, field.wire_type) {
            (TENSOR_CONTENT, WireType::Len) => found(field.payload(), None),
            (number, WireType::Len) if NUMBERS.contains(&number) => found(field.payload(), None),
            (STRING_VAL, WireType::Len) => {
                let start = strings.map_or(field.start, |range| range.start);
                strings = Some(start..field.end);
            }
            (number @ FLOAT_VAL, WireType::Fixed32) | (number @ DOUBLE_VAL, WireType::Fixed64) => {
                let tag = field.payload - field.start;
                let next = Run { number, tag, width: field.payload().len(), range: field.range() };
                if let Some(ended) = Run::extend(&mut run, next) {
                    found(ended.range, Some((ended.tag, ended.width)));
                }
                continue;
            }
            _ => {}
        }
        if let Some(ended) = run.take() {
            found(ended.range, Some((ended.tag, ended.width)));
        }
    }
    if let Some(ended) = run {
        found(ended.range, Some((ended.tag, ended.width)));
    }
    if let Some(range) = strings {
        found(range, None);
    }
}

/// Numbers of one field written one by one and side by side.
struct Run {
    number: u32,
    tag: usize,
    width: usize,
    range: Range<usize>,
}

impl Run {
    /// Adds a number to the run, or begins a new one and returns the run that ends with that.
    fn extend(run: &mut Option<Self>, next: Self) -> Option<Self> {
        match run {
            Some(open) if open.number == next.number && open.tag == next.tag && open.range.end == next.range.start => {
                open.range.end = next.range.end;
                None
            }
            _ => run.replace(next),
        }
    }
}

/// The name of a NodeDef.
pub(super) fn node_name(file: &[u8], node: Range<usize>) -> Range<usize> {
    first_len(file, node, 1).unwrap_or_default()
}
