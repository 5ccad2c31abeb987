use super::*;

/// A ledger with charges of (category, function, op, bytes), all in a file.
fn ledger(charges: &[(Category, &str, &str, u64)]) -> Ledger {
    let mut ledger = Ledger::new(&[Dimension::Function, Dimension::Op, Dimension::File, Dimension::Duplicate]);
    let mut account = ledger.open("f", charges.iter().map(|charge| charge.3).sum());
    for (category, function, op, bytes) in charges {
        let mut label = |name: &str| match name {
            "" => Label::NONE,
            name => account.ledger().label(name.as_bytes()),
        };
        let [function, op] = [function, op].map(|name| label(name));
        let labels = Labels::new(*category).with(Dimension::Function, function).with(Dimension::Op, op);
        account.charge_up_to(account.charged() + bytes, labels, 1);
    }
    account.close().unwrap();
    ledger
}

/// A line for each row, two blanks deeper for each level.
fn drawn(rows: &[Branch], folded: Option<&Folded>, depth: usize) -> Vec<String> {
    let indent = "  ".repeat(depth);
    let mut lines = Vec::new();
    for row in rows {
        lines.push(format!("{indent}{} {}", row.name, row.bytes));
        lines.extend(drawn(&row.children, row.folded.as_ref(), depth + 1));
    }
    lines.extend(folded.map(|folded| format!("{indent}… {} rows {}", folded.rows, folded.bytes)));
    lines
}

fn tree(ledger: &Ledger, by: &[Dimension], room: usize) -> Vec<String> {
    let trees = ledger.trees(&[by.to_vec()], room);
    let tree = &trees.trees[0];
    assert_eq!(tree.total(), ledger.total());
    drawn(&tree.rows, tree.folded.as_ref(), 0)
}

const MIXED: [(Category, &str, &str, u64); 5] = [
    (Category::GraphDef, "call", "Const", 50),
    (Category::GraphDef, "call", "", 7),
    (Category::GraphDef, "", "Add", 9),
    (Category::GraphDef, "", "", 3),
    (Category::Files, "", "", 20),
];

#[test]
fn a_dimension_that_says_nothing_of_bytes_is_no_level_for_them() {
    let by = [Dimension::Category, Dimension::Function, Dimension::File, Dimension::Op];
    let graph = ["  [graph_def] 12", "    Add 9", "    [graph_def] 3"];
    let call = ["graph_def 69", "  call 57", "    Const 50", "    [graph_def] 7"];
    let expected: Vec<&str> = call.into_iter().chain(graph).chain(["files 20", "  f 20"]).collect();
    assert_eq!(tree(&ledger(&MIXED), &by, 10_000), expected);
}

#[test]
fn what_there_is_no_room_for_is_folded_and_said() {
    let by = [Dimension::Category, Dimension::Function, Dimension::Op];
    assert_eq!(tree(&ledger(&MIXED), &by, 0), ["… 2 rows 89"]);
    let some = tree(&ledger(&MIXED), &by, 180);
    assert_eq!(some, ["graph_def 69", "  call 57", "    Const 50", "    … 1 rows 7", "  … 1 rows 12", "… 1 rows 20"]);
}

#[test]
fn parts_add_up_to_their_rows_wherever_rows_are_folded() {
    let ledger = ledger(&MIXED);
    for room in [0, 100, 200, 300, 1000] {
        let trees = ledger.trees(&[vec![Dimension::Category, Dimension::Function, Dimension::Op]], room);
        let tree = &trees.trees[0];
        fn parts(rows: &[Branch], folded: Option<&Folded>) -> u64 {
            let of = |parts: &[Part]| parts.iter().map(|part| part.bytes).sum::<u64>();
            let rows = rows.iter().map(|row| of(&row.parts) + parts(&row.children, row.folded.as_ref()));
            rows.sum::<u64>() + folded.map_or(0, |folded| of(&folded.parts))
        }
        assert_eq!(parts(&tree.rows, tree.folded.as_ref()), 89, "{room}");
    }
}

#[test]
fn folders_of_one_folder_are_one_row() {
    let mut ledger = Ledger::new(&[Dimension::Scope; 4]);
    let mut account = ledger.open("f", 7);
    for (end, name) in [(3, "a/b/c/x"), (6, "a/b/d/y"), (7, "z")] {
        let scope = account.ledger().scope(name.as_bytes());
        account.charge_up_to(end, Labels::new(Category::GraphDef).with(Dimension::Scope, scope), 1);
    }
    account.close().unwrap();
    assert_eq!(tree(&ledger, &[Dimension::Scope; 4], 1000), ["a/b 6", "  c 3", "  d 3", "[graph_def] 1"]);
}

#[test]
fn facets_say_what_rows_do_not() {
    let mut ledger = Ledger::new(&[Dimension::Dtype, Dimension::Duplicate]);
    ledger.mark("f".to_owned(), vec![super::super::Mark { range: 2..5, state: State::Redundant, tag: 0 }]);
    let mut account = ledger.open("f", 10);
    let dtype = account.ledger().label(b"float32");
    account.charge_up_to(10, Labels::new(Category::Variables).with(Dimension::Dtype, dtype), 1);
    account.close().unwrap();
    let trees = ledger.trees(&[vec![Dimension::Category]], 1000);
    let parts = &trees.trees[0].rows[0].parts;
    let said: Vec<(State, u64)> = parts.iter().map(|part| (trees.facets[part.facet].state, part.bytes)).collect();
    assert_eq!(said, [(State::Unique, 7), (State::Redundant, 3)]);
    assert!(trees.facets.iter().all(|facet| facet.dtype.as_deref() == Some("float32")));
}
