//! A text as tokens. Nothing is copied, and nothing is an error yet: what no token may look like is a token, too.

/// A token of the text format (<https://protobuf.dev/reference/protobuf/textformat-spec/>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A field's or an enum value's name, `true`, `inf`, ...
    Name,
    /// What begins like a number.
    Number,
    /// A string with its quotes.
    String,
    /// A string whose line or file ends before it does.
    OpenString,
    /// A single sign.
    Sign(u8),
    /// The end of the text.
    End,
}

/// A token, as offsets into the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether it is the first of its line.
    pub(super) first: bool,
}

impl Token {
    pub(super) fn is(&self, sign: u8) -> bool {
        self.kind == TokenKind::Sign(sign)
    }

    pub(super) fn is_opening(&self) -> bool {
        self.is(b'{') || self.is(b'<')
    }

    pub(super) fn is_closing(&self) -> bool {
        self.is(b'}') || self.is(b'>')
    }
}

/// A text and the token that is next in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lexer<'t> {
    text: &'t [u8],
    pub(super) token: Token,
    /// The end of the token before.
    pub(super) behind: usize,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t [u8]) -> Self {
        // Editors on Windows put this mark in front of UTF-8.
        let start = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let token = Token { kind: TokenKind::End, start: 0, end: start, first: true };
        let mut lexer = Self { text, token, behind: 0 };
        lexer.token = lexer.token_at(start, true);
        lexer
    }

    pub(super) fn text(&self) -> &'t [u8] {
        self.text
    }

    /// The bytes of a token.
    pub(super) fn bytes(&self, token: Token) -> &'t [u8] {
        self.text.get(token.start..token.end).unwrap_or_default()
    }

    /// Moves on and returns the token that was next.
    pub(super) fn next(&mut self) -> Token {
        let token = self.token;
        self.behind = token.end;
        self.token = self.token_at(token.end, false);
        token
    }

    /// Moves on if the next token is this sign.
    pub(super) fn eat(&mut self, sign: u8) -> bool {
        let found = self.token.is(sign);
        if found {
            self.next();
        }
        found
    }

    /// How far what stands behind the last token on its line goes: to the next token, or past a comment and the end of
    /// the line.
    pub(super) fn end_of_line(&self) -> usize {
        let mut at = self.behind + self.run(self.behind, |byte| matches!(byte, b' ' | b'\t' | b'\r'));
        if self.byte(at) == Some(b'#') {
            at += self.run(at, |byte| byte != b'\n');
        }
        if self.byte(at) == Some(b'\n') { at + 1 } else { at.min(self.token.start) }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.get(at).copied()
    }

    /// How many bytes from `at` on are `of` one kind.
    fn run(&self, at: usize, of: impl Fn(u8) -> bool) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        rest.iter().position(|byte| !of(*byte)).unwrap_or(rest.len())
    }

    /// The token at `at` or behind the white space and comments there.
    fn token_at(&self, mut at: usize, mut first: bool) -> Token {
        loop {
            match self.byte(at) {
                Some(b'\n') => {
                    first = true;
                    at += 1;
                }
                Some(b' ' | b'\t' | b'\r' | b'\x0b' | b'\x0c') => at += 1,
                Some(b'#') => at += self.run(at, |byte| byte != b'\n'),
                _ => break,
            }
        }
        let (kind, length) = self.shape(at);
        Token { kind, start: at, end: at + length, first }
    }

    fn shape(&self, at: usize) -> (TokenKind, usize) {
        let follows = self.byte(at.saturating_add(1));
        match self.byte(at) {
            None => (TokenKind::End, 0),
            Some(b'a'..=b'z' | b'A'..=b'Z' | b'_') => (TokenKind::Name, self.run(at, is_word)),
            Some(b'0'..=b'9') => (TokenKind::Number, self.number(at)),
            Some(b'.') if follows.is_some_and(|byte| byte.is_ascii_digit()) => (TokenKind::Number, self.number(at)),
            Some(quote @ (b'"' | b'\'')) => self.string(at, quote),
            Some(sign) => (TokenKind::Sign(sign), 1),
        }
    }

    /// Digits, letters, dots, and the sign of an exponent.
    fn number(&self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        let is_hex = matches!(rest.get(1), Some(b'x' | b'X'));
        let mut before = 0;
        let ends = |byte: &u8| {
            let exponent = matches!(std::mem::replace(&mut before, *byte), b'e' | b'E') && !is_hex;
            !(is_word(*byte) || *byte == b'.' || exponent && matches!(byte, b'+' | b'-'))
        };
        rest.iter().position(ends).unwrap_or(rest.len())
    }

    /// A string goes on to its quote; at the end of the line it breaks off, so that a lost quote costs a line.
    fn string(&self, at: usize, quote: u8) -> (TokenKind, usize) {
        let mut end = at + 1;
        loop {
            end += self.run(end, |byte| byte != quote && byte != b'\\' && byte != b'\n');
            match self.byte(end) {
                Some(b'\\') if !matches!(self.byte(end + 1), None | Some(b'\n')) => end += 2,
                Some(byte) if byte == quote => return (TokenKind::String, end + 1 - at),
                Some(b'\\') => end += 1,
                _ => return (TokenKind::OpenString, end - at),
            }
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
