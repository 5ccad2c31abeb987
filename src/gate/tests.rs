//! Rules held against models whose figures are in sight.

use super::*;
use crate::findings::{Finding, Overlap, Slim};
use crate::input::Model;
use crate::ledger::Category;
use crate::problem::Problem;
use crate::progress::Silent;
use crate::report::duplicates::{Group, GroupKind, Member, Pair, StructuralGroup};
use crate::report::{
    CheckpointFormat, CheckpointReport, FunctionReport, MetaGraphReport, ModelReport, Place, RuleOutcome, TensorReport,
    UnreadableInput,
};
use crate::{Options, audit};

/// A model at `./model` of so many bytes, so many of them redundant.
fn model(total: u64, redundant: u64) -> ModelReport {
    let empty = Model::in_memory("./model", []);
    let mut model = audit(&empty, &Options::default(), &Silent).unwrap();
    (model.total_bytes, model.duplicates.redundant_bytes) = (total, redundant);
    model
}

/// What a configuration says of models.
fn judged(config: &str, models: &[ModelReport]) -> Gate {
    let rules = Config::parse(config, "smaudit.toml").unwrap_or_else(|error| panic!("{error}")).rules;
    rules.judge(&Report { models: models.to_vec(), ..Report::new() }, None)
}

/// How a rule on `metric` with more lines comes out for a model.
fn outcome(metric: &str, lines: &str, model: &ModelReport) -> RuleOutcome {
    let gate = judged(&format!("[[rule]]\nmetric = \"{metric}\"\n{lines}"), std::slice::from_ref(model));
    let [outcome] = gate.rules.as_slice() else { panic!("{gate:?}") };
    outcome.clone()
}

fn passes(lines: &str, total: u64, redundant: u64) -> bool {
    outcome("duplication", lines, &model(total, redundant)).passed
}

#[test]
fn exactly_at_a_limit_passes_and_a_byte_more_fails() {
    for (limit, total, at) in [
        ("\"5%\"", 100, 5),
        ("\"5%\"", 119, 5),
        ("\"0%\"", 1_000, 0),
        ("\"33.3%\"", 1_000, 333),
        ("\"0.001%\"", 100_000, 1),
        ("\"50%\"", u64::MAX, u64::MAX / 2),
        ("\"99.999%\"", u64::MAX - 1, 18_446_559_606_268_814_518),
        ("0", 1_000, 0),
        ("500", 1_000, 500),
        ("\"10MB\"", u64::MAX, 10_000_000),
        ("\"10MiB\"", u64::MAX, 10_485_760),
        ("\"18446744073709551614\"", u64::MAX, u64::MAX - 1),
    ] {
        assert!(passes(&format!("limit = {limit}"), total, at), "{limit} of {total}: {at}");
        assert!(!passes(&format!("limit = {limit}"), total, at + 1), "{limit} of {total}: {at} + 1");
    }
}

#[test]
fn all_of_the_largest_model_is_no_more_than_all_of_it() {
    assert!(passes("limit = \"100%\"", u64::MAX, u64::MAX));
    assert!(passes("limit = \"18446744073709551615\"", u64::MAX, u64::MAX));
}

#[test]
fn a_share_of_nothing_is_nothing_and_neither_passes_nor_fails_by_accident() {
    for limit in ["\"0%\"", "\"5%\"", "0"] {
        let outcome = outcome("duplication", &format!("limit = {limit}"), &model(0, 0));
        assert!(outcome.passed, "{limit}");
        let actual = if limit == "0" { "0" } else { "0%" };
        assert_eq!((outcome.actual.as_str(), outcome.actual_bytes), (actual, 0));
    }
    assert!(!passes("limit = \"5%\"", 0, 1), "a byte is more than any share of nothing");
}

#[test]
fn a_share_fails_only_when_it_is_also_more_than_the_floor() {
    let lines = "limit = \"5%\"\nfloor = 50";
    assert!(passes(lines, 100, 50), "at the floor");
    assert!(!passes(lines, 100, 51), "above both");
    assert!(passes(lines, 10_000, 500), "at the share");
    assert!(!passes(lines, 10_000, 501));
}

#[test]
fn a_rule_of_two_limits_holds_when_both_hold() {
    let lines = "limit = [\"5%\", 100]";
    for (total, redundant, share, size) in
        [(10_000, 100, true, true), (10_000, 101, true, false), (1_000, 51, false, true), (1_000, 101, false, false)]
    {
        let outcome = outcome("duplication", lines, &model(total, redundant));
        let limits: Vec<bool> = outcome.limits.iter().map(|limit| limit.passed).collect();
        assert_eq!(limits, [share, size], "{redundant} of {total}");
        assert_eq!(outcome.passed, share && size, "{redundant} of {total}");
        assert_eq!(outcome.limit, "5% and 100");
    }
}

#[test]
fn a_floor_is_not_for_the_size_beside_the_share() {
    let outcome = outcome("duplication", "limit = [\"5%\", 40]\nfloor = 50", &model(100, 45));
    let limits: Vec<bool> = outcome.limits.iter().map(|limit| limit.passed).collect();
    assert_eq!(limits, [true, false]);
}

#[test]
fn a_warning_is_broken_and_the_gate_passes() {
    let gate = judged("[[rule]]\nmetric = \"duplication\"\nlimit = 1\nlevel = \"warn\"", &[model(10, 2)]);
    assert_eq!((gate.rules[0].status, gate.rules[0].passed), (Status::Warn, false));
    assert!(gate.passed && !gate.is_broken());
}

#[test]
fn a_rule_is_broken_or_unsure_where_a_part_of_the_model_could_not_be_read() {
    let mut damaged = model(10, 2);
    damaged.problems.push(Problem::of_file("saved_model.pb", "is cut off"));
    for (limit, status) in [(1, Status::Fail), (2, Status::Unsure)] {
        let gate = judged(&format!("[[rule]]\nmetric = \"duplication\"\nlimit = {limit}"), &[damaged.clone()]);
        assert_eq!(gate.rules[0].status, status);
        assert!(!gate.passed && !gate.rules[0].passed);
        assert_eq!(gate.is_broken(), status == Status::Fail);
    }
}

#[test]
fn what_could_not_be_read_has_not_passed() {
    let gone = UnreadableInput { path: "./gone".to_owned(), message: "is not there".to_owned(), is_internal: false };
    let report = Report { unreadable: vec![gone], ..Report::new() };
    let rules = |config| Config::parse(config, "smaudit.toml").unwrap().rules;
    let fail = rules("[[rule]]\nmetric = \"total\"\nlimit = 1").judge(&report, None);
    assert_eq!((fail.passed, fail.unchecked, fail.is_broken()), (false, 1, false));
    let warn = rules("[[rule]]\nmetric = \"total\"\nlimit = 1\nlevel = \"warn\"").judge(&report, None);
    assert_eq!((warn.passed, warn.unchecked), (true, 1));
    assert_eq!(Rules::default().judge(&report, None), Gate::default(), "nobody asked");
}

/// A model with another figure for each metric.
fn rich() -> ModelReport {
    let mut model = model(100_000, 7_000);
    model.categories.insert(Category::GraphDef, 50_000);
    let pair = |original, copy, bytes| Pair {
        original,
        copy,
        bytes,
        share_of_copy: 0.5,
        by_section: [].into(),
        elements: vec![],
    };
    model.duplicates.meta_graph_pairs = vec![pair(0, 1, 2_000), pair(0, 2, 1_000)];
    model.duplicates.structural.redundant_bytes = 900;
    model.duplicates.structural.groups = vec![StructuralGroup {
        stem: "__inference_lstm_*".to_owned(),
        functions: vec!["__inference_lstm_1".to_owned(), "__inference_lstm_2".to_owned()],
        bytes: 1_800,
        redundant_bytes: 900,
    }];
    model.duplicates.groups = vec![
        group(GroupKind::Element, 3_000, vec![element("graph_def.library.function", "__inference_f_1")]),
        group(GroupKind::Variable, 2_400, vec![variable("variables/0", "dense/kernel"), node(None, "Const_1")]),
        group(GroupKind::Const, 1_600, vec![node(Some("__inference_f_1"), "Const_2"), asset("assets/vocab.txt")]),
    ];
    let functions = [("__inference_f_1", 300), ("__inference_g_2", 40), ("__forward_f_3", 5)];
    model.meta_graphs = vec![meta_graph(&functions), meta_graph(&functions[..1])];
    model.checkpoint = Some(checkpoint());
    model.findings = vec![finding("stale-files", 4_000)];
    model
}

fn finding(id: &str, bytes: u64) -> Finding {
    let [message, remedy, remedy_code, unless] = [const { String::new() }; 4];
    let (evidence, overlaps) = (vec![], vec![]);
    Finding {
        id: id.to_owned(),
        bytes,
        additional_bytes: bytes / 2,
        message,
        remedy,
        remedy_code,
        unless,
        slim: Slim::None,
        evidence,
        places: vec![],
        overlaps,
    }
}

fn group(kind: GroupKind, redundant_bytes: u64, members: Vec<Member>) -> Group {
    Group { kind, bytes: redundant_bytes, copies: 2, redundant_bytes, elements: 1, finding: None, members }
}

fn member(place: &'static str, name: &str, function: Option<&str>) -> Member {
    let (name, function) = (name.into(), function.map(Into::into));
    Member {
        place: place.into(),
        name,
        key: None,
        function,
        meta_graph: None,
        bytes: 1,
        in_element: false,
        kept: false,
    }
}

fn variable(key: &str, name: &str) -> Member {
    Member { key: Some(key.to_owned()), ..member("variables", name, None) }
}

fn node(function: Option<&str>, name: &str) -> Member {
    member("graph_def.node", name, function)
}

fn asset(name: &str) -> Member {
    member("assets", name, None)
}

fn element(field: &'static str, name: &str) -> Member {
    member(field, name, None)
}

fn meta_graph(functions: &[(&str, u64)]) -> MetaGraphReport {
    let function = |(name, bytes): &(&str, u64)| FunctionReport {
        name: (*name).to_owned(),
        nodes: 1,
        bytes: *bytes,
        structure: None,
        form: None,
        ops: None,
    };
    MetaGraphReport {
        index: 0,
        tags: vec![],
        tensorflow_version: String::new(),
        bytes: 0,
        sections: [].into(),
        structures: [].into(),
        nodes: 0,
        nodes_listed: crate::report::NodesListed::No,
        functions: 0,
        function_nodes: 0,
        object_nodes: 0,
        signatures: vec![],
        assets: vec![],
        ops: vec![],
        function_defs: functions.iter().map(function).collect(),
    }
}

fn tensor(key: &str, name: Option<&str>, offset: u64, bytes: u64) -> TensorReport {
    let (key, name) = (key.to_owned(), name.map(str::to_owned));
    TensorReport { key, name, dtype: "float32".to_owned(), shape: vec![], bytes, shard: 0, offset, crc32c: None }
}

fn checkpoint() -> CheckpointReport {
    CheckpointReport {
        format: CheckpointFormat::Bundle,
        shards: 1,
        index_bytes: 0,
        data_bytes: 0,
        unused_data_bytes: 0,
        stale_bytes: 0,
        verified: None,
        tensors: vec![
            tensor("variables/0", Some("dense/kernel"), 0, 1_000),
            tensor("optimizer/m/0", Some("adam/m/dense/kernel"), 1_000, 200),
            tensor("optimizer/m/alias", None, 1_000, 200),
        ],
    }
}

#[test]
fn each_metric_is_a_figure_of_its_own() {
    for (metric, bytes, matches) in [
        ("duplication", 7_000, None),
        ("structural-duplication", 900, None),
        ("between-meta-graphs", 3_000, None),
        ("total", 100_000, None),
        ("graph_def", 50_000, None),
        ("variables", 0, None),
        ("variable:variables/*", 1_000, Some(1)),
        ("variable:dense/*", 1_000, Some(1)),
        ("variable:*dense/kernel", 1_200, Some(2)),
        ("variable:optimizer/*", 200, Some(2)),
        ("variable:*", 1_200, Some(3)),
        ("variable:gone", 0, Some(0)),
        ("function:__inference_*", 640, Some(3)),
        ("function:*_f_?", 605, Some(3)),
        ("function:gone", 0, Some(0)),
        ("finding:stale-files", 4_000, None),
        ("finding:duplicate-asset", 0, None),
    ] {
        let outcome = outcome(metric, "limit = 1", &rich());
        assert_eq!((outcome.actual_bytes, outcome.matches), (bytes, matches), "{metric}");
        assert_eq!(outcome.passed, bytes <= 1, "{metric}");
    }
}

#[test]
fn a_finding_that_nobody_knows_is_an_error() {
    let error = Config::parse("[[rule]]\nmetric = \"finding:stale-fils\"\nlimit = 0", "smaudit.toml").unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("unknown finding `stale-fils`; did you mean `stale-files`?; `smaudit explain` lists them"),
        "{message}"
    );
}

#[test]
fn a_share_is_of_the_model_whatever_the_metric() {
    for (metric, actual, limit_bytes) in
        [("between-meta-graphs", "3.0%", 1_000), ("graph_def", "50.0%", 1_000), ("variable:*", "1.2%", 1_000)]
    {
        let outcome = outcome(metric, "limit = \"1%\"", &rich());
        assert_eq!((outcome.actual.as_str(), outcome.limits[0].limit_bytes), (actual, limit_bytes), "{metric}");
    }
}

#[test]
fn sizes_that_no_disk_has_do_not_overflow() {
    let mut model = rich();
    let tensors = [0, 1].map(|offset| tensor("v", None, offset, u64::MAX));
    model.checkpoint.as_mut().unwrap().tensors = tensors.into();
    let outcome = outcome("variable:v", "limit = \"100%\"", &model);
    assert_eq!((outcome.actual_bytes, outcome.passed), (u64::MAX, false));
}

/// The allow-list of one entry, and a rule for each kind of duplicates.
fn allowing(group: &str) -> Gate {
    let rule = |metric| format!("[[rule]]\nmetric = \"{metric}\"\nlimit = 0\n");
    let rules: String = ["duplication", "between-meta-graphs", "structural-duplication", "total"].map(rule).concat();
    judged(&format!("{rules}[[allow]]\ngroup = \"{group}\"\nreason = \"known\""), &[rich()])
}

#[test]
fn a_group_is_allowed_by_the_name_of_any_of_its_places() {
    for (group, groups, allowed) in [
        ("variables/0", 1, [2_400, 0, 0, 0]),
        ("dense/kernel", 1, [2_400, 0, 0, 0]),
        ("Const_1", 1, [2_400, 0, 0, 0]),
        ("__inference_f_1/Const_2", 1, [1_600, 0, 0, 0]),
        ("assets/*", 1, [1_600, 0, 0, 0]),
        ("__inference_f_1", 1, [3_000, 3_000, 0, 0]),
        ("graph_def.library.function", 1, [3_000, 3_000, 0, 0]),
        ("__inference_lstm_[*]", 1, [0, 0, 900, 0]),
        ("__inference_lstm_2", 1, [0, 0, 900, 0]),
        ("*", 4, [7_000, 3_000, 900, 0]),
    ] {
        let gate = allowing(group);
        assert_eq!(gate.rules.iter().map(|rule| rule.allowed_bytes).collect::<Vec<_>>(), allowed, "{group}");
        for (rule, bytes) in gate.rules.iter().zip([7_000, 3_000, 900, 100_000]) {
            assert_eq!(rule.actual_bytes + rule.allowed_bytes, bytes, "{group}: {}", rule.metric);
            assert_eq!(rule.passed, rule.actual_bytes == 0, "{group}: {}", rule.metric);
        }
        let [entry] = gate.allowed.as_slice() else { panic!("{gate:?}") };
        assert_eq!((entry.groups, entry.reason.as_str()), (groups, "known"), "{group}");
        let by_kind = [entry.redundant_bytes, entry.between_meta_graphs_bytes, entry.structural_bytes, 0];
        assert_eq!(by_kind, allowed, "{group}");
        assert!(gate.warnings.is_empty(), "{group}");
    }
}

#[test]
fn a_node_of_another_name_and_a_part_of_a_name_allow_nothing() {
    for group in ["Const", "Const_2", "kernel", "graph_def.node", "saver_def"] {
        let gate = allowing(group);
        assert!(gate.allowed.is_empty() && !gate.rules[0].passed, "{group}");
        let warning = format!("smaudit.toml:13: no group of duplicates is called `{group}`; the entry may go");
        assert_eq!(gate.warnings, [warning]);
    }
}

#[test]
fn what_two_entries_allow_is_allowed_once() {
    let entry = |group| format!("[[allow]]\ngroup = \"{group}\"\nreason = \"known\"\n");
    let config = format!("{}{}[[rule]]\nmetric = \"duplication\"\nlimit = 4_600", entry("Const_1"), entry("*"));
    let gate = judged(&config, &[rich()]);
    let allowed: Vec<u64> = gate.allowed.iter().map(|entry| entry.redundant_bytes).collect();
    assert_eq!(allowed, [2_400, 4_600]);
    assert_eq!((gate.rules[0].actual_bytes, gate.rules[0].allowed_bytes), (0, 7_000));
}

#[test]
fn an_entry_is_in_use_where_one_of_the_models_needs_it() {
    let config = "[[allow]]\ngroup = \"Const_1\"\nreason = \"known\"";
    assert!(judged(config, &[model(10, 0), rich()]).warnings.is_empty());
    assert_eq!(judged(config, &[model(10, 0)]).warnings.len(), 1);
}

#[test]
fn a_rule_is_held_against_the_models_that_it_is_for() {
    let named = |path: &str| ModelReport { path: path.to_owned(), ..model(10, 0) };
    let models = [named("./export/1"), named("./export/2"), named("./train")];
    let config =
        "[[rule]]\nmetric = \"total\"\nlimit = 1\nmodels = \"export/*\"\n[[rule]]\nmetric = \"files\"\nlimit = 1";
    let gate = judged(config, &models);
    let held: Vec<(&str, &str)> = gate.rules.iter().map(|rule| (rule.metric.as_str(), rule.model.as_str())).collect();
    let expected = [
        ("total", "./export/1"),
        ("total", "./export/2"),
        ("files", "./export/1"),
        ("files", "./export/2"),
        ("files", "./train"),
    ];
    assert_eq!(held, expected);
}

#[test]
fn a_rule_for_none_of_the_models_is_a_warning_unless_something_could_not_be_read() {
    let config =
        "[[rule]]\nmetric = \"total\"\nlimit = 1\n[[rule]]\nmetric = \"total\"\nlimit = 1\nmodels = \"exprot*\"";
    let rules = Config::parse(config, "smaudit.toml").unwrap().rules;
    let named = |path: &str| ModelReport { path: path.to_owned(), ..model(1, 0) };
    let warnings = |models: &[&str], unreadable: u64| {
        let mut judge = Judge::new(&rules, None);
        models.iter().for_each(|path| judge.hear(&named(path)));
        judge.verdict(unreadable).warnings
    };
    assert_eq!(warnings(&["./a", "./exprot"], 0), [""; 0]);
    assert_eq!((warnings(&["./a"], 1).len(), warnings(&[], 0).len()), (0, 0));
    let [warning] = &*warnings(&["./a", "./b"], 0) else { panic!() };
    assert!(warning.starts_with("smaudit.toml:4: `models = \"exprot*\"` matches none of the models;"), "{warning}");
}

#[test]
fn findings_of_a_pattern_count_no_byte_twice() {
    let mut model = rich();
    let of = |id: &str, bytes, additional_bytes, overlaps: &[(&str, u64)]| Finding {
        additional_bytes,
        overlaps: overlaps.iter().map(|(id, bytes)| Overlap { id: (*id).to_owned(), bytes: *bytes }).collect(),
        ..finding(id, bytes)
    };
    model.findings = vec![
        of("stale-files", 4_000, 4_000, &[]),
        of("layer-traces", 3_000, 2_500, &[("stale-files", 500)]),
        of("unused-variable", 1_000, 100, &[("stale-files", 800), ("layer-traces", 700)]),
    ];
    model.findings_bytes = 6_600;
    for (metric, bytes, matches, fix) in [
        ("avoidable", 6_600, None, "stale-files"),
        ("finding:*", 6_600, Some(3), "stale-files"),
        ("finding:layer-traces", 3_000, None, "layer-traces"),
        ("finding:[lu]*", 3_300, Some(2), "layer-traces"),
        ("finding:unused-variable", 1_000, None, "unused-variable"),
    ] {
        let outcome = outcome(metric, "limit = [\"1%\", 10]", &model);
        assert_eq!(
            (outcome.actual_bytes, outcome.matches, outcome.fix.as_deref()),
            (bytes, matches, Some(fix)),
            "{metric}"
        );
        assert_eq!(outcome.over_bytes, bytes - 10, "{metric}: the limit that is exceeded by the most");
    }
    let holds = outcome("avoidable", "limit = 6600", &model);
    assert_eq!((holds.over_bytes, holds.fix), (0, None));
}

#[test]
fn what_to_fix_first_is_what_explains_most_of_what_is_too_large() {
    let mut model = rich();
    model.categories.extend([(Category::Variables, 9_000), (Category::Assets, 9_000)]);
    let places = |id: &str, bytes, place: Place| Finding { places: vec![place], ..finding(id, bytes) };
    let in_section = |section: &str, bytes| Place { section: Some(section.to_owned()), bytes, ..Place::default() };
    let in_file = |file: &str, bytes| Place { file: Some(file.to_owned()), bytes, ..Place::default() };
    model.findings = vec![
        places("stale-files", 4_000, in_file("variables/variables.data-00000-of-00002", 4_000)),
        places("layer-traces", 3_000, in_section("graph_def", 3_000)),
        places("equal-variables", 2_400, Place { variable: Some("dense/kernel".to_owned()), ..in_file("", 2_400) }),
        places("duplicate-asset", 1_600, in_file("assets/vocab.txt", 1_600)),
    ];
    for (group, id) in model.duplicates.groups.iter_mut().zip([None, Some("equal-variables"), Some("duplicate-asset")])
    {
        group.finding = id.map(str::to_owned);
    }
    for (metric, fix) in [
        ("duplication", Some("equal-variables")),
        ("between-meta-graphs", None),
        ("graph_def", Some("layer-traces")),
        ("variables", Some("stale-files")),
        ("assets", Some("duplicate-asset")),
    ] {
        assert_eq!(outcome(metric, "limit = 10", &model).fix.as_deref(), fix, "{metric}");
    }
}

#[test]
fn growth_is_measured_from_the_baseline() {
    let baseline = Baseline::of(&rich());
    let mut grown = rich();
    grown.total_bytes += 7;
    grown.categories.insert(Category::Assets, 7);
    let config = |metric: &str| format!("[[rule]]\nmetric = \"{metric}\"\nlimit = 6");
    for (metric, model, bytes) in [
        ("growth", &grown, 7),
        ("growth:assets", &grown, 7),
        ("growth:graph_def", &grown, 0),
        ("growth", &model(1, 0), 0),
    ] {
        let rules = Config::parse(&config(metric), "smaudit.toml").unwrap().rules;
        assert!(rules.rules[0].needs_baseline());
        let gate = rules.judge(&Report { models: vec![model.clone()], ..Report::new() }, Some(&baseline));
        assert_eq!((gate.rules[0].actual_bytes, gate.passed), (bytes, bytes <= 6), "{metric}");
        assert_eq!(gate.rules[0].metric, metric);
    }
}

#[test]
fn growth_without_naming_leaves_out_what_names_have_grown_by() {
    let rules = "[[rule]]\nmetric = \"growth:without-naming\"\nlimit = 6";
    let rules = Config::parse(rules, "smaudit.toml").unwrap().rules;
    assert!(rules.rules[0].needs_baseline() && rules.rules[0].needs_names());
    for (grown, naming, actual) in [(7, 0, 7), (7, 5, 2), (7, 9, 0), (0, -4, 4)] {
        let baseline = Baseline { naming_bytes: Some(naming), ..Baseline::of(&rich()) };
        let mut model = rich();
        model.total_bytes += grown;
        let gate = rules.judge(&Report { models: vec![model], ..Report::new() }, Some(&baseline));
        assert_eq!((gate.rules[0].actual_bytes, gate.passed), (actual, actual <= 6), "{grown} {naming}");
    }
}

#[test]
fn what_holds_can_be_forgotten_and_the_gate_comes_out_the_same() {
    let rules = Config::parse("[[rule]]\nmetric = \"total\"\nlimit = 5", "smaudit.toml").unwrap().rules;
    let verdict = |forgets: bool| {
        let mut judge = Judge::new(&rules, None);
        for total in [1, 9, 5] {
            judge.hear(&model(total, 0));
            if forgets {
                judge.forget_passed();
            }
        }
        judge.verdict(0)
    };
    assert_eq!((verdict(false).rules.len(), verdict(true).rules.len()), (3, 1));
    assert!(!verdict(true).passed && verdict(true).is_broken());
}

#[test]
fn the_options_of_the_command_line_are_rules_by_their_names() {
    for (rule, name, metric, limit) in [
        (Rule::max_avoidable("5%"), "max-avoidable", "avoidable", "5%"),
        (Rule::max_growth("1%"), "max-growth", "growth", "1%"),
        (Rule::max_duplication("5%"), "max-duplication", "duplication", "5%"),
        (Rule::max_size("10MB"), "max-size", "total", "10MB"),
        (Rule::max_size("variables=10MB"), "max-size", "variables", "10MB"),
        (Rule::max_size("graph_def = 5%"), "max-size", "graph_def", "5%"),
    ] {
        let rules = Rules { rules: vec![rule.unwrap()], ..Rules::default() };
        let gate = rules.judge(&Report { models: vec![model(10, 0)], ..Report::new() }, None);
        let outcome = &gate.rules[0];
        assert_eq!((&*outcome.rule, &*outcome.metric, &*outcome.limit), (name, metric, limit));
        assert_eq!(outcome.source, format!("--{name}"));
    }
}
