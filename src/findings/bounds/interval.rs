//! The least and the greatest of some numbers, and what ops make of them.

/// The least and the greatest that an element can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::findings) struct Bounds {
    pub(in crate::findings) least: i64,
    pub(in crate::findings) greatest: i64,
}

impl Bounds {
    pub(in crate::findings) const ZERO: Self = Self { least: 0, greatest: 0 };
    pub(super) const ANY: Self = Self { least: i64::MIN, greatest: i64::MAX };
    pub(super) const BOOL: Self = Self { least: 0, greatest: 1 };
    pub(super) const COUNT: Self = Self { least: 0, greatest: i64::MAX };

    pub(super) fn only(value: i64) -> Self {
        Self { least: value, greatest: value }
    }

    /// The ids below a number.
    pub(super) fn below(count: i64) -> Self {
        if count > 0 { Self { least: 0, greatest: count.saturating_sub(1) } } else { Self::ANY }
    }

    /// What is left where these are no number; all of them where that is not one number, or none at a side.
    pub(super) fn without(self, number: Self) -> Self {
        let Self { least, greatest } = self;
        match number {
            Self { least: out, greatest: same } if out != same || least == greatest => self,
            Self { least: out, .. } if out == least => Self { least: out.saturating_add(1), greatest },
            Self { least: out, .. } if out == greatest => Self { least, greatest: out.saturating_sub(1) },
            _ => self,
        }
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self { least: self.least.min(other.least), greatest: self.greatest.max(other.greatest) }
    }

    /// Each side by itself; a side that has no bound keeps none.
    pub(super) fn plus(self, other: Self) -> Self {
        let sum = |a: i64, b: i64, none: i64| if a == none || b == none { none } else { a.saturating_add(b) };
        Self { least: sum(self.least, other.least, i64::MIN), greatest: sum(self.greatest, other.greatest, i64::MAX) }
    }

    pub(super) fn negated(self) -> Self {
        let negate = |side: i64| match side {
            i64::MIN => i64::MAX,
            i64::MAX => i64::MIN,
            side => side.saturating_neg(),
        };
        Self { least: negate(self.greatest), greatest: negate(self.least) }
    }

    /// What a division by these leaves: less than the greatest, as far as all of them are positive.
    pub(super) fn remainders(self) -> Self {
        if self.least > 0 && self.greatest < i64::MAX { Self::below(self.greatest) } else { Self::ANY }
    }

    /// These divided by positive numbers, where none of these is negative.
    pub(super) fn divided_by(self, other: Self) -> Self {
        if self.least < 0 || other.least < 1 {
            return Self::ANY;
        }
        let quotient = |a: i64, by: i64| if a == i64::MAX { a } else { a.checked_div(by).unwrap_or(i64::MAX) };
        Self { least: quotient(self.least, other.greatest), greatest: quotient(self.greatest, other.least) }
    }

    /// The numbers from these up to others, which are not among them, a positive step apart.
    pub(super) fn range(self, limit: Self, step: Self) -> Self {
        let last = if limit.greatest == i64::MAX { i64::MAX } else { limit.greatest.saturating_sub(1) };
        let is_up = step.least > 0 && last >= self.least;
        if is_up { Self { least: self.least, greatest: last } } else { Self::ANY }
    }

    /// These, where none is greater than others may be.
    pub(super) fn least_of(self, other: Self) -> Self {
        Self { greatest: self.greatest.min(other.greatest), ..self }
    }

    /// Those of these that are among others too; these, where there are none.
    pub(super) fn within(self, other: Self) -> Self {
        let both = Self { least: self.least.max(other.least), greatest: self.greatest.min(other.greatest) };
        if both.least <= both.greatest { both } else { self }
    }

    pub(super) fn is_within(self, other: Self) -> bool {
        self.least >= other.least && self.greatest <= other.greatest
    }

    /// The product of two that are not negative; of others nothing is said.
    pub(super) fn times(self, other: Self) -> Self {
        if self.least < 0 || other.least < 0 {
            return Self::ANY;
        }
        let product = |a: i64, b: i64| if a == i64::MAX || b == i64::MAX { i64::MAX } else { a.saturating_mul(b) };
        Self { least: self.least.saturating_mul(other.least), greatest: product(self.greatest, other.greatest) }
    }
}

pub(super) fn less(a: Bounds, b: Bounds) -> Bounds {
    if a.greatest < b.least {
        Bounds::only(1)
    } else if a.least >= b.greatest {
        Bounds::only(0)
    } else {
        Bounds::BOOL
    }
}

pub(super) fn not(bounds: Bounds) -> Bounds {
    Bounds { least: 1 - bounds.greatest.clamp(0, 1), greatest: 1 - bounds.least.clamp(0, 1) }
}
