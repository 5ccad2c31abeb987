//! What the report for a terminal holds to, whatever it is given.

use crate::escape::is_unsafe;
use crate::input::{Link, LinkKind};
use crate::ledger::Dimension;
use crate::problem::Problem;
use crate::report::fit::width;
use crate::report::sample::{self, info, op, row, tensor};
use crate::report::{CheckpointFormat, Format, ModelReport, Report, View};

/// Names that a page must survive: long, wide, empty, and written to take over a terminal.
const NAMES: [&str; 7] = [
    "a name of some words, as a message has them, that go on for longer than a line of eighty columns is wide",
    "重み/層/カーネル/重み/層/カーネル/重み/層/カーネル/重み/層/カーネル/重み/層/カーネル/重み/層/カーネル",
    "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m\u{202e}evil\u{2066}\r\n\u{8}\u{200b}\u{feff}\t\u{7f}",
    "👨‍👩‍👧‍👦❤️🏳️‍🌈e\u{301}\u{301}\u{301}️🇩🇪🇫🇷क्षि한국어👍🏽👨‍👩‍👧‍👦❤️🏳️‍🌈e\u{301}🇩🇪🇫🇷क्षि한국어👍🏽❤️❤️❤️❤️❤️❤️❤️❤️❤️❤️❤️❤️",
    "\\u{1b}\\u{1b}\\u{1b}\\\\\\",
    "x",
    "",
];

fn styled(report: &Report, view: &View) -> String {
    let mut out = Vec::new();
    Format::Text.write(report, view, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn stripped(report: &Report, view: &View) -> String {
    anstream::adapter::strip_str(&styled(report, view)).to_string()
}

fn plain(models: Vec<ModelReport>, view: &View) -> String {
    let mut report = Report { models, ..Report::new() };
    report.add_up();
    stripped(&report, view)
}

fn of(model: ModelReport) -> String {
    plain(vec![model], &View::default())
}

#[test]
fn a_model_at_a_glance() {
    let expected = "\
./model
1,000 bytes (1 kB) in 2 files, 1 metagraph, TensorFlow 2.15.0

  bytes   share  category
    700   70.0%  graph_def  ████████████████████████████████████▍
    300   30.0%  variables  ███████████████▌

findings: 400 bytes, 40.0% of the model, can go
  bytes   share  why
    300   30.0%  stale-files
                 2 files are left from an earlier export.
                 → Export into an empty directory.
    200   20.0%  duplicate-asset
                 2 files are left from an earlier export.
                 100 of these bytes are in `stale-files` as well.
                 → Export into an empty directory.
  `smaudit explain ID` says how each is known and when not to act on it

duplicates: 200 bytes, 20.0% of the model
  24 bytes in payloads of one value throughout (16 bytes of zeros), which are no
  copies

  bytes   share  copies of  the same content in
    200   20.0%    2 × 200  keep  variable kernel
                            again #0 serve Const

functions that are equal but for the names in them
  40 bytes, 44.4% of the functions, not counted above
  bytes   share  functions  what their names have in common
     40    4.0%          2  __inference_call_*

metagraph #0 serve: 690 bytes
  contents    3 nodes, 1 function with 7 nodes in 90 bytes, 5 objects
  signature   serving_default(x: float32[?,3]) → y: float32[*]
              reaches 600 bytes, 50 of them alone
  assets      vocab.txt 41,000 bytes, gone.txt missing

  bytes   share  nodes  op (nodes in functions not counted)
    500   50.0%      2  Const
    100   10.0%      1  MatMul

  bytes   share  nodes  function
     90    9.0%      7  __inference_call_12

checkpoint: 1 tensor in 1 shard
  data        210 bytes and an index of 90 bytes
  unused      10 bytes of the data hold no tensor

  bytes   share  type           variable
    200   20.0%  float32[5,10]  kernel

  bytes   share  file
    700   70.0%  saved_model.pb
    300   30.0%  variables/variables.index

links (named, not counted again)
  latest → 1
    leads out of the model

1 PROBLEM: a part of this model could not be read
! variables/variables.index, byte 12
  expected a footer, found the end of the file
";
    let written = of(sample::model());
    assert_eq!(written, expected, "\n{written}");
}

#[test]
fn the_largest_findings_are_shown_and_with_all_of_them_what_they_rest_on() {
    let mut model = sample::model();
    model.findings[0].evidence = (1..=7).map(|n| format!("`old-{n}`: 1 byte")).collect();
    let one = plain(vec![model.clone()], &View { findings: Some(1), ..View::default() });
    assert!(one.contains("  … 1 more, 100 bytes (--findings all)\n"), "{one}");
    assert!(!one.contains("duplicate-asset") && !one.contains("old-1"), "{one}");
    let all = plain(vec![model], &View { findings: None, ..View::default() });
    let expected = "
                 → Export into an empty directory.
                   Unless a program of yours reads these files.
                 - `old-1`: 1 byte
                 - `old-2`: 1 byte
                 - `old-3`: 1 byte
                 - `old-4`: 1 byte
                 - `old-5`: 1 byte
                 - … 2 more lines (in --json)
";
    assert!(all.contains(expected), "{all}");
}

#[test]
fn no_line_is_wider_than_the_page_whatever_the_names() {
    let long = "n".repeat(300);
    for name in NAMES.into_iter().chain([long.as_str()]) {
        for columns in [60, 80, 160] {
            for top in [None, Some(0), Some(1)] {
                let models = vec![sample::named(name), sample::named(name)];
                let report = Report { models, unreadable: vec![sample::unreadable(name)], ..Report::new() };
                let text = stripped(&report, &View { width: columns, top, findings: top });
                for line in text.lines() {
                    assert!(width(line) <= columns, "{columns}: {} in {line:?}", width(line));
                }
            }
        }
    }
}

#[test]
fn sizes_that_no_disk_has_fit_on_the_page_too() {
    let mut model = sample::model();
    model.checkpoint = Some(sample::checkpoint(vec![tensor(&"n".repeat(300), u64::MAX); 10]));
    let text = of(model);
    let figures = "\n  18,446,744,073,709,551,615   >100%  float32[5,10]  ";
    assert_eq!(text.matches(&format!("{figures}n")).count(), 8, "{text}");
    assert!(text.lines().all(|line| width(line) <= 80), "{text}");
}

#[test]
fn no_name_reaches_the_terminal_as_a_command() {
    for name in NAMES {
        let unreadable = vec![sample::unreadable(name)];
        let report = Report { models: vec![sample::named(name)], unreadable, ..Report::new() };
        let text = styled(&report, &View::default());
        for code in text.split('\u{1b}').skip(1) {
            let end = code.find(|c: char| c != '[' && c != ';' && !c.is_ascii_digit()).unwrap();
            assert_eq!(&code[end..=end], "m", "only styles are codes: {code:?}");
        }
        assert!(!text.chars().any(|c| is_unsafe(c) && c != '\n' && c != '\u{1b}'), "{text:?}");
    }
}

#[test]
fn names_give_way_and_figures_do_not() {
    let mut model = sample::named(&"n".repeat(300));
    model.meta_graphs[0].ops = vec![op(&"o".repeat(300), 1_234_567, 123_456_789_012)];
    let text = plain(vec![model], &View { top: Some(0), ..View::default() });
    model = sample::named(&"n".repeat(300));
    model.breakdown.by = vec![Dimension::Category, Dimension::Node];
    model.meta_graphs[0].ops = vec![op(&"o".repeat(300), 1_234_567, 123_456_789_012)];
    let wide = of(model);
    assert!(!text.contains("ooo"), "the breakdown is by op already");
    assert!(wide.contains("  123,456,789,012   >100%  1,234,567  ooo"), "{wide}");
}

#[test]
fn a_cut_says_how_many_rows_and_bytes_are_left_out_and_how_to_see_them() {
    let mut model = sample::model();
    model.meta_graphs[0].ops = (0..320).map(|n| op(&format!("Op{n}"), 2, 10)).collect();
    let cut = of(model.clone());
    assert!(cut.contains("\n  3,120   >100%    624  … 312 more (-n 0 shows all)\n"), "{cut}");
    let all = plain(vec![model.clone()], &View { top: Some(0), ..View::default() });
    assert!(all.contains("Op319") && !all.contains('…'), "{all}");
    let three = plain(vec![model], &View { top: Some(3), ..View::default() });
    assert!(three.contains("Op2\n") && !three.contains("Op3\n") && three.contains("… 317 more"), "{three}");
}

#[test]
fn the_breakdown_is_a_tree_cut_to_twenty_rows_a_level() {
    let mut model = sample::model();
    let ops = (0..22).map(|n| row(&format!("Op{n}"), 1, vec![])).collect();
    model.breakdown = sample::rollup(&[Dimension::MetaGraph, Dimension::Op], vec![row("#0 serve", 22, ops)]);
    let text = of(model);
    assert!(text.contains("  bytes   share  count  metagraph / op\n     22    2.2%     22  #0 serve\n"), "{text}");
    assert!(
        text.contains("\n      1    0.1%      1    Op19\n      2    0.2%      2    … 2 more (-n 0 shows"),
        "{text}"
    );
    assert!(!text.contains("Op20"));
}

#[test]
fn what_top_cut_before_is_said_as_well() {
    let mut model = sample::model();
    model.breakdown = sample::by_section_and_op().cut(1);
    let text = plain(vec![model], &View { top: Some(1), ..View::default() });
    assert!(text.contains("\n    100   10.0%      1    … 1 more (-n 0 shows all)\n"), "{text}");
    assert!(text.contains("\n    300   30.0%      1  … 1 more (-n 0 shows all)\n"), "{text}");
}

#[test]
fn nothing_is_said_twice() {
    let by_category = of(sample::model());
    assert_eq!(by_category.matches("graph_def").count(), 1, "neither as a breakdown nor as a section: {by_category}");
    let mut by_op = sample::model();
    by_op.breakdown = sample::by_section_and_op();
    assert_eq!(of(by_op).matches("MatMul").count(), 1, "the ops are in the breakdown");
}

#[test]
fn sections_are_told_apart_where_there_are_several_metagraphs() {
    let mut model = sample::model();
    model.meta_graphs[0].sections.insert("meta_info_def".to_owned(), 1_200);
    model.meta_graphs.push(sample::meta_graph(1, &["serve", "gpu"]));
    let text = of(model);
    assert!(text.contains("  sections    meta_info_def 1,200, graph_def 690\n"), "{text}");
    assert!(text.contains("metagraph #1 serve,gpu: 690 bytes\n"), "{text}");
}

#[test]
fn a_model_with_nothing_in_it_says_so_and_no_more() {
    assert_eq!(of(sample::empty_model()), "./model\n0 bytes in 0 files, no metagraphs\n");
}

#[test]
fn a_model_of_no_bytes_has_no_shares() {
    let mut model = sample::model();
    model.total_bytes = 0;
    model.categories.values_mut().for_each(|bytes| *bytes = 0);
    let text = of(model);
    assert!(text.contains("    500       -      2  Const\n"), "{text}");
    assert!(!text.contains("NaN") && !text.contains('%') && !text.contains("category"), "{text}");
}

#[test]
fn a_long_signature_is_cut_and_complete_on_demand() {
    let mut model = sample::model();
    model.meta_graphs[0].signatures[0].inputs = (0..40).map(|n| info(&format!("feature_{n}"), Some(&[-1]))).collect();
    let cut = of(model.clone());
    let expected = "\
  signature   serving_default(feature_0: float32[?], feature_1: float32[?],
                feature_2: float32[?], feature_3: float32[?],
                … 36 more (-n 0 shows all)) → y: float32[*]
";
    assert!(cut.contains(expected), "{cut}");
    let all = plain(vec![model], &View { top: Some(0), ..View::default() });
    assert!(all.contains("feature_39: float32[?]) →"), "{all}");
}

#[test]
fn what_a_checkpoint_wastes_is_named_and_so_is_its_format() {
    let mut model = sample::model();
    let checkpoint = model.checkpoint.as_mut().unwrap();
    checkpoint.stale_bytes = 4_096;
    let text = of(model.clone());
    assert!(text.contains("  stale       4,096 bytes in files of another set, which no loader reads\n"), "{text}");
    let checkpoint = model.checkpoint.as_mut().unwrap();
    (checkpoint.format, checkpoint.shards) = (CheckpointFormat::V1, 2);
    let text = of(model);
    assert!(text.contains("checkpoint: 1 tensor in 2 tables in TensorFlow 1's V1 format\n"), "{text}");
}

#[test]
fn variables_are_largest_first() {
    let mut model = sample::model();
    let tensors = (1..=9).map(|n| tensor(&format!("v{n}"), n * 10)).chain([tensor("v0", 5)]).collect();
    model.checkpoint = Some(sample::checkpoint(tensors));
    let text = of(model);
    let expected = "     90    9.0%  float32[5,10]  v9\n     80    8.0%  float32[5,10]  v8\n";
    assert!(text.contains(expected), "{text}");
    assert!(text.contains("     15    1.5%                 … 2 more (-n 0 shows all)\n"), "{text}");
}

#[test]
fn one_row_too_many_is_shown_rather_than_told_of() {
    let mut model = sample::model();
    model.checkpoint = Some(sample::checkpoint((1..=9).map(|n| tensor(&format!("v{n}"), n * 10)).collect()));
    assert!(!of(model).contains("more (-n 0"), "nine variables, where eight would be shown");
}

#[test]
fn a_hard_link_is_told_from_a_symbolic_one() {
    let mut model = sample::model();
    model.links =
        vec![Link { name: "a".to_owned(), target: "b".to_owned(), kind: LinkKind::Hard, file: None, note: None }];
    assert!(of(model).contains("\n  a = b (hard link)\n"));
}

#[test]
fn problems_come_last() {
    let mut model = sample::model();
    model.problems = (0..25).map(|n| Problem::of_file(format!("f{n}"), "unreadable")).collect();
    let text = of(model);
    assert!(text.contains("\n\n25 PROBLEMS: "), "{text}");
    assert!(text.ends_with("! f19\n  unreadable\n  … 5 more (-n 0 shows all)\n"), "{text}");
}

#[test]
fn what_could_not_be_read_is_the_last_of_all() {
    let report = Report { unreadable: vec![sample::unreadable("./gone")], ..sample::report() };
    let text = stripped(&report, &View::default());
    assert!(text.ends_with("\n\n1 PATH that could not be read\n! ./gone: is not there\n"), "{text}");
}

#[test]
fn several_models_end_in_a_table_of_them() {
    let mut large = sample::empty_model();
    (large.path, large.total_bytes) = ("./large".to_owned(), 1_828_324);
    let text = plain(vec![large, sample::model()], &View::default());
    let table = "
      bytes  redundant  largest finding  model in ./
  1,828,324         0%  -                large
      1,000      20.0%  stale-files      ! model
  1,829,324      <0.1%                   2 models
";
    assert!(text.ends_with(table), "{text}");
    assert!(text.contains("none\n\n./model\n"), "a blank line between them: {text}");
}

#[test]
fn no_line_ends_in_spaces() {
    let text = plain(vec![sample::model(), sample::named("x")], &View::default());
    let line = text.lines().find(|line| line.ends_with(' '));
    assert_eq!(line, None);
}
