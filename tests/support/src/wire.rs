//! Protobuf messages, written field by field.

use bytes::Bytes;

/// A message under construction. Fields stand in the order of the calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message(pub Vec<u8>);

/// An empty message.
pub fn message() -> Message {
    Message::default()
}

pub fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

impl Message {
    fn tag(mut self, number: u32, wire_type: u8) -> Self {
        self.0.extend(varint(u64::from(number) << 3 | u64::from(wire_type)));
        self
    }

    pub fn int(self, number: u32, value: u64) -> Self {
        self.tag(number, 0).raw(&varint(value))
    }

    pub fn fixed64(self, number: u32, value: u64) -> Self {
        self.tag(number, 1).raw(&value.to_le_bytes())
    }

    pub fn fixed32(self, number: u32, value: u32) -> Self {
        self.tag(number, 5).raw(&value.to_le_bytes())
    }

    /// A string, bytes, or packed numbers.
    pub fn bytes(self, number: u32, value: impl AsRef<[u8]>) -> Self {
        self.overlong(number, value.as_ref().len() as u64, value)
    }

    /// A length-delimited field whose length says `length`, whatever the value's is.
    pub fn overlong(self, number: u32, length: u64, value: impl AsRef<[u8]>) -> Self {
        self.tag(number, 2).raw(&varint(length)).raw(value.as_ref())
    }

    pub fn message(self, number: u32, value: &Self) -> Self {
        self.bytes(number, &value.0)
    }

    pub fn messages<'a>(self, number: u32, values: impl IntoIterator<Item = &'a Self>) -> Self {
        values.into_iter().fold(self, |message, value| message.message(number, value))
    }

    /// An entry of a map field.
    pub fn entry(self, number: u32, key: &str, value: &Self) -> Self {
        self.message(number, &message().bytes(1, key).message(2, value))
    }

    pub fn group(self, number: u32, inner: &Self) -> Self {
        self.tag(number, 3).raw(&inner.0).tag(number, 4)
    }

    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn into_bytes(self) -> Bytes {
        self.0.into()
    }
}

/// A NodeDef.
pub fn node(name: &str, op: &str) -> Message {
    message().bytes(1, name).bytes(2, op)
}

/// A Const with a float tensor of `content`.
pub fn constant(name: &str, content: &[u8]) -> Message {
    let tensor = message().int(1, 1).bytes(4, content);
    let value = message().message(8, &tensor);
    node(name, "Const").entry(5, "dtype", &message().int(6, 1)).entry(5, "value", &value)
}

/// A GraphDef of nodes.
pub fn graph<'a>(nodes: impl IntoIterator<Item = &'a Message>) -> Message {
    message().messages(1, nodes)
}

/// A FunctionDef.
pub fn function<'a>(name: &str, nodes: impl IntoIterator<Item = &'a Message>) -> Message {
    message().message(1, &message().bytes(1, name)).messages(3, nodes)
}

/// A MetaGraphDef of tags and a graph.
pub fn meta_graph(tags: &[&str], graph: &Message) -> Message {
    let info = tags.iter().fold(message(), |info, tag| info.bytes(4, tag));
    message().message(1, &info).message(2, graph)
}

/// A SavedModel of metagraphs.
pub fn saved_model<'a>(meta_graphs: impl IntoIterator<Item = &'a Message>) -> Message {
    message().int(1, 1).messages(2, meta_graphs)
}
