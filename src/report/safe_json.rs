//! JSON that is safe to show.
//!
//! JSON is read on terminals as well: characters that would steer one are written as `\u001b`, which JSON allows for
//! any character. It is the same document with the same meaning.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

use crate::escape::{is_command, is_unsafe};

/// Writes a document and a newline.
pub(super) fn document(document: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    document.serialize(&mut Serializer::with_formatter(&mut out, Safe(PrettyFormatter::new())))?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Writes a document on one line.
pub(super) fn line(document: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    document.serialize(&mut Serializer::with_formatter(&mut *out, Safe(CompactFormatter)))?;
    out.write_all(b"\n")
}

/// Another formatter, but for the characters of strings.
struct Safe<F>(F);

/// Methods of [`Formatter`] that are those of the other formatter.
macro_rules! as_other {
    ($($method:ident($($argument:ident: $type:ty)?)),* $(,)?) => {
        $(fn $method<W: ?Sized + Write>(&mut self, out: &mut W $(, $argument: $type)?) -> io::Result<()> {
            self.0.$method(out $(, $argument)?)
        })*
    };
}

impl<F: Formatter> Formatter for Safe<F> {
    as_other!(
        begin_array(), end_array(), begin_array_value(first: bool), end_array_value(),
        begin_object(), end_object(), begin_object_key(first: bool), begin_object_value(), end_object_value(),
    );

    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        // What a runner would obey, anywhere in a line of its log.
        while let Some(at) = rest.match_indices('#').map(|(at, _)| at).find(|at| is_command(rest.split_at(*at).1)) {
            let (before, command) = rest.split_at(at);
            write_visible(out, before)?;
            out.write_all(b"\\u0023")?;
            rest = command.strip_prefix('#').unwrap_or_default();
        }
        write_visible(out, rest)
    }
}

/// Writes a part of a string with what is not seen, or steers a terminal, as escapes.
fn write_visible<W: ?Sized + Write>(out: &mut W, text: &str) -> io::Result<()> {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return out.write_all(text.as_bytes());
    }
    for part in text.split_inclusive(is_unsafe) {
        let hidden = part.chars().next_back().filter(|c| is_unsafe(*c));
        let plain = part.len() - hidden.map_or(0, char::len_utf8);
        out.write_all(part.as_bytes().get(..plain).unwrap_or_default())?;
        for unit in hidden.iter().flat_map(|c| c.encode_utf16(&mut [0; 2]).to_vec()) {
            write!(out, "\\u{unit:04x}")?;
        }
    }
    Ok(())
}
