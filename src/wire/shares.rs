//! Where in the file the fields of its messages lie, for a file that holds parts of them, compressed, in another order.
//!
//! Such a file has no span for a field: what a compressed part takes cannot be said of a byte in it. So each part gives
//! what it takes in the file to the bytes that it decodes to, in equal shares. The shares are added up in the order of
//! the wire format, each from what has been given out before, so they are whole bytes, none is lost, and a message's
//! are those of its fields. For a part that is not compressed a byte's share is the byte itself.
//!
//! A field's span is so a range of what is given out, not of the file; it has a size and an order, and the account
//! of the file needs no more. Where in the file a field is for a problem is asked apart.

use super::field::Field;
use super::span::Span;

/// A part of the file that decodes to bytes of messages.
#[derive(Debug, Clone, Copy)]
pub struct Block {
    /// What it takes in the file.
    pub stored: u64,
    /// What it decodes to.
    pub decoded: u64,
    /// Where in the file the decoded byte is; the same for all of them in a compressed block.
    pub place: Place,
}

/// Where in the file a decoded byte of a block is.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// In what begins there and is compressed.
    Within(u64),
    /// So far from the byte of this number, with other bytes between them: the function says where a number is.
    From(u64, fn(u64) -> u64),
}

impl Block {
    /// What its first `decoded` bytes take in the file.
    fn share(&self, decoded: u64) -> u64 {
        let whole = u128::from(self.stored).saturating_mul(u128::from(decoded.min(self.decoded)));
        let share = whole.checked_div(u128::from(self.decoded)).unwrap_or_default();
        u64::try_from(share).unwrap_or(self.stored)
    }

    /// Where in the file a decoded byte is.
    #[must_use]
    pub fn place(&self, decoded: u64) -> u64 {
        match self.place {
            Place::Within(start) => start,
            Place::From(first, place) => place(first.saturating_add(decoded)),
        }
    }
}

/// Bytes of the wire format that were decoded bytes of a block.
#[derive(Debug, Clone, Copy)]
struct Run {
    /// Where it begins in the wire format.
    start: u64,
    length: u64,
    block: usize,
    /// The decoded bytes. As many as `length`, but for a length that was written anew: that is taken as a whole.
    from: u64,
    to: u64,
    /// What has been given out before.
    position: u64,
}

/// What each byte of the wire format takes in the file.
#[derive(Debug, Default)]
pub struct Shares {
    blocks: Vec<Block>,
    runs: Vec<Run>,
    /// What has been given out.
    position: u64,
}

impl Shares {
    /// Shares of what these blocks take.
    #[must_use]
    pub fn new(blocks: Vec<Block>) -> Self {
        Self { blocks, ..Self::default() }
    }

    /// Says that the `length` bytes at `start` of the wire format are the decoded bytes `from..to` of a block. Called in
    /// the order of the wire format, and once for each decoded byte.
    pub fn add(&mut self, start: u64, length: u64, block: usize, (from, to): (u64, u64)) {
        let Some(block_of_run) = self.blocks.get(block) else { return };
        let bytes = block_of_run.share(to).saturating_sub(block_of_run.share(from));
        let whole = length == to.saturating_sub(from);
        if let Some(last) = self.runs.last_mut()
            && last.block == block
            && last.to == from
            && last.start.saturating_add(last.length) == start
            && whole
            && last.length == last.to.saturating_sub(last.from)
        {
            last.length = last.length.saturating_add(length);
            last.to = to;
        } else {
            self.runs.push(Run { start, length, block, from, to, position: self.position });
        }
        self.position = self.position.saturating_add(bytes);
    }

    /// What all bytes of the wire format in front of `offset` take.
    #[must_use]
    pub fn position(&self, offset: usize) -> u64 {
        let Some((run, block)) = self.run(offset as u64) else { return 0 };
        let into = (offset as u64).saturating_sub(run.start);
        block.share(run.decoded(into)).saturating_sub(block.share(run.from)).saturating_add(run.position)
    }

    /// Where in the file the byte at `offset` of the wire format is; for one that is not in the file, where what is in
    /// front of it is.
    #[must_use]
    pub fn place(&self, offset: usize) -> u64 {
        let Some((run, block)) = self.run(offset as u64) else { return 0 };
        block.place(run.decoded((offset as u64).saturating_sub(run.start)))
    }

    /// The last run that begins at or in front of `offset`.
    fn run(&self, offset: u64) -> Option<(&Run, &Block)> {
        let behind = self.runs.partition_point(|run| run.start <= offset);
        let run = self.runs.get(behind.checked_sub(1)?)?;
        Some((run, self.blocks.get(run.block)?))
    }

    pub(super) fn span(&self, field: &Field) -> Span {
        Span {
            start: self.position(field.start),
            payload: self.position(field.payload),
            payload_end: self.position(field.payload_end),
            end: self.position(field.end),
        }
    }
}

impl Run {
    /// The end of the decoded bytes that are the first `into` bytes of the run.
    fn decoded(&self, into: u64) -> u64 {
        if into >= self.length {
            self.to
        } else if self.length == self.to.saturating_sub(self.from) {
            self.from.saturating_add(into)
        } else {
            self.from
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nine bytes of wire format: seven of a block that holds three for each that it takes, two of one that is not
    /// compressed, in front of them.
    fn shares() -> Shares {
        let compressed = Block { stored: 3, decoded: 7, place: Place::Within(40) };
        let plain = Block { stored: 2, decoded: 2, place: Place::From(100, |number| number.saturating_add(24)) };
        let mut shares = Shares::new(vec![compressed, plain]);
        shares.add(0, 2, 1, (0, 2));
        shares.add(2, 3, 0, (0, 3));
        shares.add(5, 4, 0, (3, 7));
        shares
    }

    #[test]
    fn the_shares_of_a_block_add_up_to_what_it_takes_and_never_shrink() {
        let shares = shares();
        let positions: Vec<u64> = (0..=9).map(|offset| shares.position(offset)).collect();
        assert_eq!(positions, [0, 1, 2, 2, 2, 3, 3, 4, 4, 5]);
    }

    #[test]
    fn a_byte_of_a_compressed_block_is_where_the_block_is_and_any_other_where_it_is() {
        let shares = shares();
        assert_eq!([0, 1, 2, 8].map(|offset| shares.place(offset)), [124, 125, 40, 40]);
    }

    #[test]
    fn a_head_that_was_written_anew_is_taken_as_a_whole() {
        let mut shares = Shares::new(vec![Block { stored: 8, decoded: 8, place: Place::Within(0) }]);
        shares.add(0, 2, 0, (0, 4));
        shares.add(2, 4, 0, (4, 8));
        assert_eq!([0, 1, 2, 3, 6].map(|offset| shares.position(offset)), [0, 0, 4, 5, 8]);
    }
}
