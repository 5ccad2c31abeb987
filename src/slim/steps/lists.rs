//! Elements taken out of a list of an attribute, or of a constant of strings.

use std::collections::BTreeSet;

use super::NotTaken;
use crate::edit::Splices;
use crate::edit::numbers::with_length;
use crate::message::number::attr_value::{LIST, TENSOR, list_value};
use crate::message::number::map_entry::VALUE;
use crate::message::number::node_def::ATTR;
use crate::message::number::tensor_proto::{STRING_VAL, TENSOR_CONTENT, TENSOR_SHAPE};
use crate::message::number::tensor_shape_proto::{DIM, dim};
use crate::message::{Entry, Message};
use crate::wire::{Field, WireType, append_varint, fields, varint};

/// A file, and the message in it that attributes are taken from: the fields around it and itself.
pub(super) struct Attributes<'f, 'p> {
    pub(super) file: &'f [u8],
    pub(super) path: &'p [Field],
    /// The number of the attributes in it.
    pub(super) number: u32,
}

impl<'f, 'p> Attributes<'f, 'p> {
    /// Those of a node.
    pub(super) fn of_node(file: &'f [u8], path: &'p [Field]) -> Self {
        Self { file, path, number: ATTR }
    }

    /// The path to the one field of this number in the value of an attribute. `None` where there is no such attribute.
    fn value(&self, key: &[u8], number: u32) -> Result<Option<Vec<Field>>, NotTaken> {
        let Some(message) = self.path.last() else { return Ok(None) };
        let attributes = fields(self.file, message.payload()).filter(|field| field.is_len(self.number));
        let mut entries = attributes.filter(|field| Entry::read(self.file, *field).key == key);
        let Some(entry) = entries.next() else { return Ok(None) };
        let mut path: Vec<Field> = self.path.iter().copied().chain([entry]).collect();
        let mut at = entry;
        for number in [VALUE, number] {
            let mut inner = fields(self.file, at.payload()).filter(|field| field.is_len(number));
            let (Some(field), None, true) = (inner.next(), inner.next(), entries.next().is_none()) else {
                return Err(NotTaken::Attribute);
            };
            path.push(field);
            at = field;
        }
        Ok(Some(path))
    }

    /// Takes elements out of a list of messages or strings of `count`.
    pub(super) fn without_messages(
        &self,
        edits: &mut Splices,
        key: &[u8],
        number: u32,
        gone: &BTreeSet<usize>,
    ) -> Result<(), NotTaken> {
        let Some(path) = self.value(key, LIST)? else { return Ok(()) };
        let list = path.last().map(Field::payload).unwrap_or_default();
        let items = fields(self.file, list).filter(|field| field.is_len(number));
        for (_, item) in items.enumerate().filter(|(at, _)| gone.contains(at)) {
            edits.delete(&path, item.range())?;
        }
        Ok(())
    }

    /// Has other integers in a list.
    pub(super) fn with_integers(
        &self,
        edits: &mut Splices,
        key: &[u8],
        number: u32,
        change: &dyn Fn(Vec<u64>) -> Vec<u64>,
    ) -> Result<(), NotTaken> {
        let Some(path) = self.value(key, LIST)? else { return Ok(()) };
        let Some(list) = path.last() else { return Ok(()) };
        let items: Vec<Field> = fields(self.file, list.payload()).filter(|field| field.number == number).collect();
        let mut old = Vec::new();
        for item in &items {
            let mut rest = item.bytes(self.file);
            while let Some((value, width)) = varint(rest) {
                old.push(value);
                rest = rest.get(width..).unwrap_or_default();
            }
            if !rest.is_empty() || !matches!(item.wire_type, WireType::Len | WireType::Varint) {
                return Err(NotTaken::Attribute);
            }
        }
        let new = change(old.clone());
        let (Some(first), true) = (items.first(), new != old) else { return Ok(()) };
        let mut packed = Vec::new();
        new.iter().for_each(|value| append_varint(&mut packed, *value));
        let written = if new.is_empty() { Vec::new() } else { with_length(number, &packed) };
        edits.replace(&path, first.range(), written)?;
        items.iter().skip(1).try_for_each(|item| edits.delete(&path, item.range()))?;
        Ok(())
    }

    /// Takes strings out of the constant that a node is.
    pub(super) fn without_strings(
        &self,
        edits: &mut Splices,
        count: usize,
        gone: &BTreeSet<usize>,
    ) -> Result<(), NotTaken> {
        let path = self.value(b"value", TENSOR)?.ok_or(NotTaken::Attribute)?;
        let tensor = path.last().copied().ok_or(NotTaken::Attribute)?;
        let of_tensor: Vec<Field> = fields(self.file, tensor.payload()).collect();
        let strings: Vec<Field> = of_tensor.iter().filter(|field| field.is_len(STRING_VAL)).copied().collect();
        let shapes: Vec<Field> = of_tensor.iter().filter(|field| field.is_len(TENSOR_SHAPE)).copied().collect();
        let ([shape], false) = (&shapes[..], of_tensor.iter().any(|field| field.is_len(TENSOR_CONTENT))) else {
            return Err(NotTaken::Attribute);
        };
        let left = count.saturating_sub(gone.len());
        // The last string stands for all that are left out.
        let is_short = strings.len() < count;
        let last = strings.last().map(|field| field.bytes(self.file));
        let kept = (0..count).filter(|at| !gone.contains(at));
        let mut kept: Vec<&[u8]> =
            kept.filter_map(|at| strings.get(at).map(|field| field.bytes(self.file)).or(last)).collect();
        if is_short {
            while let [.., before, end] = &kept[..]
                && before == end
            {
                kept.pop();
            }
        }
        let mut strings = strings.iter();
        if let Some(first) = strings.next() {
            let written: Vec<u8> = kept.iter().flat_map(|string| with_length(STRING_VAL, string)).collect();
            edits.replace(&path, first.range(), written)?;
            strings.try_for_each(|field| edits.delete(&path, field.range()))?;
        }
        self.shape(edits, &path, *shape, count, left)?;
        if let Some(path) = self.value(b"_output_shapes", LIST)? {
            let list = path.last().map(Field::payload).unwrap_or_default();
            let shapes: Vec<Field> = fields(self.file, list).filter(|field| field.is_len(list_value::SHAPE)).collect();
            let [shape] = shapes[..] else { return Err(NotTaken::Attribute) };
            self.shape(edits, &path, shape, count, left)?;
        }
        Ok(())
    }

    /// A shape of one dimension of another size.
    fn shape(
        &self,
        edits: &mut Splices,
        path: &[Field],
        shape: Field,
        count: usize,
        left: usize,
    ) -> Result<(), NotTaken> {
        let path: Vec<Field> = path.iter().copied().chain([shape]).collect();
        let dims: Vec<Field> = fields(self.file, shape.payload()).collect();
        let [dimension] = dims[..] else { return Err(NotTaken::Attribute) };
        let size = Message::new(self.file, dimension.payload()).integer(dim::SIZE);
        if !dimension.is_len(DIM) || size != count as u64 {
            return Err(NotTaken::Attribute);
        }
        let mut written = Vec::new();
        append_varint(&mut written, u64::from(dim::SIZE) << 3);
        append_varint(&mut written, left as u64);
        edits.replace(&path, dimension.range(), with_length(DIM, &written))?;
        Ok(())
    }
}
