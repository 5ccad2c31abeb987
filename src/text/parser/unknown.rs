//! Fields that no message has: read whatever they hold, and kept as their text without its layout.

use super::{Parser, TokenKind};
use crate::text::{Fault, UNKNOWN};

impl Parser<'_> {
    /// Reads a field that no message has, whatever it holds.
    pub(super) fn unknown(&mut self) -> Result<(), Fault> {
        self.writer.begin(UNKNOWN, self.covered, self.covered);
        if self.lexer.token.is(b'[') {
            self.balanced()?;
        } else {
            self.keep();
        }
        let colon = self.lexer.eat(b':');
        match self.lexer.token.kind {
            TokenKind::Sign(b'{' | b'<' | b'[') => self.balanced()?,
            TokenKind::String if colon => {
                while self.lexer.token.kind == TokenKind::String {
                    self.keep();
                }
            }
            TokenKind::Name | TokenKind::Number if colon => self.keep(),
            TokenKind::Sign(b'-') if colon => {
                self.keep();
                match self.lexer.token.kind {
                    TokenKind::Name | TokenKind::Number => self.keep(),
                    _ => return Err(self.expected("a number")),
                }
            }
            _ => return Err(self.expected(if colon { "a value" } else { "a colon or an opening brace" })),
        }
        self.end_of_field();
        self.writer.extend(self.covered, self.covered);
        self.writer.end();
        Ok(())
    }

    /// Keeps the text of the next token as content of an unknown field.
    fn keep(&mut self) {
        let token = self.lexer.next();
        let bytes = self.lexer.bytes(token);
        self.writer.token(bytes);
    }

    /// Keeps all from an opening sign to the closing one. A list ends at the latest where a line begins like a field: so
    /// many lists that do not end are not each read to the end of the text.
    fn balanced(&mut self) -> Result<(), Fault> {
        let mut open = Vec::new();
        let mut braces = 0_usize;
        loop {
            let token = self.lexer.token;
            braces += usize::from(token.is_opening());
            match token.kind {
                TokenKind::Sign(b'{') => open.push(b'}'),
                TokenKind::Sign(b'<') => open.push(b'>'),
                TokenKind::Sign(b'[') => open.push(b']'),
                TokenKind::Sign(sign @ (b'}' | b'>' | b']')) if open.pop() != Some(sign) => {
                    return Err(self.expected("another closing sign"));
                }
                TokenKind::Name if braces == 0 && token.first && self.begins_field() => {
                    return Err(self.expected("the end of a list"));
                }
                TokenKind::OpenString => return Err(self.expected("a string that ends on its line")),
                TokenKind::End => return Err(self.expected("the end of a field")),
                TokenKind::Name | TokenKind::Number | TokenKind::String => {}
                TokenKind::Sign(b'}' | b'>' | b']' | b':' | b',' | b';' | b'-' | b'.' | b'/') => {}
                TokenKind::Sign(_) => return Err(self.expected("a field or a value")),
            }
            braces -= usize::from(token.is_closing());
            self.keep();
            if open.is_empty() {
                return Ok(());
            }
        }
    }
}
