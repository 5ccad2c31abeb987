//! Weights inside of programs: the large arrays of a StableHLO module, the attribute of an `XlaCallModule`.
//!
//! A module is MLIR bytecode (<https://mlir.llvm.org/docs/BytecodeFormat/>): sections, one of which says how long each
//! attribute is that another one holds. A dense array is such an attribute: numbers, then its bytes behind their length. A
//! module of the first versions is text, which has an array as `dense<"0x...">`, two digits a byte.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memmem;

use super::constants::LARGE;

const MAGIC: &[u8] = b"ML\xefR";

/// Sections by their number.
const ATTR_TYPE: u8 = 2;
const ATTR_TYPE_OFFSET: u8 = 3;
const RESOURCE: u8 = 5;

/// How many numbers stand before the bytes of an array: its kind, its type, its length.
const NUMBERS: usize = 4;

/// The name of the dialect, which is before each operation.
const DIALECT: &[u8] = b"stablehlo.";

/// What begins an array as text.
const HEX: &[u8] = b"\"0x";

/// An array in a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Weight {
    /// Where it is in the module.
    pub(super) range: Range<usize>,
    /// The bytes that it is of: half of those of the text.
    pub(super) bytes: usize,
}

impl Weight {
    /// The bytes that it is of, in a module that it was found in.
    pub(super) fn content<'m>(&self, module: &'m [u8]) -> Option<Cow<'m, [u8]>> {
        let written = module.get(self.range.clone())?;
        if written.len() == self.bytes {
            return Some(Cow::Borrowed(written));
        }
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        let byte = |pair: &[u8; 2]| u8::try_from(digit(&pair[0])? << 4 | digit(&pair[1])?).ok();
        let (pairs, _) = written.as_chunks::<2>();
        pairs.iter().map(byte).collect::<Option<Vec<u8>>>().map(Cow::Owned)
    }
}

/// Whether these bytes are a module, in either form.
pub(super) fn is_module(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC) || memmem::find(bytes, DIALECT).is_some()
}

/// The large arrays of a module; none where it is neither form.
pub(super) fn weights(module: &[u8]) -> Vec<Weight> {
    match module.strip_prefix(MAGIC) {
        Some(_) => of_bytecode(module).unwrap_or_default(),
        None => of_text(module),
    }
}

fn of_text(module: &[u8]) -> Vec<Weight> {
    let (mut weights, mut at) = (Vec::new(), 0);
    while let Some(rest) = module.get(at..) {
        let Some(found) = rest.windows(HEX.len()).position(|window| window == HEX) else { break };
        let start = at + found + HEX.len();
        let digits = module.get(start..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        if digits >= LARGE {
            weights.push(Weight { range: start..start + digits, bytes: digits / 2 });
        }
        at = start + digits;
    }
    weights
}

fn of_bytecode(module: &[u8]) -> Option<Vec<Weight>> {
    let mut reader = Reader { bytes: module, at: MAGIC.len() };
    reader.number()?;
    // The producer, a string that ends with a zero.
    let producer = module.get(reader.at..)?.iter().position(|byte| *byte == 0)?;
    reader.skip(producer + 1)?;
    let (mut attributes, mut offsets, mut weights) = (None, None, Vec::new());
    while reader.at < module.len() {
        let (id, range) = reader.section()?;
        match id {
            ATTR_TYPE => attributes = Some(range),
            ATTR_TYPE_OFFSET => offsets = Some(range),
            RESOURCE if range.len() >= LARGE => weights.push(Weight { bytes: range.len(), range }),
            _ => {}
        }
    }
    let lengths = lengths(module.get(..offsets.as_ref()?.end)?, offsets?.start)?;
    let Range { start: mut at, end } = attributes?;
    for length in lengths {
        let next = at.checked_add(length).filter(|next| *next <= end)?;
        if length >= LARGE {
            weights.extend(array(module.get(..next)?, at).map(|range| Weight { bytes: range.len(), range }));
        }
        at = next;
    }
    Some(weights)
}

/// The lengths of attributes and types: how many there are, then groups, each with its dialect and its count. Only the
/// large ones are of interest, but where one begins follows from all that are before it.
fn lengths(bytes: &[u8], at: usize) -> Option<Vec<usize>> {
    let mut reader = Reader { bytes, at };
    let (_attributes, _types) = (reader.number()?, reader.number()?);
    let mut lengths = Vec::new();
    while reader.at < bytes.len() {
        let (_dialect, count) = (reader.number()?, reader.number()?);
        for _ in 0..count {
            // The lowest bit says how it is encoded.
            lengths.push(usize::try_from(reader.number()? >> 1).ok()?);
        }
    }
    Some(lengths)
}

/// The bytes of an array, which end an attribute: behind a number that says how many are left.
fn array(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let mut reader = Reader { bytes, at };
    for _ in 0..NUMBERS {
        let number = reader.number()?;
        let rest = bytes.len() - reader.at;
        if usize::try_from(number).ok() == Some(rest) {
            return Some(reader.at..bytes.len());
        }
    }
    None
}

struct Reader<'a> {
    bytes: &'a [u8],
    /// Never beyond the end.
    at: usize,
}

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.at).copied()?;
        self.at += 1;
        Some(byte)
    }

    fn skip(&mut self, bytes: usize) -> Option<()> {
        self.at = self.at.checked_add(bytes).filter(|at| *at <= self.bytes.len())?;
        Some(())
    }

    /// A number of one to nine bytes: the zeros at the end of the first say how many follow it.
    fn number(&mut self) -> Option<u64> {
        let first = self.byte()?;
        let more = first.trailing_zeros().min(8);
        let mut number = u64::from(first);
        for shift in 1..=more {
            let byte = u64::from(self.byte()?);
            number = if shift < 8 { number | byte << (8 * shift) } else { number >> 8 | byte << 56 };
        }
        Some(if more < 8 { number >> (more + 1) } else { number })
    }

    /// A section: its number, and where its bytes are, behind filling up to the alignment that it may ask for.
    fn section(&mut self) -> Option<(u8, Range<usize>)> {
        let id = self.byte()?;
        let length = usize::try_from(self.number()?).ok()?;
        if id & 0x80 != 0 {
            let alignment = usize::try_from(self.number()?).ok()?.max(1);
            let filling = self.at.checked_next_multiple_of(alignment)?.checked_sub(self.at)?;
            self.skip(filling)?;
        }
        let start = self.at;
        self.skip(length)?;
        Some((id & 0x7f, start..self.at))
    }
}
