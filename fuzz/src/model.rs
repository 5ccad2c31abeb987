//! Well-formed models of any shape, made of any bytes: a grammar whose rules each add many of a thing, tied to others by a
//! pattern.
//!
//! Four bytes are a rule: which, how many, and two numbers that say what it is tied to. Sizes are what a debug build audits in a
//! moment; counts within are as large as that allows, as it is counts that make products.

use bytes::Bytes;
use smaudit::Dimension;
use support::bundle::BundleBuilder;
use support::graph::{func, node_of, strings};
use support::wire::{Message, constant, message, node};

/// The bytes of a main file at most.
const MOST: usize = 48 << 10;

/// The ops that nodes are made of: those that some part of an audit knows.
const OPS: [&str; 24] = [
    "NoOp",
    "Identity",
    "AddN",
    "VarHandleOp",
    "VariableV2",
    "ReadVariableOp",
    "AssignVariableOp",
    "Assign",
    "Cast",
    "ConcatV2",
    "Pack",
    "Select",
    "ResourceGather",
    "GatherV2",
    "HashTableV2",
    "LookupTableFindV2",
    "LookupTableImportV2",
    "InitializeTableFromTextFileV2",
    "SaveV2",
    "RestoreV2",
    "StatefulPartitionedCall",
    "While",
    "f0",
    "ResourceApplyAdam",
];

/// The files of the model that `data` says, and the dimensions that it is to be broken down by.
pub fn files(data: &[u8]) -> (Vec<(String, Bytes)>, Vec<Dimension>) {
    let (head, rules) = data.split_at(data.len().min(4));
    let head = |at: usize| usize::from(head.get(at).copied().unwrap_or_default());
    // Mostly one or two metagraphs, which repeat each other or differ in their names; now and then very many.
    let meta_graphs = if head(0) < 240 { 1 + head(0) % 3 } else { 1 + (head(0) - 240) * 20 };
    let most = MOST / meta_graphs;
    let mut bundle = Bundle { builder: BundleBuilder::default(), count: 0, bytes: 0 };
    let mut main = message().int(1, 1);
    for index in 0..meta_graphs {
        let own = if head(1).is_multiple_of(2) { String::new() } else { format!("{index}_") };
        let mut made = Made { prefix: own, most, ..Made::default() };
        for rule in rules.chunks_exact(4) {
            let [which, count, a, b] = *rule else { continue };
            made.add(which, usize::from(count), usize::from(a), usize::from(b), &mut bundle);
        }
        main = main.message(2, &made.meta_graph(index));
    }
    let mut files = vec![("saved_model.pb".to_owned(), main.into_bytes())];
    if bundle.count > 0 {
        files.extend(bundle.builder.files().map(|(name, contents)| (name, contents.into())));
    }
    let all = Dimension::ALL;
    let by = (0..1 + head(2) % 3).filter_map(|at| all.get((head(3) + at * 5) % all.len()).copied()).collect();
    (files, by)
}

struct Bundle {
    builder: BundleBuilder,
    count: usize,
    bytes: usize,
}

/// What has been made of a metagraph.
#[derive(Default)]
struct Made {
    /// What its names begin with: longer and longer, where a rule says so.
    prefix: String,
    most: usize,
    nodes: Vec<Message>,
    functions: Vec<Message>,
    objects: Vec<Message>,
    concrete: Vec<(String, Message)>,
    rest: Message,
    /// How many bytes all of these are.
    bytes: usize,
}

impl Made {
    fn full(&self) -> bool {
        self.bytes >= self.most
    }

    fn name(&self, number: usize) -> String {
        format!("{}n{number}", self.prefix)
    }

    fn node(&mut self, node: Message) {
        self.bytes += node.len() + 4;
        self.nodes.push(node);
    }

    /// `count` names of nodes: all of them one, one after the other, or in leaps of `by`.
    fn names(&self, count: usize, from: usize, by: usize) -> Vec<String> {
        let all = self.nodes.len().max(1);
        (0..count).map(|at| self.name((from + at * by) % all)).collect()
    }

    fn add(&mut self, which: u8, count: usize, a: usize, b: usize, bundle: &mut Bundle) {
        match which % 14 {
            0 => self.many_nodes(count, a, b),
            1 => self.wide_node(count * 8, a, b),
            2 => self.many_functions(count, a, b),
            3 => self.signatures(count, a, b),
            4 => {
                let names: Vec<String> = (0..count).map(|at| format!("v{}", at * b / 16)).collect();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                self.node(strings(&self.name(self.nodes.len()), &names));
            }
            5 => self.variables(count, a, b, bundle),
            6 => self.many_objects(count, a, b),
            7 => {
                for number in 0..count {
                    let list =
                        self.names(1 + b % 8, a, number).iter().fold(message(), |list, name| list.bytes(1, name));
                    self.rest(4, &message().bytes(1, format!("c{number}")).message(2, &message().message(1, &list)));
                }
            }
            8 => {
                for number in 0..count {
                    let tensor = message().bytes(1, self.name(a * number));
                    self.rest(6, &message().message(1, &tensor).bytes(2, format!("a{}", number * b / 16)));
                }
            }
            9 => self.prefix.push_str(&"x".repeat(count * 4)),
            10 => {
                let lists = (0..count).fold(message(), |list, number| {
                    list.message(9, &message().bytes(1, format!("f{}", number * b / 16)))
                });
                let branches = message().message(1, &lists);
                let inputs = self.names(a, 0, 1);
                let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
                self.node(node_of(&self.name(self.nodes.len()), "Case", &inputs).entry(5, "branches", &branches));
            }
            11 => {
                let content: Vec<u8> = (0..1100).map(|at| if at % 256 < b { 0 } else { (at % 251) as u8 }).collect();
                for number in 0..count.min(12) {
                    let mut own = content.clone();
                    own.first_mut().into_iter().for_each(|byte| *byte = (number * a) as u8);
                    self.node(constant(&self.name(self.nodes.len()), &own));
                }
            }
            12 => {
                let op = OPS.get(a % OPS.len()).copied().unwrap_or_default();
                let attributes = (0..count).fold(node(&self.name(self.nodes.len()), op), |node, number| {
                    node.entry(5, &format!("k{}", number * b / 16), &message().bytes(2, "v"))
                });
                self.node(attributes);
            }
            _ => {
                for number in 0..count.min(16) {
                    let restore = self.name(a * number);
                    self.rest(3, &message().bytes(1, "p").bytes(3, restore));
                }
            }
        }
    }

    fn rest(&mut self, number: u32, field: &Message) {
        if !self.full() {
            self.bytes += field.len() + 4;
            self.rest = std::mem::take(&mut self.rest).message(number, field);
        }
    }

    fn many_nodes(&mut self, count: usize, a: usize, b: usize) {
        let op = OPS.get(a % OPS.len()).copied().unwrap_or_default();
        for _ in 0..count {
            if self.full() {
                return;
            }
            let number = self.nodes.len();
            let back = |by: usize| self.name(number.saturating_sub(1 + by));
            let inputs: Vec<String> = (0..b % 4).map(|input| back(input * (b / 4))).collect();
            let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
            let made = node_of(&self.name(number), op, &inputs);
            let shared = message().bytes(2, format!("v{}", number * (b / 16) % 256));
            self.node(match op {
                "VarHandleOp" | "VariableV2" | "HashTableV2" => made.entry(5, "shared_name", &shared),
                "StatefulPartitionedCall" => made.entry(5, "f", &func(&format!("f{}", number * b % 64))),
                _ => made,
            });
        }
    }

    fn wide_node(&mut self, count: usize, a: usize, b: usize) {
        let op = OPS.get(a % OPS.len()).copied().unwrap_or_default();
        let output = if b.is_multiple_of(5) { ":1" } else { "" };
        let room = self.most.saturating_sub(self.bytes) / (self.prefix.len() + 8);
        let inputs = self.names(count.min(room), a, b);
        let made = inputs.iter().fold(message().bytes(1, self.name(self.nodes.len())), |node, name| {
            node.bytes(3, format!("{name}{output}"))
        });
        self.node(made.bytes(2, op).entry(5, "f", &func("f0")));
    }

    fn many_functions(&mut self, count: usize, a: usize, b: usize) {
        for _ in 0..count {
            if self.full() {
                return;
            }
            let number = self.functions.len();
            let arguments = a % 9;
            let signature = (0..arguments)
                .fold(message().bytes(1, format!("f{number}")), |signature, at| {
                    signature.message(2, &message().bytes(1, format!("a{at}")).int(3, 20))
                })
                .message(3, &message().bytes(1, "r").int(3, 1));
            let op = OPS.get(b % OPS.len()).copied().unwrap_or_default();
            let called = func(&format!("f{}", (number * 2 + b) % 64));
            let body = (0..1 + b % 5).map(|at| {
                let input = if at == 0 { "a0".to_owned() } else { format!("b{}:o:0", at - 1) };
                let other = format!("a{}", at % arguments.max(1));
                let made = node_of(&format!("b{at}"), op, &[&input, &other]);
                if at % 2 == 1 { made } else { made.entry(5, "f", &called) }
            });
            let function = body.fold(message().message(1, &signature), |function, node| function.message(3, &node));
            let function = function.message(4, &message().bytes(1, "r").bytes(2, "b0:o:0"));
            self.bytes += function.len() + 4;
            self.functions.push(function);
        }
    }

    fn signatures(&mut self, count: usize, a: usize, b: usize) {
        for number in 0..count {
            let info = |name: &String| message().bytes(1, name);
            let outputs = self.names(1 + b % 16, a * number, 1 + b);
            let def =
                outputs.iter().zip(0..).fold(message(), |def, (name, at)| def.entry(2, &format!("o{at}"), &info(name)));
            self.rest(5, &message().bytes(1, format!("s{number}")).message(2, &def));
        }
    }

    fn variables(&mut self, count: usize, a: usize, b: usize, bundle: &mut Bundle) {
        for _ in 0..count {
            if bundle.bytes >= MOST {
                return;
            }
            let key = match a % 3 {
                0 => format!("v{}", bundle.count),
                1 => format!("v{}/.ATTRIBUTES/VARIABLE_VALUE", bundle.count),
                _ => format!("{}{}", "k".repeat(200), bundle.count),
            };
            let builder = std::mem::take(&mut bundle.builder);
            // Some on the same bytes, one behind the other, of equal content, or each of its own.
            let size = (b + 1) * 4;
            let (builder, added) = match a / 3 % 3 {
                0 if bundle.bytes >= size => (builder.alias(&key, (bundle.bytes - size).min(bundle.count), size), 0),
                1 => (builder.tensor(&key, &vec![b as u8; size]), size),
                _ => {
                    let own: Vec<u8> = (0..size).map(|at| (at * 7 + bundle.count * 13) as u8).collect();
                    (builder.tensor(&key, &own), size)
                }
            };
            (bundle.builder, bundle.bytes, bundle.count) = (builder, bundle.bytes + added, bundle.count + 1);
        }
    }

    fn many_objects(&mut self, count: usize, a: usize, b: usize) {
        for _ in 0..count {
            if self.full() {
                return;
            }
            let number = self.objects.len();
            let children = (0..b % 6).fold(message(), |object, at| {
                let child = (number + 1 + at * (b / 6)) as u64;
                object.message(1, &message().int(1, child).bytes(2, format!("c{at}")))
            });
            let object = match a % 5 {
                0 => children.message(4, &message().bytes(1, "_generic_user_object")),
                1 => children.message(7, &message().int(1, 1).bytes(5, format!("v{number}"))),
                2 => {
                    let traces = (0..1 + b % 8).map(|at| format!("f{}", (number + at) % 64));
                    children.message(6, &traces.fold(message(), |object, name| object.bytes(1, name)))
                }
                3 => children.message(8, &message().bytes(1, format!("f{}", number % 64))),
                _ => children,
            };
            if a % 5 == 2 {
                let bound = (0..b % 32).fold(message(), |bound, at| bound.int(2, (number * at) as u64 % 256));
                self.concrete.push((format!("f{}", number % 64), bound));
                self.bytes += b % 32 * 3 + 12;
            }
            self.bytes += object.len() + 4;
            self.objects.push(object);
        }
    }

    fn meta_graph(&self, index: usize) -> Message {
        let tag = if index == 0 { "serve".to_owned() } else { format!("t{index}") };
        let graph = support::graph::graph_of(&self.nodes, &self.functions);
        let mut made = message().message(1, &message().bytes(4, tag)).message(2, &graph).raw(&self.rest.0);
        if !self.objects.is_empty() {
            let objects = message().messages(1, &self.objects);
            let concrete = |graph: Message, (name, bound): &(String, Message)| graph.entry(2, name, bound);
            made = made.message(7, &self.concrete.iter().fold(objects, concrete));
        }
        made
    }
}
