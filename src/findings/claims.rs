//! Which bytes a finding claims: ranges of files, so that two findings can be held against each other.

use std::collections::BTreeMap;
use std::ops::Range;

/// Ranges of files, each byte once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Claims {
    /// By file: sorted, disjoint, none empty, neighbours joined.
    files: BTreeMap<String, Vec<Range<u64>>>,
}

impl Claims {
    /// Claims one range of the file of this name.
    pub(crate) fn add(&mut self, file: &str, range: Range<u64>) {
        self.add_ranges(file, std::iter::once(range).collect());
    }

    /// Claims ranges of the file of this name, in any order; what is claimed already stays as it is. Best called once
    /// for many ranges, as they are sorted each time.
    pub(crate) fn add_ranges(&mut self, file: &str, mut ranges: Vec<Range<u64>>) {
        ranges.retain(|range| range.start < range.end);
        if ranges.is_empty() {
            return;
        }
        match self.files.get_mut(file) {
            Some(known) => {
                known.extend(ranges);
                join(known);
            }
            None => {
                join(&mut ranges);
                self.files.insert(file.to_owned(), ranges);
            }
        }
    }

    /// Claims what another finding does.
    pub(crate) fn add_all(&mut self, other: &Self) {
        for (file, ranges) in &other.files {
            self.add_ranges(file, ranges.clone());
        }
    }

    /// Claims what others leave of a range of a file.
    pub(crate) fn add_rest(&mut self, file: &str, range: Range<u64>, others: &Self) {
        let claimed = others.files.get(file).map_or(&[][..], Vec::as_slice);
        let ends = claimed.iter().map(|other| other.start).chain([range.end]);
        let starts = [range.start].into_iter().chain(claimed.iter().map(|other| other.end));
        let rest = starts.zip(ends).map(|(start, end)| start.max(range.start)..end.min(range.end));
        self.add_ranges(file, rest.collect());
    }

    /// How many bytes are claimed.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.values().flatten().map(|range| range.end - range.start).fold(0, u64::saturating_add)
    }

    /// How many bytes are claimed of each file.
    pub(crate) fn by_file(&self) -> impl Iterator<Item = (&str, u64)> {
        let sum =
            |ranges: &[Range<u64>]| ranges.iter().map(|range| range.end - range.start).fold(0, u64::saturating_add);
        self.files.iter().map(move |(file, ranges)| (&**file, sum(ranges)))
    }

    /// What is claimed of each file: sorted and disjoint.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &[Range<u64>])> {
        self.files.iter().map(|(file, ranges)| (&**file, &**ranges))
    }

    /// How many bytes of a range of a file are claimed.
    pub(crate) fn common(&self, file: &str, range: &Range<u64>) -> u64 {
        let claimed = self.files.get(file).map_or(&[][..], Vec::as_slice);
        let first = claimed.partition_point(|claimed| claimed.end <= range.start);
        let within = claimed.iter().skip(first).take_while(|claimed| claimed.start < range.end);
        let bytes = within.map(|claimed| claimed.end.min(range.end).saturating_sub(claimed.start.max(range.start)));
        bytes.fold(0, u64::saturating_add)
    }

    /// How many bytes both claim.
    pub(crate) fn common_bytes(&self, other: &Self) -> u64 {
        let both = self.files.iter().filter_map(|(file, ranges)| Some((ranges, other.files.get(file)?)));
        both.map(|(a, b)| common(a, b)).fold(0, u64::saturating_add)
    }
}

/// Sorts ranges and joins those that touch or overlap.
fn join(ranges: &mut Vec<Range<u64>>) {
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    ranges.dedup_by(|next, last| {
        let joins = next.start <= last.end;
        if joins {
            last.end = last.end.max(next.end);
        }
        joins
    });
}

/// The bytes that are in both of two lists of sorted, disjoint ranges.
fn common(a: &[Range<u64>], b: &[Range<u64>]) -> u64 {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    let mut bytes: u64 = 0;
    while let (Some(x), Some(y)) = (a.peek(), b.peek()) {
        bytes += x.end.min(y.end).saturating_sub(x.start.max(y.start));
        if x.end <= y.end {
            a.next()
        } else {
            b.next()
        };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(ranges: &[Range<u64>]) -> Claims {
        let mut claims = Claims::default();
        claims.add_ranges("a", ranges.to_vec());
        claims
    }

    #[test]
    fn a_byte_that_is_claimed_again_counts_once() {
        assert_eq!(claims(&[5..9, 0..3, 2..6, 8..8]).bytes(), 9);
        let mut again = claims(&[5..9, 6..7]);
        again.add("a", 0..6);
        assert_eq!(again.bytes(), 9);
        assert_eq!(claims(&[0..10, 2..4]).bytes(), 10);
        assert_eq!(claims(&[]).bytes(), 0);
    }

    #[test]
    fn what_is_claimed_of_a_range_is_what_lies_in_it() {
        let claims = claims(&[0..10, 20..30, 40..50]);
        let of = |range| claims.common("a", &range);
        assert_eq!([of(5..25), of(10..20), of(0..60), of(45..46), of(50..60)], [10, 0, 30, 1, 0]);
        assert_eq!(claims.common("b", &(0..60)), 0);
    }

    #[test]
    fn what_two_claims_share_is_counted_in_each_file_by_itself() {
        let (mut a, mut b) = (claims(&[0..10, 20..30]), claims(&[5..20, 20..25]));
        assert_eq!((a.common_bytes(&b), b.common_bytes(&a)), (10, 10));
        a.add("b", 0..100);
        assert_eq!(a.common_bytes(&b), 10);
        b.add("b", 99..200);
        assert_eq!(a.common_bytes(&b), 11);
    }

    #[test]
    fn the_rest_of_a_range_is_what_others_do_not_claim() {
        let rest = |others: &[Range<u64>]| {
            let mut rest = Claims::default();
            rest.add_rest("a", 10..30, &claims(others));
            rest
        };
        assert_eq!(rest(&[0..5, 8..12, 15..20, 28..40, 50..60]), claims(&[12..15, 20..28]));
        assert_eq!(rest(&[]), claims(&[10..20, 20..30]));
        assert_eq!(rest(&[0..20, 20..40]), claims(&[]));
    }

    #[test]
    fn claims_of_all_are_those_of_each() {
        let mut all = claims(&[0..2, 1..4]);
        all.add_all(&claims(&[2..6, 8..9]));
        assert_eq!(all, claims(&[0..6, 8..9]));
    }
}
