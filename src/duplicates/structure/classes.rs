//! Functions of one form told apart by the functions that they call.
//!
//! Functions are the states of an automaton, and the n-th call of a function is its transition under the letter n.
//! Two functions are equal when the same letters lead from both to functions of equal forms, however far one goes: the
//! equivalence by which automata are minimized. The algorithm is Hopcroft's in the form of Valmari, "Fast brief
//! practical DFA minimization", Information Processing Letters 112 (2012): a partition of the functions and one of the
//! calls refine each other, and of a set that splits only the smaller half is looked at again. With m calls it takes
//! O(m log m) steps and no recursion.

#![expect(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "all indices and counts are made here")]

/// A call beyond these is not followed, and the callee keeps its name: each takes a hundred bytes of memory, and a forged
/// one as few as five of the file. Real ones take some hundred of the file, and protobuf ends at 2 GiB.
const MAX_CALLS: usize = 1 << 22;

/// The calls of all functions, in the order of the functions.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// Who is called: numbers of functions.
    callees: Vec<usize>,
    /// For each function the end of its calls in `callees`.
    ends: Vec<usize>,
}

impl Calls {
    /// Adds a call to the function that is being read; says whether there was room.
    pub(super) fn push(&mut self, callee: usize) -> bool {
        let room = self.callees.len() < MAX_CALLS;
        if room {
            self.callees.push(callee);
        }
        room
    }

    /// How many calls there are.
    pub(super) fn count(&self) -> usize {
        self.callees.len()
    }

    /// Whether all of these were added: there may be no room.
    pub(super) fn extend(&mut self, callees: &[usize]) -> bool {
        let room = self.callees.len() + callees.len() <= MAX_CALLS;
        if room {
            self.callees.extend_from_slice(callees);
        }
        room
    }

    /// The calls behind the first so many.
    pub(super) fn since(&self, count: usize) -> &[usize] {
        self.callees.get(count..).unwrap_or_default()
    }

    /// The function that is being read ends here.
    pub(super) fn finish(&mut self) {
        self.ends.push(self.callees.len());
    }

    /// Takes back the calls of the function that is being read.
    pub(super) fn discard(&mut self) {
        self.callees.truncate(self.ends.last().copied().unwrap_or(0));
    }

    /// Adds the calls of more functions, as far as all of them fit; says whether they did.
    pub(super) fn append(&mut self, more: &Self) -> bool {
        let fits = self.callees.len() + more.callees.len() <= MAX_CALLS;
        if fits {
            self.ends.extend(more.ends.iter().map(|end| end + self.callees.len()));
            self.callees.extend_from_slice(&more.callees);
        }
        fits
    }

    /// The calls of a function.
    pub(super) fn of(&self, function: usize) -> &[usize] {
        let end = |function: usize| self.ends.get(function).copied().unwrap_or(self.callees.len());
        let start = function.checked_sub(1).map_or(0, end);
        self.callees.get(start..end(function)).unwrap_or_default()
    }

    /// For each call who calls, and which of the caller's it is.
    fn callers(&self) -> (Vec<usize>, Vec<usize>) {
        let (mut callers, mut letters) = (Vec::with_capacity(self.callees.len()), Vec::new());
        let mut start = 0;
        for (function, &end) in self.ends.iter().enumerate() {
            callers.resize(end, function);
            letters.extend(0..end - start);
            start = end;
        }
        (callers, letters)
    }
}

/// For each function its class; of equal functions it is the same. `forms` has what tells the
/// forms of two functions apart.
pub(super) fn classes<F: Ord>(forms: &[F], calls: &Calls) -> Vec<usize> {
    let mut functions = Partition::by_key(forms);
    let (callers, letters) = calls.callers();
    let mut splitters = Partition::by_key(&letters);
    let (incoming, starts) = incoming(forms.len(), &calls.callees);
    // The sets below these numbers have been used to split the other partition.
    let (mut used_classes, mut used_splitters) = (0, 0);
    loop {
        while used_classes < functions.sets() {
            for &function in functions.set(used_classes) {
                for &call in &incoming[starts[function]..starts[function + 1]] {
                    splitters.mark(call);
                }
            }
            splitters.split();
            used_classes += 1;
        }
        if used_splitters == splitters.sets() {
            return functions.set_of;
        }
        for &call in splitters.set(used_splitters) {
            functions.mark(callers[call]);
        }
        functions.split();
        used_splitters += 1;
    }
}

/// The calls of each function by who is called: those of function f are `calls[starts[f]..starts[f + 1]]`.
fn incoming(functions: usize, callees: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let mut starts = vec![0; functions + 1];
    for &callee in callees {
        starts[callee] += 1;
    }
    let mut sum = 0;
    for start in &mut starts {
        sum += *start;
        *start = sum;
    }
    let mut calls = vec![0; callees.len()];
    for (call, &callee) in callees.iter().enumerate() {
        starts[callee] -= 1;
        calls[starts[callee]] = call;
    }
    (calls, starts)
}

/// Numbers from 0 on divided into sets, which can be split in two in the time that it takes to name the one half.
struct Partition {
    /// The numbers, set by set; in each set the marked ones first.
    elements: Vec<usize>,
    /// Where a number is in `elements`.
    location: Vec<usize>,
    set_of: Vec<usize>,
    bounds: Vec<Bounds>,
    /// The sets that have marked numbers.
    touched: Vec<usize>,
}

/// A set: `first..past` of the elements, of which those before `unmarked` are marked.
struct Bounds {
    first: usize,
    unmarked: usize,
    past: usize,
}

impl Partition {
    /// A set for each key.
    fn by_key<K: Ord>(keys: &[K]) -> Self {
        let mut elements: Vec<usize> = (0..keys.len()).collect();
        elements.sort_unstable_by(|a, b| keys[*a].cmp(&keys[*b]).then(a.cmp(b)));
        let (mut location, mut set_of, mut bounds) = (vec![0; keys.len()], vec![0; keys.len()], Vec::new());
        let mut first = 0;
        for set in elements.chunk_by(|a, b| keys[*a] == keys[*b]) {
            for (offset, &element) in set.iter().enumerate() {
                location[element] = first + offset;
                set_of[element] = bounds.len();
            }
            bounds.push(Bounds { first, unmarked: first, past: first + set.len() });
            first += set.len();
        }
        Self { elements, location, set_of, bounds, touched: Vec::new() }
    }

    fn sets(&self) -> usize {
        self.bounds.len()
    }

    fn set(&self, set: usize) -> &[usize] {
        &self.elements[self.bounds[set].first..self.bounds[set].past]
    }

    /// Marks a number. Marking it twice is the same as once.
    fn mark(&mut self, element: usize) {
        let set = self.set_of[element];
        let bounds = &mut self.bounds[set];
        let (from, to) = (self.location[element], bounds.unmarked);
        if from < to {
            return;
        }
        if to == bounds.first {
            self.touched.push(set);
        }
        bounds.unmarked += 1;
        let displaced = self.elements[to];
        self.elements.swap(from, to);
        self.location[displaced] = from;
        self.location[element] = to;
    }

    /// Splits each set into its marked and its other numbers; the smaller half becomes a new set.
    fn split(&mut self) {
        while let Some(set) = self.touched.pop() {
            let new = self.bounds.len();
            let Bounds { first, unmarked, past } = self.bounds[set];
            let (old_half, new_half) = if unmarked == past {
                (first..past, past..past)
            } else if unmarked - first <= past - unmarked {
                (unmarked..past, first..unmarked)
            } else {
                (first..unmarked, unmarked..past)
            };
            self.bounds[set] = Bounds { first: old_half.start, unmarked: old_half.start, past: old_half.end };
            if new_half.is_empty() {
                continue;
            }
            for &element in &self.elements[new_half.clone()] {
                self.set_of[element] = new;
            }
            self.bounds.push(Bounds { first: new_half.start, unmarked: new_half.start, past: new_half.end });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The classes of functions given by their form and their callees.
    fn classes_of(functions: &[(u128, &[usize])]) -> Vec<usize> {
        let mut calls = Calls::default();
        for (_, callees) in functions {
            assert!(callees.iter().all(|callee| calls.push(*callee)));
            calls.finish();
        }
        let forms: Vec<u128> = functions.iter().map(|(form, _)| *form).collect();
        classes(&forms, &calls)
    }

    /// What [`classes`] must find, by the definition: classes are split by the classes of the callees until none is.
    fn by_definition(functions: &[(u128, &[usize])]) -> Vec<usize> {
        let mut classes: Vec<usize> =
            functions.iter().map(|(form, _)| functions.iter().position(|(other, _)| other == form).unwrap()).collect();
        for _ in functions {
            let seen: Vec<(usize, Vec<usize>)> = functions
                .iter()
                .zip(&classes)
                .map(|((_, callees), class)| (*class, callees.iter().map(|callee| classes[*callee]).collect()))
                .collect();
            classes = seen.iter().map(|one| seen.iter().position(|other| other == one).unwrap()).collect();
        }
        classes
    }

    fn same_partition(a: &[usize], b: &[usize]) -> bool {
        (0..a.len()).all(|i| (0..i).all(|j| (a[i] == a[j]) == (b[i] == b[j])))
    }

    #[test]
    fn functions_without_calls_are_equal_by_their_form() {
        let classes = classes_of(&[(1, &[]), (2, &[]), (1, &[])]);
        assert_eq!(classes[0], classes[2]);
        assert_ne!(classes[0], classes[1]);
    }

    #[test]
    fn the_order_of_calls_matters() {
        let classes = classes_of(&[(1, &[]), (2, &[]), (3, &[0, 1]), (3, &[1, 0]), (3, &[0, 1])]);
        assert_eq!(classes[2], classes[4]);
        assert_ne!(classes[2], classes[3]);
    }

    #[test]
    fn a_circle_equals_one_of_another_length_where_the_same_calls_are_made_for_ever() {
        let classes = classes_of(&[(1, &[1]), (1, &[0]), (1, &[2])]);
        assert!(classes.iter().all(|class| *class == classes[0]));
    }

    proptest::proptest! {
        #[test]
        fn classes_are_those_of_the_definition(
            functions in proptest::collection::vec((0_u128..2, proptest::collection::vec(0_usize..12, 0..3)), 12)
        ) {
            // Functions of one form have the same number of calls, as the form has a blank for each.
            let functions: Vec<(u128, &[usize])> =
                functions.iter().map(|(form, callees)| (form * 3 + callees.len() as u128, &callees[..])).collect();
            proptest::prop_assert!(same_partition(&classes_of(&functions), &by_definition(&functions)));
        }
    }
}
