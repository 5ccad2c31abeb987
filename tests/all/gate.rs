//! The gate from outside: every kind of rule in every format, the configuration file, and what a CI job sees.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;
use smaudit::gate::Config;
use tempfile::TempDir;

/// What a run of smaudit said.
#[derive(Debug)]
struct Said {
    exit: i32,
    stdout: String,
    stderr: String,
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn gate(&self) -> Value {
        self.json()["gate"].clone()
    }
}

/// Runs smaudit on a fixture, in a folder of its own that has `config` as its smaudit.toml, if there is one.
fn run_with(config: &str, args: &[&str], variables: &[(&str, &str)]) -> Said {
    let folder = TempDir::new().expect("a folder can be made");
    if !config.is_empty() {
        fs::write(folder.path().join("smaudit.toml"), config).expect("a file can be written");
    }
    run_in(folder.path(), args, variables)
}

fn run_in(folder: &Path, args: &[&str], variables: &[(&str, &str)]) -> Said {
    let mut command = Command::cargo_bin("smaudit").expect("smaudit is built");
    command.env_remove("GITHUB_ACTIONS").env_remove("COLUMNS").current_dir(folder);
    let output = command.args(args).envs(variables.iter().copied()).output().expect("smaudit runs");
    let text = |bytes| String::from_utf8(bytes).expect("what is said is UTF-8");
    Said { exit: output.status.code().expect("it ends"), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn run(config: &str, args: &[&str]) -> Said {
    run_with(config, args, &[])
}

fn fixture(name: &str) -> String {
    format!("{}/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// What must hold of the fixture `two-metagraphs`, on the command line or in the configuration.
struct Case {
    args: Vec<String>,
    config: String,
}

fn option(text: &str) -> Case {
    Case { args: text.split(' ').map(str::to_owned).collect(), config: String::new() }
}

fn rule(metric: &str, limit: &str, more: &str) -> Case {
    Case { args: vec![], config: format!("[[rule]]\nmetric = \"{metric}\"\nlimit = {limit}\n{more}") }
}

/// Every kind of rule, its figure in bytes, and the rule exactly at it and a byte below, where the model must not be.
fn kinds() -> Vec<(&'static str, u64, Case, Case)> {
    vec![
        ("duplication", 70_904, option("--max-duplication 59.93%"), option("--max-duplication 59.92%")),
        ("duplication", 70_904, option("--max-duplication 70904"), option("--max-duplication 70903")),
        ("total", 118_316, option("--max-size 118316"), option("--max-size 118315")),
        ("graph_def", 79_941, option("--max-size graph_def=79941"), option("--max-size graph_def=79940")),
        ("variables", 32_902, option("--max-size variables=27.81%"), option("--max-size variables=27.80%")),
        ("duplication", 70_904, rule("duplication", "70_904", ""), rule("duplication", "70_903", "")),
        (
            "between-meta-graphs",
            38_136,
            rule("between-meta-graphs", "38_136", ""),
            rule("between-meta-graphs", "38_135", ""),
        ),
        ("total", 118_316, rule("total", "118_316", ""), rule("total", "118_315", "")),
        ("saver_def", 124, rule("saver_def", "124", ""), rule("saver_def", "123", "")),
        ("variable:*", 32_768, rule("variable:*", "32_768", ""), rule("variable:*", "32_767", "")),
        (
            "duplication",
            70_904,
            rule("duplication", "[\"100%\", 70_904]", ""),
            rule("duplication", "[\"100%\", 70_903]", ""),
        ),
        (
            "duplication",
            70_904,
            rule("duplication", "\"1%\"", "floor = 70_904"),
            rule("duplication", "\"1%\"", "floor = 70_903"),
        ),
    ]
}

const FORMATS: [&str; 7] = ["text", "json", "jsonl", "csv", "markdown", "html", "folded"];

/// Runs a case in a format, or quietly.
fn run_case(case: &Case, more: &[&str]) -> Said {
    let model = fixture("two-metagraphs");
    let args: Vec<&str> = [model.as_str()].into_iter().chain(case.args.iter().map(String::as_str)).collect();
    run(&case.config, &[&args, more].concat())
}

#[test]
fn every_rule_ends_with_the_same_exit_code_in_every_format() {
    for (metric, bytes, holds, broken) in kinds() {
        for format in FORMATS {
            for (case, exit) in [(&holds, 0), (&broken, 1)] {
                let said = run_case(case, &["--format", format]);
                assert_eq!(said.exit, exit, "{metric} {format}: {said:?}");
                assert!(!said.stdout.is_empty(), "{metric} {format}");
                assert_verdict(&said, format, metric, bytes, exit == 1);
            }
        }
    }
}

/// Where the verdict stands: in the formats that have room for it, and on standard error.
fn assert_verdict(said: &Said, format: &str, metric: &str, bytes: u64, broken: bool) {
    let verdict = if broken { "FAIL" } else { "PASS" };
    match format {
        "json" => {
            let gate = said.gate();
            assert_eq!((&gate["passed"], &gate["rules"][0]["passed"]), (&Value::Bool(!broken), &Value::Bool(!broken)));
            assert_eq!(gate["rules"][0]["actual_bytes"], bytes, "{metric}");
            assert_eq!(gate["rules"][0]["metric"], metric);
        }
        "text" => {
            assert!(said.stdout.contains(&format!("\nrules: {verdict}, 1 ")), "{said:?}");
            assert_eq!(said.stdout.contains(&format!("\n  FAIL   {metric}: ")), broken, "{said:?}");
        }
        "markdown" | "html" => assert!(said.stdout.contains(&format!("rules: {verdict}, 1 ")), "{said:?}"),
        _ => assert!(!said.stdout.contains(verdict), "{format} is a table and nothing else: {said:?}"),
    }
    let expected = format!("smaudit: FAIL: {metric} of ");
    // Once: in the report where people read it in a terminal or a log.
    let on_stderr = broken && !["text", "markdown"].contains(&format);
    assert_eq!(said.stderr.contains(&expected), on_stderr, "{format}: {said:?}");
    assert_eq!(said.stderr.lines().count(), usize::from(on_stderr), "{format}: {said:?}");
}

#[test]
fn every_rule_ends_with_the_same_exit_code_without_a_report() {
    for (metric, _, holds, broken) in kinds() {
        let said = run_case(&holds, &["--quiet"]);
        assert_eq!((said.exit, said.stdout.as_str(), said.stderr.as_str()), (0, "", ""), "{metric}");
        let said = run_case(&broken, &["--quiet"]);
        assert_eq!((said.exit, said.stdout.as_str()), (1, ""), "{metric}");
        assert!(said.stderr.starts_with(&format!("smaudit: FAIL: {metric} of ")), "{said:?}");
        assert_eq!(said.stderr.lines().count(), 1, "{said:?}");
    }
}

#[test]
fn a_rule_that_warns_is_said_and_changes_no_exit_code() {
    let case = rule("duplication", "\"5%\"", "level = \"warn\"");
    for format in FORMATS {
        let said = run_case(&case, &["--format", format]);
        assert_eq!(said.exit, 0, "{said:?}");
        let on_stdout = ["text", "markdown", "html"].contains(&format);
        assert_eq!(said.stdout.contains("WARN"), on_stdout, "{format}: {said:?}");
        let on_stderr = said.stderr.starts_with("smaudit: WARN: duplication of ");
        assert_eq!(on_stderr, !["text", "markdown"].contains(&format), "{format}: {said:?}");
    }
    let said = run_case(&case, &["--quiet"]);
    assert_eq!((said.exit, said.stdout.as_str(), said.stderr.as_str()), (0, "", ""), "quiet is about what is no error");
    let gate = run_case(&case, &["--json"]).gate();
    assert_eq!((&gate["passed"], &gate["rules"][0]["passed"]), (&Value::Bool(true), &Value::Bool(false)));
    assert_eq!((&gate["rules"][0]["status"], &gate["rules"][0]["level"]), (&"warn".into(), &"warn".into()));
}

#[test]
fn a_format_writes_the_same_figures_with_rules_and_without() {
    for format in ["csv", "folded"] {
        let without = run_case(&option("--by category"), &["--format", format]).stdout;
        assert_eq!(run_case(&option("--max-duplication 0"), &["--format", format]).stdout, without, "{format}");
    }
}

#[test]
fn without_rules_the_gate_is_there_and_has_passed() {
    let gate = run("", &[&fixture("keras-export"), "--json"]).gate();
    let expected = serde_json::json!({
        "passed": true, "rules": [], "allowed": [], "unchecked": 0, "warnings": [], "notes": [], "config": null
    });
    assert_eq!(gate, expected);
    let text = run("", &[&fixture("keras-export")]).stdout;
    assert!(!text.contains("\ngate: "), "{text}");
}

#[test]
fn a_rule_in_json_has_what_a_script_asks_for() {
    let said = run("", &[&fixture("two-metagraphs"), "--max-duplication", "5%", "--json"]);
    let rule = serde_json::json!({
        "rule": "max-duplication", "metric": "duplication", "model": fixture("two-metagraphs"), "limit": "5%",
        "actual": "59.9%", "passed": false, "status": "fail", "level": "fail", "actual_bytes": 70_904,
        "total_bytes": 118_316, "limits": [{"limit": "5%", "limit_bytes": 5_915, "passed": false}],
        "floor_bytes": null, "allowed_bytes": 0, "matches": null, "reason": null, "source": "--max-duplication",
        "over_bytes": 64_989, "fix": "constant-in-every-metagraph", "line": null,
    });
    assert_eq!(said.gate()["rules"], Value::Array(vec![rule]));
}

#[test]
fn rules_of_the_command_line_and_of_the_file_both_apply() {
    let config = "[[rule]]\nmetric = \"total\"\nlimit = 1\nlevel = \"warn\"";
    let args = [&fixture("two-metagraphs"), "--max-duplication", "100%", "--max-size", "1MB", "--json"];
    let gate = run(config, &args).gate();
    let rules = gate["rules"].as_array().expect("an array");
    let sources: Vec<&str> = rules.iter().map(|rule| rule["source"].as_str().expect("a string")).collect();
    assert_eq!(sources, ["--max-duplication", "--max-size", "smaudit.toml:1"]);
}

#[test]
fn another_file_is_read_where_one_is_named() {
    let folder = TempDir::new().expect("a folder can be made");
    let write = |name, limit| {
        let config = format!("[[rule]]\nmetric = \"total\"\nlimit = {limit}");
        fs::write(folder.path().join(name), config).expect("a file can be written");
    };
    write("smaudit.toml", 1);
    write("other.toml", 1_000_000);
    let model = fixture("two-metagraphs");
    assert_eq!(run_in(folder.path(), &["-q", &model], &[]).exit, 1);
    assert_eq!(run_in(folder.path(), &["-q", &model, "--config", "other.toml"], &[]).exit, 0);
    let said = run_in(folder.path(), &["-q", &model, "--config", "gone.toml"], &[]);
    assert_eq!(said.exit, 2);
    assert!(said.stderr.starts_with("smaudit: gone.toml: cannot be read as a configuration: "), "{said:?}");
}

#[test]
fn defaults_are_for_what_people_read_and_the_command_line_leaves_out() {
    let config = "[defaults]\nby = [\"metagraph\"]\ntop = 1\nmin-duplicate = \"1MB\"";
    let model = fixture("two-metagraphs");
    let with = |args: &[&str]| run(config, &[&[&*model], args].concat());
    for (format, is_for_people) in FORMATS.into_iter().zip([true, false, false, false, true, true, false]) {
        let spelled = ["--by", "metagraph", "-n", "1", "--min-duplicate", "1MB"];
        let by_default = with(&["--format", format]).stdout;
        assert_ne!(by_default == run("", &[&model, "--format", format]).stdout, is_for_people, "{format}");
        if is_for_people {
            assert_eq!(
                by_default,
                run("", &[&[&*model, "--format", format][..], &spelled].concat()).stdout,
                "{format}"
            );
        }
    }
    let args = ["--by", "section,op", "-n", "0", "--min-duplicate", "1KiB"];
    assert_eq!(with(&args).stdout, run("", &[&[&*model][..], &args].concat()).stdout);
}

#[test]
fn a_default_that_would_change_what_rules_see_is_not_used_and_that_is_said() {
    let config = "[defaults]\nmin-duplicate = \"1MB\"";
    let model = fixture("two-metagraphs");
    let exits = |args: &[&str]| run(config, &[&[&*model, "--max-duplication", "5%"], args].concat());
    let text = exits(&[]);
    assert_eq!((text.exit, exits(&["--json"]).exit), (1, 1));
    assert!(text.stderr.starts_with("smaudit: warning: `min-duplicate` of [defaults] is not used"), "{text:?}");
}

#[test]
fn what_is_wrong_with_the_rules_is_wrong_usage_and_nothing_is_audited() {
    let model = fixture("keras-export");
    for (config, args, message) in [
        (
            "",
            &["--max-duplication", "0.05"][..],
            "`0.05` is no whole number of bytes; write a share of the model as `5%`",
        ),
        ("", &["--max-duplication", "-5%"], "`-5%` is negative"),
        ("", &["--max-duplication", "NaN"], "`NaN` is no number"),
        ("", &["--max-duplication", "101%"], "`101%` is more than the whole model"),
        ("", &["--max-duplication", ""], "`` says no limit"),
        ("", &["--max-duplication"], "a value is required"),
        ("", &["--max-size", "5%"], "`5%` of the total is no limit"),
        ("", &["--max-size", "20000PB"], "`20000PB` is more than there can be"),
        ("", &["--max-size", "weights=5"], "unknown category `weights`; use one of graph_def, "),
        ("", &["--min-duplicate", "5%"], "`5%` is no number"),
        ("[[rules]]", &[], "smaudit: smaudit.toml:1: [[rules]]: unknown field `rules`"),
        ("[defaults]\nby = [\"op\", \"op\"]", &[], "smaudit: smaudit.toml:2: by = [\"op\", \"op\"]: names op twice"),
    ] {
        let said = run(config, &[&[model.as_str()], args].concat());
        assert_eq!((said.exit, said.stdout.as_str()), (2, ""), "{config} {args:?}: {said:?}");
        assert!(said.stderr.contains(message), "{config} {args:?}: {said:?}");
    }
}

#[test]
fn a_rule_is_for_the_models_that_it_names() {
    let config = "[[rule]]\nmetric = \"total\"\nlimit = 1\nmodels = \"keras-*\"";
    let models = [fixture("keras-export"), fixture("two-metagraphs"), fixture("keras-lstm")];
    let gate = run(config, &[&models[0], &models[1], &models[2], "--json"]).gate();
    let rules = gate["rules"].as_array().expect("an array");
    let named: Vec<&str> = rules.iter().map(|rule| rule["model"].as_str().expect("a string")).collect();
    assert_eq!(named, [&models[0], &models[2]]);
}

#[test]
fn what_is_allowed_leaves_the_rules_and_stays_in_the_report() {
    let config = "\
[[rule]]
metric = \"duplication\"
limit = 0

[[allow]]
group = \"classifier/hidden/kernel\"
reason = \"model.export() writes each weight twice\"

[[allow]]
group = \"variables/2*\"
reason = \"the same\"
";
    let model = fixture("keras-export");
    let said = run(config, &[&model, "--json"]);
    assert_eq!((said.exit, said.stderr.as_str()), (0, ""), "{said:?}");
    let duplicates = &said.json()["models"][0]["duplicates"];
    assert_eq!(duplicates["redundant_bytes"], 10_752);
    assert_eq!(duplicates["groups"].as_array().map(Vec::len), Some(2));
    let gate = said.gate();
    assert_eq!((&gate["rules"][0]["actual_bytes"], &gate["rules"][0]["allowed_bytes"]), (&0.into(), &10_752.into()));
    let allowed = |index: usize| (&gate["allowed"][index]["group"], &gate["allowed"][index]["redundant_bytes"]);
    assert_eq!(allowed(0), (&"classifier/hidden/kernel".into(), &8_192.into()));
    assert_eq!(allowed(1), (&"variables/2*".into(), &2_560.into()));
    let text = run(config, &[&model]).stdout;
    assert!(text.contains("\n  2 entries of the allow list apply (--full)\n"), "{text}");
    let text = run(config, &[&model, "--full"]).stdout;
    assert!(text.contains("\n  allow  variables/2* in "), "{text}");
}

#[test]
fn an_entry_that_allows_nothing_is_said() {
    let config = "[[allow]]\ngroup = \"gone\"\nreason = \"was there twice\"";
    let model = fixture("keras-export");
    let said = run(config, &[&model, "--json"]);
    let warning = "smaudit.toml:1: no group of duplicates is called `gone`; the entry may go";
    assert_eq!((said.exit, said.stderr), (0, format!("smaudit: warning: {warning}\n")));
    assert_eq!(run(config, &[&model, "--quiet"]).stderr, "");
}

#[test]
fn the_groups_that_can_be_allowed_are_all_of_what_is_redundant() {
    let config = "[[rule]]\nmetric = \"duplication\"\nlimit = 0\n[[rule]]\nmetric = \"between-meta-graphs\"\nlimit = 0\n\
                  [[allow]]\ngroup = \"*\"\nreason = \"a property\"";
    for name in ["two-metagraphs", "keras-export", "keras-lstm", "lookup-table", "partitioned", "sharded"] {
        let said = run(config, &[&fixture(name), "--json", "--min-duplicate", "1"]);
        assert_eq!(said.exit, 0, "{name}");
        let redundant = &said.json()["models"][0]["duplicates"]["redundant_bytes"];
        assert_eq!(&said.gate()["rules"][0]["allowed_bytes"], redundant, "{name}");
    }
}

#[test]
fn github_sees_broken_rules_as_annotations_in_every_format() {
    let config = "[[rule]]\nmetric = \"total\"\nlimit = 1\nlevel = \"warn\"\nreason = \"50%\\nof: all\"\n\
                  [[rule]]\nmetric = \"files\"\nlimit = 1";
    let model = fixture("two-metagraphs");
    let github = [("GITHUB_ACTIONS", "true")];
    for more in [&["-q"][..], &["-f", "text"], &["-f", "json"], &["-f", "csv"], &["-f", "markdown"], &["-f", "folded"]]
    {
        let args = [&[model.as_str(), "--max-duplication", "5%"], more].concat();
        let said = run_with(config, &args, &github);
        assert_eq!(said.exit, 1);
        assert!(!said.stdout.contains("::error"), "{more:?}: {said:?}");
        let annotations: Vec<&str> = said.stderr.lines().filter(|line| line.starts_with("::")).collect();
        let expected = [
            format!(
                "::error title=smaudit%3A max-duplication::duplication of {model}: at most 5%25; \
                 found 70.9 kB (70,904 bytes), 59.9%25; 65.0 kB (64,989 bytes) more than 5%25; \
                 fix constant-in-every-metagraph first"
            ),
            format!(
                "::warning file=smaudit.toml,line=1,title=smaudit%3A total::total of {model}: at most 1 byte; \
                 found 118 kB (118,316 bytes); 118 kB (118,315 bytes) more than 1; \
                 fix constant-in-every-metagraph first (smaudit.toml:1: 50%25%0Aof: all)"
            ),
        ];
        assert_eq!(annotations, expected, "{more:?}");
        for other in [&[][..], &[("GITHUB_ACTIONS", "false")]] {
            assert!(!run_with(config, &args, other).stderr.contains("::error"), "{more:?} {other:?}");
        }
    }
}

#[test]
fn a_report_in_a_file_leaves_the_broken_rules_on_standard_error() {
    let folder = TempDir::new().expect("a folder can be made");
    let model = fixture("two-metagraphs");
    let said = run_in(folder.path(), &[&model, "--max-duplication", "5%", "-o", "report.txt"], &[]);
    assert_eq!((said.exit, said.stdout.as_str()), (1, ""));
    assert!(said.stderr.starts_with("smaudit: FAIL: duplication of "), "{said:?}");
    let report = fs::read_to_string(folder.path().join("report.txt")).expect("the report is there");
    assert!(report.contains("rules: FAIL, 1 of 1 check failed\n"), "{report}");
}

/// A folder with a model of one file in `model/`.
fn made(saved_model: &[u8]) -> TempDir {
    let folder = TempDir::new().expect("a folder can be made");
    fs::create_dir(folder.path().join("model")).expect("a folder can be made");
    fs::write(folder.path().join("model/saved_model.pb"), saved_model).expect("a file can be written");
    folder
}

#[test]
fn nothing_is_said_to_hold_of_what_is_no_whole_model() {
    // No bytes; and the schema version, and nothing else.
    for saved_model in [&b""[..], &[0x08, 0x01]] {
        let folder = made(saved_model);
        for limit in ["0", "0%", "5%", "100%"] {
            let said = run_in(folder.path(), &["model", "--max-duplication", limit, "--max-size", "2", "--json"], &[]);
            assert_eq!(said.exit, 3, "{said:?}");
            let rule = &said.gate()["rules"][0];
            let outcome = (&rule["passed"], &rule["status"], &rule["actual_bytes"]);
            assert_eq!(outcome, (&false.into(), &"unsure".into(), &0.into()));
            assert_eq!(rule["actual"], if limit == "0" { "0" } else { "0%" });
        }
    }
}

#[test]
fn what_could_not_be_read_wins_over_what_is_broken() {
    // A metagraph of seven bytes in a file that ends before them.
    let damaged = made(&[0x12, 0x07]);
    for (limit, status) in [("0", "fail"), ("2", "unsure")] {
        let said = run_in(damaged.path(), &["model", "--max-size", limit, "--json"], &[]);
        assert_eq!(said.exit, 3, "{said:?}");
        let gate = said.gate();
        assert_eq!((&gate["passed"], &gate["rules"][0]["status"]), (&false.into(), &status.into()));
        assert_eq!(said.stderr.contains("smaudit: FAIL: total of model"), status == "fail", "{said:?}");
    }
    let gone = run_in(damaged.path(), &["gone", "--max-size", "2", "--json"], &[]);
    assert_eq!((gone.exit, &gone.gate()["passed"], &gone.gate()["unchecked"]), (3, &false.into(), &1.into()));
}

#[test]
fn a_rule_for_a_model_that_could_not_be_read_is_no_mistake() {
    let folder = made(&[0x08, 0x01]);
    fs::write(folder.path().join("smaudit.toml"), "[[rule]]\nmetric = \"total\"\nlimit = 1\nmodels = \"gone\"")
        .expect("a file can be written");
    assert_eq!(run_in(folder.path(), &["model", "gone", "--quiet"], &[]).exit, 3);
    let alone = run_in(folder.path(), &["model", "--quiet"], &[]);
    assert_ne!(alone.exit, 2, "{alone:?}");
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("the file is there")
}

#[test]
fn the_configuration_in_the_documentation_is_one() {
    let reference = read("docs/smaudit.toml");
    assert!(read("docs/ci.md").contains(&format!("```toml\n{reference}```\n")), "docs/ci.md shows docs/smaudit.toml");
    let config = Config::parse(&reference, "docs/smaudit.toml").unwrap_or_else(|error| panic!("{error}"));
    assert!(!config.rules.rules.is_empty() && !config.rules.allow.is_empty() && config.defaults.by.is_some());
    for key in ["metric", "limit", "floor", "level", "reason", "models", "group", "by", "top"] {
        assert!(reference.contains(&format!("\n{key} = ")), "{key} is in the example");
    }
}

#[test]
fn the_mistake_in_the_documentation_is_told_as_it_shows() {
    let said = run("[[rule]]\nmetric = \"duplication\"\nlimt = \"5%\"", &[&fixture("keras-export")]);
    assert_eq!(said.exit, 2);
    assert!(read("docs/ci.md").contains(&format!("```text\n{}```\n", said.stderr)), "{said:?}");
}

#[test]
fn functions_that_are_equal_but_for_names_have_a_metric_of_their_own() {
    let config = |limit: &str| rule("structural-duplication", limit, "").config;
    let judged = |limit: &str| run(&config(limit), &[&fixture("keras-lstm"), "-q"]);
    assert_eq!(judged("122_013").exit, 0);
    let broken = judged("122_012");
    assert_eq!(broken.exit, 1);
    assert!(broken.stderr.starts_with("smaudit: FAIL: structural-duplication of "), "{broken:?}");
}
