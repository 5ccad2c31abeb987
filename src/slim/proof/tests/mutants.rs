//! Results of slim that are wrong in one way: what the proof notices of them, and TensorFlow of the others.

use super::*;
use crate::checkpoint::Bundle;
use crate::edit::bundle;
use crate::proto::SavedUserObject;
use crate::proto::op_def::ArgDef;

/// One thing in a node is another, or is not there.
fn mutate_node(node: &mut NodeDef, random: &mut Random) -> Option<&'static str> {
    Some(match random.below(6) {
        0 if node.input.len() > 1 => {
            let (one, other) = (random.below(node.input.len()), random.below(node.input.len()));
            if node.input[one] == node.input[other] {
                return None;
            }
            node.input.swap(one, other);
            "inputs swapped"
        }
        1 if !node.input.is_empty() => {
            let at = random.below(node.input.len());
            node.input.remove(at);
            "an input less"
        }
        2 if !node.attr.is_empty() => {
            let key = node.attr.keys().nth(random.below(node.attr.len())).unwrap().clone();
            node.attr.remove(&key);
            "an attribute less"
        }
        3 => match node.attr.get_mut("value")?.value.as_mut()? {
            Value::Tensor(tensor) => {
                if let Some(text) = tensor.string_val.last_mut() {
                    *text = Bytes::from_static(b"another");
                } else if let Some(number) = tensor.int_val.last_mut() {
                    *number += 1;
                } else {
                    let mut content = tensor.tensor_content.to_vec();
                    *random.of(&mut content)? ^= 1;
                    tensor.tensor_content = content.into();
                }
                "a constant of another value"
            }
            _ => return None,
        },
        4 => {
            node.device.push_str("/device:CPU:0");
            "another device"
        }
        5 => {
            node.op = if node.op == "Neg" { "Abs".to_owned() } else { "Neg".to_owned() };
            "another op"
        }
        _ => return None,
    })
}

/// A metagraph that is wrong in one way; `None` where there is nothing of the kind.
fn mutate(graph: &mut MetaGraphDef, random: &mut Random) -> Option<&'static str> {
    let count = functions(graph).len();
    Some(match random.below(14) {
        0 => {
            let at = random.below(nodes(graph).len());
            nodes(graph).remove(at);
            "a node less"
        }
        1 if count > 0 => {
            functions(graph).remove(random.below(count));
            "a function less"
        }
        2 | 3 => mutate_node(random.of(nodes(graph))?, random)?,
        4..=6 => {
            let function = random.of(functions(graph))?;
            mutate_node(random.of(&mut function.node_def)?, random)?
        }
        7 => {
            let function = random.of(functions(graph))?;
            let at = random.below(function.node_def.len());
            function.node_def.remove(at);
            "a node of a function less"
        }
        8 => {
            let at = random.below(objects(graph).concrete_functions.len());
            let bound = &mut objects(graph).concrete_functions.values_mut().nth(at)?.bound_inputs;
            let (one, other) = (random.below(bound.len()), random.below(bound.len()));
            if bound.get(one)? == bound.get(other)? {
                return None;
            }
            bound.swap(one, other);
            "captures swapped"
        }
        9 => {
            let at = random.below(objects(graph).concrete_functions.len());
            objects(graph).concrete_functions.values_mut().nth(at)?.bound_inputs.pop()?;
            "a capture less"
        }
        10 => {
            let object = random.of(&mut objects(graph).nodes)?;
            random.of(&mut object.children)?.node_id += 1;
            "a child of another number"
        }
        11 => {
            let names: Vec<String> = functions(graph).iter().map(|it| function_name(it).to_owned()).collect();
            let name = names.get(random.below(names.len()))?.clone();
            let called = if random.below(2) == 0 {
                callee(random.of(nodes(graph))?)?
            } else {
                let function = random.of(functions(graph))?;
                callee(random.of(&mut function.node_def)?)?
            };
            if *called == name {
                return None;
            }
            *called = name;
            "another function called"
        }
        12 => {
            let all = &mut objects(graph).nodes;
            let (one, other) = (random.below(all.len()), random.below(all.len()));
            if all.get(one)? == all.get(other)? {
                return None;
            }
            all.swap(one, other);
            "objects swapped"
        }
        13 => {
            let function = random.of(functions(graph))?;
            let key = function.control_ret.keys().next()?.clone();
            function.control_ret.remove(&key);
            function.signature.as_mut()?.control_output.retain(|name| *name != key);
            "a control output less"
        }
        _ => return None,
    })
}

/// What the steps would do wrong that merge functions, pass by some, and leave out nodes, objects and ops: the result is whole, and
/// not the same. `None` where there is nothing of the kind.
fn mutate_as_steps(graph: &mut MetaGraphDef, random: &mut Random) -> Option<&'static str> {
    Some(match random.below(9) {
        0 => {
            let form = |function: &FunctionDef| {
                let signature = function.signature.as_ref().unwrap();
                let types = |args: &[ArgDef]| args.iter().map(|arg| arg.r#type).collect::<Vec<_>>();
                (types(&signature.input_arg), types(&signature.output_arg))
            };
            let one = random.of(functions(graph))?.clone();
            let alike = functions(graph).iter().filter(|other| form(other) == form(&one)).map(function_name);
            let mut alike: Vec<String> = alike.filter(|name| *name != function_name(&one)).map(str::to_owned).collect();
            let other = random.of(&mut alike)?.clone();
            let of_graph: Vec<&mut String> = nodes(graph).iter_mut().filter_map(callee).collect();
            if let Some(called) = of_graph.into_iter().find(|called| **called == *function_name(&one)) {
                *called = other;
            } else {
                *inner(graph).filter_map(callee).find(|called| **called == *function_name(&one))? = other;
            }
            "a function of the same arguments called"
        }
        1 => {
            let names: Vec<String> = objects(graph).concrete_functions.keys().cloned().collect();
            let name = names.get(random.below(names.len()))?.clone();
            let held = match random.of(&mut objects(graph).nodes)?.kind.as_mut()? {
                Kind::Function(function) => random.of(&mut function.concrete_functions)?,
                Kind::BareConcreteFunction(function) => &mut function.concrete_function_name,
                _ => return None,
            };
            if *held == name {
                return None;
            }
            *held = name;
            "another function that Python has"
        }
        2 => {
            let function = random.of(functions(graph))?;
            let keys: Vec<String> = function.ret.keys().cloned().collect();
            let [one, other] = keys.get(..2)? else { return None };
            let (first, second) = (function.ret[one].clone(), function.ret[other].clone());
            if first == second {
                return None;
            }
            function.ret.extend([(one.clone(), second), (other.clone(), first)]);
            "results in another order"
        }
        3 => {
            let mut calls: Vec<&mut NodeDef> = inner(graph).filter(|node| node.attr.contains_key("f")).collect();
            let call = random.of(&mut calls)?;
            let data = call.input.iter().filter(|input| !input.starts_with('^')).count();
            let (one, other) = (random.below(data), random.below(data));
            if call.input.get(one)? == call.input.get(other)? {
                return None;
            }
            call.input.swap(one, other);
            "arguments in another order"
        }
        4 => {
            let function = random.of(functions(graph))?;
            let name = random.of(&mut function.node_def)?.name.clone();
            let is_it = |input: &str| input.trim_start_matches('^').split(':').next() == Some(&*name);
            if function.ret.values().any(|result| is_it(result)) {
                return None;
            }
            function.node_def.retain(|node| node.name != name);
            function.node_def.iter_mut().for_each(|node| node.input.retain(|input| !is_it(input)));
            let gone: Vec<String> =
                function.control_ret.iter().filter(|(_, node)| **node == name).map(|(key, _)| key.clone()).collect();
            function.control_ret.retain(|key, _| !gone.contains(key));
            function.signature.as_mut()?.control_output.retain(|output| !gone.contains(output));
            "a node less, with what names it"
        }
        5 => {
            let all = &mut objects(graph).nodes;
            let at = 1 + random.below(all.len() - 1);
            let empty = SavedObject {
                kind: Some(Kind::UserObject(SavedUserObject::default().into())),
                ..SavedObject::default()
            };
            if all[at] == empty {
                return None;
            }
            all[at] = empty;
            let number = i32::try_from(at).unwrap();
            all.iter_mut().for_each(|object| object.children.retain(|child| child.node_id != number));
            "an object less, with what names it"
        }
        6 => {
            let object = random.of(&mut objects(graph).nodes)?;
            let at = random.below(object.children.len().max(1));
            object.children.get(at)?;
            object.children.remove(at);
            "a child less"
        }
        7 => {
            let list = graph.meta_info_def.as_mut()?.stripped_op_list.as_mut()?;
            list.op.remove(random.below(list.op.len()));
            "an op less that nodes are of"
        }
        8 => {
            let function = random.of(functions(graph))?;
            let constants: Vec<NodeDef> = function.node_def.iter().filter(|it| it.op == "Const").cloned().collect();
            let (one, other) = (random.below(constants.len()), random.below(constants.len()));
            let (one, other) = (constants.get(one)?, constants.get(other)?);
            if one.attr == other.attr {
                return None;
            }
            let takes = |input: &&mut String| input.split(':').next() == Some(&*one.name);
            *function.node_def.iter_mut().flat_map(|node| &mut node.input).find(takes)? =
                format!("{}:output:0", other.name);
            "a constant taken that is another one"
        }
        _ => return None,
    })
}

/// The four kinds of which it was said before there was a proof that they do not get past it.
const NAMED: [&str; 4] = ["a wrong offset", "a dropped capture", "a renumbered id", "a lost GPU partner"];

/// A result that is wrong in one of these ways; `None` where there is nothing of the kind.
fn mutate_as_named(new: &mut BTreeMap<String, Bytes>, random: &mut Random) -> Option<&'static str> {
    // The last one is only in a model that has such partners.
    let kind = NAMED[random.below(2 * NAMED.len()).min(NAMED.len() - 1)];
    if kind == NAMED[0] {
        return move_a_tensor(new, random).then_some(kind);
    }
    let mut main = SavedModel::decode(new[MAIN].clone()).unwrap();
    let graph = &mut main.meta_graphs[0];
    match kind {
        "a dropped capture" => {
            let at = random.below(objects(graph).concrete_functions.len());
            let bound = &mut objects(graph).concrete_functions.values_mut().nth(at)?.bound_inputs;
            let dropped = random.below(bound.len().max(1));
            bound.get(dropped)?;
            bound.remove(dropped);
        }
        "a renumbered id" => {
            let count = objects(graph).nodes.len();
            let functions = objects(graph).concrete_functions.values_mut().flat_map(|it| &mut it.bound_inputs);
            let mut ids: Vec<&mut i32> = functions.collect();
            // Those of objects are many more.
            if random.below(2) == 0 {
                ids = objects(graph).nodes.iter_mut().flat_map(ids_of).collect();
            }
            let id = random.of(&mut ids)?;
            let other = i32::try_from(random.below(count)).unwrap();
            if **id == other {
                return None;
            }
            **id = other;
        }
        _ => {
            let is_partner =
                |function: &FunctionDef| function.attr.get("api_preferred_device") == Some(&attribute("GPU"));
            let at = functions(graph).iter().position(is_partner)?;
            match random.below(3) {
                0 => {
                    functions(graph).remove(at);
                }
                1 => {
                    functions(graph)[at].attr.remove("api_implements");
                }
                // It is there, and computes something else.
                _ => {
                    mutate_node(random.of(&mut functions(graph)[at].node_def)?, random)?;
                }
            }
        }
    }
    new.insert(MAIN.to_owned(), main.encode_to_vec().into());
    Some(kind)
}

/// The numbers by which an object names others.
fn ids_of(object: &mut SavedObject) -> impl Iterator<Item = &mut i32> {
    let slots = object.slot_variables.iter_mut();
    let slots = slots.flat_map(|slot| [&mut slot.original_variable_node_id, &mut slot.slot_variable_node_id]);
    let named = object.children.iter_mut().chain(&mut object.dependencies);
    named.map(|child| &mut child.node_id).chain(slots)
}

/// Has an entry of the index say that its tensor lies elsewhere; whether it lies elsewhere then.
fn move_a_tensor(new: &mut BTreeMap<String, Bytes>, random: &mut Random) -> bool {
    let index = new[INDEX].clone();
    let (read, _) = Bundle::read(index.clone(), INDEX).unwrap();
    let before: Vec<(u32, u64)> = read.tensors.iter().map(|tensor| (tensor.shard, tensor.offset)).collect();
    let mut places = before.clone();
    let moved = random.below(places.len());
    places[moved].1 = match random.below(3) {
        0 => places[random.below(places.len())].1,
        1 => places[moved].1 + 1 + random.below(64) as u64,
        _ => places[moved].1.saturating_sub(1 + random.below(64) as u64),
    };
    new.insert(INDEX.to_owned(), bundle::index(index, &read.tensors, &places).unwrap().into());
    places != before
}

/// A result that is wrong in one way, by each of the three in turn.
fn mutant(
    right: &BTreeMap<String, Bytes>,
    turn: usize,
    random: &mut Random,
) -> Option<(BTreeMap<String, Bytes>, &'static str)> {
    let mut new = right.clone();
    let what = match turn % 3 {
        0 => mutate_as_named(&mut new, random)?,
        turn => {
            let mut main = SavedModel::decode(right[MAIN].clone()).unwrap();
            // What a step would do wrong, and what none would.
            let change = if turn == 1 { mutate } else { mutate_as_steps };
            let what = change(&mut main.meta_graphs[0], random)?;
            new.insert(MAIN.to_owned(), main.encode_to_vec().into());
            what
        }
    };
    Some((new, what))
}

/// A smaller model, written in memory.
fn slimmed(old: &BTreeMap<String, Bytes>, level: SlimLevel) -> BTreeMap<String, Bytes> {
    let model = Model::in_memory("model", old.clone());
    let plan = plan(&model, &Options { level, ..Options::default() }, &Silent).unwrap();
    let file = |(name, recipe): (&str, &Recipe)| {
        let mut bytes = Vec::new();
        recipe.write(&model, &mut bytes, &Silent).unwrap();
        (name.to_owned(), Bytes::from(bytes))
    };
    plan.tree().files().map(file).collect()
}

/// Writes a model into a folder.
fn keep(files: &BTreeMap<String, Bytes>, folder: &str) {
    for (name, bytes) in files {
        let path = format!("{folder}/{name}");
        std::fs::create_dir_all(Path::new(&path).parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// What is not noticed serves the same: TensorFlow was asked about each of these, in the folder of the variable below.
#[test]
fn random_changes_to_results_are_noticed_but_for_what_is_not_served() {
    let kept = std::env::var("SMAUDIT_MUTANTS").ok();
    let (rounds, mut random) = (if kept.is_some() { 150 } else { 20 }, Random(3));
    let [_, partners] = changed("keras-lstm", with_implementations);
    let fixtures = ["keras-export", "keras-lstm", "lookup-table"].map(|name| (name, fixture(name)));
    let mut of_kind: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    for (name, old) in fixtures.into_iter().chain([("keras-lstm-partners", partners)]) {
        kept.iter().for_each(|folder| keep(&old, &format!("{folder}/models/{name}")));
        for (level, promise) in [(SlimLevel::Inference, Promise::Callables), (SlimLevel::Serving, Promise::Signatures)]
        {
            let right = slimmed(&old, level);
            assert_eq!(held(&old, &right, promise), [""; 0], "{name}, {level:?}");
            let (mut noticed, mut made) = (0, 0);
            while made < rounds {
                let Some((new, what)) = mutant(&right, made, &mut random) else { continue };
                made += 1;
                let [of_kind, noticed_of_kind] = of_kind.entry(what).or_default();
                *of_kind += 1;
                if !held(&old, &new, promise).is_empty() {
                    noticed += 1;
                    *noticed_of_kind += 1;
                } else if let Some(folder) = &kept {
                    let folder = format!("{folder}/{}/{name}-{made}", level.name());
                    println!("NOT NOTICED {folder} {what}");
                    keep(&new, &folder);
                }
            }
            println!("{name} {level:?}: {noticed} of {made}");
            assert!(noticed * 10 >= made * 7, "{name}, {level:?}: {noticed} of {made}");
        }
    }
    of_kind.iter().for_each(|(kind, [made, noticed])| println!("{noticed} of {made}: {kind}"));
    assert!(NAMED.iter().all(|kind| of_kind.contains_key(kind)), "{of_kind:?}");
}

#[test]
fn a_variable_that_no_name_leads_to_any_more_is_noticed() {
    let old = fixture("keras-export");
    let right = slimmed(&old, SlimLevel::Serving);
    let main = SavedModel::decode(right[MAIN].clone()).unwrap();
    let graph = main.meta_graphs[0].object_graph_def.as_ref().unwrap();
    let captured: Vec<i32> =
        graph.concrete_functions.values().flat_map(|function| function.bound_inputs.clone()).collect();
    let mut tried = 0;
    for (at, object) in graph.nodes.iter().enumerate() {
        for (child, _) in object.children.iter().enumerate().filter(|(_, child)| captured.contains(&child.node_id)) {
            let mut main = main.clone();
            objects(&mut main.meta_graphs[0]).nodes[at].children.remove(child);
            let mut new = right.clone();
            new.insert(MAIN.to_owned(), main.encode_to_vec().into());
            assert!(!held(&old, &new, Promise::Signatures).is_empty(), "{at} {child}");
            tried += 1;
        }
    }
    assert!(tried > 3);
}
