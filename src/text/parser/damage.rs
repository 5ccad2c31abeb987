//! What is not as it should be: how it is said, how much of the text it costs, and where the reading goes on.

use std::borrow::Cow;

use super::{Parser, TokenKind};
use crate::text::{DAMAGED, Fault, MAX_FAULTS};

/// How much of what was found instead is shown.
const SHOWN: usize = 24;

impl Parser<'_> {
    /// Passes a field that has been read in vain: just it where it looks like a field of some kind.
    pub(super) fn pass(&mut self) {
        let (lexer, mark) = (self.lexer, self.writer.mark());
        let read = self.unknown();
        self.writer.back_to(mark);
        if read.is_err() {
            self.lexer = lexer;
            self.lexer.next();
            self.skip(false);
        }
    }

    /// Makes what has been passed and is not a field's yet a field of its own, or a part of the damaged one before it.
    pub(super) fn damage(&mut self, fault: Fault) {
        self.end_run();
        self.report(fault);
        if let Some(frame) = self.frames.last_mut() {
            frame.damaged = true;
        }
        let end = self.lexer.end_of_line();
        let text = self.lexer.text().get(self.covered..end).unwrap_or_default();
        if !self.writer.reopen(DAMAGED) {
            self.writer.begin(DAMAGED, self.covered, self.covered);
        }
        self.writer.content().extend_from_slice(text);
        self.writer.extend(end, end);
        self.writer.end();
        self.covered = end;
    }

    /// Passes tokens up to one that a field may begin with or that ends the message; what is in braces as a whole.
    pub(super) fn skip(&mut self, in_list: bool) {
        let mut open = if in_list { vec![b']'] } else { Vec::new() };
        let mut braces = 0_usize;
        loop {
            let token = self.lexer.token;
            let closes = match token.kind {
                TokenKind::End => return,
                _ if token.is_opening() => {
                    open.push(b'}');
                    braces += 1;
                    false
                }
                _ if token.is_closing() => {
                    let Some(fewer) = braces.checked_sub(1) else { return };
                    braces = fewer;
                    while open.pop().is_some_and(|closing| closing == b']') {}
                    true
                }
                TokenKind::Sign(b'[') => {
                    open.push(b']');
                    false
                }
                TokenKind::Sign(b']') => open.pop_if(|closing| *closing == b']').is_some(),
                TokenKind::Sign(b',' | b';') => open.is_empty(),
                TokenKind::Name if braces == 0 && token.first && self.begins_field() => return,
                _ => false,
            };
            self.lexer.next();
            if closes && open.is_empty() {
                self.separator();
                return;
            }
        }
    }

    /// Whether the next token is a name with a value or a message behind it.
    pub(super) fn begins_field(&self) -> bool {
        let mut ahead = self.lexer;
        ahead.next();
        ahead.token.is(b':') || ahead.token.is_opening()
    }

    pub(super) fn expected(&self, what: impl Into<Cow<'static, str>>) -> Fault {
        let token = self.lexer.token;
        let found = match token.kind {
            TokenKind::End => "the end of the text".to_owned(),
            _ => shown(self.lexer.bytes(token)),
        };
        Fault { offset: token.start, expected: what.into(), found }
    }

    pub(super) fn report(&mut self, fault: Fault) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(fault);
        } else {
            self.more_faults += 1;
        }
    }
}

/// The beginning of what was found.
pub(super) fn shown(found: &[u8]) -> String {
    let (start, more) = found.get(..SHOWN).map_or((found, ""), |start| (start, "…"));
    format!("{}{more}", String::from_utf8_lossy(start))
}
