//! Names with wildcards: `*` is any characters, also `/`, as the parts of a name in a model are not folders.

use std::str::FromStr;

use ::glob::{Pattern, PatternError};
use thiserror::Error;

/// A pattern for names. `?` is any one character, `[am]` one of these, `[!am]` one of the others, `[[]` a bracket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(Pattern);

/// A pattern that is none: empty, with a bracket that is not closed, or with `**` that is not between slashes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{glob}` is no pattern: {why}")]
pub struct GlobError {
    glob: String,
    why: String,
}

impl FromStr for Glob {
    type Err = GlobError;

    fn from_str(glob: &str) -> Result<Self, GlobError> {
        let error = |why: String| GlobError { glob: glob.to_owned(), why };
        if glob.is_empty() {
            return Err(error("it matches nothing".to_owned()));
        }
        let hint = |failure: PatternError| {
            let what_to_do =
                if failure.msg.contains("wildcard") { "write one `*`" } else { "write `[[]` for a bracket" };
            error(format!("{} at character {}; {what_to_do}", failure.msg, failure.pos + 1))
        };
        Pattern::new(glob).map(Self).map_err(hint)
    }
}

impl Glob {
    /// Whether it is the pattern of `name`.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.0.matches(name)
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        self.0.as_str()
    }
}

/// A pattern for the paths of models. One with a `/` is for the whole path, one without for its last part; `./` in
/// front and `/` behind are nothing in either.
#[derive(Debug, Clone)]
pub struct PathGlob {
    glob: Glob,
    text: String,
}

impl FromStr for PathGlob {
    type Err = GlobError;

    fn from_str(text: &str) -> Result<Self, GlobError> {
        Ok(Self { glob: plain(text).parse()?, text: text.to_owned() })
    }
}

impl PathGlob {
    /// Whether it is the pattern of the model at `path`.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        let path = plain(path);
        let whole = self.glob.text().contains('/');
        self.glob.matches(if whole { path } else { path.rsplit('/').next().unwrap_or(path) })
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

fn plain(path: &str) -> &str {
    let mut path = path;
    while let Some(rest) = path.strip_prefix("./").filter(|rest| !rest.is_empty()) {
        path = rest.trim_start_matches('/');
    }
    let end = path.trim_end_matches('/');
    if end.is_empty() { path } else { end }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(glob: &str, name: &str) -> bool {
        glob.parse::<Glob>().unwrap().matches(name)
    }

    #[test]
    fn a_star_is_any_characters() {
        assert!(matches("optimizer/*", "optimizer/_variables/1/.ATTRIBUTES/VARIABLE_VALUE"));
        assert!(matches("__inference_*_12", "__inference_<lambda>_12"));
        assert!(matches("*", ""));
        assert!(!matches("optimizer/*", "my_optimizer/m"));
        assert!(!matches("kernel", "kernel:0"), "a pattern is for the whole name");
        assert!(!matches("Kernel", "kernel"));
    }

    #[test]
    fn the_other_wildcards_are_those_of_a_shell() {
        assert!(matches("v?", "v1"));
        assert!(matches("重?", "重み"));
        assert!(matches("[mv]/*", "m/kernel"));
        assert!(matches("[!mv]/*", "w/kernel"));
        assert!(matches("embedding [[]0:34, :]", "embedding [0:34, :]"));
        assert!(matches("a\nb*", "a\nb\nc"), "a name may have any character");
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for (glob, what_to_do) in
            [("", "it matches nothing"), ("a[", "write `[[]` for a bracket"), ("a**", "write one `*`")]
        {
            let error = glob.parse::<Glob>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{glob}` is no pattern: ")), "{error}");
            assert!(error.ends_with(what_to_do), "{error}");
        }
    }

    #[test]
    fn a_pattern_of_many_stars_is_answered_all_the_same() {
        assert!(!matches(&format!("{}b", "*a".repeat(40)), &"a".repeat(20_000)));
    }

    #[test]
    fn a_model_goes_by_its_last_part_or_by_its_whole_path() {
        for (glob, path, expected) in [
            ("export-*", "./export-3", true),
            ("export-*", "/ci/build/export-3", true),
            ("export-*", "export-3/", true),
            ("export-*", "export-3/model", false),
            ("models/*", "./models/a", true),
            ("./models/*", "models/a", true),
            ("models/*", "/ci/models/a", false),
            ("*/models/*", "/ci/models/a", true),
            ("models/a/", "models/a", true),
            ("*", ".", true),
            ("*", "/", true),
            ("*", "./", true),
        ] {
            assert_eq!(glob.parse::<PathGlob>().unwrap().matches(path), expected, "{glob} {path}");
        }
    }
}
