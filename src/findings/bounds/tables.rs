//! What lookups give: the values of tables, which nodes fill, files or checkpoints.

use bytes::Bytes;
use foldhash::HashSet;

use super::numbers::{integer, of_numbers};
use super::{Bounds, Ids, MAX_DEPTH};
use crate::findings::flow::Value;
use crate::findings::nodes::Node;
use crate::graph::VertexKind;
use crate::input::Want;
use crate::message::{input_node, ops};
use crate::proto::DataType;

/// What says that a table's values are the numbers of a file's lines (`TextFileInitializer`).
const LINE_NUMBER: i64 = -1;

impl<'a> Ids<'_, 'a> {
    /// What a lookup can find in its table.
    pub(super) fn found(&self, value: Value<'a>, find: &Node<'a>) -> Bounds {
        let table = find.inputs().next().map(|name| Value { name, ..value });
        let handles = table.and_then(|table| self.handles(table)).unwrap_or_default();
        handles.into_iter().map(|handle| self.table(handle)).reduce(Bounds::or).unwrap_or(Bounds::ANY)
    }

    /// How many keys a table has.
    pub(super) fn size(&self, value: Value<'a>, size: &Node<'a>) -> Bounds {
        let table = size.inputs().next().map(|name| Value { name, ..value });
        let handles = table.and_then(|table| self.handles(table)).unwrap_or_default();
        let keys = |handle| self.keys(handle).map_or(Bounds::COUNT, Bounds::only);
        handles.into_iter().map(keys).reduce(Bounds::or).unwrap_or(Bounds::COUNT)
    }

    /// How many keys the table has that a node of the graph stands for; `None` unless it is filled once, and from a file or a
    /// constant.
    fn keys(&self, handle: &'a [u8]) -> Option<i64> {
        let takers = self.flow.taken(self.flow.of_graph(handle))?;
        let is_fill = |op: &[u8]| ops::TABLE_FILLS.contains(&op) || ops::TABLE_FILLS_FROM_FILE.contains(&op);
        let only_asks = |op: &[u8]| ops::TABLE_LOOKUPS.contains(&op) || ops::ASK_ABOUT_TABLES.contains(&op);
        let mut fills = takers.iter().filter(|taken| !only_asks(taken.node.op()));
        let (fill, None) = (fills.next().filter(|fill| is_fill(fill.node.op()))?, fills.next()) else { return None };
        let source = Value { scope: fill.scope, name: fill.node.inputs().nth(1)? };
        if ops::TABLE_FILLS_FROM_FILE.contains(&fill.node.op()) {
            let lines = self.lines(&fill.node, source)?;
            return lines.greatest.checked_sub(lines.least)?.checked_add(1);
        }
        let sources = self.handles(source)?;
        let (name, None) = (sources.iter().next()?, sources.iter().nth(1)) else { return None };
        let keys = self.flow.node_of_graph(name)?.attribute(b"value")?.tensor()?.shape()?;
        i64::try_from(keys.iter().try_fold(1_u64, |product, size| product.checked_mul(*size))?).ok()
    }

    /// The nodes of the graph that a handle comes from; `None` where it may come from elsewhere.
    fn handles(&self, value: Value<'a>) -> Option<HashSet<&'a [u8]>> {
        let (mut open, mut seen, mut found) = (vec![value], HashSet::default(), HashSet::default());
        while let Some(value) = open.pop() {
            let name = input_node(value.name);
            if !seen.insert((value.scope, name)) {
                continue;
            }
            self.flow.steps(1)?;
            let body = self.flow.body(value.scope);
            match (body.node(name), body.argument(name)) {
                (Some(node), _) if node.op() == ops::IDENTITY => {
                    open.push(Value { name: node.inputs().next()?, ..value });
                }
                (Some(node), _) if value.scope.function.is_none() => {
                    found.insert(node.name());
                }
                (None, Some(argument)) => {
                    for given in self.given(value, argument) {
                        open.push(given?);
                    }
                }
                _ => return None,
            }
        }
        Some(found)
    }

    /// The values of the table that a node of the graph stands for.
    fn table(&self, handle: &'a [u8]) -> Bounds {
        if let Some(known) = self.tables.borrow().get(handle) {
            return *known;
        }
        let found = self.filled(handle).unwrap_or(Bounds::ANY);
        self.tables.borrow_mut().insert(handle, found);
        found
    }

    fn filled(&self, handle: &'a [u8]) -> Option<Bounds> {
        let mut bounds = self.restored(handle);
        for taken in self.flow.taken(self.flow.of_graph(handle))? {
            let input = |at: usize| {
                let name = taken.node.inputs().nth(at)?;
                Some(Value { scope: taken.scope, name })
            };
            let filled = match taken.node.op() {
                op if ops::TABLE_FILLS.contains(&op) => self.bounds(input(2)?, MAX_DEPTH),
                op if ops::TABLE_FILLS_FROM_FILE.contains(&op) => self.lines(&taken.node, input(1)?)?,
                op if ops::TABLE_LOOKUPS.contains(&op) || ops::ASK_ABOUT_TABLES.contains(&op) => continue,
                _ => return None,
            };
            bounds = Some(bounds.map_or(filled, |known| known.or(filled)));
        }
        bounds
    }

    /// The values that the checkpoint has of a table.
    fn restored(&self, handle: &[u8]) -> Option<Bounds> {
        let reach = self.flow.reach();
        let handles = || reach.handles().map(|handle| (handle.name, handle.tensors));
        // Of two of one name the first counts.
        let restored = self.restored.get_or_init(|| handles().collect::<Vec<_>>().into_iter().rev().collect());
        let checkpoint = self.context.checkpoint?;
        let restored = restored.get(handle)?;
        self.flow.steps(restored.len())?;
        let values = restored.iter().filter_map(|tensor| checkpoint.bundle.tensors.get(tensor.position()));
        let values = values.filter(|tensor| tensor.key.ends_with("-values"));
        let bounds = values.map(|tensor| {
            self.flow.steps(usize::try_from(tensor.bytes / 8).unwrap_or(usize::MAX))?;
            let content = self.context.tensor_content(tensor)?;
            of_numbers(&content, DataType::try_from(tensor.dtype).ok()?)
        });
        bounds.map(|bounds| bounds.unwrap_or(Bounds::ANY)).reduce(Bounds::or)
    }

    /// The numbers of the lines of the file that a table is filled from.
    fn lines(&self, node: &Node<'a>, file_name: Value<'a>) -> Option<Bounds> {
        if integer(node, b"value_index")? != LINE_NUMBER {
            return None;
        }
        let first = integer(node, b"offset").unwrap_or(0);
        let given = integer(node, b"vocab_size").filter(|lines| *lines > 0);
        let lines = given.or_else(|| i64::try_from(self.lines_of(file_name)?).ok())?;
        Some(Bounds { least: first, greatest: first.saturating_add(lines).saturating_sub(1) })
    }

    /// How many lines the one asset has whose path a value is.
    fn lines_of(&self, file_name: Value<'a>) -> Option<usize> {
        let reach = self.flow.reach();
        // Each name is looked for among all nodes, and what these need is followed.
        self.flow.steps(reach.nodes().count() / 16)?;
        let sources: Vec<u32> = self.handles(file_name)?.iter().filter_map(|name| reach.node(name)).collect();
        let needed = reach.reach_from(sources, |_| false);
        let is_asset = |number: &u32| reach.vertex(*number).is_some_and(|vertex| vertex.kind == VertexKind::Asset);
        let mut assets = needed.numbers().filter(is_asset).map(|number| reach.name(number));
        let (asset, None) = (assets.next()?, assets.next()) else { return None };
        let mut lines = self.lines.borrow_mut();
        *lines.entry(asset).or_insert_with_key(|asset| self.lines_of_asset(asset))
    }

    fn lines_of_asset(&self, asset: &str) -> Option<usize> {
        let file = self.context.model.file(&format!("assets/{asset}"))?.open().ok()?;
        let all = 0..file.len();
        file.expect(std::slice::from_ref(&all), Want::Compare);
        let content: Bytes = file.content(all).ok()??;
        let ends = content.iter().filter(|byte| **byte == b'\n').count();
        Some(ends.saturating_add(usize::from(content.last().is_some_and(|last| *last != b'\n'))))
    }
}
