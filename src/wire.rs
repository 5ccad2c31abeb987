//! Protobuf's wire format as spans of a file: which bytes are which field, without decoding or copying anything.
//!
//! What a field costs is where it lies. A decode and re-encode is no measure of that: unknown fields, fields given
//! twice, non-minimal varints and groups are all legal and none survives it. So every size in smaudit is the
//! difference of two offsets found here. The format: <https://protobuf.dev/programming-guides/encoding/>.

#![warn(clippy::arithmetic_side_effects)]

mod error;
mod field;
mod fields;
mod layout;
mod read;
mod shares;
mod span;
mod spans;

pub use error::WireError;
pub use field::{Field, WireType};
pub use fields::{Fields, fields, varint};
pub use layout::{Decoded, Layout};
pub use read::{
    append_varint, first_len, integers, last_len, plain_entry, short_length, skip_all, skip_len, split_len, to_varint,
};
pub use shares::{Block, Place, Shares};
pub use span::Span;
pub use spans::{Mark, Slot, Spans};

#[cfg(test)]
mod tests;
