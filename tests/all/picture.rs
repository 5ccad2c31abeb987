//! The picture in README.md, drawn from the report that it shows.
//!
//! `docs/images/mobilenet_v2.txt` is what `smaudit --color always` prints of a model of 30 MB that is not shipped;
//! `fixtures/mobilenet.py` makes both. `docs/images/mobilenet_v2.svg` is that text as a terminal shows it. After a change of
//! the text, `SMAUDIT_UPDATE_GOLDENS=1 cargo test` draws it anew.

#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::path::Path;

const TEXT: &str = "docs/images/mobilenet_v2.txt";
const PICTURE: &str = "docs/images/mobilenet_v2.svg";

/// What a character takes, its width in tenths of a pixel, and the space around the text in pixels.
const WIDTH: usize = 84;
const HEIGHT: usize = 19;
const EDGE: usize = 16;

#[test]
fn the_picture_shows_the_report() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join(TEXT)).unwrap();
    let drawn = picture(&text);
    if std::env::var_os("SMAUDIT_UPDATE_GOLDENS").is_some() {
        std::fs::write(root.join(PICTURE), drawn).unwrap();
    } else {
        let committed = std::fs::read_to_string(root.join(PICTURE)).unwrap();
        assert!(committed == drawn, "{PICTURE} does not show {TEXT}: SMAUDIT_UPDATE_GOLDENS=1 draws it anew");
    }
}

#[test]
fn the_report_in_the_picture_fits_on_a_terminal_and_has_the_answer() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(TEXT)).unwrap();
    let plain = anstream::adapter::strip_str(&text).to_string();
    assert!(plain.starts_with("$ smaudit mobilenet_v2\n"), "{plain}");
    assert!(plain.contains("\navoidable: 14.9 MB, ") && plain.contains("variable-stored-twice"), "{plain}");
    assert!(plain.lines().count() <= 24 && plain.lines().all(|line| line.chars().count() <= 80), "{plain}");
}

/// A text with escape codes for styles as a picture.
fn picture(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let columns =
        lines.iter().map(|line| anstream::adapter::strip_str(line).to_string().chars().count()).max().unwrap();
    let (width, height) = (2 * EDGE + (columns * WIDTH).div_ceil(10), 2 * EDGE + lines.len() * HEIGHT);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#1b1d23\"/>\n\
         <g font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace\" font-size=\"14\" \
         fill=\"#d7dae0\" xml:space=\"preserve\">\n"
    );
    for (index, line) in lines.iter().enumerate() {
        let mut column = 0;
        let y = EDGE + index * HEIGHT + 14;
        for (style, part) in styled(line) {
            let length = part.chars().count();
            if !part.trim().is_empty() {
                let x = tenths(10 * EDGE + column * WIDTH);
                let across = tenths(length * WIDTH);
                writeln!(
                    svg,
                    "<text x=\"{x}\" y=\"{y}\" textLength=\"{across}\" lengthAdjust=\"spacingAndGlyphs\"{style}>{}</text>",
                    part.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
                )
                .unwrap();
            }
            column += length;
        }
    }
    svg + "</g>\n</svg>\n"
}

/// A number of tenths with its decimal point.
fn tenths(number: usize) -> String {
    format!("{}.{}", number / 10, number % 10)
}

/// The parts of a line, each with the attributes of its style. Blanks around a part are parts of their own, as browsers
/// do not stretch them alike.
fn styled(line: &str) -> Vec<(&'static str, &str)> {
    let mut parts = Vec::new();
    let mut style = "";
    for (index, piece) in line.split("\x1b[").enumerate() {
        let text = match piece.split_once('m').filter(|_| index > 0) {
            Some((code, text)) => {
                style = attributes(code, style);
                text
            }
            None => piece,
        };
        let start = text.len() - text.trim_start().len();
        let end = text.trim_end().len().max(start);
        for part in [text.get(..start), text.get(start..end), text.get(end..)].into_iter().flatten() {
            if !part.is_empty() {
                parts.push((style, part));
            }
        }
    }
    parts
}

/// What a code changes a style to.
fn attributes(code: &str, before: &'static str) -> &'static str {
    match code {
        "0" => "",
        "1" => " font-weight=\"bold\"",
        "2" => " fill=\"#7d828d\"",
        "31" => " fill=\"#f07178\"",
        "33" => " fill=\"#e6c07b\"",
        "36" => " fill=\"#56b6c2\"",
        _ => before,
    }
}

#[test]
fn a_style_is_an_attribute_of_what_it_is_for() {
    assert_eq!(styled("\x1b[33ma b\x1b[0m  c"), [(" fill=\"#e6c07b\"", "a b"), ("", "  "), ("", "c")]);
    assert!(picture("<\x1b[1m&\x1b[0m\n").contains(">&lt;</text>\n<text x=\"24.4\" y=\"30\""));
}
