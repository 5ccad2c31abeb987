//! `--top` cuts what a person reads, and the breakdown where it was given. What is left out is one row that says how
//! many rows and bytes it stands for.

use serde_json::Value;

use crate::run::{root, run};

/// The model of all these tests, and its size: `--by op` has 22 rows or more.
const MODEL: &str = "fixtures/partitioned";
const BYTES: u64 = 20_797;
/// The rows of `--by op` that stand for no op.
const BOOKKEEPING: usize = 7;

fn written(arguments: &str) -> String {
    run(root(), &format!("{MODEL} {arguments}")).exits(0).silently().stdout
}

fn report(arguments: &str) -> Value {
    serde_json::from_str::<Value>(&written(&format!("--json {arguments}"))).unwrap()["models"][0].take()
}

fn rows(report: &Value) -> &Vec<Value> {
    report["breakdown"]["rows"].as_array().unwrap()
}

/// The rows of `--by op`.
fn ops() -> usize {
    rows(&report("--by op")).len()
}

/// The bytes of a table in text: the first word of each line below the heading that ends so, to the blank line.
fn table(text: &str, heading: &str) -> Vec<(u64, String)> {
    let mut lines = text.lines().skip_while(|line| !line.ends_with(heading));
    assert!(lines.next().is_some(), "{heading} is not in {text}");
    let row = |line: &str| {
        let (bytes, rest) = line.trim_start().split_once(' ').unwrap();
        (bytes.replace(',', "").parse().unwrap(), rest.to_owned())
    };
    lines.take_while(|line| !line.is_empty()).map(row).collect()
}

// --- text ---

#[test]
fn text_has_20_rows_of_a_breakdown_and_one_for_the_rest() {
    let table = table(&written("--by op"), "  op");
    // What the dimension does not apply to comes last.
    assert_eq!(table.len(), 21 + BOOKKEEPING);
    let rest = format!("… {} more (-n 0 shows all)", ops() - BOOKKEEPING - 20);
    assert!(table[20].1.ends_with(&rest), "{rest}: {table:#?}");
    assert_eq!(table.iter().map(|row| row.0).sum::<u64>(), BYTES);
}

#[test]
fn text_has_as_many_rows_as_asked_for_and_one_for_the_rest() {
    for top in [3, 9] {
        let table = table(&written(&format!("--by op --top {top}")), "  op");
        let rest = table.iter().position(|row| row.1.contains(" more ")).unwrap();
        assert!(rest <= top && table.len() <= top + 1, "{table:#?}");
        assert!(table[rest].1.contains(&format!("… {} more", ops() - table.len() + 1)), "{table:#?}");
        assert_eq!(table.iter().map(|row| row.0).sum::<u64>(), BYTES);
    }
}

#[test]
fn text_has_all_rows_for_0_and_for_more_than_there_are() {
    for top in [0, ops(), 1_000_000] {
        let text = written(&format!("--by op --top {top}"));
        assert_eq!(table(&text, "  op").len(), ops());
        assert!(!text.contains(" more "), "{text}");
    }
}

#[test]
fn text_cuts_its_lists_too() {
    for (top, variables) in [(1, 2), (3, 4), (0, 4)] {
        let text = written(&format!("--full --top {top}"));
        assert_eq!(table(&text, "  variable").len(), variables, "{text}");
    }
}

#[test]
fn each_level_is_cut_by_itself() {
    let text = written("--by section,op --top 2");
    let rests: Vec<&str> = text.lines().filter(|line| line.contains(" more (-n 0 shows all)")).collect();
    // Below graph_def and of the outermost level.
    assert_eq!(rests.len(), 2, "{text}");
}

// --- CSV and folded stacks ---

#[test]
fn without_top_the_formats_for_programs_are_complete() {
    for (format, lines) in [("csv", ops() + 1), ("folded", ops())] {
        for top in ["", "--top 0"] {
            let table = written(&format!("--format {format} --by op {top}"));
            assert_eq!(table.lines().count(), lines, "{format} {top}: {table}");
            assert!(!table.contains(" more]"), "{table}");
        }
    }
}

#[test]
fn with_top_csv_has_a_row_for_the_rest() {
    let table = written("--format csv --by op --top 3");
    let rows: Vec<Vec<&str>> = table.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 4);
    assert_eq!(rows[3][..2], [MODEL, &format!("[{} more]", ops() - 3)]);
    assert_eq!(rows.iter().map(|row| row[2].parse::<u64>().unwrap()).sum::<u64>(), BYTES);
}

#[test]
fn with_top_folded_stacks_have_a_frame_for_the_rest() {
    let stacks = written("--format folded --by section,op --top 3");
    assert!(stacks.contains(&format!("{MODEL};graph_def;[")), "{stacks}");
    let bytes = stacks.lines().map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap());
    assert_eq!(bytes.sum::<u64>(), BYTES);
}

// --- JSON ---

#[test]
fn without_top_json_is_complete() {
    let complete = report("--by section,op");
    assert_eq!(complete, report("--by section,op --top 0"));
    assert!(complete["breakdown"].get("rest").is_none() && rows(&complete)[0].get("rest").is_none());
}

#[test]
fn with_top_json_says_what_its_breakdown_leaves_out() {
    let cut = report("--by op --top 3");
    let rest = &cut["breakdown"]["rest"];
    assert_eq!((rows(&cut).len(), rest["rows"].as_u64().unwrap()), (3, ops() as u64 - 3));
    let shown: u64 = rows(&cut).iter().map(|row| row["bytes"].as_u64().unwrap()).sum();
    assert_eq!(shown + rest["bytes"].as_u64().unwrap(), BYTES);
}

#[test]
fn with_top_json_cuts_each_level_of_its_breakdown() {
    let (complete, cut) = (report("--by section,op"), report("--by section,op --top 2"));
    let (all, shown) = (&rows(&complete)[0], &rows(&cut)[0]);
    assert_eq!((&shown["name"], &shown["bytes"]), (&all["name"], &all["bytes"]));
    let children = all["children"].as_array().unwrap();
    assert_eq!(*shown["children"].as_array().unwrap(), children[..2]);
    assert_eq!(shown["rest"]["rows"], children.len() as u64 - 2);
    let left_out: u64 = children[2..].iter().map(|row| row["bytes"].as_u64().unwrap()).sum();
    assert_eq!(shown["rest"]["bytes"], left_out);
}

#[test]
fn with_top_all_else_in_json_stays_complete() {
    let (mut complete, mut cut) = (report("--by op"), report("--by op --top 1"));
    assert!(complete["meta_graphs"][0]["ops"].as_array().unwrap().len() > 1);
    assert_ne!(complete, cut);
    for report in [&mut complete, &mut cut] {
        report["breakdown"].take();
    }
    assert_eq!(complete, cut);
}
