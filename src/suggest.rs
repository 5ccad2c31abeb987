//! Did you mean: of the names that there are, the one that was probably meant.

/// The candidate that `name` is a slip of: at most one letter in three is wrong, missing, too many or exchanged.
#[must_use]
pub fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    // Longer names are not looked at: nobody mistypes one, and the comparison is quadratic.
    const LONGEST: usize = 64;
    if name.len() > LONGEST {
        return None;
    }
    let distance = |candidate: &&'c str| strsim::damerau_levenshtein(name, candidate);
    let nearest = candidates.into_iter().min_by_key(distance)?;
    (distance(&nearest) <= (name.chars().count() / 3).max(1)).then_some(nearest)
}

/// `; did you mean `duplication`?`, or nothing.
#[must_use]
pub fn hint<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> String {
    nearest(name, candidates).map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 4] = ["duplication", "total", "avoidable", "graph_def"];

    #[test]
    fn a_slip_is_understood_and_another_word_is_not() {
        for (name, meant) in [
            ("dupication", Some("duplication")),
            ("toatl", Some("total")),
            ("avoidabel", Some("avoidable")),
            ("graphdef", Some("graph_def")),
            ("weights", None),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(nearest(name, NAMES), meant, "{name}");
        }
        assert_eq!(nearest(&"total".repeat(1000), NAMES), None);
        assert_eq!(nearest("a", []), None);
        assert_eq!(hint("toatl", NAMES), "; did you mean `total`?");
    }
}
