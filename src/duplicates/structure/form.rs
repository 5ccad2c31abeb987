//! A canonical form while it is written: hashed piece by piece, never held.

use xxhash_rust::xxh3::Xxh3;

/// What a piece of the form is.
///
/// The form is a sequence of pieces, each of a kind, a number and counted bytes, so that no two sequences look alike
/// when put end to end. What opens a list of pieces ([`Piece::List`], [`Piece::Function`]) is closed by
/// [`Piece::End`]; every other list ends where a piece begins that cannot be in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Piece {
    /// The bytes of a function that cannot be read.
    Damaged,
    /// A field that is taken as it is: number and wire type, payload.
    Field,
    /// An argument of the function; its fields follow.
    Argument,
    /// A result of the function; its fields and where it comes from follow.
    Result,
    /// An attribute in the function's signature; its fields follow.
    Declaration,
    /// A node; its inputs, op, device and attributes follow.
    Node,
    /// The node's op, unless it is a function of the library: a [`Piece::Call`] stands for that.
    Op,
    /// The node's device.
    Device,
    /// A data input, or where a result comes from: which argument, and which of its tensors.
    FromArgument,
    /// The same from a node: which node, and which output of it.
    FromNode,
    /// The same from a node that calls a function: which node. A [`Piece::Port`] follows.
    FromCall,
    /// Which result of the function called, and which of its tensors.
    Port,
    /// The same from what is neither argument nor node, by its name.
    FromUnknown,
    /// What follows is a control input.
    Control,
    /// What follows is a control output of the function.
    ControlResult,
    /// An attribute of the node, function or callee: its key. The value follows.
    Attribute,
    /// An attribute of an argument: which argument, and the key. The value follows.
    ArgumentAttribute,
    /// Arguments that are the same resource: the argument, and the number that it shares.
    Resource,
    /// A string or a blob.
    Text,
    /// A list of values.
    List,
    /// A function in an attribute: its name, or a [`Piece::Call`], and its attributes.
    Function,
    /// The name of a function that is not in the library.
    Name,
    /// A blank for a function of the library; which one is in the list of calls.
    Call,
    /// The end of a list or of a function in an attribute.
    End,
}

/// The hash of a form.
pub(super) struct Form(Xxh3);

impl Form {
    pub(super) fn new() -> Self {
        Self(Xxh3::new())
    }

    /// Adds a piece.
    #[inline]
    pub(super) fn put(&mut self, piece: Piece, number: u64, bytes: &[u8]) {
        self.0.update(&head(piece, number, bytes));
        self.0.update(bytes);
    }

    /// Adds a piece that is neither number nor bytes.
    pub(super) fn mark(&mut self, piece: Piece) {
        self.put(piece, 0, &[]);
    }

    pub(super) fn digest(&self) -> u128 {
        self.0.digest128()
    }
}

/// What precedes the bytes of a piece: kind, number, length.
#[inline]
fn head(piece: Piece, number: u64, bytes: &[u8]) -> [u8; 17] {
    let mut head = [piece as u8; 17];
    let (_, numbers) = head.split_at_mut(1);
    let (first, second) = numbers.split_at_mut(8);
    first.copy_from_slice(&number.to_le_bytes());
    second.copy_from_slice(&(bytes.len() as u64).to_le_bytes());
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_look_like_the_next_piece_are_not_taken_for_it() {
        let (mut two, mut one) = (Form::new(), Form::new());
        two.put(Piece::Text, 0, b"a");
        two.put(Piece::Text, 0, b"b");
        one.put(Piece::Text, 0, &[b"a", head(Piece::Text, 0, b"b").as_slice(), b"b"].concat());
        assert_ne!(one.digest(), two.digest());
    }
}
