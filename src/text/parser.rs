//! From tokens to fields: which text is which field of which message.

mod damage;
mod unknown;

use super::Fault;
use super::lexer::{Lexer, TokenKind};
use super::literal::{self, BadEscape, Scalar};
use super::writer::Writer;
use crate::schema::{Field, FieldKind, SCHEMA};
use crate::wire::Span;
use damage::shown;

/// How many messages around the one that is damaged are asked whether a field is theirs.
const ANCESTORS: usize = 32;

/// How deep messages may nest. Each that is open takes more memory than its text; protobuf reads a hundred.
pub(super) const MAX_DEPTH: usize = 10_000;

/// What a text was read as.
pub(super) struct Parsed {
    pub(super) writer: Writer,
    pub(super) faults: Vec<Fault>,
    pub(super) more_faults: u64,
}

/// A text while it is read.
pub(super) struct Parser<'t> {
    lexer: Lexer<'t>,
    writer: Writer,
    /// Where the text begins that is not a field's yet.
    covered: usize,
    /// The messages that are open, but for the outermost.
    frames: Vec<Frame>,
    /// The packed field that the next number may belong to; open in the writer.
    run: Option<Field>,
    faults: Vec<Fault>,
    more_faults: u64,
}

/// A message that is open.
#[derive(Debug, Clone, Copy)]
struct Frame {
    field: Field,
    closing: u8,
    opened: usize,
    /// Whether it is an item of a list in brackets.
    in_list: bool,
    /// Whether there was damage right in it, which may have been its end.
    damaged: bool,
}

/// Why a field was not read.
enum Stop {
    Fault(Fault),
    /// Its value is an enum's that TensorFlow has added since.
    UnknownValue,
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl<'t> Parser<'t> {
    pub(super) fn new(text: &'t [u8]) -> Self {
        Self {
            lexer: Lexer::new(text),
            writer: Writer::default(),
            covered: 0,
            frames: Vec::new(),
            run: None,
            faults: Vec::new(),
            more_faults: 0,
        }
    }

    /// Reads the text to its end.
    pub(super) fn parse(mut self) -> Parsed {
        loop {
            let token = self.lexer.token;
            match token.kind {
                TokenKind::End => break,
                TokenKind::Name | TokenKind::Number | TokenKind::Sign(b'[') => self.field(),
                _ if token.is_closing() && !self.frames.is_empty() => self.close(),
                _ => {
                    let fault = self.expected("a field");
                    self.lexer.next();
                    self.skip(false);
                    self.damage(fault);
                }
            }
        }
        if let Some(frame) = self.frames.last() {
            let fault = self.expected(format!("the end of the message that begins at byte {}", frame.opened));
            self.report(fault);
        }
        self.close_down_to(0);
        Parsed { writer: self.writer, faults: self.faults, more_faults: self.more_faults }
    }

    /// Reads a field; of a message, up to its opening brace.
    fn field(&mut self) {
        let known = self.lookup();
        if self.run != known {
            self.end_run();
        }
        let (lexer, covered, run, mark) = (self.lexer, self.covered, self.run, self.writer.mark());
        let mut read = known.map_or(Err(Stop::UnknownValue), |field| self.known(field));
        if let Err(Stop::UnknownValue) = read {
            (self.lexer, self.covered, self.run) = (lexer, covered, run);
            self.writer.back_to(mark);
            self.end_run();
            let mark = self.writer.mark();
            read = self.unknown().map_err(|fault| {
                self.writer.back_to(mark);
                Stop::Fault(fault)
            });
        } else if read.is_err() {
            self.writer.back_to(mark);
        }
        if let Err(Stop::Fault(fault)) = read {
            (self.lexer, self.run) = (lexer, self.run.and(run));
            self.pass();
            self.covered = covered;
            self.damage(fault);
        }
    }

    /// The field that the next token names; in a message that may have lost its end, also one of a message around it.
    fn lookup(&mut self) -> Option<Field> {
        let token = self.lexer.token;
        let name = self.lexer.bytes(token);
        let find = |message| match token.kind {
            TokenKind::Name => SCHEMA.field(message, name),
            TokenKind::Number => SCHEMA.field_of_number(message, std::str::from_utf8(name).ok()?.parse().ok()?),
            _ => None,
        };
        if let Some(field) = find(self.message(self.frames.len())) {
            return Some(field);
        }
        if token.kind != TokenKind::Name || !self.frames.last().is_some_and(|frame| frame.damaged) {
            return None;
        }
        let around = (0..self.frames.len()).rev().take(ANCESTORS);
        let (depth, field) = around.into_iter().find_map(|depth| Some((depth, find(self.message(depth))?)))?;
        let fault = self.expected("the end of the damaged message");
        self.report(fault);
        self.close_down_to(depth);
        Some(field)
    }

    /// The message at a depth; 0 is the whole text.
    fn message(&self, depth: usize) -> u32 {
        match depth.checked_sub(1).and_then(|index| self.frames.get(index)).map(|frame| frame.field.kind) {
            Some(FieldKind::Message(message)) => message,
            _ => SCHEMA.root(),
        }
    }

    fn known(&mut self, field: Field) -> Result<(), Stop> {
        self.lexer.next();
        let colon = self.lexer.eat(b':');
        let in_list = field.repeated && self.lexer.token.is(b'[');
        match field.kind {
            FieldKind::Message(_) => self.open(field, colon, in_list).map_err(Stop::Fault),
            _ if !colon => Err(self.expected("a colon").into()),
            _ if in_list => self.list(field),
            _ => self.value(field),
        }
    }

    /// Opens a message, or the first of a list.
    fn open(&mut self, field: Field, colon: bool, in_list: bool) -> Result<(), Fault> {
        if in_list {
            self.lexer.next();
            if self.lexer.eat(b']') {
                self.separator();
                return Ok(());
            }
        }
        let token = self.lexer.token;
        let mut damaged = false;
        if self.frames.len() >= MAX_DEPTH {
            return Err(self.expected(format!("messages nested at most {MAX_DEPTH} deep")));
        }
        if token.is_opening() {
            self.lexer.next();
        } else if !colon
            && !in_list
            && matches!(token.kind, TokenKind::Name | TokenKind::Sign(_))
            && !token.is_closing()
        {
            // Most likely the brace is what is damaged. Were the field taken for damaged, all that is in it would be
            // taken for fields of the message around it.
            damaged = true;
            let fault = self.expected("an opening brace");
            self.report(fault);
            if !token.first {
                self.lexer.next();
            }
        } else {
            return Err(self.expected("an opening brace"));
        }
        let payload = self.lexer.end_of_line();
        self.writer.begin(field.number, self.covered, payload);
        self.covered = payload;
        let closing = if token.is(b'<') { b'>' } else { b'}' };
        self.frames.push(Frame { field, closing, opened: token.start, in_list, damaged });
        Ok(())
    }

    /// Ends the innermost message at its closing brace.
    fn close(&mut self) {
        self.end_run();
        let Some(frame) = self.frames.pop() else { return };
        if !self.lexer.token.is(frame.closing) {
            let fault = self.expected(if frame.closing == b'>' { "a closing >" } else { "a closing }" });
            self.report(fault);
        }
        self.lexer.next();
        let payload_end = self.covered;
        let more = frame.in_list && self.lexer.eat(b',');
        let ends = more || !frame.in_list || self.lexer.eat(b']');
        match (more, ends) {
            (true, _) => self.covered = self.lexer.end_of_line(),
            (false, true) => self.end_of_field(),
            (false, false) => self.covered = self.lexer.behind,
        }
        self.writer.extend(payload_end, self.covered);
        self.writer.end();
        let next = if more { self.next_item(frame) } else { Ok(()) };
        if let Err(fault) = if ends { next } else { Err(self.expected("a comma or the end of the list")) } {
            self.skip(true);
            self.damage(fault);
        }
    }

    fn next_item(&mut self, frame: Frame) -> Result<(), Fault> {
        if !self.lexer.token.is_opening() {
            return Err(self.expected("the next message of the list"));
        }
        let opening = self.lexer.next();
        let payload = self.lexer.end_of_line();
        self.writer.begin(frame.field.number, self.covered, payload);
        self.covered = payload;
        let closing = if opening.is(b'<') { b'>' } else { b'}' };
        self.frames.push(Frame { closing, opened: opening.start, damaged: false, ..frame });
        Ok(())
    }

    /// Ends messages that have no closing brace, until `depth` of them are open.
    fn close_down_to(&mut self, depth: usize) {
        self.end_run();
        while self.frames.len() > depth {
            self.frames.pop();
            self.writer.extend(self.covered, self.covered);
            self.writer.end();
        }
    }

    fn end_run(&mut self) {
        if self.run.take().is_some() {
            self.writer.end();
        }
    }

    /// Reads one value that is no message.
    fn value(&mut self, field: Field) -> Result<(), Stop> {
        let payload = self.lexer.token.start;
        if field.repeated && field.kind.is_packable() {
            self.begin_run(field, payload);
            self.number_of_run(field)?;
        } else if field.kind == FieldKind::Bytes {
            self.writer.begin(field.number, self.covered, payload);
            self.strings()?;
        } else {
            let value = self.number(field.kind)?;
            let (start, payload_end) = (self.covered, self.lexer.behind);
            self.end_of_field();
            let [start, payload, payload_end, end] = [start, payload, payload_end, self.covered].map(|at| at as u64);
            let span = Span { start, payload, payload_end, end };
            self.writer.scalar(field.number, field.kind.wire_type() as u8, value.as_bytes(), span);
            return Ok(());
        }
        let payload_end = self.lexer.behind;
        self.end_of_field();
        self.writer.extend(payload_end, self.covered);
        if self.run.is_none() {
            self.writer.end();
        }
        Ok(())
    }

    /// Reads values in brackets that are no messages.
    fn list(&mut self, field: Field) -> Result<(), Stop> {
        let opening = self.lexer.next();
        if self.lexer.eat(b']') {
            self.separator();
            return Ok(());
        }
        let packed = field.kind.is_packable();
        if packed {
            self.begin_run(field, opening.start);
        }
        loop {
            if packed {
                self.number_of_run(field)?;
            } else {
                self.writer.begin(field.number, self.covered, self.lexer.token.start);
                self.strings()?;
            }
            let mut payload_end = self.lexer.behind;
            let more = self.lexer.eat(b',');
            if more {
                self.covered = self.lexer.end_of_line();
            } else if self.lexer.eat(b']') {
                payload_end = if packed { self.lexer.behind } else { payload_end };
                self.end_of_field();
            } else {
                return Err(self.expected("a comma or the end of the list").into());
            }
            self.writer.extend(payload_end, self.covered);
            if !packed {
                self.writer.end();
            }
            if !more {
                return Ok(());
            }
        }
    }

    /// Begins a packed field, if none of this one is open.
    fn begin_run(&mut self, field: Field, payload: usize) {
        if self.run.is_none() {
            self.writer.begin(field.number, self.covered, payload);
            self.run = Some(field);
        }
    }

    fn number_of_run(&mut self, field: Field) -> Result<(), Stop> {
        let value = self.number(field.kind)?;
        self.writer.content().extend_from_slice(value.as_bytes());
        Ok(())
    }

    fn number(&mut self, kind: FieldKind) -> Result<Scalar, Stop> {
        let fault = self.lexer;
        let negative = self.lexer.eat(b'-');
        let token = self.lexer.token;
        let literal = self.lexer.bytes(token);
        let value = match token.kind {
            TokenKind::Name | TokenKind::Number => {
                literal::scalar(kind, negative, literal, |e, name| SCHEMA.value(e, name))
            }
            _ => None,
        };
        if let Some(value) = value {
            self.lexer.next();
            return Ok(value);
        }
        if matches!(kind, FieldKind::Enum(_)) && token.kind == TokenKind::Name && !negative {
            return Err(Stop::UnknownValue);
        }
        self.lexer = fault;
        Err(self.expected(literal::expected(kind)).into())
    }

    /// Appends what adjacent strings mean to the field that is open.
    fn strings(&mut self) -> Result<(), Fault> {
        if self.lexer.token.kind != TokenKind::String {
            let closed = self.lexer.token.kind != TokenKind::OpenString;
            return Err(self.expected(if closed { "a string" } else { "a string that ends on its line" }));
        }
        while self.lexer.token.kind == TokenKind::String {
            let token = self.lexer.token;
            let quoted = self.lexer.bytes(token);
            let inside = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
            if let Err(BadEscape { offset, expected }) = literal::unescape(inside, self.writer.content()) {
                let found = shown(inside.get(offset..).unwrap_or_default());
                return Err(Fault { offset: token.start + 1 + offset, expected: expected.into(), found });
            }
            self.lexer.next();
        }
        match self.lexer.token.kind {
            TokenKind::OpenString => Err(self.expected("a string that ends on its line")),
            _ => Ok(()),
        }
    }

    /// Passes what may stand between two fields.
    fn separator(&mut self) {
        if !self.lexer.eat(b',') {
            self.lexer.eat(b';');
        }
    }

    /// Gives a field its separator and the rest of its line.
    fn end_of_field(&mut self) {
        self.separator();
        self.covered = self.lexer.end_of_line();
    }
}
