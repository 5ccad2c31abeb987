#![expect(clippy::arithmetic_side_effects, reason = "all numbers are made here")]

use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::duplicates::structure::classes::Calls;
use crate::duplicates::structure::form::Key;
use crate::duplicates::structure::library::{Library, Signed};
use crate::duplicates::structure::outline::Naming;
use crate::duplicates::structure::reader::{Read, Reader};
use crate::duplicates::structure::trail::At;
use crate::support::wire::{Message, message, node};

/// Functions one behind the other, as a file, and where each is.
fn file_of(functions: &[Message]) -> (Vec<u8>, Vec<Range<usize>>) {
    let mut file = Vec::new();
    let ranges = functions.iter().map(|function| {
        let start = file.len();
        file.extend_from_slice(&function.0);
        start..file.len()
    });
    let ranges = ranges.collect();
    (file, ranges)
}

fn with_library<R>(functions: &[Message], use_it: impl FnOnce(&[u8], &Library<'_>, &[Range<usize>]) -> R) -> R {
    let (file, ranges) = file_of(functions);
    let library = Library::new(&file, &ranges, &[&ranges], 0, Signed::Again);
    use_it(&file, &library, &ranges)
}

/// What functions are read to be, and whom they call: by one reader, who has the trail of those before; and each by a reader of its own.
fn by_trail_and_without(functions: &[Message]) -> [Vec<(Read, Vec<usize>)>; 2] {
    let read_by = |reader: &mut Reader<'_, '_>, function: &Range<usize>| {
        let before = reader.writer.calls.count();
        let read = reader.read(function.clone());
        (read, reader.writer.calls.since(before).to_vec())
    };
    with_library(functions, |file, library, ranges| {
        let key = Key::new();
        let mut one = Reader::new(file, library, 100, key, Calls::default());
        let by_trail = ranges.iter().map(|function| read_by(&mut one, function)).collect();
        let fresh = || Reader::new(file, library, 100, key, Calls::default());
        [by_trail, ranges.iter().map(|function| read_by(&mut fresh(), function)).collect()]
    })
}

/// How many nodes of the last function follow the trail of those before it.
fn followed(functions: &[Message]) -> usize {
    with_library(functions, |file, library, ranges| {
        let (last, others) = ranges.split_last().unwrap();
        let mut reader = Reader::new(file, library, 100, Key::new(), Calls::default());
        reader.read_all(others);
        let Reader { writer, outline, body } = &mut reader;
        outline.read(writer, last.clone(), Naming::First).unwrap();
        let (mut at, mut nodes) = (At::START, 0);
        while let Some(next) = body.follow(writer, &outline.names, at, nodes) {
            (at, nodes) = (next, nodes + 1);
        }
        nodes
    })
}

/// Whether a function's names are such that its nodes may follow a trail.
fn are_sound(function: &Message) -> bool {
    with_library(std::slice::from_ref(function), |file, library, ranges| {
        let mut reader = Reader::new(file, library, 100, Key::new(), Calls::default());
        reader.outline.read(&mut reader.writer, ranges[0].clone(), Naming::First).unwrap();
        reader.outline.names.are_sound()
    })
}

/// A function of an argument and three nodes, all of whose names have this prefix.
fn chain(prefix: &str) -> Message {
    let argument = message().bytes(1, format!("{prefix}x")).int(3, 1);
    let signature = message().bytes(1, format!("{prefix}f")).message(2, &argument);
    let named = |name: &str, op| node(&format!("{prefix}{name}"), op);
    let typed = |node: Message| node.entry(5, "T", &message().int(6, 1));
    let first = typed(named("a", "Relu").bytes(3, format!("{prefix}x")));
    let second = typed(named("b", "Mul").bytes(3, format!("{prefix}a:y:0")).bytes(3, format!("{prefix}x")));
    let third = named("c", "NoOp").bytes(3, format!("^{prefix}b"));
    message().message(1, &signature).messages(3, [&first, &second, &third])
}

#[test]
fn a_function_of_other_names_follows_the_first() {
    assert_eq!(followed(&[chain(""), chain("a_long_prefix_".repeat(20).as_str())]), 3);
}

#[test]
fn a_node_that_takes_another_input_does_not_follow() {
    let other = |name: &str| {
        let nodes = [node("a", "Relu").bytes(3, "x"), node("b", "Relu").bytes(3, name)];
        message().message(1, &message().message(2, &message().bytes(1, "x"))).messages(3, &nodes)
    };
    assert_eq!(followed(&[other("a:y:0"), other("a:y:0")]), 2);
    assert_eq!(followed(&[other("a:y:0"), other("a:z:0")]), 1);
    assert_eq!(followed(&[other("a:y:0"), other("x")]), 1);
}

#[test]
fn where_paths_part_each_is_found_again() {
    let path = |number: usize| {
        let nodes = [node("a", "Relu"), node("b", &format!("Op{number}")), node("c", "Relu")];
        message().messages(3, &nodes)
    };
    let paths: Vec<Message> = (0..6).map(path).collect();
    for again in &paths {
        assert_eq!(followed(&[&paths[..], std::slice::from_ref(again)].concat()), 3);
    }
}

#[test]
fn names_that_would_be_read_as_something_else_are_not_followed() {
    let taking = |name: &str| {
        let nodes = [node(name, "Relu"), node("b", "Relu").bytes(3, name)];
        message().messages(3, &nodes)
    };
    assert_eq!(followed(&[taking("a"), taking("other")]), 2);
    assert_eq!(followed(&[taking("a"), taking("a:0")]), 1);
    assert!(are_sound(&taking("a:0")));
    assert!(!are_sound(&taking("^a")));
    let of_argument = |name: &str| message().message(1, &message().message(2, &message().bytes(1, name)));
    assert!(are_sound(&of_argument("a")));
    assert!(!are_sound(&of_argument("a:0")));
    assert!(!are_sound(&of_argument("a").messages(3, &[node("a", "Relu")])));
}

/// A node by numbers: its op, its inputs (of whom, by which port, and whether only to wait), its attribute, and what is odd.
type Spec = (usize, Vec<(usize, usize, bool)>, usize, usize);

const OPS: [&str; 4] = ["Relu", "Mul", "f_0", "f_1"];
const PORTS: [&str; 5] = ["", ":0", ":y:0", ":z:0", ":y:1"];

/// The name of a node or an argument, by one of some ways to make names. Not all of them are good ones.
fn name(way: usize, number: usize) -> String {
    match way {
        0 => format!("n_{number}"),
        1 => format!("scope/another/n_{number}"),
        2 => format!("{}_{number}", "long/".repeat(40)),
        3 => format!("a:b{number}"),
        4 => format!("^n{number}"),
        5 => format!("n_{}", number % 3),
        _ => format!("model/function_{way}/n_{number}"),
    }
}

fn node_of(way: usize, number: usize, (op, inputs, attribute, odd): &Spec) -> Message {
    let text = |text: &str| message().bytes(2, text);
    let mut node = node(&name(way, number), OPS[*op]);
    for (source, port, waits) in inputs {
        let source = name(way, *source);
        node = node.bytes(3, if *waits { format!("^{source}") } else { format!("{source}{}", PORTS[*port]) });
    }
    node = match attribute {
        0 => node,
        1 => node.entry(5, "T", &message().int(6, 1)),
        2 => node.entry(5, "f", &message().message(10, &message().bytes(1, "f_1"))),
        3 => node.entry(5, "_output_shapes", &text("shapes")),
        4 => node.entry(5, "shared_name", &text(&name(way, number))),
        _ => node.entry(5, "b", &text("f_0")).entry(5, "a", &text("b")),
    };
    match odd {
        0 => node.bytes(1, name(way, number + 1)),
        1 => message().bytes(4, "device").raw(&node.0),
        2 => node.raw(&[3 << 3 | 2, 0x81, 0x00, b'x']),
        3 => node.raw(&[0xff]),
        4 => message().message(2, &message()),
        _ => node,
    }
}

fn spec() -> impl Strategy<Value = Spec> {
    let input = (0_usize..8, 0..PORTS.len(), prop::bool::weighted(0.2));
    (0..OPS.len(), vec(input, 0..3), 0_usize..6, 0_usize..60)
}

/// A function by numbers: whose nodes it has, how many of them, its names, its own name, and a byte that is another one.
fn function(specs: &[Vec<Spec>], (of, count, way, own, damage): (usize, usize, usize, usize, (usize, u8))) -> Message {
    let arguments = (0..2).map(|number| message().bytes(1, name(way, number)));
    let arguments: Vec<Message> = arguments.collect();
    let result = message().bytes(1, "y").int(3, 1);
    let signature = message().bytes(1, format!("f_{own}")).messages(2, &arguments).message(3, &result);
    let nodes = specs[of % specs.len()].iter().take(count).enumerate();
    let nodes: Vec<Message> = nodes.map(|(number, spec)| node_of(way, number + 2, spec)).collect();
    let ret = message().bytes(1, "y").bytes(2, format!("{}:y:0", name(way, 3)));
    let mut function = message().message(1, &signature).messages(3, &nodes).message(4, &ret);
    // Most functions are as they should be.
    let (at, byte) = damage;
    if let Some(damaged) = function.0.get_mut(at) {
        *damaged = byte;
    }
    function
}

proptest! {
    #[test]
    fn a_function_is_read_the_same_with_and_without_a_trail(
        specs in vec(vec(spec(), 1..7), 1..3),
        functions in vec((0_usize..3, 0_usize..8, 0_usize..12, 0_usize..4, (0_usize..4000, any::<u8>())), 1..12),
    ) {
        let functions: Vec<Message> = functions.into_iter().map(|numbers| function(&specs, numbers)).collect();
        let [by_trail, without] = by_trail_and_without(&functions);
        prop_assert_eq!(by_trail, without);
    }
}

#[test]
fn what_others_would_go_over_a_function_for_is_noted() {
    let of_nodes = |nodes: &[Message]| message().messages(3, nodes);
    let plain = of_nodes(&[node("abc", "Relu"), node("ab", "Relu")]);
    let large = of_nodes(&[node("abc", "Relu"), node("abcd", "Relu").bytes(9, [0; 100])]);
    let with_attributes = of_nodes(&[node("abc", "Relu")]).entry(5, "key", &message());
    let named_later = of_nodes(&[message().bytes(2, "Relu").bytes(1, "abc")]);
    let named_again = of_nodes(&[node("abc", "Relu").bytes(1, "a")]);
    let damaged = large.clone().raw(&[0xff]);
    let functions = [plain, large, with_attributes, named_later, named_again, damaged];
    let [read, _] = by_trail_and_without(&functions);
    let noted = |(read, _): &(Read, _)| (read.noted.large_nodes, read.noted.attributes, read.noted.shortest_name);
    let expected =
        [(false, false, 2), (true, false, 3), (false, true, 3), (false, false, 0), (false, false, 0), (true, true, 0)];
    assert_eq!(read.iter().map(noted).collect::<Vec<_>>(), expected);
}
