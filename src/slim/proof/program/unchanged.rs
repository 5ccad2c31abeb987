//! What is still there is what it was, whether anything kept reaches it or not: a loader reads all of it, and fails at a node that
//! is none.

use foldhash::{HashMap, HashMapExt as _, HashSet, HashSetExt as _};

use super::Reasons;
use super::graph::Graph;
use super::hash::Digest;
use super::library::Library;
use super::restore::is_restore;
use super::session::Session;
use crate::message::attributes::OUTPUT_SHAPES;
use crate::message::{Input, NodeDef, input_node, ops};

/// What the constants of a function are, by their names.
type Constants<'f> = HashMap<&'f [u8], Digest>;

/// Holds nodes that the session did not reach, and functions, against those of their names.
pub(super) fn hold<'f>(old: &Graph<'f>, new: &Graph<'f>, session: &Session<'_, 'f>, reasons: &mut Reasons) {
    let both = (&old.library, &new.library);
    let (listed, nobody) = (lists(new.nodes()), HashMap::new());
    for node in new.nodes() {
        let Some(before) = old.node(node.name()) else { continue };
        let is_same = is_ordered(&before, node)
            && (session.has_seen(node.name())
                || is_same(&before, node, both, false, (&nobody, &nobody))
                || is_emptied(&before, node)
                || listed.contains(node.name()) && is_list(&before, node, both));
        if !is_same {
            reasons.add(|| format!("the node {} is another one", String::from_utf8_lossy(node.name())));
        }
    }
    for ((name, def), body) in new.library.functions.defs.iter().zip(&new.library.bodies) {
        let (Some(was), Some(before_body)) = (old.library.def(name), old.library.body(name)) else { continue };
        let nodes: HashMap<&[u8], NodeDef<'f>> = was.nodes().map(|node| (node.name(), node)).collect();
        // What a function restores is held where it is called.
        let restores = was.nodes().any(|node| is_restore(&node));
        let all: Vec<NodeDef<'f>> = def.nodes().collect();
        let listed = if restores { lists(all.iter()) } else { HashSet::new() };
        // Of what has lost its shapes only the rest is the same.
        let has_lost = |node: &NodeDef<'f>| old.library.without.inner_shapes && node.attribute(OUTPUT_SHAPES).is_none();
        let makes = |node: &NodeDef<'f>| {
            if node.op() != ops::BROADCAST_TO {
                return false;
            }
            let was = nodes.get(node.name()).is_some_and(|before| before.op() == ops::CONST);
            let made = body.constants.get(node.name()).filter(|_| was);
            made.is_some() && made == before_body.constants.get(node.name())
        };
        // What was a constant may be made of two that were not there.
        let parts: HashSet<&[u8]> =
            all.iter().filter(|node| makes(node)).flat_map(NodeDef::inputs).map(input_node).collect();
        let is_other = |node: &NodeDef<'f>| {
            let Some(before) = nodes.get(node.name()) else { return !parts.contains(node.name()) };
            let is_known = match restores {
                _ if makes(node) => true,
                true if listed.contains(node.name()) => is_list(before, node, both),
                true => own(before, both.0) == own(node, both.1),
                false => is_same(before, node, both, has_lost(node), (&before_body.constants, &body.constants)),
            };
            !is_known || !is_ordered(before, node)
        };
        if !restores && body.shape != before_body.shape || all.iter().any(is_other) {
            reasons.add(|| format!("the function {} is another one", String::from_utf8_lossy(name)));
        }
    }
}

/// The constants that say what is restored.
fn lists<'n, 'f: 'n>(nodes: impl Iterator<Item = &'n NodeDef<'f>>) -> HashSet<&'f [u8]> {
    let restoring = nodes.filter(|node| is_restore(node));
    restoring.flat_map(|node| node.inputs().skip(1).take(2)).map(input_node).collect()
}

/// Whether two constants are lists of strings, which are read where they are restored.
fn is_list<'f>(before: &NodeDef<'f>, after: &NodeDef<'f>, (old, new): (&Library<'f>, &Library<'f>)) -> bool {
    let own = |node: &NodeDef<'f>, library: &Library<'f>| {
        Graph::own(node, library, |key| key == b"value" || key == OUTPUT_SHAPES)
    };
    let dtype =
        |node: &NodeDef<'f>| node.attribute(b"value").and_then(|value| value.tensor()).map(|tensor| tensor.data_type());
    own(before, old) == own(after, new) && dtype(before) == dtype(after) && before.inputs().eq(after.inputs())
}

/// What a node is by itself; of one that restores without what follows from how much that is.
fn own<'f>(node: &NodeDef<'f>, library: &Library<'f>) -> Option<Digest> {
    let restores = is_restore(node);
    Graph::own(node, library, |key| restores && (key == b"dtypes" || key == OUTPUT_SHAPES))
}

/// Whether a node waits for others behind what it takes, as it has to, or did not before.
fn is_ordered(before: &NodeDef<'_>, after: &NodeDef<'_>) -> bool {
    let is_ordered = |node: &NodeDef<'_>| node.inputs().is_sorted_by_key(|input| input.starts_with(b"^"));
    is_ordered(after) || !is_ordered(before)
}

/// What a node takes: a constant by what it is, all else by its name.
fn taken<'f>(input: &'f [u8], constants: &Constants<'f>) -> (Option<Digest>, Input<'f>) {
    let input = Input::parse(input);
    match constants.get(input.name) {
        Some(constant) => (Some(*constant), Input { name: b"", ..input }),
        None => (None, input),
    }
}

/// Whether two nodes are the same but for the names of functions, for shapes that the second has lost, and for which of equal
/// constants they take. A group may wait for fewer nodes.
fn is_same<'f>(
    before: &NodeDef<'f>,
    after: &NodeDef<'f>,
    (old, new): (&Library<'f>, &Library<'f>),
    has_lost: bool,
    (constants, constants_left): (&Constants<'f>, &Constants<'f>),
) -> bool {
    let payload = |node: &NodeDef<'f>| node.file().get(node.range());
    if payload(before) == payload(after) {
        return true;
    }
    let mut left = before.inputs().map(|input| taken(input, constants));
    let is_part =
        after.inputs().map(|input| taken(input, constants_left)).all(|input| left.any(|other| other == input));
    let is_whole = after.inputs().count() == before.inputs().count() || before.op() == ops::GROUP;
    is_part
        && is_whole
        && Graph::own(before, old, |key| has_lost && key == OUTPUT_SHAPES) == Graph::own(after, new, |_| false)
}

/// Whether a constant that nothing kept reaches has become a placeholder of its type.
fn is_emptied(before: &NodeDef<'_>, after: &NodeDef<'_>) -> bool {
    let dtype = |node: &NodeDef<'_>| node.attribute(b"dtype").and_then(|value| value.data_type());
    let is_plain = |node: &NodeDef<'_>| node.attributes().iter().all(|entry| entry.key != b"value");
    before.op() == ops::CONST
        && after.op() == ops::PLACEHOLDER
        && is_plain(after)
        && dtype(after).is_some()
        && dtype(before) == dtype(after)
        && before.inputs().eq(after.inputs())
}
