//! Payloads: what tensors and blobs hold, wherever they are held.
//!
//! A constant's bytes may be a checkpoint's tensor, a field of a node in the graph or in a function, or an asset.
//! They are found as ranges of files; no byte of them is read here.

use std::ops::Range;

use crate::message::number::attr_value::{LIST as ATTR_LIST, S as ATTR_S, TENSOR as ATTR_TENSOR};
use crate::message::number::tensor_proto::{DOUBLE_VAL, FLOAT_VAL, STRING_VAL, TENSOR_CONTENT};
use crate::message::number::{map_entry, node_def, tensor_proto};
use crate::wire::{Field, Layout, WireType, fields, first_len};

const NUMBERS: [u32; 10] = [
    FLOAT_VAL,
    DOUBLE_VAL,
    tensor_proto::INT_VAL,
    tensor_proto::SCOMPLEX_VAL,
    tensor_proto::INT64_VAL,
    tensor_proto::BOOL_VAL,
    tensor_proto::DCOMPLEX_VAL,
    tensor_proto::HALF_VAL,
    tensor_proto::UINT32_VAL,
    tensor_proto::UINT64_VAL,
];

/// What holds a payload.
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
pub(super) struct FoundPayload {
    pub(super) kind: PayloadKind,
    /// Where its content is in the wire format.
    pub(super) range: Range<usize>,
    /// What it takes in the file.
    pub(super) taken: Range<u64>,
    /// Numbers that were written one by one, each behind a tag of its own: how wide a tag and a number are. The
    /// content is the numbers without the tags.
    pub(super) unpacked: Option<(usize, usize)>,
    /// Whether it is strings of a TensorProto.
    pub(super) strings: bool,
}

/// The main file, and how small a payload is of interest in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Search<'f> {
    pub(super) file: &'f [u8],
    pub(super) layout: &'f Layout,
    /// In bytes of content.
    pub(super) least: usize,
}

impl Search<'_> {
    /// Gives the payloads of a NodeDef to `visit`, in the order of the file.
    pub(super) fn of_node(&self, node: Range<usize>, visit: &mut impl FnMut(FoundPayload)) {
        for attr in
            fields(self.file, node).filter(|field| field.is_len(node_def::ATTR) && field.payload().len() >= self.least)
        {
            for value in fields(self.file, attr.payload()).filter(|field| field.is_len(map_entry::VALUE)) {
                self.of_attr(value.payload(), visit);
            }
        }
    }

    fn of_attr(&self, value: Range<usize>, visit: &mut impl FnMut(FoundPayload)) {
        for field in fields(self.file, value) {
            if field.wire_type != WireType::Len || field.payload().len() < self.least {
                continue;
            }
            match field.number {
                ATTR_LIST => {
                    let items = fields(self.file, field.payload());
                    items.filter(|item| item.wire_type == WireType::Len).for_each(|item| self.of_value(&item, visit));
                }
                _ => self.of_value(&field, visit),
            }
        }
    }

    fn of_value(&self, field: &Field, visit: &mut impl FnMut(FoundPayload)) {
        match field.number {
            ATTR_S => self.found(PayloadKind::Attr, field, visit),
            ATTR_TENSOR if field.payload().len() >= self.least => self.of_tensor(field.payload(), visit),
            _ => {}
        }
    }

    /// A payload that is a field's.
    fn found(&self, kind: PayloadKind, field: &Field, visit: &mut impl FnMut(FoundPayload)) {
        if field.payload().len() >= self.least {
            let taken = self.layout.span(field).payload_range();
            visit(FoundPayload { kind, range: field.payload(), taken, unpacked: None, strings: false });
        }
    }

    /// Gives the payloads of a TensorProto to `visit`, in the order of the file. Strings, and numbers written one by one, are one
    /// payload as far as nothing stands between them: so a payload is the bytes from its first tag to its last, and no byte
    /// is in two.
    pub(super) fn of_tensor(&self, tensor: Range<usize>, visit: &mut impl FnMut(FoundPayload)) {
        let mut found = |run: Run| {
            if run.range.len() >= self.least {
                let Run { range, taken, unpacked, strings, .. } = run;
                visit(FoundPayload { kind: PayloadKind::Const, range, taken, unpacked, strings });
            }
        };
        let mut open: Option<Run> = None;
        for field in fields(self.file, tensor) {
            let next = match (field.number, field.wire_type) {
                (STRING_VAL, WireType::Len) => Some(self.run(&field, None)),
                (FLOAT_VAL, WireType::Fixed32) | (DOUBLE_VAL, WireType::Fixed64) => {
                    Some(self.run(&field, Some((field.payload - field.start, field.payload().len()))))
                }
                _ => None,
            };
            match (&mut open, next) {
                (Some(run), Some(next)) if run.is_followed_by(&next) => {
                    run.extend(next);
                    continue;
                }
                (_, next) => std::mem::replace(&mut open, next).into_iter().for_each(&mut found),
            }
            let is_packed = field.number == TENSOR_CONTENT || NUMBERS.contains(&field.number);
            if is_packed && field.wire_type == WireType::Len {
                found(self.payload(&field));
            }
        }
        open.into_iter().for_each(&mut found);
    }

    fn payload(&self, field: &Field) -> Run {
        let (range, taken) = (field.payload(), self.layout.span(field).payload_range());
        Run { number: field.number, range, taken, unpacked: None, strings: false }
    }

    fn run(&self, field: &Field, unpacked: Option<(usize, usize)>) -> Run {
        let (range, taken) = (field.range(), self.layout.span(field).range());
        Run { number: field.number, range, taken, unpacked, strings: unpacked.is_none() }
    }
}

/// Fields of one number, taken as one.
struct Run {
    number: u32,
    range: Range<usize>,
    taken: Range<u64>,
    /// Of numbers, how wide a tag and a number are.
    unpacked: Option<(usize, usize)>,
    strings: bool,
}

impl Run {
    fn extend(&mut self, next: Self) {
        (self.range.end, self.taken.end) = (next.range.end, next.taken.end);
    }

    /// Whether another string, or number written one by one, is side by side with these and looks like them.
    fn is_followed_by(&self, next: &Self) -> bool {
        let same = self.number == next.number && self.unpacked == next.unpacked;
        same && self.range.end == next.range.start
    }
}

/// The name of a NodeDef.
pub(super) fn node_name(file: &[u8], node: Range<usize>) -> Range<usize> {
    first_len(file, node, node_def::NAME).unwrap_or_default()
}
