//! Ranges of objects: asked for side by side in parts, each of the version that was listed, and put together.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, stream};

use super::coming::{Coming, Wanted};
use super::store::IN_FLIGHT;
use super::tally::Tally;
use super::{Fault, Store, runtime};

/// The most that is held of one file at once, in bytes: no message is larger, and data is read piece by piece.
const MOST: u64 = 4 << 30;

/// Ranges that are at most so far apart are had by one request, in bytes.
pub(super) const GAP: u64 = 64 << 10;

/// Fetches ranges, side by side; what came of each, in the same order.
pub(super) fn fetch(store: &Arc<Store>, tally: &Arc<Tally>, wanted: Vec<Wanted>) -> Vec<Result<Bytes, Fault>> {
    let number = wanted.len();
    let (store, tally) = (Arc::clone(store), Arc::clone(tally));
    let fetched = runtime::wait(async move { fetch_all(&store, &tally, wanted).await });
    fetched.unwrap_or_else(|fault| vec![Err(fault); number])
}

async fn fetch_all(store: &Store, tally: &Arc<Tally>, wanted: Vec<Wanted>) -> Vec<Result<Bytes, Fault>> {
    let mut rooms: Vec<Result<BytesMut, Fault>> = wanted.iter().map(room).collect();
    // Each part is written to where it belongs, so that nothing is copied to put them together.
    let mut split = Vec::new();
    for (at, (wanted, room)) in wanted.iter().zip(&mut rooms).enumerate() {
        let Ok(room) = room else { continue };
        for part in wanted.parts() {
            let rest = room.split_off(part.length().min(room.capacity()));
            let own = std::mem::replace(room, rest);
            split.push((at, part, own));
        }
    }
    let asked =
        split.into_iter().map(|(at, part, room)| async move { (at, alone(store, tally, &part, room, false).await) });
    let mut fetched: Vec<Result<BytesMut, Fault>> =
        rooms.iter().map(|room| room.as_ref().map(|_| BytesMut::new()).map_err(Clone::clone)).collect();
    let mut coming = stream::iter(asked).buffered(IN_FLIGHT);
    while let Some((at, part)) = coming.next().await {
        let Some(so_far) = fetched.get_mut(at) else { continue };
        match (&mut *so_far, part) {
            (Ok(bytes), Ok(part)) => bytes.unsplit(part),
            (Ok(_), Err(fault)) => *so_far = Err(fault),
            (Err(_), _) => {}
        }
    }
    drop(coming);
    let mut results = Vec::with_capacity(fetched.len());
    for (bytes, wanted) in fetched.into_iter().zip(wanted) {
        results.push(match bytes {
            Err(Fault::NoRanges) => whole(store, tally, &wanted).await.map(BytesMut::freeze),
            bytes => bytes.map(BytesMut::freeze),
        });
    }
    results
}

/// The room that a range takes, where it can be had.
pub(super) fn room(wanted: &Wanted) -> Result<BytesMut, Fault> {
    let bytes = wanted.bytes();
    if bytes > MOST {
        return Err(Fault::TooLarge(bytes));
    }
    let length = wanted.length();
    // What there is no memory for is said, and ends no program.
    Vec::<u8>::new().try_reserve_exact(length).map_err(|_| Fault::NoThread)?;
    Ok(BytesMut::with_capacity(length))
}

/// Takes what comes of a part, for which there is room.
pub(super) async fn take(
    store: &Store,
    tally: &Arc<Tally>,
    part: &Wanted,
    mut bytes: BytesMut,
    is_whole: bool,
) -> Result<BytesMut, Fault> {
    let mut coming = Coming::ask(store, tally, part, is_whole).await?;
    while let Some(piece) = coming.next().await? {
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// Takes it as one of those in flight.
async fn alone(
    store: &Store,
    tally: &Arc<Tally>,
    part: &Wanted,
    bytes: BytesMut,
    is_whole: bool,
) -> Result<BytesMut, Fault> {
    let _permit = store.in_flight.acquire().await.map_err(|_| Fault::NoThread)?;
    take(store, tally, part, bytes, is_whole).await
}

/// A whole object, of a server that gives no ranges.
async fn whole(store: &Store, tally: &Arc<Tally>, wanted: &Wanted) -> Result<BytesMut, Fault> {
    if wanted.range != (0..wanted.entry.bytes) {
        return Err(Fault::NoRanges);
    }
    alone(store, tally, wanted, room(wanted)?, true).await
}

/// Ranges sorted and put together where they overlap or are no further apart than `gap`.
pub(super) fn merged(ranges: &[Range<u64>], gap: u64) -> Vec<Range<u64>> {
    let mut ranges = ranges.to_vec();
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(gap) => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_are_near_are_one_request() {
        assert_eq!(merged(&[20..30, 0..10, 12..14], 2), [0..14, 20..30]);
        assert_eq!(merged(&[0..10, 5..7, 10..11], 0), [0..11]);
        assert_eq!(merged(&[], 5), []);
    }
}
