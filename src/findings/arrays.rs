//! Arrays of numbers written as decimal text in JSON.

use std::ops::Range;

/// Brackets open at once, beyond which an array is not followed: a tensor of more dimensions does not exist
/// (`TensorShape::MaxDimensions` is 254).
const MAX_DEPTH: usize = 254;

/// An array of numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Array {
    /// The text from its first bracket to its last.
    pub(super) range: Range<usize>,
    /// The string before it, which is its key in an object.
    pub(super) key: Range<usize>,
}

/// The arrays of at least `least` bytes in a JSON text that hold numbers only, or such arrays; of nested ones the
/// outermost. One pass, without building anything: what is no JSON has no arrays, or some.
pub(super) fn arrays(text: &[u8], least: usize) -> Vec<Array> {
    let mut scan =
        Scan { text, least, at: 0, open: Vec::new(), mixed: 0, key: 0..0, held: Vec::new(), found: Vec::new() };
    scan.run();
    scan.found
}

struct Scan<'a> {
    text: &'a [u8],
    least: usize,
    at: usize,
    /// The arrays that are open: where each begins, and its key.
    open: Vec<Array>,
    /// How many of them, the outermost, hold something that is no number.
    mixed: usize,
    /// The last string.
    key: Range<usize>,
    /// Large arrays that are closed, in an array that may yet prove to be numbers only.
    held: Vec<Array>,
    found: Vec<Array>,
}

impl Scan<'_> {
    fn run(&mut self) {
        while let Some(byte) = self.text.get(self.at).copied() {
            let start = self.at;
            self.at += 1;
            match byte {
                b'[' if self.open.len() >= MAX_DEPTH => {
                    self.open.clear();
                    self.mixed();
                }
                b'[' => self.open.push(Array { range: start..start, key: self.key.clone() }),
                b']' => self.close(),
                b'"' => self.string(),
                b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E' | b',' | b' ' | b'\t' | b'\r' | b'\n' => {}
                b'N' | b'I' => self.word(start),
                _ => self.mixed(),
            }
        }
        self.mixed();
    }

    /// Python writes numbers that JSON has no word for.
    fn word(&mut self, start: usize) {
        let rest = self.text.get(start..).unwrap_or_default();
        match [&b"NaN"[..], b"Infinity"].into_iter().find(|word| rest.starts_with(word)) {
            Some(word) => self.at = start + word.len(),
            None => self.mixed(),
        }
    }

    fn string(&mut self) {
        let start = self.at;
        while let Some(byte) = self.text.get(self.at) {
            match byte {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.key = start..self.at.min(self.text.len());
        self.at += 1;
        self.mixed();
    }

    /// What is open holds something that is no number, or is not closed: what was closed inside of it stands alone.
    fn mixed(&mut self) {
        self.mixed = self.open.len();
        self.found.append(&mut self.held);
    }

    fn close(&mut self) {
        let Some(mut array) = self.open.pop() else { return };
        if self.open.len() < self.mixed {
            self.mixed = self.open.len();
            return;
        }
        array.range.end = self.at;
        if array.range.len() >= self.least {
            // Those inside of it were closed last.
            while self.held.pop_if(|inner| inner.range.start > array.range.start).is_some() {}
            self.held.push(array);
        }
        if self.open.len() == self.mixed {
            self.found.append(&mut self.held);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, least: usize) -> Vec<(&str, &str)> {
        let of = |range: &Range<usize>| text.get(range.clone()).unwrap();
        arrays(text.as_bytes(), least).iter().map(|array| (of(&array.key), of(&array.range))).collect()
    }

    #[test]
    fn an_array_of_numbers_is_found_with_its_key() {
        assert_eq!(found(r#"{"value": [1.5, -2e-3], "name": "x"}"#, 4), [("value", "[1.5, -2e-3]")]);
        assert_eq!(found(r#"{"value": [NaN, -Infinity]}"#, 4), [("value", "[NaN, -Infinity]")]);
    }

    #[test]
    fn of_nested_arrays_the_outermost_counts() {
        assert_eq!(found(r#"{"a": [[1, 2], [3, 4]]}"#, 3), [("a", "[[1, 2], [3, 4]]")]);
    }

    #[test]
    fn an_array_of_other_things_is_none_but_arrays_in_it_are() {
        assert_eq!(found(r#"["relu", null, [1234], {"k": [5678]}]"#, 4), [("relu", "[1234]"), ("k", "[5678]")]);
        assert_eq!(found(r#"[[1234], [5678], true]"#, 4), [("", "[1234]"), ("", "[5678]")]);
        assert_eq!(found("[null, 1234567]", 4), []);
    }

    #[test]
    fn what_is_short_or_inside_of_a_string_is_no_array() {
        assert_eq!(found(r#"{"shape": [1, 2]}"#, 7), []);
        assert_eq!(found(r#"{"code": "\"[1234]\"", "\\": [5678]}"#, 4), [(r"\\", "[5678]")]);
    }

    #[test]
    fn what_is_not_closed_is_no_array_but_what_is_closed_in_it_is() {
        assert_eq!(found("[[1234], [5678", 4), [("", "[1234]")]);
        assert_eq!(found("1234]]] [5678]", 4), [("", "[5678]")]);
        assert_eq!(found("\"[1234]\\", 4), []);
    }

    #[test]
    fn brackets_deeper_than_any_tensor_are_passed_over() {
        let deep = format!("{}[1234]", "[".repeat(1 << 20));
        assert_eq!(found(&deep, 4), [("", "[1234]")]);
    }
}
