//! The machine of a transposed chunk, which writes its records from the last byte to the first.

use std::ops::Range;

use bytes::Bytes;
use prost::encoding::{encode_varint, encoded_len_varint};

use super::buffers::Buffers;
use super::states::{Action, LONGEST_VARINT, State, States};
use super::{MAX_DEPTH, TransposeError};
use crate::chunked::unpack::{Allowance, reserve};

/// The bytes of records, and where each of them is, with its number in the chunk.
type Records = (Bytes, Vec<(u64, Range<usize>)>);

/// Runs the machine. A transition is a byte: how many states behind the next one it goes on, times four, and how many
/// times the next state then follows without one. `records` of `decoded` bytes are to come out.
pub(super) fn run(
    states: &States,
    buffers: Buffers,
    transitions: &[u8],
    (records, decoded): (u64, u64),
    allowance: &mut Allowance,
) -> (Records, Option<TransposeError>) {
    let output = Output { reversed: Vec::new(), decoded, allowance };
    let mut machine = Machine { buffers, output, records, open: Vec::new(), starts: Vec::new() };
    let error = machine.follow(states, transitions).and_then(|()| machine.finish()).err();
    (machine.into_records(), error)
}

struct Machine<'m> {
    buffers: Buffers,
    output: Output<'m>,
    /// How many records there are.
    records: u64,
    /// The messages whose end has been written but not their start: their tags, and how much was written then.
    open: Vec<(u32, usize)>,
    /// How much was written when a record was whole, of the last record first.
    starts: Vec<usize>,
}

impl Machine<'_> {
    /// Goes from state to state until a transition is needed and there is none.
    fn follow(&mut self, states: &States, transitions: &[u8]) -> Result<(), TransposeError> {
        let mut transitions = transitions.iter();
        let (mut at, mut without_one) = (states.first, 0_u8);
        loop {
            let State { action, next, is_implicit } = *states.get(at)?;
            self.act(action)?;
            at = next;
            if is_implicit {
                continue;
            }
            if let Some(left) = without_one.checked_sub(1) {
                without_one = left;
                continue;
            }
            let Some(transition) = transitions.next() else { return Ok(()) };
            at = at.saturating_add(u32::from(transition >> 2));
            without_one = transition & 3;
        }
    }

    fn act(&mut self, action: Action) -> Result<(), TransposeError> {
        let Self { buffers, output, .. } = self;
        match action {
            Action::Nothing => Ok(()),
            Action::OtherRecord { buffer } => {
                let length = buffers.last_number("the length of a record", output.allowance)?;
                let record = buffers.take(buffer, length, "a record", output.allowance)?;
                output.write(record)?;
                self.start_record()
            }
            Action::StartOfRecord => self.start_record(),
            Action::StartOfMessage => {
                let (tag, end) = self.open.pop().ok_or(TransposeError::NotOpen)?;
                let length = output.reversed.len().saturating_sub(end);
                output.varint(length as u64)?;
                output.varint(u64::from(tag))
            }
            Action::EndOfMessage { .. } if self.open.len() == MAX_DEPTH => Err(TransposeError::TooDeep),
            Action::EndOfMessage { tag } => {
                self.open.push((tag, output.reversed.len()));
                Ok(())
            }
            Action::Group { tag } => output.varint(u64::from(tag)),
            Action::Value { tag, value } => output.field(tag, &[value]),
            Action::Varint { tag, length, buffer } => {
                let digits = buffers.take(buffer, usize::from(length), "a varint", output.allowance)?;
                if let Some((last, more)) = digits.split_last() {
                    output.write(&[*last])?;
                    more.iter().rev().try_for_each(|digit| output.write(&[digit | 0x80]))?;
                }
                output.varint(u64::from(tag))
            }
            Action::Fixed { tag, length, buffer } => {
                let value = buffers.take(buffer, usize::from(length), "a number", output.allowance)?;
                output.field(tag, value)
            }
            Action::Bytes { tag, buffer } => {
                let value = buffers.delimited(buffer, "a length and as many bytes", output.allowance)?;
                output.field(tag, value)
            }
        }
    }

    /// What has been written is a whole record.
    fn start_record(&mut self) -> Result<(), TransposeError> {
        if !self.open.is_empty() {
            return Err(TransposeError::StillOpen(self.open.len()));
        }
        if self.starts.len() as u64 == self.records {
            return Err(TransposeError::Records { expected: self.records, found: "more".to_owned() });
        }
        reserve(&mut self.starts, 1)?;
        self.starts.push(self.output.reversed.len());
        Ok(())
    }

    fn finish(&self) -> Result<(), TransposeError> {
        let (written, whole) = (self.output.reversed.len(), self.starts.last().copied().unwrap_or_default());
        if !self.open.is_empty() {
            return Err(TransposeError::StillOpen(self.open.len()));
        }
        if self.starts.len() as u64 != self.records {
            let found = self.starts.len().to_string();
            return Err(TransposeError::Records { expected: self.records, found });
        }
        if written != whole {
            let found = format!("{written} bytes, of which the first are in no record");
            return Err(TransposeError::Size { expected: whole as u64, found });
        }
        if written as u64 != self.output.decoded {
            return Err(TransposeError::Size { expected: self.output.decoded, found: written.to_string() });
        }
        Ok(())
    }

    /// The records that are whole, in their order.
    fn into_records(self) -> Records {
        let mut values = self.output.reversed;
        let whole = self.starts.last().copied().unwrap_or_default();
        values.truncate(whole);
        values.reverse();
        let number = |behind: usize| self.records.saturating_sub(1).saturating_sub(behind as u64);
        let ends = std::iter::once(0).chain(self.starts.iter().copied());
        let mut records: Vec<_> = (self.starts.iter().zip(ends).enumerate())
            .map(|(behind, (start, end))| (number(behind), whole.saturating_sub(*start)..whole.saturating_sub(end)))
            .collect();
        records.reverse();
        (values.into(), records)
    }
}

/// What has been written, the last byte first.
struct Output<'m> {
    reversed: Vec<u8>,
    /// How much it is to be in the end.
    decoded: u64,
    allowance: &'m mut Allowance,
}

impl Output<'_> {
    fn field(&mut self, tag: u32, value: &[u8]) -> Result<(), TransposeError> {
        self.write(value)?;
        self.varint(u64::from(tag))
    }

    fn varint(&mut self, value: u64) -> Result<(), TransposeError> {
        let mut digits = [0; LONGEST_VARINT as usize];
        encode_varint(value, &mut digits.as_mut_slice());
        self.write(digits.get(..encoded_len_varint(value)).unwrap_or_default())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), TransposeError> {
        let length = self.reversed.len().saturating_add(bytes.len());
        if length as u64 > self.decoded {
            return Err(TransposeError::Size { expected: self.decoded, found: "more".to_owned() });
        }
        self.allowance.spend(bytes.len())?;
        reserve(&mut self.reversed, bytes.len())?;
        self.reversed.extend(bytes.iter().rev());
        Ok(())
    }
}
