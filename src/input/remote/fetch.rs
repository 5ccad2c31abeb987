//! Ranges of objects: asked for side by side in parts, each of the version that was listed, and put together.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, GetResult};

use super::client::Asked;
use super::entry::{Entry, options};
use super::store::IN_FLIGHT;
use super::tally::{Role, Tally};
use super::{Fault, Store, runtime};

/// The largest part that is asked for at once, in bytes.
const PART: u64 = 8 << 20;

/// The most that is held of one file at once, in bytes: no message is larger, and data is read piece by piece.
const MOST: u64 = 4 << 30;

/// Ranges that are at most so far apart are had by one request, in bytes.
pub(super) const GAP: u64 = 64 << 10;

/// A range of an object that is wanted.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) entry: Arc<Entry>,
    pub(super) role: Role,
    pub(super) range: Range<u64>,
}

/// Fetches ranges, side by side; what came of each, in the same order.
pub(super) fn fetch(store: &Arc<Store>, tally: &Arc<Tally>, wanted: Vec<Wanted>) -> Vec<Result<Bytes, Fault>> {
    let number = wanted.len();
    let (store, tally) = (Arc::clone(store), Arc::clone(tally));
    let fetched = runtime::wait(async move { fetch_all(&store, &tally, wanted).await });
    fetched.unwrap_or_else(|fault| vec![Err(fault); number])
}

async fn fetch_all(store: &Arc<Store>, tally: &Arc<Tally>, wanted: Vec<Wanted>) -> Vec<Result<Bytes, Fault>> {
    let mut rooms: Vec<Result<BytesMut, Fault>> = wanted.iter().map(room).collect();
    // Each part is written to where it belongs, so that nothing is copied to put them together.
    let mut split = Vec::new();
    for (at, (wanted, room)) in wanted.iter().zip(&mut rooms).enumerate() {
        let Ok(room) = room else { continue };
        for part in parts(wanted) {
            let rest = room.split_off(length(&part.range).min(room.capacity()));
            let own = std::mem::replace(room, rest);
            split.push((at, part, own));
        }
    }
    let asked = split.into_iter().map(|(at, part, room)| {
        let asked = Asked::of(tally);
        let (store, scope) = (Arc::clone(store), Arc::clone(&asked));
        async move { (at, scope.scope(part_of(store, part, asked, room)).await) }
    });
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
            Err(Fault::NoRanges) => {
                let asked = Asked::of(tally);
                let scope = Arc::clone(&asked);
                scope.scope(whole(Arc::clone(store), wanted, asked)).await.map(BytesMut::freeze)
            }
            bytes => bytes.map(BytesMut::freeze),
        });
    }
    results
}

/// The room that a range takes, where it can be had.
fn room(wanted: &Wanted) -> Result<BytesMut, Fault> {
    let bytes = wanted.range.end.saturating_sub(wanted.range.start);
    if bytes > MOST {
        return Err(Fault::TooLarge(bytes));
    }
    let length = length(&wanted.range);
    // What there is no memory for is said, and ends no program.
    Vec::<u8>::new().try_reserve_exact(length).map_err(|_| Fault::NoThread)?;
    Ok(BytesMut::with_capacity(length))
}

/// The length of a range that is held.
fn length(range: &Range<u64>) -> usize {
    usize::try_from(range.end.saturating_sub(range.start)).unwrap_or_default()
}

fn parts(wanted: &Wanted) -> impl Iterator<Item = Wanted> + use<> {
    let wanted = wanted.clone();
    let mut at = wanted.range.start;
    std::iter::from_fn(move || {
        let end = at.saturating_add(PART).min(wanted.range.end);
        let range = std::mem::replace(&mut at, end)..end;
        (!range.is_empty()).then(|| Wanted { range, ..wanted.clone() })
    })
}

/// One part, of exactly the bytes that were asked for, for which there is room.
async fn part_of(store: Arc<Store>, part: Wanted, asked: Arc<Asked>, bytes: BytesMut) -> Result<BytesMut, Fault> {
    let _permit = store.in_flight.acquire().await.map_err(|_| Fault::NoThread)?;
    let path = Path::parse(&part.entry.key).map_err(|error| Fault::Wrong(super::fault::innermost(&error)))?;
    let options = GetOptions { range: Some(GetRange::Bounded(part.range.clone())), ..options(&part.entry) };
    let result = store.store.get_opts(&path, options).await;
    let result = result.map_err(|error| Fault::of(&error, asked.seen()))?;
    take(result, &part, &asked, bytes).await
}

/// Takes what comes, which has to be what was asked for.
async fn take(result: GetResult, part: &Wanted, asked: &Asked, mut bytes: BytesMut) -> Result<BytesMut, Fault> {
    if !part.entry.is_same(&result.meta) {
        return Err(Fault::Changed);
    }
    if result.range != part.range {
        return Err(Fault::Wrong("another range".to_owned()));
    }
    let wanted = length(&part.range);
    let mut stream = result.into_stream();
    while let Some(piece) = stream.try_next().await.map_err(|error| Fault::of(&error, asked.seen()))? {
        asked.tally.count(part.role, piece.len());
        if bytes.len() + piece.len() > wanted {
            return Err(Fault::Wrong(format!("more than the {wanted} bytes of a range")));
        }
        bytes.extend_from_slice(&piece);
    }
    if bytes.len() < wanted {
        return Err(Fault::Wrong(format!("{} of the {wanted} bytes of a range", bytes.len())));
    }
    Ok(bytes)
}

/// A whole object, of a server that gives no ranges.
async fn whole(store: Arc<Store>, wanted: Wanted, asked: Arc<Asked>) -> Result<BytesMut, Fault> {
    if wanted.range != (0..wanted.entry.bytes) {
        return Err(Fault::NoRanges);
    }
    let _permit = store.in_flight.acquire().await.map_err(|_| Fault::NoThread)?;
    let path = Path::parse(&wanted.entry.key).map_err(|error| Fault::Wrong(super::fault::innermost(&error)))?;
    let result = store.store.get_opts(&path, options(&wanted.entry)).await;
    let result = result.map_err(|error| Fault::of(&error, asked.seen()))?;
    let room = room(&wanted)?;
    take(result, &wanted, &asked, room).await
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

    #[test]
    fn a_large_range_is_had_in_parts_and_none_in_none() {
        let entry = Arc::new(Entry { key: String::new(), bytes: 3 * PART, e_tag: None });
        let wanted = |range| Wanted { entry: Arc::clone(&entry), role: Role::Message, range };
        let ranges = |wanted: &Wanted| parts(wanted).map(|part| part.range).collect::<Vec<_>>();
        assert_eq!(ranges(&wanted(5..PART + 6)), [5..PART + 5, PART + 5..PART + 6]);
        assert_eq!(ranges(&wanted(5..5)), []);
    }
}
