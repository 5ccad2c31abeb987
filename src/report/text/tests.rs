//! What the report for a terminal holds to, whatever it is given.

use super::LINES;
use crate::escape::is_unsafe;
use crate::ledger::{Dimension, Row, RowKind};
use crate::problem::Problem;
use crate::report::fit::width;
use crate::report::sample::{self, info, op, row, tensor};
use crate::report::view::Page;
use crate::report::{CheckpointFormat, Format, ModelReport, Report, Sort, Status, View};

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

const PAGES: [Page; 4] = [Page::Brief, Page::Table, Page::Findings, Page::Full];

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

fn brief(model: ModelReport) -> String {
    plain(vec![model], &View::default())
}

fn full(model: ModelReport) -> String {
    plain(vec![model], &View { page: Page::Full, ..View::default() })
}

fn table(model: ModelReport, top: Option<usize>) -> String {
    plain(vec![model], &View { page: Page::Table, top, ..View::default() })
}

#[test]
fn the_answer_for_a_model() {
    let expected = "\
./model
1.00 kB (1,000 bytes) in 2 files, 1 metagraph (serve), TensorFlow 2.15.0
1 PROBLEM: the figures are of what could be read
  ! variables/variables.index, byte 12: expected a footer,
    found the end of the file

  700 bytes  70.0%  graph_def      ███████████████████████████████▌
  300 bytes  30.0%  variables      █████████████▌
    0 bytes     0%  signature_def
    0 bytes     0%  assets
    0 bytes     0%  other

      bytes  share  kind      largest items
  200 bytes  20.0%  variable  kernel
   90 bytes   9.0%  function  __inference_call_12

avoidable: 400 bytes, 40.0% of the model
  300 bytes  30.0%  stale-files
      2 files are left from an earlier export.
      → Export into an empty directory.
  200 bytes  20.0%  duplicate-asset (100 bytes of it counted above)
      2 files are left from an earlier export.
more: smaudit explain stale-files, --by function,op, --full
";
    let written = brief(sample::model());
    assert_eq!(written, expected, "\n{written}");
}

#[test]
fn everything_about_a_model() {
    let expected = "
duplicates: 200 bytes, 20.0% of the model
  24 bytes in tensors and constants of one value throughout (16 bytes of zeros)
  are no duplicates

  bytes  share  copies                           the same content
    200  20.0%  2 × 200  kept at       variable  kernel
                         duplicate at  #0 serve  Const

functions identical except for names: 40 bytes, 44.4% of all functions; not
counted above
  bytes  share  functions  what their names have in common
     40   4.0%          2  __inference_call_*

metagraph #0 serve: 690 bytes
  contents    3 nodes, 1 function with 7 nodes in 90 bytes, 5 objects
  signature   serving_default(x: float32[?,3]) → y: float32[*]
              uses 600 bytes, 50 not shared
  assets      vocab.txt 41,000 bytes, gone.txt missing

  bytes  share  nodes  op (nodes in functions not counted)
    500  50.0%      2  Const
    100  10.0%      1  MatMul

  bytes  share  nodes  function
     90   9.0%      7  __inference_call_12

checkpoint: 1 tensor in 1 shard
  data        210 bytes and an index of 90 bytes
  unused      10 bytes of the data belong to no tensor

  bytes  share  type           variable
    200  20.0%  float32[5,10]  kernel

  bytes  share  file
    700  70.0%  saved_model.pb
    300  30.0%  variables/variables.index

links (named, not counted again)
  kind      link                               target
  symbolic  latest                             1
      leads out of the model

for information: this takes room, and is as it should be
  60 bytes  6.0%  output-shapes
      4 attributes `_output_shapes`: hints for what shape inference cannot know

avoidable: 400 bytes, 40.0% of the model
";
    let written = full(sample::model());
    assert!(written.contains(expected), "\n{written}");
}

#[test]
fn a_healthy_model_is_told_so_and_what_was_checked() {
    let mut model = ModelReport { findings: vec![], findings_bytes: 0, problems: vec![], ..sample::model() };
    let checked = crate::findings::CAUSES.len();
    let text = brief(model.clone());
    let said = format!("\nnothing avoidable found ({checked} causes checked); 20.0% of the bytes are weights\n");
    assert!(text.contains(&said), "{text}");
    model.problems = sample::model().problems;
    assert!(brief(model.clone()).contains("\nnothing avoidable found in what could be read ("));
    model.meta_graphs = Vec::new();
    assert!(brief(model).contains("\nno cause was looked for, as no metagraph could be read\n"));
}

#[test]
fn causes_under_one_percent_share_a_line() {
    let mut model = sample::model();
    model.findings =
        [("large", 300), ("small", 9), ("tiny", 1)].map(|(id, bytes)| sample::finding(id, bytes, &[])).into();
    let text = brief(model);
    assert!(text.contains("\n  2 more under 1% of the model: small 9 bytes, tiny 1 byte\n"), "{text}");
}

#[test]
fn the_answer_fits_on_a_screen_whatever_a_model_holds() {
    let long = "n".repeat(300);
    for name in NAMES.into_iter().chain([long.as_str()]) {
        for columns in [80, 100, 160] {
            let mut model = sample::named(name);
            model.problems = (0..30).map(|n| Problem::of_file(format!("{name}{n}"), name)).collect();
            model.meta_graphs = (0..30).map(|index| sample::meta_graph(index, &[name, "serve"])).collect();
            model.findings = (0..30).map(|n| sample::finding(&format!("cause-{n}"), 300, &[])).collect();
            model.findings.iter_mut().for_each(|finding| finding.remedy = "words and words ".repeat(40));
            let gate = sample::gate(&[Status::Fail, Status::Warn, Status::Unsure, Status::Fail, Status::Fail], name);
            let report =
                Report { models: vec![model], unreadable: vec![sample::unreadable(name); 9], gate, ..Report::new() };
            let text = stripped(&report, &View { width: columns, ..View::default() });
            assert!(text.lines().count() <= LINES, "{}\n{text}", text.lines().count());
            assert!(text.contains("\navoidable: "), "{text}");
        }
    }
}

#[test]
fn the_answer_for_many_models_fits_on_a_screen_as_well() {
    let models: Vec<ModelReport> =
        (0..130).map(|n| ModelReport { path: format!("base/{n}"), ..sample::model() }).collect();
    let text = plain(models, &View::default());
    assert!(text.lines().count() <= LINES, "{}\n{text}", text.lines().count());
    assert!(text.contains("130 models in base/: 130 kB (130,000 bytes)\n"), "{text}");
    assert!(text.contains("\navoidable: 52.0 kB, 40.0% of all\n"), "{text}");
}

#[test]
fn several_models_are_a_table_the_most_avoidable_first() {
    let mut large = sample::empty_model();
    (large.path, large.total_bytes) = ("./large".to_owned(), 1_828_324);
    let report = |sort| plain(vec![large.clone(), sample::model()], &View { sort, ..View::default() });
    let table = "
2 models in ./: 1.83 MB (1,829,324 bytes)
     size  avoidable  share  largest cause  share  model
  1.00 kB  400 bytes  40.0%  stale-files    30.0%  ! model
  1.83 MB    0 bytes     0%  -                     large
  1.83 MB  400 bytes  <0.1%                        total
";
    let text = report(Sort::Avoidable);
    assert!(text.contains(table), "{text}");
    for sort in [Sort::Size, Sort::Path] {
        let text = report(sort);
        assert!(text.find(" large\n").unwrap() < text.find(" ! model\n").unwrap(), "{text}");
    }
}

#[test]
fn findings_are_as_many_as_were_asked_for_and_all_of_them_say_what_they_rest_on() {
    let mut model = sample::model();
    model.findings[0].evidence = (1..=7).map(|n| format!("`old-{n}`: 1 byte")).collect();
    let page = |findings| plain(vec![model.clone()], &View { page: Page::Findings, findings, ..View::default() });
    let one = page(Some(1));
    assert!(one.contains("  … 1 more, 100 bytes (--findings all)\n"), "{one}");
    assert!(!one.contains("duplicate-asset") && !one.contains("old-1"), "{one}");
    let expected = "
      → Export into an empty directory.
      unless a program of yours reads these files.
      - `old-1`: 1 byte
      - `old-2`: 1 byte
      - `old-3`: 1 byte
      - `old-4`: 1 byte
      - `old-5`: 1 byte
      - … 2 more (in --json)
";
    let all = page(None);
    assert!(all.contains(expected), "{all}");
}

#[test]
fn no_line_is_wider_than_the_page_or_ends_in_spaces_whatever_the_names() {
    let long = "n".repeat(300);
    for name in NAMES.into_iter().chain([long.as_str()]) {
        for columns in [60, 80, 160] {
            for (top, page) in PAGES.into_iter().flat_map(|page| [None, Some(0), Some(1)].map(|top| (top, page))) {
                let gate = sample::gate(&[Status::Fail, Status::Unsure], name);
                for number in [1, 2] {
                    let models = vec![sample::named(name); number];
                    let mut report = Report { models, unreadable: vec![sample::unreadable(name)], ..Report::new() };
                    report.gate = gate.clone();
                    let text = stripped(&report, &View { width: columns, top, page, ..View::default() });
                    for line in text.lines() {
                        assert!(width(line) <= columns, "{columns}: {} in {line:?}", width(line));
                        assert_eq!(line, line.trim_end());
                    }
                }
            }
        }
    }
}

#[test]
fn no_name_reaches_the_terminal_as_a_command() {
    for name in NAMES {
        for page in PAGES {
            let unreadable = vec![sample::unreadable(name)];
            let gate = sample::gate(&[Status::Fail], name);
            let report = Report { models: vec![sample::named(name)], unreadable, gate, ..Report::new() };
            let text = styled(&report, &View { page, ..View::default() });
            for code in text.split('\u{1b}').skip(1) {
                let end = code.find(|c: char| c != '[' && c != ';' && !c.is_ascii_digit()).unwrap();
                assert_eq!(&code[end..=end], "m", "only styles are codes: {code:?}");
            }
            assert!(!text.chars().any(|c| is_unsafe(c) && c != '\n' && c != '\u{1b}'), "{text:?}");
        }
    }
}

#[test]
fn sizes_that_no_disk_has_fit_on_the_page_too() {
    let mut model = sample::model();
    model.checkpoint = Some(sample::checkpoint(vec![tensor(&"n".repeat(300), u64::MAX); 10]));
    for text in [brief(model.clone()), full(model)] {
        assert!(text.lines().all(|line| width(line) <= 80), "{text}");
    }
}

#[test]
fn names_give_way_and_figures_do_not() {
    let mut model = sample::named(&"n".repeat(300));
    model.meta_graphs[0].ops = vec![op(&"o".repeat(300), 1_234_567, 123_456_789_012)];
    assert!(!full(model.clone()).contains("ooo"), "the breakdown is by op already");
    model.breakdown.by = vec![Dimension::Category, Dimension::Node];
    let wide = full(model);
    assert!(wide.contains("  123,456,789,012  >100%  1,234,567  ooo"), "{wide}");
}

#[test]
fn names_that_read_alike_are_told_apart() {
    let mut model = sample::model();
    let name = |part: &str| format!("__inference_{}_{part}_{}", "layer_".repeat(12), "call_".repeat(12));
    let rows = ["a", "b"].map(|part| row(&name(part), 10, vec![])).into();
    model.breakdown = sample::rollup(&[Dimension::Function], rows);
    let text = table(model, None);
    assert!(text.contains("…__a_call") && text.contains("…__b_call"), "{text}");
}

#[test]
fn what_a_dimension_does_not_apply_to_comes_last() {
    let mut model = sample::model();
    model.breakdown =
        sample::rollup(&[Dimension::Op], vec![row("[variables]", 900, vec![]), row("Const", 100, vec![])]);
    let expected = "
  bytes  share  count  op
    100  10.0%      1  Const
    900  90.0%      1  [variables]
";
    let text = table(model, None);
    assert!(text.ends_with(expected), "{text}");
}

#[test]
fn a_cut_says_how_many_rows_and_bytes_are_left_out_and_how_to_see_them() {
    let mut model = sample::model();
    model.meta_graphs[0].ops = (0..320).map(|n| op(&format!("Op{n}"), 2, 10)).collect();
    let page = |top| plain(vec![model.clone()], &View { top, page: Page::Full, ..View::default() });
    let cut = page(None);
    assert!(cut.contains("\n  3,120  >100%    624  … 312 more (-n 0 shows all)\n"), "{cut}");
    let all = page(Some(0));
    assert!(all.contains("Op319") && !all.contains('…'), "{all}");
    let three = page(Some(3));
    assert!(three.contains("Op2\n") && !three.contains("Op3\n") && three.contains("… 317 more"), "{three}");
}

#[test]
fn the_breakdown_is_a_tree_cut_to_twenty_rows_a_level() {
    let mut model = sample::model();
    let ops = (0..22).map(|n| row(&format!("Op{n}"), 1, vec![])).collect();
    model.breakdown = sample::rollup(&[Dimension::MetaGraph, Dimension::Op], vec![row("#0 serve", 22, ops)]);
    let text = table(model, None);
    assert!(text.contains("  bytes  share  count  metagraph / op\n     22   2.2%     22  #0 serve\n"), "{text}");
    assert!(text.contains("\n      1   0.1%      1    Op19\n      2   0.2%      2    … 2 more (-n 0 shows"), "{text}");
    assert!(!text.contains("Op20"));
}

#[test]
fn an_op_that_is_called_as_a_category_is_an_op_and_does_not_come_last() {
    let mut model = sample::model();
    let called = Row { kind: RowKind::Name, ..row("[variables]", 9, vec![]) };
    let bookkeeping = row("[graph_def]", 30, vec![]);
    model.breakdown = sample::rollup(&[Dimension::Op], vec![bookkeeping, called, row("Add", 3, vec![])]);
    let text = table(model, None);
    let at = ["  [variables]\n", "  Add\n", "  [graph_def]\n"].map(|line| text.find(line).expect(&text));
    assert!(at.is_sorted(), "{text}");
}

#[test]
fn what_top_cut_before_is_said_as_well() {
    let mut model = sample::model();
    model.breakdown = sample::by_section_and_op().cut(1);
    let text = table(model, Some(1));
    assert!(text.contains("\n    100  10.0%      1    … 1 more (-n 0 shows all)\n"), "{text}");
    assert!(text.contains("\n    300  30.0%      1  … 1 more (-n 0 shows all)\n"), "{text}");
}

#[test]
fn a_model_with_nothing_in_it_says_so_and_no_more() {
    let checked = crate::findings::CAUSES.len();
    let nothing =
        format!("./model\n0 bytes in 0 files, no metagraph\n\nnothing avoidable found ({checked} causes checked)\n");
    assert_eq!(brief(sample::empty_model()), nothing);
}

#[test]
fn a_model_of_no_bytes_has_no_shares() {
    let mut model = sample::model();
    model.total_bytes = 0;
    model.categories.values_mut().for_each(|bytes| *bytes = 0);
    let text = full(model);
    assert!(text.contains("    500      -      2  Const\n"), "{text}");
    assert!(!text.contains("NaN"), "{text}");
}

#[test]
fn a_long_signature_is_cut_and_complete_on_demand() {
    let mut model = sample::model();
    model.meta_graphs[0].signatures[0].inputs = (0..40).map(|n| info(&format!("feature_{n}"), Some(&[-1]))).collect();
    let page = |top| plain(vec![model.clone()], &View { top, page: Page::Full, ..View::default() });
    let cut = page(None);
    let expected = "\
  signature   serving_default(feature_0: float32[?], feature_1: float32[?],
              feature_2: float32[?], feature_3: float32[?], … 36 more (-n 0
              shows all)) → y: float32[*]
";
    assert!(cut.contains(expected), "{cut}");
    let all = page(Some(0)).replace("\n              ", " ");
    assert!(all.contains("feature_39: float32[?]) →"), "{all}");
}

#[test]
fn what_a_checkpoint_wastes_is_named_and_so_is_its_format() {
    let mut model = sample::model();
    let checkpoint = model.checkpoint.as_mut().unwrap();
    checkpoint.stale_bytes = 4_096;
    let text = full(model.clone());
    assert!(text.contains("  stale       4,096 bytes in files of another set, which no loader reads\n"), "{text}");
    let checkpoint = model.checkpoint.as_mut().unwrap();
    (checkpoint.format, checkpoint.shards) = (CheckpointFormat::V1, 2);
    let text = full(model);
    assert!(text.contains("checkpoint: 1 tensor in 2 tables in TensorFlow 1's V1 format\n"), "{text}");
}

#[test]
fn problems_come_before_any_figure() {
    let mut model = sample::model();
    model.problems = (0..25).map(|n| Problem::of_file(format!("f{n}"), "unreadable")).collect();
    for (text, shown, more) in
        [(brief(model.clone()), 3, "22 more problems (--full)"), (full(model), 20, "5 more problems")]
    {
        let problems = text.find("25 PROBLEMS: ").unwrap();
        assert!(problems < text.find("graph_def").unwrap(), "{text}");
        assert_eq!(text.matches("! f").count(), shown, "{text}");
        assert!(text.contains(more), "{text}");
    }
}

#[test]
fn a_broken_rule_is_below_the_answer_and_those_that_hold_share_a_line() {
    let gate = sample::gate(&[Status::Fail, Status::Warn], "kernel");
    let models = vec![ModelReport { problems: vec![], ..sample::model() }];
    let text = stripped(&Report { gate, models, ..Report::new() }, &View::default());
    let [answer, rules, fail, warn] =
        ["\navoidable: ", "\nrules: FAIL, ", "\n  FAIL   ", "\n  WARN   "].map(|part| text.find(part).expect(&text));
    assert!(answer < rules && rules < fail && fail < warn, "{text}");
}
