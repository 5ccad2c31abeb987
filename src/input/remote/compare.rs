//! Ranges of one content found while they come. Nothing of them is held but what one range is ahead of another, and no
//! hash decides: each piece is held against that of another range.
//!
//! For that all of a group have to come at the same time. A server that gives one after the other would wait for the rest of the
//! first to be taken, and this for the beginning of the second: it is noticed, and from then on parts are held.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use futures_util::future::try_join_all;
use futures_util::{StreamExt as _, stream};
use tokio::time::timeout;

use super::super::ranged::{ELEMENT, Same};
use super::coming::{Coming, Wanted};
use super::fetch::{room, take};
use super::store::IN_FLIGHT;
use super::tally::Tally;
use super::{Fault, Store, runtime};

/// The most ranges that are compared with each other, as all of them come at the same time.
pub(super) const MOST: usize = IN_FLIGHT;

/// How long one of a group is waited for while the others wait: less than a store waits for who does not take what it sends.
const PATIENCE: Duration = Duration::from_secs(5);

/// Compares the ranges of each group, which are of one length and at most [`MOST`]; groups come side by side.
pub(super) fn compare(
    store: &Arc<Store>,
    tally: &Arc<Tally>,
    groups: Vec<Vec<Wanted>>,
) -> Vec<Result<Vec<Same>, Fault>> {
    let number = groups.len();
    let (store, tally) = (Arc::clone(store), Arc::clone(tally));
    let compared = runtime::wait(async move { compare_all(&store, &tally, &groups).await });
    compared.unwrap_or_else(|fault| vec![Err(fault); number])
}

async fn compare_all(store: &Store, tally: &Arc<Tally>, groups: &[Vec<Wanted>]) -> Vec<Result<Vec<Same>, Fault>> {
    let mut found: Vec<Result<Comparison, Fault>> =
        groups.iter().map(|group| Ok(Comparison::new(group.len()))).collect();
    let together = |group: &Vec<Wanted>| -> Vec<Vec<Wanted>> {
        let mut parts: Vec<_> = group.iter().map(Wanted::parts).collect();
        let next = || parts.iter_mut().map(Iterator::next).collect::<Option<Vec<Wanted>>>();
        // Of a group of which nothing may be read there are no parts.
        std::iter::from_fn(next).take_while(|parts| !parts.is_empty()).collect()
    };
    let parts = groups.iter().map(together).enumerate();
    let parts: Vec<(usize, Vec<Wanted>)> =
        parts.flat_map(|(at, parts)| parts.into_iter().map(move |parts| (at, parts))).collect();
    let asked = parts.into_iter().map(|(at, parts)| async move { (at, of_parts(store, tally, &parts).await) });
    // In order, as what a range is throughout is what its first part is.
    let mut coming = stream::iter(asked).buffered(IN_FLIGHT);
    while let Some((at, part)) = coming.next().await {
        let Some(so_far) = found.get_mut(at) else { continue };
        match (&mut *so_far, part) {
            (Ok(whole), Ok(part)) => whole.follow(&part),
            (Ok(_), Err(fault)) => *so_far = Err(fault),
            (Err(_), _) => {}
        }
    }
    found.into_iter().map(|compared| compared.map(Comparison::into_same)).collect()
}

/// Compares a part of each range.
async fn of_parts(store: &Store, tally: &Arc<Tally>, parts: &[Wanted]) -> Result<Comparison, Fault> {
    let number = u32::try_from(parts.len()).map_err(|_| Fault::NoThread)?;
    let _permits = store.in_flight.acquire_many(number).await.map_err(|_| Fault::NoThread)?;
    if !store.is_one_by_one.load(Relaxed) {
        if let Some(compared) = together(store, tally, parts).await? {
            return Ok(compared);
        }
        store.is_one_by_one.store(true, Relaxed);
    }
    one_by_one(store, tally, parts).await
}

/// Compares parts that come at the same time; `None` where one does not come while the others wait for it.
async fn together(store: &Store, tally: &Arc<Tally>, parts: &[Wanted]) -> Result<Option<Comparison>, Fault> {
    let asked = try_join_all(parts.iter().map(|part| Coming::ask(store, tally, part, false)));
    let Ok(coming) = timeout(PATIENCE, asked).await else { return Ok(None) };
    let mut coming = coming?;
    let mut ahead = vec![Bytes::new(); coming.len()];
    let mut compared = Comparison::new(coming.len());
    let mut left = parts.iter().map(Wanted::length).min().unwrap_or_default();
    while left > 0 {
        for (coming, ahead) in coming.iter_mut().zip(&mut ahead) {
            // A whole element of each, so that elements are not divided.
            while ahead.len() < ELEMENT.min(left) {
                let Ok(piece) = timeout(PATIENCE, coming.next()).await else { return Ok(None) };
                let piece = piece?.unwrap_or_default();
                *ahead = if ahead.is_empty() { piece } else { [&**ahead, &*piece].concat().into() };
            }
        }
        let length = ahead.iter().map(Bytes::len).min().unwrap_or_default();
        let length = if length < left { length - length % ELEMENT } else { left };
        let pieces: Vec<&[u8]> = ahead.iter().map(|ahead| ahead.get(..length).unwrap_or_default()).collect();
        compared.follow_pieces(&pieces);
        ahead.iter_mut().for_each(|ahead| ahead.advance(length));
        left -= length;
    }
    for coming in &mut coming {
        // That nothing follows; then its connection is free for another part.
        while coming.next().await?.is_some() {}
    }
    Ok(Some(compared))
}

/// Compares parts that come one after the other, and holds them.
async fn one_by_one(store: &Store, tally: &Arc<Tally>, parts: &[Wanted]) -> Result<Comparison, Fault> {
    let mut held = Vec::with_capacity(parts.len());
    for part in parts {
        held.push(take(store, tally, part, room(part)?, false).await?);
    }
    let mut compared = Comparison::new(parts.len());
    compared.follow_pieces(&held.iter().map(|bytes| &**bytes).collect::<Vec<&[u8]>>());
    Ok(compared)
}

/// What some contents of one length have in common so far.
#[derive(Debug)]
struct Comparison {
    /// Of each the first one that has been the same so far, perhaps itself.
    first: Vec<usize>,
    /// Of each the element that it repeats, if it has repeated one so far; empty before the first byte.
    element: Vec<Option<Bytes>>,
}

impl Comparison {
    fn new(number: usize) -> Self {
        Self { first: vec![0; number], element: vec![Some(Bytes::new()); number] }
    }

    /// Compares what follows, of each as much and whole elements unless it is the last.
    fn follow_pieces(&mut self, pieces: &[&[u8]]) {
        self.divide(|a, b| pieces.get(a) == pieces.get(b));
        for (element, piece) in self.element.iter_mut().zip(pieces) {
            if element.as_ref().is_some_and(Bytes::is_empty) {
                *element = Some(Bytes::copy_from_slice(piece.get(..ELEMENT).unwrap_or(piece)));
            }
            if let Some(repeated) = element
                && !piece.chunks(ELEMENT).all(|part| repeated.starts_with(part))
            {
                *element = None;
            }
        }
    }

    /// Adds the part that follows.
    fn follow(&mut self, part: &Self) {
        self.divide(|a, b| part.first.get(a) == part.first.get(b));
        for (element, of_part) in self.element.iter_mut().zip(&part.element) {
            *element = match (element.take(), of_part) {
                (Some(element), Some(of_part)) if element.is_empty() => Some(of_part.clone()),
                (Some(element), Some(of_part)) if element.starts_with(of_part) => Some(element),
                _ => None,
            };
        }
    }

    /// Parts those that were the same so far and are not by `are_same`.
    fn divide(&mut self, are_same: impl Fn(usize, usize) -> bool) {
        let mut divided: Vec<usize> = Vec::with_capacity(self.first.len());
        for at in 0..self.first.len() {
            // The first of each class so far: at most as many as there are contents.
            let before = divided.iter().enumerate().filter(|(other, first)| other == *first).map(|(other, _)| other);
            let mut before = before.filter(|other| self.first.get(*other) == self.first.get(at));
            let first = before.find(|other| are_same(*other, at)).unwrap_or(at);
            divided.push(first);
        }
        self.first = divided;
    }

    fn into_same(self) -> Vec<Same> {
        let each = self.first.into_iter().zip(self.element);
        each.map(|(first, element)| Same { first, element: element.filter(|element| !element.is_empty()) }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(pieces: &[&[&[u8]]]) -> Vec<Same> {
        let mut compared = Comparison::new(pieces.first().map_or(0, |pieces| pieces.len()));
        pieces.iter().for_each(|pieces| compared.follow_pieces(pieces));
        compared.into_same()
    }

    fn firsts(same: &[Same]) -> Vec<usize> {
        same.iter().map(|same| same.first).collect()
    }

    #[test]
    fn what_differs_once_stays_apart_and_what_differs_alike_stays_together() {
        let (a, b, c) = (&[1; 16][..], &[2; 16][..], &[3; 16][..]);
        assert_eq!(firsts(&same(&[&[a, a, a], &[a, a, a]])), [0, 0, 0]);
        assert_eq!(firsts(&same(&[&[a, a, a], &[a, b, b], &[a, a, a]])), [0, 1, 1]);
        assert_eq!(firsts(&same(&[&[a, b, a, b], &[a, a, c, a]])), [0, 1, 2, 1]);
    }

    #[test]
    fn what_repeats_one_element_to_its_end_is_known_by_it() {
        let (zeros, counted) = ([0; 48], (0..48).collect::<Vec<u8>>());
        let throughout = same(&[&[&zeros[..], &counted[..]], &[&zeros[..5], &zeros[..5]]]);
        assert_eq!(throughout[0].element.as_deref(), Some(&[0; 16][..]));
        assert_eq!(throughout[1].element, None);
        let differs_last = same(&[&[&zeros[..]], &[&counted[..5]]]);
        assert_eq!(differs_last[0].element, None);
    }

    #[test]
    fn parts_are_one_content_where_all_of_them_are() {
        let part = |pieces: &[&[u8]]| {
            let mut compared = Comparison::new(pieces.len());
            compared.follow_pieces(pieces);
            compared
        };
        let mut whole = Comparison::new(2);
        whole.follow(&part(&[&[7; 32], &[7; 32]]));
        whole.follow(&part(&[&[7; 9], &[7; 9]]));
        let sevens = Some(Bytes::from_static(&[7; 16]));
        assert_eq!(whole.element, [sevens.clone(), sevens.clone()]);
        assert_eq!(whole.first, [0, 0]);
        whole.follow(&part(&[&[7; 16], &[8; 16]]));
        assert_eq!((&whole.first[..], &whole.element[..]), (&[0, 1][..], &[sevens, None][..]));
    }
}
