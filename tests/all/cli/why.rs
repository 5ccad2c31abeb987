//! `smaudit why` on the fixtures: the way to a thing, what nothing needs, and names that nothing has.

use serde_json::{Value, json};

use crate::run::{root, run};
use support::files::tree;

fn why(model: &str, thing: &str) -> String {
    run(root(), &format!("why fixtures/{model} {thing}")).exits(0).silently().stdout
}

#[test]
fn a_serving_signature_reaches_the_weights_and_no_gradient() {
    let text = why("two-metagraphs", "weights");
    let serve = text.split("metagraph #1 serve").nth(1).unwrap();
    assert!(
        serve.contains("signature  serving_default\n") && serve.contains("restored  variable  weights  32,768"),
        "{text}"
    );
    assert!(why("two-metagraphs", "GradientDescent").contains("unreached node      GradientDescent"));
}

#[test]
fn a_table_leads_to_its_asset() {
    let text = why("lookup-table", "vocabulary.txt");
    assert!(text.contains("set up by node      StatefulPartitionedCall_1"), "{text}");
    assert!(text.ends_with("asset     vocabulary.txt  1,648 bytes\n"), "{text}");
}

#[test]
fn of_weights_that_are_there_twice_nodes_are_restored_from_one_copy_and_functions_bound_to_the_other() {
    let of_nodes = why("keras-export", "_all_variables/0/.ATTRIBUTES/VARIABLE_VALUE");
    assert!(of_nodes.contains("handle of resource  classifier/hidden/kernel_1\n"), "{of_nodes}");
    let of_functions = why("keras-export", "classifier/hidden/kernel");
    assert!(of_functions.contains("captures  object    variables.0\n"), "{of_functions}");
}

#[test]
fn a_second_handle_of_the_name_of_a_variable_does_not_say_that_nothing_needs_the_variable() {
    let text = why("keras-export", "classifier/hidden/kernel");
    let needed = "a second handle that nothing needs; the variable of this name is needed, as above\n";
    assert!(text.ends_with(needed) && !text.contains("no signature, no main op"), "{text}");
}

#[test]
fn every_slice_of_a_partitioned_variable_is_reached() {
    let report = run(root(), "fixtures/partitioned --json").json();
    let keys = report["models"][0]["checkpoint"]["tensors"].as_array().unwrap();
    let slices: Vec<&str> = keys.iter().map(|t| t["key"].as_str().unwrap()).filter(|key| key.contains('[')).collect();
    assert!(slices.len() > 1, "{slices:?}");
    let bytes = report["models"][0]["checkpoint"]["data_bytes"].as_u64().unwrap();
    let reached = report["models"][0]["meta_graphs"][0]["signatures"][0]["reachable_bytes"].as_u64().unwrap();
    assert!(reached > bytes, "{reached}");
}

#[test]
fn functions_of_layers_are_there_for_python_and_not_for_the_signature() {
    let report = run(root(), "fixtures/keras-lstm --json").json();
    let graph = &report["models"][0]["meta_graphs"][0];
    let functions = graph["function_defs"].as_array().unwrap().iter().map(|f| f["name"].as_str().unwrap());
    let of_layers: Vec<&str> = functions.filter(|name| name.contains("_layer_call_and_return_")).collect();
    assert!(!of_layers.is_empty());
    for function in of_layers {
        let text = why("keras-lstm", function);
        assert!(text.contains("objects    functions of the object graph, no signature\n"), "{text}");
    }
}

#[test]
fn a_name_that_nothing_has_is_2_and_names_like_it_are_suggested() {
    let run = run(root(), "why fixtures/lookup-table embeding").exits(2).without_report();
    assert!(run.stderr.contains("is called `embeding`; did you mean `embedding"), "{}", run.stderr);
}

#[test]
fn json_has_the_way_of_the_text() {
    let report = run(root(), "why --json fixtures/lookup-table vocabulary.txt").exits(0).silently().json();
    let graph = &report["models"][0]["meta_graphs"][0];
    assert_eq!((&graph["index"], &graph["tags"]), (&json!(0), &json!(["serve"])));
    let thing = &graph["things"][0];
    assert_eq!((&thing["kind"], &thing["bytes"]), (&json!("asset"), &json!(1648)));
    assert_eq!(thing["root"], json!({"kind": "signature", "name": "serving_default"}));
    let text = why("lookup-table", "vocabulary.txt");
    let steps = thing["steps"].as_array().unwrap();
    let said = |step: &Value| {
        text.contains(&format!("{:<10}{}", step["kind"].as_str().unwrap(), step["name"].as_str().unwrap()))
    };
    assert!(steps.len() > 2 && steps.iter().all(said), "{steps:#?}\n{text}");
    assert_eq!(
        steps.last().unwrap(),
        &json!({"edge": "file", "kind": "asset", "name": "vocabulary.txt", "op": null, "bytes": 1648})
    );
}

#[test]
fn what_nothing_needs_has_no_root_and_no_steps_in_json() {
    let report = run(root(), "why fixtures/two-metagraphs initial_value -f json").exits(0).silently().json();
    assert_eq!(report["asked"], "initial_value");
    assert_eq!(report["models"][0]["name"], "weights/initial_value");
    let thing = &report["models"][0]["meta_graphs"][1]["things"][0];
    assert_eq!((&thing["root"], &thing["steps"]), (&Value::Null, &json!([])));
}

#[test]
fn the_format_does_not_change_the_exit_code_and_json_is_always_one_document() {
    let missing = run(root(), "why --json fixtures embeding").exits(2);
    let models = missing.json()["models"].as_array().unwrap().clone();
    assert_eq!(models.len(), crate::run::below_fixtures());
    assert!(models.iter().any(|model| model["near"] != json!([])), "{models:#?}");
    assert!(missing.stderr.contains("did you mean `embedding"), "{}", missing.stderr);
    let nowhere = run(root(), "why --json nowhere x").exits(3);
    assert_eq!(nowhere.json()["unreadable"][0]["path"], "nowhere");
}

#[test]
fn a_path_without_a_model_is_3() {
    let directory = tree(&[]);
    let run = run(&directory, "why nowhere x").exits(3).without_report();
    assert!(run.stderr.contains("nowhere"), "{}", run.stderr);
}

#[test]
fn a_variable_goes_by_its_key_as_reports_show_it() {
    assert_eq!(why("keras-export", "variables/0"), why("keras-export", "variables/0/.ATTRIBUTES/VARIABLE_VALUE"));
}
