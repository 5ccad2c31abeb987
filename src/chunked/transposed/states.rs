//! The states of a transposed chunk's machine: what each puts before what is there, and which state comes then.

use super::{MAX_PARTS, Numbers, TransposeError};

/// Tags below 8, which no field has, are of states that belong to no field (`MessageId`).
const NOTHING: u64 = 0;
const OTHER_RECORD: u64 = 1;
const START_OF_MESSAGE: u64 = 2;
const START_OF_RECORD: u64 = 3;
const FIRST_TAG: u32 = 8;

/// The wire type, of none in use, by which the end of a message is told from a field of bytes (`kSubmessageWireType`).
const END_OF_MESSAGE: u32 = 6;

/// The bytes of the longest varint. The subtype of a varint's state is its length less one, or from this number on its
/// value, which is in no buffer then.
pub(super) const LONGEST_VARINT: u8 = 10;

/// The machine of a chunk.
pub(super) struct States {
    states: Vec<State>,
    /// The state that it begins in.
    pub(super) first: u32,
}

/// A state.
#[derive(Debug, Clone, Copy)]
pub(super) struct State {
    pub(super) action: Action,
    /// The state that follows, or from which a transition counts.
    pub(super) next: u32,
    /// Whether the next state follows without a transition.
    pub(super) is_implicit: bool,
}

/// What is done in a state. Where it reads from a buffer, the number of that.
#[derive(Debug, Clone, Copy)]
pub(super) enum Action {
    Nothing,
    /// A record that is no message: its length is in the last buffer.
    OtherRecord {
        buffer: u32,
    },
    StartOfRecord,
    /// Everything since the end of the message that was opened last is in it.
    StartOfMessage,
    EndOfMessage {
        tag: u32,
    },
    /// The start or the end of a group.
    Group {
        tag: u32,
    },
    /// A varint of one byte.
    Value {
        tag: u32,
        value: u8,
    },
    /// A varint of so many bytes, without what says whether another follows.
    Varint {
        tag: u32,
        length: u8,
        buffer: u32,
    },
    /// So many bytes.
    Fixed {
        tag: u32,
        length: u8,
        buffer: u32,
    },
    /// A length and as many bytes.
    Bytes {
        tag: u32,
        buffer: u32,
    },
}

impl States {
    /// Reads the states, which read from so many buffers.
    pub(super) fn parse(numbers: &mut Numbers<'_>, buffers: usize) -> Result<Self, TransposeError> {
        let count = numbers.count("the number of states", MAX_PARTS)?;
        let mut tags = Vec::new();
        for _ in 0..count {
            tags.push(numbers.next("the tag of a state")?);
        }
        let mut followers = Vec::new();
        for _ in 0..count {
            followers.push(numbers.below("the state that follows one", count.saturating_mul(2))?);
        }
        let varints = tags.iter().filter(|tag| **tag >= u64::from(FIRST_TAG) && **tag & 7 == 0).count();
        let mut subtypes = numbers.bytes("the subtypes of states", varints)?.iter().copied();
        let mut states = Vec::new();
        for (tag, follower) in tags.into_iter().zip(followers) {
            let action = action(tag, &mut subtypes, &mut || numbers.below("the buffer of a state", buffers))?;
            let behind = (follower as usize).checked_sub(count).and_then(|next| u32::try_from(next).ok());
            states.push(State { action, next: behind.unwrap_or(follower), is_implicit: behind.is_some() });
        }
        let first = numbers.below("the first state", count)?;
        refuse_circles(&states)?;
        pass_over_nothing(&mut states);
        Ok(Self { states, first })
    }

    pub(super) fn get(&self, number: u32) -> Result<&State, TransposeError> {
        let (what, limit) = ("a transition to a state", self.states.len());
        self.states.get(number as usize).ok_or(TransposeError::TooLarge { what, limit, found: u64::from(number) })
    }
}

/// What the state of a tag does. Those of varints have a subtype, and those that read from a buffer its number.
fn action(
    number: u64,
    subtypes: &mut impl Iterator<Item = u8>,
    buffer: &mut dyn FnMut() -> Result<u32, TransposeError>,
) -> Result<Action, TransposeError> {
    match number {
        NOTHING => return Ok(Action::Nothing),
        OTHER_RECORD => return Ok(Action::OtherRecord { buffer: buffer()? }),
        START_OF_MESSAGE => return Ok(Action::StartOfMessage),
        START_OF_RECORD => return Ok(Action::StartOfRecord),
        _ => {}
    }
    let unknown = |subtype| TransposeError::State { tag: number, subtype };
    let tag = u32::try_from(number).ok().filter(|tag| *tag >= FIRST_TAG).ok_or(unknown(0))?;
    match tag & 7 {
        0 => {
            let subtype = subtypes.next().unwrap_or_default();
            match subtype.checked_sub(LONGEST_VARINT) {
                None => Ok(Action::Varint { tag, length: subtype.saturating_add(1), buffer: buffer()? }),
                Some(value) if value < 0x80 => Ok(Action::Value { tag, value }),
                Some(_) => Err(unknown(subtype)),
            }
        }
        1 => Ok(Action::Fixed { tag, length: 8, buffer: buffer()? }),
        2 => Ok(Action::Bytes { tag, buffer: buffer()? }),
        3 | 4 => Ok(Action::Group { tag }),
        5 => Ok(Action::Fixed { tag, length: 4, buffer: buffer()? }),
        END_OF_MESSAGE => Ok(Action::EndOfMessage { tag: tag & !7 | 2 }),
        _ => Err(unknown(0)),
    }
}

/// A circle of states that lead on without a transition would never end.
fn refuse_circles(states: &[State]) -> Result<(), TransposeError> {
    // The walk in which each state was first met; none is walked twice.
    let mut met = vec![None; states.len()];
    for walk in 0..states.len() {
        let mut at = walk;
        while let Some(slot) = met.get_mut(at) {
            match *slot {
                Some(earlier) if earlier == walk => return Err(TransposeError::Circle),
                Some(_) => break,
                None => *slot = Some(walk),
            }
            match states.get(at) {
                Some(state) if state.is_implicit => at = state.next as usize,
                _ => break,
            }
        }
    }
    Ok(())
}

/// Makes states that do nothing and lead on without a transition lead to where the last of them does, as a chain of them
/// may be as long as there are states and is passed each time. They must be in no circle.
fn pass_over_nothing(states: &mut [State]) {
    let passed = |states: &[State], at: usize| {
        let state = states.get(at).filter(|state| state.is_implicit && matches!(state.action, Action::Nothing));
        state.map(|state| state.next)
    };
    let mut chain = Vec::new();
    for start in 0..states.len() {
        let (mut at, mut end) = (start, 0);
        while let Some(next) = passed(states, at) {
            chain.push(at);
            (at, end) = (next as usize, next);
        }
        // A chain that has been walked is two states long.
        for number in chain.drain(..) {
            if let Some(state) = states.get_mut(number) {
                state.next = end;
            }
        }
    }
}
