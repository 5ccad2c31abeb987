//! A digest of each function that is the same in every run, for reports that are held against each other later.
//!
//! Functions of one class have one digest, and functions of two have two, but for chance: it is made of the stable digest
//! of a function's canonical form ([`super::canonical`]) and of the digests of the functions that it calls, in the order of
//! the calls. Where functions call each other in circles there is no first one. The classes of a circle are then told
//! apart in rounds: each takes the digest of its form, and in each round that of its own and of its callees' digests, at most
//! [`ROUNDS`] times; in the end each takes up those of all of the circle.
//!
//! ```text
//! class that calls itself on no path   D(c) = H(VERSION, form, D of its callees)
//! classes of a circle                  R0(c) = H(VERSION, form)
//!                                      Rn(c) = H(Rn-1(c), of each callee Rn-1 in the circle, D outside of it)
//!                                      D(c) = H(R(c), R of all classes of the circle, sorted)
//! ```
//!
//! Rounds are as many as the circle has classes, which tells all of them apart; beyond [`ROUNDS`], two classes of one circle that
//! differ only farther away may have one digest. So digests are not what classes are made of.
//!
//! `H` is XXH3 of 128 bits over these numbers in little endian. Circles are those of classes, not of functions, so a function has
//! the same digest in a library in which others of its class call each other in larger circles.

use xxhash_rust::xxh3::Xxh3;

use super::classes::Calls;
use crate::components::components;

/// Rises when digests of one function are not those of before any more: when a canonical form changes, or this.
pub(super) const VERSION: u32 = 1;

/// The most rounds in which the classes of a circle are told apart.
const ROUNDS: usize = 32;

/// For each class its digest. `class_of` has the class of each function, `forms` the stable digest of each function's form.
pub(super) fn digests(class_of: &[usize], forms: &[u128], calls: &Calls) -> Vec<u128> {
    let quotient = Quotient::new(class_of, forms, calls);
    let mut digests = vec![0; quotient.forms.len()];
    let successor = |class: u32, at: usize| quotient.callees(class as usize).get(at).copied();
    // A component comes after those that it leads to, so all other callees have their digests by then.
    components(quotient.forms.len(), successor, |component| match component {
        [class] if !quotient.callees(*class as usize).contains(class) => {
            let callees = quotient.callees(*class as usize).iter().map(|callee| get(&digests, *callee));
            let digest = hash(quotient.form(*class), callees);
            set(&mut digests, *class, digest);
        }
        circle => quotient.circle(circle, &mut digests),
    });
    digests
}

fn get(digests: &[u128], class: u32) -> u128 {
    digests.get(class as usize).copied().unwrap_or_default()
}

fn set(digests: &mut [u128], class: u32, digest: u128) {
    digests.get_mut(class as usize).into_iter().for_each(|slot| *slot = digest);
}

/// The hash of a digest and of others behind it.
fn hash(first: u128, others: impl Iterator<Item = u128>) -> u128 {
    let mut hash = Xxh3::new();
    hash.update(&VERSION.to_le_bytes());
    hash.update(&first.to_le_bytes());
    others.for_each(|digest| hash.update(&digest.to_le_bytes()));
    hash.digest128()
}

/// The classes, each with the form and the callees of its first function: those of the others are of the same classes.
struct Quotient {
    forms: Vec<u128>,
    callees: Vec<u32>,
    /// Where the callees of each class begin; one more than there are classes.
    starts: Vec<usize>,
}

impl Quotient {
    fn new(class_of: &[usize], forms: &[u128], calls: &Calls) -> Self {
        let mut quotient = Self { forms: Vec::new(), callees: Vec::new(), starts: vec![0] };
        let class = |function: &usize| class_of.get(*function).and_then(|class| u32::try_from(*class).ok());
        for (function, (class_here, form)) in class_of.iter().zip(forms).enumerate() {
            // Classes are numbered in the order of first occurrence.
            if *class_here == quotient.forms.len() {
                quotient.forms.push(*form);
                quotient.callees.extend(calls.of(function).iter().filter_map(class));
                quotient.starts.push(quotient.callees.len());
            }
        }
        quotient
    }

    fn form(&self, class: u32) -> u128 {
        self.forms.get(class as usize).copied().unwrap_or_default()
    }

    fn callees(&self, class: usize) -> &[u32] {
        let start = |class: usize| self.starts.get(class).copied().unwrap_or(self.callees.len());
        self.callees.get(start(class)..start(class.saturating_add(1))).unwrap_or_default()
    }

    /// The digests of classes that call each other in circles.
    fn circle(&self, circle: &[u32], digests: &mut [u128]) {
        for class in circle {
            set(digests, *class, hash(self.form(*class), std::iter::empty()));
        }
        for _ in 0..circle.len().min(ROUNDS) {
            // Those outside of the circle stay as they are, those in it are set when all of them were read.
            let next: Vec<u128> = circle
                .iter()
                .map(|class| {
                    let callees = self.callees(*class as usize).iter().map(|callee| get(digests, *callee));
                    hash(get(digests, *class), callees)
                })
                .collect();
            circle.iter().zip(next).for_each(|(class, digest)| set(digests, *class, digest));
        }
        let mut all: Vec<u128> = circle.iter().map(|class| get(digests, *class)).collect();
        all.sort_unstable();
        let of_all = hash(0, all.into_iter());
        for class in circle {
            let digest = hash(get(digests, *class), std::iter::once(of_all));
            set(digests, *class, digest);
        }
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "all numbers are made here")]
mod tests {
    use proptest::prelude::*;

    use super::super::classes::classes;
    use super::super::in_order_of_occurrence;
    use super::*;

    /// The digests of functions given by their form and their callees.
    fn digests_of(functions: &[(u128, Vec<usize>)]) -> Vec<u128> {
        let mut calls = Calls::default();
        for (_, callees) in functions {
            assert!(callees.iter().all(|callee| calls.push(*callee)));
            calls.finish();
        }
        let forms: Vec<u128> = functions.iter().map(|(form, _)| *form).collect();
        let classes = in_order_of_occurrence(classes(&forms, &calls));
        let digests = digests(&classes, &forms, &calls);
        classes.into_iter().map(|class| digests[class]).collect()
    }

    #[test]
    fn what_a_function_calls_and_in_which_order_is_in_its_digest() {
        let all = digests_of(&[(1, vec![]), (2, vec![]), (3, vec![0, 1]), (3, vec![1, 0]), (3, vec![0, 1])]);
        assert_eq!(all[2], all[4]);
        assert_eq!(std::collections::BTreeSet::from_iter(all).len(), 4);
    }

    #[test]
    fn a_digest_is_that_of_another_library_and_of_another_version() {
        // Changes only with VERSION, and with it the digests in all reports.
        assert_eq!(VERSION, 1);
        assert_eq!(format!("{:032x}", digests_of(&[(1, vec![])])[0]), "04c0042d82693d007def9848884a5580");
        assert_eq!(
            format!("{:032x}", digests_of(&[(7, vec![]), (1, vec![2]), (2, vec![1])])[1]),
            "be9f785db7359890e8ffcc1b78f6d5ef"
        );
    }

    #[test]
    fn circles_of_any_length_that_make_the_same_calls_have_one_digest() {
        let all = digests_of(&[(1, vec![1]), (1, vec![0]), (1, vec![2])]);
        assert!(all.iter().all(|digest| *digest == all[0]));
    }

    proptest! {
        /// Functions in another order, with others beside them, and each class of them.
        #[test]
        fn digests_are_equal_where_classes_are_and_do_not_depend_on_the_order(
            functions in prop::collection::vec((0_u128..3, prop::collection::vec(0_usize..10, 0..3)), 10),
            order in Just((0..10).collect::<Vec<usize>>()).prop_shuffle(),
        ) {
            // Functions of one form have the same number of calls.
            let functions: Vec<(u128, Vec<usize>)> =
                functions.into_iter().map(|(form, callees)| (form * 3 + callees.len() as u128, callees)).collect();
            let digests = digests_of(&functions);
            let mut calls = Calls::default();
            for (_, callees) in &functions {
                callees.iter().for_each(|callee| assert!(calls.push(*callee)));
                calls.finish();
            }
            let classes = classes(&functions.iter().map(|(form, _)| *form).collect::<Vec<_>>(), &calls);
            for a in 0..10 {
                for b in 0..a {
                    prop_assert_eq!(digests[a] == digests[b], classes[a] == classes[b]);
                }
            }
            let place = |function: usize| order.iter().position(|at| *at == function).unwrap();
            let moved: Vec<(u128, Vec<usize>)> = order.iter().map(|function| {
                let (form, callees) = &functions[*function];
                (*form, callees.iter().map(|callee| place(*callee)).collect())
            }).collect();
            let moved = digests_of(&moved);
            for (function, digest) in digests.iter().enumerate() {
                prop_assert_eq!(*digest, moved[place(function)]);
            }
        }
    }
}
