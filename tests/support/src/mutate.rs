//! A SavedModel changed on the wire, as another export of it would be: everything under other names, or one function more, less
//! or another one.
//!
//! Field numbers are those of `saved_model.proto` and what it imports. What is not named is copied as it is.

#![allow(clippy::indexing_slicing)]

use std::collections::HashSet;

use super::wire::{Message, message, node, varint};

/// A field: its number, its wire type, and its payload; what stands before the payload where that is no length.
struct Field<'a> {
    number: u32,
    wire_type: u8,
    payload: &'a [u8],
}

/// The fields of a message that a writer made; what is damaged ends it.
fn fields(mut bytes: &[u8]) -> Vec<Field<'_>> {
    let mut all = Vec::new();
    while let Some((tag, rest)) = read_varint(bytes) {
        let (number, wire_type) = ((tag >> 3) as u32, (tag & 7) as u8);
        let (payload, after) = match wire_type {
            0 => {
                let Some((_, after)) = read_varint(rest) else { break };
                (&rest[..rest.len() - after.len()], after)
            }
            1 if rest.len() >= 8 => rest.split_at(8),
            5 if rest.len() >= 4 => rest.split_at(4),
            2 => match read_varint(rest) {
                Some((length, after)) if after.len() as u64 >= length => after.split_at(length as usize),
                _ => break,
            },
            _ => break,
        };
        all.push(Field { number, wire_type, payload });
        bytes = after;
    }
    all
}

fn read_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let end = bytes.iter().position(|byte| *byte < 0x80)?;
    let (value, rest) = bytes.split_at(end + 1);
    Some((value.iter().rev().fold(0, |sum, byte| sum << 7 | u64::from(byte & 0x7f)), rest))
}

/// The message with each length-delimited field as `change` makes it; nothing where a field goes.
fn rewrite(bytes: &[u8], mut change: impl FnMut(u32, &[u8]) -> Option<Vec<u8>>) -> Vec<u8> {
    let mut out = message();
    for field in fields(bytes) {
        match field.wire_type {
            2 => {
                if let Some(payload) = change(field.number, field.payload) {
                    out = out.bytes(field.number, payload);
                }
            }
            other => {
                out = out.raw(&varint(u64::from(field.number) << 3 | u64::from(other))).raw(field.payload);
            }
        }
    }
    out.0
}

fn one(bytes: &[u8], number: u32) -> &[u8] {
    fields(bytes).into_iter().rfind(|field| field.number == number).map_or(&[], |field| field.payload)
}

fn all(bytes: &[u8], number: u32) -> Vec<&[u8]> {
    fields(bytes).into_iter().filter(|field| field.number == number).map(|field| field.payload).collect()
}

/// A SavedModel with each metagraph as `change` makes it.
fn meta_graphs(model: &[u8], mut change: impl FnMut(&[u8]) -> Vec<u8>) -> Vec<u8> {
    rewrite(model, |number, payload| Some(if number == 2 { change(payload) } else { payload.to_vec() }))
}

/// All functions and nodes under other names, and other counters behind them, everywhere.
pub fn rename_all(model: &[u8]) -> Vec<u8> {
    meta_graphs(model, |meta_graph| {
        let graph = one(meta_graph, 2);
        let names = |nodes: Vec<&[u8]>, number: u32| -> HashSet<Vec<u8>> {
            nodes.into_iter().map(|node| one(node, number).to_vec()).collect()
        };
        let functions = all(one(graph, 2), 1).into_iter().map(|function| one(one(function, 1), 1).to_vec()).collect();
        let renamer = Renamer { functions, nodes: names(all(graph, 1), 1) };
        renamer.meta_graph(meta_graph)
    })
}

struct Renamer {
    functions: HashSet<Vec<u8>>,
    /// Those of the graph, or of the function at hand.
    nodes: HashSet<Vec<u8>>,
}

impl Renamer {
    fn meta_graph(&self, bytes: &[u8]) -> Vec<u8> {
        rewrite(bytes, |number, payload| {
            Some(match number {
                1 => rewrite(payload, |number, payload| {
                    Some(if number == 8 {
                        self.entry(payload, |key| self.function(key), <[u8]>::to_vec)
                    } else {
                        payload.to_vec()
                    })
                }),
                2 => self.graph(payload),
                3 => rewrite(payload, |_, name| Some(self.tensor(name))),
                4 => self.entry(payload, <[u8]>::to_vec, |list| self.collection(list)),
                5 => self.entry(payload, <[u8]>::to_vec, |def| self.signature(def)),
                6 => rewrite(payload, |number, payload| {
                    Some(if number == 1 { self.tensor_info(payload) } else { payload.to_vec() })
                }),
                7 => self.objects(payload),
                _ => payload.to_vec(),
            })
        })
    }

    fn graph(&self, bytes: &[u8]) -> Vec<u8> {
        rewrite(bytes, |number, payload| {
            Some(match number {
                1 => self.node(payload),
                2 => rewrite(payload, |number, payload| {
                    Some(match number {
                        1 => self.function_def(payload),
                        2 => rewrite(payload, |_, name| Some(self.function(name))),
                        _ => payload.to_vec(),
                    })
                }),
                _ => payload.to_vec(),
            })
        })
    }

    fn function_def(&self, bytes: &[u8]) -> Vec<u8> {
        let nodes = all(bytes, 3).into_iter().map(|node| one(node, 1).to_vec()).collect();
        let inner = Renamer { functions: self.functions.clone(), nodes };
        rewrite(bytes, |number, payload| {
            Some(match number {
                1 => rewrite(payload, |number, payload| {
                    Some(if number == 1 { self.function(payload) } else { payload.to_vec() })
                }),
                3 => inner.node(payload),
                4 | 6 => inner.entry(payload, <[u8]>::to_vec, |source| inner.tensor(source)),
                5 => inner.attribute(payload),
                _ => payload.to_vec(),
            })
        })
    }

    fn node(&self, bytes: &[u8]) -> Vec<u8> {
        rewrite(bytes, |number, payload| {
            Some(match number {
                1 | 3 => self.tensor(payload),
                2 => self.function(payload),
                5 => self.attribute(payload),
                _ => payload.to_vec(),
            })
        })
    }

    fn attribute(&self, entry: &[u8]) -> Vec<u8> {
        self.entry(entry, <[u8]>::to_vec, |value| self.value(value))
    }

    /// An AttrValue, or the list in one: both have texts at 2, and functions at 10 or 9.
    fn value(&self, bytes: &[u8]) -> Vec<u8> {
        rewrite(bytes, |number, payload| {
            Some(match number {
                2 => self.function(payload),
                10 => self.function_value(payload),
                1 => rewrite(payload, |number, payload| {
                    Some(match number {
                        2 => self.placed(payload),
                        9 => self.function_value(payload),
                        _ => payload.to_vec(),
                    })
                }),
                _ => payload.to_vec(),
            })
        })
    }

    /// A NameAttrList.
    fn function_value(&self, bytes: &[u8]) -> Vec<u8> {
        rewrite(bytes, |number, payload| {
            Some(match number {
                1 => self.function(payload),
                2 => self.attribute(payload),
                _ => payload.to_vec(),
            })
        })
    }

    fn signature(&self, bytes: &[u8]) -> Vec<u8> {
        rewrite(bytes, |number, payload| {
            Some(match number {
                1 | 2 => self.entry(payload, <[u8]>::to_vec, |info| self.tensor_info(info)),
                _ => payload.to_vec(),
            })
        })
    }

    fn tensor_info(&self, bytes: &[u8]) -> Vec<u8> {
        rewrite(bytes, |number, payload| {
            Some(match number {
                1 => self.tensor(payload),
                4 => rewrite(payload, |_, name| Some(self.tensor(name))),
                _ => payload.to_vec(),
            })
        })
    }

    /// A CollectionDef: names of nodes, and messages such as VariableDef, whose texts are names.
    fn collection(&self, bytes: &[u8]) -> Vec<u8> {
        rewrite(bytes, |number, payload| {
            Some(match number {
                1 => rewrite(payload, |_, name| Some(self.tensor(name))),
                2 => rewrite(payload, |_, def| {
                    let again = rewrite(def, |_, text| Some(text.to_vec()));
                    let is_message = again == def && !fields(def).is_empty();
                    Some(if is_message { rewrite(def, |_, text| Some(self.tensor(text))) } else { def.to_vec() })
                }),
                _ => payload.to_vec(),
            })
        })
    }

    fn objects(&self, bytes: &[u8]) -> Vec<u8> {
        let concrete = |bytes: &[u8], at: &[u32]| {
            rewrite(bytes, |number, payload| {
                Some(if at.contains(&number) { self.function(payload) } else { payload.to_vec() })
            })
        };
        rewrite(bytes, |number, payload| {
            Some(match number {
                1 => rewrite(payload, |number, payload| {
                    Some(match number {
                        6 | 8 => concrete(payload, &[1]),
                        9 => rewrite(payload, |_, name| Some(self.tensor(name))),
                        12 => concrete(payload, &[2]),
                        _ => payload.to_vec(),
                    })
                }),
                2 => self.entry(payload, |key| self.function(key), <[u8]>::to_vec),
                _ => payload.to_vec(),
            })
        })
    }

    /// An entry of a map.
    fn entry(&self, bytes: &[u8], key: impl Fn(&[u8]) -> Vec<u8>, value: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
        rewrite(bytes, |number, payload| {
            Some(match number {
                1 => key(payload),
                2 => value(payload),
                _ => payload.to_vec(),
            })
        })
    }

    fn function(&self, name: &[u8]) -> Vec<u8> {
        if self.functions.contains(name) { [b"__traced_again_", name, b"_90210"].concat() } else { name.to_vec() }
    }

    /// A node's name, `^name`, `name:0` or `name:output:0`.
    fn tensor(&self, reference: &[u8]) -> Vec<u8> {
        let (caret, rest) = reference.strip_prefix(b"^").map_or((&b""[..], reference), |rest| (b"^", rest));
        let end = rest.iter().position(|byte| *byte == b':').unwrap_or(rest.len());
        let (name, port) = rest.split_at(end);
        if self.nodes.contains(name) { [caret, name, b"_4711", port].concat() } else { reference.to_vec() }
    }

    /// An entry of `_class`: `loc:@name`.
    fn placed(&self, text: &[u8]) -> Vec<u8> {
        match text.strip_prefix(b"loc:@") {
            Some(name) => [b"loc:@".to_vec(), self.tensor(name)].concat(),
            None => self.function(text),
        }
    }
}

/// The names of the functions of the first metagraph that no other function and no node names, in the order of the file.
pub fn uncalled_functions(model: &[u8]) -> Vec<String> {
    let graph = one(all(model, 2).first().unwrap_or(&&[][..]), 2).to_vec();
    let library = one(&graph, 2);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let names: Vec<String> = all(library, 1).into_iter().map(|function| text(one(one(function, 1), 1))).collect();
    let names_it = |name: &str| {
        let is_in = |bytes: &[u8]| bytes.windows(name.len()).filter(|window| *window == name.as_bytes()).count();
        is_in(library)
    };
    let called = |name: &String| {
        let in_others = names.iter().filter(|other| *other != name && other.contains(name.as_str())).count();
        names_it(name) > 1 || in_others > 0
    };
    names.iter().filter(|name| !called(name)).cloned().collect()
}

/// What becomes of one function or node of the first metagraph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// It is there once more, under another name.
    Duplicate,
    /// It is gone.
    Delete,
    /// It has one node more, or as a node one attribute more.
    AddNode,
}

/// The names of the nodes of the graph of the first metagraph, in the order of the file.
pub fn graph_nodes(model: &[u8]) -> Vec<String> {
    let graph = one(all(model, 2).first().unwrap_or(&&[][..]), 2);
    all(graph, 1).into_iter().map(|node| String::from_utf8_lossy(one(node, 1)).into_owned()).collect()
}

/// A SavedModel in which the node at a position of the graph of the first metagraph is another one: there twice under another name,
/// gone, or with one attribute more.
pub fn edit_graph_node(model: &[u8], at: usize, edit: Edit) -> Vec<u8> {
    let mut is_first = true;
    meta_graphs(model, |meta_graph| {
        if !std::mem::take(&mut is_first) {
            return meta_graph.to_vec();
        }
        rewrite(meta_graph, |number, graph| {
            if number != 2 {
                return Some(graph.to_vec());
            }
            let (mut position, mut copy) = (0, None);
            let edited = rewrite(graph, |number, node| {
                if number != 1 {
                    return Some(node.to_vec());
                }
                position += 1;
                match edit {
                    _ if position != at + 1 => Some(node.to_vec()),
                    Edit::Delete => None,
                    Edit::AddNode => Some(Message(node.to_vec()).entry(5, "_one_more", &message().int(3, 7)).0),
                    Edit::Duplicate => {
                        copy = Some(rewrite(node, |number, text| {
                            Some(if number == 1 { [text, b"_once_more"].concat() } else { text.to_vec() })
                        }));
                        Some(node.to_vec())
                    }
                }
            });
            Some(match copy {
                Some(copy) => Message(edited).bytes(1, copy).0,
                None => edited,
            })
        })
    })
}

/// A SavedModel in which one function is another one.
pub fn edit_function(model: &[u8], name: &str, edit: Edit) -> Vec<u8> {
    let mut is_first = true;
    meta_graphs(model, |meta_graph| {
        if !std::mem::take(&mut is_first) {
            return meta_graph.to_vec();
        }
        rewrite(meta_graph, |number, payload| {
            Some(if number == 2 { edit_graph(payload, name, edit) } else { payload.to_vec() })
        })
    })
}

fn edit_graph(graph: &[u8], name: &str, edit: Edit) -> Vec<u8> {
    rewrite(graph, |number, payload| {
        if number != 2 {
            return Some(payload.to_vec());
        }
        let mut copy = None;
        let mut library = rewrite(payload, |number, function| {
            if number != 1 || one(one(function, 1), 1) != name.as_bytes() {
                return Some(function.to_vec());
            }
            match edit {
                Edit::Delete => None,
                Edit::AddNode => Some(Message(function.to_vec()).message(3, &node("one_more", "NoOp")).0),
                Edit::Duplicate => {
                    copy = Some(rewrite(function, |number, payload| {
                        let named = |number, text: &[u8]| {
                            Some(if number == 1 { [text, b"_once_more"].concat() } else { text.to_vec() })
                        };
                        Some(if number == 1 { rewrite(payload, named) } else { payload.to_vec() })
                    }));
                    Some(function.to_vec())
                }
            }
        });
        if let Some(copy) = copy {
            library = Message(library).bytes(1, copy).0;
        }
        Some(library)
    })
}
