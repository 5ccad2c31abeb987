//! `sparse-constant`: one value nearly everywhere in a large constant, or in the buckets of a table.
//!
//! A graph's adjacency matrix, `np.eye`, a mask or a one-hot table is written out in full (`tensor_content`), each zero
//! as long as any other number. `tf.sparse.SparseTensor` has the others only, with their places. A
//! `tf.lookup.experimental.DenseHashTable` saves all of its buckets, and an empty one holds the key that says so
//! (`MutableDenseHashTable::ExportValues`, tensorflow/core/kernels/lookup_table_op.cc).

mod lie;
mod variable;

use foldhash::HashMap;

use crate::checkpoint::Tensor;
use crate::dtype::element_bytes;
use crate::findings::claims::Claims;
use crate::findings::constants::{Constant, Form, LARGE};
use crate::findings::evidence::{Evidence, Place};
use crate::findings::{Cause, Context, Cure, Detected, Remedy, quoted};
use crate::size::{bytes, exact, plural};
use lie::{Elements, OthersLie};

pub(super) const CAUSE: Cause = Cause {
    id: "sparse-constant",
    remedies: &[Remedy::any(
        "Make it a `tf.sparse.SparseTensor`, keep its blocks only or compute it (`tf.eye`, `tf.linalg.band_part`, \
         `tf.linalg.diag`, `tf.one_hot`); give a dense hash table as many buckets as it needs.",
        "",
        "an op needs the dense tensor in each call and making it there costs more than its bytes.",
    )],
    long: include_str!("../../../docs/findings/sparse-constant.md"),
    detect,
    only_information: None,
    cure: Cure::None,
};

/// One value has to be at least this share of the elements.
const SHARE: (u64, u64) = (9, 10);

/// How many elements are looked at before all of them are, and how many of these may be other ones: a constant of which
/// nine tenths are equal has 13 others among 128 on average, and more than 32 once in tens of millions.
const SAMPLES: usize = 128;
const OTHERS: usize = 32;

/// What two more constants and an op take, beside their elements.
const NODES_BYTES: u64 = 600;

/// A dense hash table may be this full before it grows (`max_load_factor`), and has a power of two of buckets.
const LOAD: (u64, u64) = (4, 5);

/// How a checkpoint names the buckets of a table (`tensorflow/python/ops/lookup_ops.py`).
const KEYS: &str = "table-keys";
const VALUES: &str = "table-values";
const KEYS_V1: &str = "-keys";
const VALUES_V1: &str = "-values";

fn detect(context: &Context<'_>) -> Option<Detected> {
    let (mut claims, mut evidence, mut ranges) = (Claims::default(), Evidence::default(), Vec::new());
    for constant in &context.large().constants {
        let Some(sparse) = sparse(context.main(), constant) else { continue };
        let freed = constant.payload.start.saturating_add(sparse.kept)..constant.payload.end;
        if freed.len() < LARGE {
            continue;
        }
        evidence.add(context.cost(&freed), || {
            let place = constant.scope.place(context, &constant.node);
            let what = sparse.describe(&place, constant.shape.iter().copied());
            (what, Place::of_node(context, constant.scope, &constant.node))
        });
        ranges.push(freed);
    }
    context.claim(&mut claims, ranges);
    let (constants, tables) = (evidence.count(), tables(context));
    for table in &tables {
        let freed = table.freed.iter().map(|(_, bytes)| *bytes).fold(0, u64::saturating_add);
        evidence.add(freed, || (table.describe(), Place::of_tensor(context, table.keys)));
    }
    context.claim_ends(&mut claims, tables.iter().flat_map(|table| table.freed.iter().copied()));
    let variables = variable::find(context);
    for variable in &variables {
        evidence.add(variable.freed, || (variable.describe(context), Place::of_tensor(context, variable.tensor)));
    }
    context.claim_ends(&mut claims, variables.iter().map(|variable| (variable.tensor, variable.freed)));
    let of_constants = (constants > 0).then(|| plural(constants, "constant has", "constants have"));
    let of_variables =
        (!variables.is_empty()).then(|| plural(variables.len() as u64, "variable has", "variables have"));
    let of_tables = (!tables.is_empty()).then(|| plural(tables.len() as u64, "hash table has", "hash tables have"));
    let who: Vec<String> = of_constants.into_iter().chain(of_variables).chain(of_tables).collect();
    let (who, size) = (who.join(" and "), bytes(claims.bytes()));
    (!evidence.is_empty()).then(|| Detected {
        message: format!("{who} one value in nine of ten places or more: {size} more than the other places take."),
        evidence,
        claims,
        beyond: 0,
    })
}

/// A constant that is nearly everywhere one value.
struct Sparse {
    elements: u64,
    /// How many elements are another value.
    others: u64,
    /// Whether these are all one value.
    has_two_values: bool,
    /// How these lie, where they are one value.
    others_lie: OthersLie,
    /// The bytes that are enough to say the same.
    kept: usize,
}

impl Sparse {
    /// What is told of a tensor at a place, of this shape.
    fn describe(&self, place: &str, shape: impl Iterator<Item = u64>) -> String {
        let shape: Vec<String> = shape.map(exact).collect();
        let what = match self.others_lie {
            OthersLie::InBand => "a band along the diagonal of".to_owned(),
            OthersLie::InBlocks(blocks) => format!("in {} blocks along the diagonal only", exact(blocks)),
            OthersLie::InRows => "one in a row, only".to_owned(),
            OthersLie::Anyhow => "only".to_owned(),
        };
        let (shape, others, elements) = (shape.join(" × "), exact(self.others), exact(self.elements));
        format!("{place}, {shape}, {what} {others} of {elements} elements are another value")
    }

    /// `None` where no value is in nine of ten places of elements of so many bytes, where the others would take as much, or
    /// where all are equal: that is `broadcast-constant`.
    fn of(payload: &[u8], width: usize, shape: &[u64]) -> Option<Self> {
        let elements = payload.len().checked_div(width)? as u64;
        let value = common(payload, width)?;
        let different = || payload.chunks_exact(width).filter(|element| *element != value);
        let others = different().count() as u64;
        if others == 0 || !is_most(elements.saturating_sub(others), elements) {
            return None;
        }
        let first = different().next();
        let has_two_values = different().all(|element| Some(element) == first);
        let (others_lie, of_others) = Elements { payload, width, value, shape }.others_lie(others, has_two_values)?;
        let kept = usize::try_from(of_others.checked_add(NODES_BYTES)?).ok().filter(|kept| *kept < payload.len())?;
        Some(Self { elements, others, has_two_values, others_lie, kept })
    }
}

fn sparse(file: &[u8], constant: &Constant<'_>) -> Option<Sparse> {
    let payload = file.get(constant.payload.clone())?;
    let elements = constant.elements()?;
    let width = usize::try_from((payload.len() as u64).checked_div(elements)?).ok()?;
    let is_even = (width as u64).checked_mul(elements)? == payload.len() as u64;
    let has_width = matches!((constant.form, width), (Form::Memory, 1..=16) | (Form::Varints, 1));
    if is_even && has_width { Sparse::of(payload, width, &constant.shape) } else { None }
}

/// The value that a sample of the elements has most often, if it is in most of them.
fn common(payload: &[u8], width: usize) -> Option<&[u8]> {
    let elements = payload.len().checked_div(width)?;
    // No multiple of a dimension's size, so that a column is not taken for the whole.
    let step = (elements / SAMPLES).max(1) | 1;
    let at = |element: usize| {
        let start = element.checked_mul(width)?;
        payload.get(start..start.checked_add(width)?)
    };
    let sample: Vec<&[u8]> = (0..elements).step_by(step).take(SAMPLES).filter_map(at).collect();
    // Counted and not sorted: the bytes may be those of a file that is written to meanwhile.
    let mut counts: HashMap<&[u8], usize> = HashMap::default();
    sample.iter().for_each(|element| *counts.entry(element).or_default() += 1);
    let most = counts.values().copied().max()?;
    let value = sample.iter().copied().find(|element| counts.get(element) == Some(&most))?;
    (sample.iter().filter(|element| **element != value).count() <= OTHERS).then_some(value)
}

fn is_most(equal: u64, elements: u64) -> bool {
    u128::from(equal) * u128::from(SHARE.1) >= u128::from(elements) * u128::from(SHARE.0)
}

/// A dense hash table of mostly empty buckets.
struct Table {
    name: String,
    /// The tensor of its keys, by its position in the bundle.
    keys: usize,
    buckets: u64,
    used: u64,
    /// What fewer buckets free: tensors by their positions in the bundle, and bytes of each.
    freed: Vec<(usize, u64)>,
}

impl Table {
    fn describe(&self) -> String {
        let (used, buckets) = (exact(self.used), exact(self.buckets));
        format!("table {}, {used} of {buckets} buckets are used", quoted(&self.name))
    }
}

fn tables(context: &Context<'_>) -> Vec<Table> {
    let tensors = context.checkpoint.map_or(&[][..], |checkpoint| &checkpoint.bundle.tensors);
    // Without bytes of its own a tensor is another one as well, and is looked at as that.
    let has_own = |at: usize, tensor: &Tensor| tensor.bytes >= LARGE as u64 && context.data_bytes(at) == tensor.bytes;
    let keys = tensors.iter().enumerate().filter(|(at, tensor)| has_own(*at, tensor));
    let keys = keys.filter_map(|(at, tensor)| Some(((at, tensor), prefix(&tensor.key)?)));
    let mut keys = keys.peekable();
    let mut by_key: HashMap<&str, usize> = HashMap::default();
    if keys.peek().is_some() {
        by_key.extend(tensors.iter().enumerate().map(|(at, tensor)| (&*tensor.key, at)));
    }
    let values = |key: &str| by_key.get(key).and_then(|at| Some((*at, tensors.get(*at)?)));
    keys.filter_map(|(keys, (name, key))| table(context, name, keys, values(&key))).collect()
}

/// What the table whose keys have this key in the checkpoint is called, and the key of its values.
fn prefix(key: &str) -> Option<(&str, String)> {
    let rest = |keys: &str, values: &str| key.strip_suffix(keys).map(|name| (name, format!("{name}{values}")));
    let (name, values) = rest(KEYS, VALUES).or_else(|| rest(KEYS_V1, VALUES_V1))?;
    Some((name.trim_end_matches("/.ATTRIBUTES/").trim_end_matches('/'), values))
}

fn table(
    context: &Context<'_>,
    name: &str,
    (at, keys): (usize, &Tensor),
    values: Option<(usize, &Tensor)>,
) -> Option<Table> {
    let width = element_bytes(keys.dtype)?;
    let buckets = keys.bytes.checked_div(width)?;
    let content = context.tensor_content(keys).filter(|content| content.len() as u64 == keys.bytes)?;
    let width = usize::try_from(width).ok()?;
    let empty = common(&content, width)?;
    let used = content.chunks_exact(width).filter(|key| *key != empty).count() as u64;
    // A key is there once, so one that is everywhere is the empty one.
    if !is_most(buckets.saturating_sub(used), buckets) {
        return None;
    }
    let needed = used.checked_mul(LOAD.1)?.checked_div(LOAD.0)?.checked_add(1)?.checked_next_power_of_two()?;
    let share = |(at, tensor): (usize, &Tensor)| {
        let kept = tensor.bytes.checked_div(buckets)?.checked_mul(needed)?;
        tensor.bytes.checked_sub(kept).map(|freed| (at, freed))
    };
    let freed = share((at, keys)).into_iter().chain(values.and_then(share)).collect();
    Some(Table { name: name.to_owned(), keys: at, buckets, used, freed })
}

#[cfg(test)]
mod tests {
    use crate::findings::Finding;
    use crate::findings::tests::{finding, found};
    use crate::support::bundle::BundleBuilder;
    use crate::support::wire::{Message, graph, message, meta_graph, node, saved_model};

    /// DT_FLOAT, DT_BOOL.
    const FLOAT: u64 = 1;
    const BOOL: u64 = 10;

    /// A constant of this shape, whose bytes are `content`.
    fn constant(dtype: u64, shape: &[u64], content: &[u8]) -> Message {
        let dims = shape.iter().fold(message(), |dims, size| dims.message(2, &message().int(1, *size)));
        let tensor = message().int(1, dtype).message(2, &dims).bytes(4, content);
        node("c", "Const").entry(5, "value", &message().message(8, &tensor))
    }

    fn of(constant: Message) -> Option<Finding> {
        found(&meta_graph(&["serve"], &graph([&constant])), super::CAUSE.id)
    }

    /// The bytes of floats that are 0 but for every `step`th, which is a number of its own.
    fn floats(count: usize, step: usize) -> Vec<u8> {
        (0..count).flat_map(|at| if at % step == 3 { at as f32 } else { 0.0 }.to_le_bytes()).collect()
    }

    #[test]
    fn a_matrix_of_few_numbers_costs_all_but_these_and_their_places() {
        let found = of(constant(FLOAT, &[100, 100], &floats(10_000, 50))).unwrap();
        // Two places of 8 bytes and a float of 4 for each of 200, and what two more nodes take.
        assert_eq!(found.bytes, 40_000 - 200 * 20 - super::NODES_BYTES);
        assert!(found.evidence[0].contains("only 200 of 10,000 elements"), "{found:?}");
    }

    #[test]
    fn an_identity_matrix_is_made_by_an_op() {
        let eye = |n: usize| (0..n * n).flat_map(move |at| if at / n == at % n { 1_f32 } else { 0.0 }.to_le_bytes());
        let found = of(constant(FLOAT, &[64, 64], &eye(64).collect::<Vec<u8>>())).unwrap();
        assert_eq!(found.bytes, 64 * 64 * 4 - super::NODES_BYTES);
        assert!(found.evidence[0].contains("a band along the diagonal of 64 of 4,096 elements"), "{found:?}");
    }

    /// A matrix whose elements `other` names, by row and column; the others are 0.
    fn matrix(rows: usize, columns: usize, other: impl Fn(usize, usize) -> Option<f32>) -> Message {
        let all = (0..rows * columns).map(|at| other(at / columns, at % columns).unwrap_or(0.0));
        let content: Vec<u8> = all.flat_map(f32::to_le_bytes).collect();
        constant(FLOAT, &[rows as u64, columns as u64], &content)
    }

    #[test]
    fn a_band_of_one_value_is_made_by_an_op() {
        let is_near = |row: usize, column: usize| row < column + 3 && column < row + 2;
        let found = of(matrix(90, 100, |row, column| is_near(row, column).then_some(1.0))).unwrap();
        assert_eq!(found.bytes, 90 * 100 * 4 - super::NODES_BYTES);
        assert!(found.evidence[0].contains("a band along the diagonal of"), "{found:?}");
        // One place of it is not, and nobody computes that.
        let torn = |row, column| (is_near(row, column) && (row, column) != (40, 41)).then_some(1.0);
        assert!(of(matrix(90, 100, torn)).unwrap().evidence[0].contains(", only"));
        let numbers = |row: usize, column| is_near(row, column).then_some(1.0 + row as f32);
        assert!(of(matrix(90, 100, numbers)).unwrap().evidence[0].contains(", only"));
    }

    #[test]
    fn of_blocks_along_the_diagonal_the_blocks_are_enough() {
        let block = |rows: usize, columns: usize| {
            move |row: usize, column: usize| (row / rows == column / columns).then_some((row * 97 + column + 1) as f32)
        };
        let found = of(matrix(120, 60, block(6, 3))).unwrap();
        // 20 blocks of 6 × 3, where places of 16 bytes for each would take five times as much.
        assert_eq!(found.bytes, 120 * 60 * 4 - 20 * 6 * 3 * 4 - super::NODES_BYTES);
        assert!(found.evidence[0].contains("in 20 blocks along the diagonal only 360 of 7,200 elements"), "{found:?}");
        let beside = |row, column| if (row, column) == (0, 59) { Some(1.0) } else { block(6, 3)(row, column) };
        assert!(of(matrix(120, 60, beside)).unwrap().evidence[0].contains(", only 361 of"));
    }

    #[test]
    fn rows_with_one_other_value_each_are_made_of_its_columns() {
        let row = |of: usize| (0..20).flat_map(move |at| if at == of { 1_f32 } else { 0.0 }.to_le_bytes());
        let one_hot = |rows: usize| (0..rows).flat_map(move |at| row(at * 7 % 20));
        let found = of(constant(FLOAT, &[300, 20], &one_hot(300).collect::<Vec<u8>>())).unwrap();
        assert_eq!(found.bytes, 300 * 20 * 4 - 300 * 4 - super::NODES_BYTES);
        assert!(found.evidence[0].contains("one in a row, only 300 of 6,000 elements"), "{found:?}");
    }

    #[test]
    fn what_is_not_one_value_in_nine_of_ten_places_is_dense() {
        assert_eq!(of(constant(FLOAT, &[100, 100], &floats(10_000, 9))), None);
        assert!(of(constant(FLOAT, &[100, 100], &floats(10_000, 12))).is_some());
        // A tenth of the bits of a mask take more as places than all of it does.
        let mask: Vec<u8> = (0..10_000_usize).map(|at| u8::from(at % 12 == 0)).collect();
        assert_eq!(of(constant(BOOL, &[100, 100], &mask)), None);
    }

    #[test]
    fn a_constant_of_one_value_throughout_is_for_another_cause() {
        assert_eq!(of(constant(FLOAT, &[100, 100], &[0; 40_000])), None);
    }

    /// What is found in a model whose checkpoint has a table of these keys, and values as wide.
    fn table(keys: &[u8]) -> Option<Finding> {
        let model = saved_model([&meta_graph(&["serve"], &graph(&[]))]).0;
        let bundle = BundleBuilder::default().tensor("t/.ATTRIBUTES/table-keys", keys);
        let [(index, index_bytes), (data, data_bytes)] =
            bundle.tensor("t/.ATTRIBUTES/table-values", &vec![7; keys.len()]).files();
        finding(super::CAUSE.id, &[("saved_model.pb", &model), (&index, &index_bytes), (&data, &data_bytes)])
    }

    #[test]
    fn a_hash_table_of_empty_buckets_costs_those_that_it_does_not_need() {
        let keys: Vec<u8> =
            (0..8192_usize).map(|at| if at % 100 == 0 { u8::try_from(at / 100).unwrap() } else { 255 }).collect();
        let found = table(&keys).unwrap();
        // 82 keys want 128 buckets.
        assert_eq!(found.bytes, 2 * (8192 - 128));
        assert!(found.evidence[0].contains("`t`, 82 of 8,192 buckets"), "{found:?}");
    }

    #[test]
    fn a_table_that_is_as_full_as_others_is_what_it_should_be() {
        let keys: Vec<u8> =
            (0..8192_usize).map(|at| (at.wrapping_mul(97).wrapping_shr(5) & 255).to_le_bytes()[0]).collect();
        assert_eq!(table(&keys), None);
    }
}
