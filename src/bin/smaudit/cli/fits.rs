//! Which options fit together: what has no effect on the report that is asked for is refused, so that nobody relies on it.

use smaudit::report::Format;

use super::When;

/// What was asked of a report.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    /// How it is written; `None` where none is.
    pub(super) format: Option<Format>,
    pub(super) by: bool,
    pub(super) only: bool,
    pub(super) top: bool,
    pub(super) full: bool,
    pub(super) findings: bool,
    pub(super) sort: bool,
    pub(super) width: bool,
    pub(super) color: When,
    pub(super) min_duplicate: bool,
    /// Whether rules are checked, or the table is about duplicates.
    pub(super) needs_duplicates: bool,
}

/// An option, and what it is for.
struct Use {
    option: &'static str,
    given: bool,
    /// Whether it has an effect on a report of this format.
    fits: fn(Format) -> bool,
    /// What to say of formats that it does not fit.
    otherwise: &'static str,
}

impl Asked {
    /// The options that shape a report.
    fn uses(&self) -> [Use; 8] {
        let of = |option, given, fits, otherwise| Use { option, given, fits, otherwise };
        let any: fn(Format) -> bool = |_| true;
        let is_long: fn(Format) -> bool = |format| matches!(format, Format::Text | Format::Markdown);
        [
            of("by", self.by, any, ""),
            of("only", self.only, |format| format != Format::Html, "its page is filtered where it is looked at"),
            of("top", self.top, any, ""),
            of("full", self.full, is_long, "it is always complete"),
            of("findings", self.findings, is_long, "it has all findings or none"),
            of("sort", self.sort, |format| format != Format::Jsonl, "its models are written as they are audited"),
            of("width", self.width, |format| format == Format::Text, "its lines are as long as they are"),
            // No colour is what all others have anyway.
            of("color", self.color == When::Always, |format| format == Format::Text, "it has no colours"),
        ]
    }
}

/// Refuses what has no effect.
pub(super) fn check(asked: &Asked) -> Result<(), String> {
    for Use { option, given, fits, otherwise } in asked.uses() {
        match asked.format {
            _ if !given => {}
            None => {
                return Err(format!(
                    "--{option} is for a report, and --quiet writes none; ask for one with --format or --output"
                ));
            }
            Some(format) if !fits(format) => {
                return Err(format!("--{option} does nothing for --format {format}: {otherwise}"));
            }
            Some(_) => {}
        }
    }
    // What has no findings and no duplicates does not say what was compared.
    let says_duplicates = |format| !matches!(format, Format::Csv | Format::Folded);
    if asked.min_duplicate && !asked.needs_duplicates && !asked.format.is_some_and(says_duplicates) {
        return Err("--min-duplicate does nothing here: no rule is checked, and no report says what is a duplicate; \
                    add a rule, or --by duplicate"
            .to_owned());
    }
    if asked.findings && !asked.full && (asked.by || asked.only) {
        return Err("--findings does nothing for the table of --by and --only; add --full to see both".to_owned());
    }
    Ok(())
}
