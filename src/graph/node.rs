//! What one NodeDef says of others: read once for the nodes that may refer to more than their inputs.

use std::ops::Range;

use crate::message::{AttrValue, Entry, NodeDef, TensorProto};

/// Made once and filled again for each node.
#[derive(Debug, Default)]
pub(super) struct Node<'a> {
    pub(super) name: Range<usize>,
    pub(super) op: &'a [u8],
    pub(super) inputs: Vec<&'a [u8]>,
    /// Functions that attributes name.
    pub(super) functions: Vec<&'a [u8]>,
    pub(super) shared_name: Option<&'a [u8]>,
    /// The attribute `value`.
    pub(super) value: Option<TensorProto<'a>>,
}

impl<'a> Node<'a> {
    /// Reads the NodeDef at `range`.
    pub(super) fn read(&mut self, file: &'a [u8], range: Range<usize>) {
        let def = NodeDef::read(file, range);
        (self.name, self.op, self.shared_name, self.value) = (def.name_range(), def.op(), None, None);
        self.inputs.clear();
        self.inputs.extend(def.inputs());
        self.functions.clear();
        for Entry { key, value, .. } in def.attributes() {
            let value = AttrValue::new(value);
            match key {
                b"shared_name" => self.shared_name = Some(value.text()).filter(|name| !name.is_empty()),
                b"value" => self.value = value.tensor(),
                _ => value.functions(&mut |name| self.functions.push(name)),
            }
        }
    }
}
