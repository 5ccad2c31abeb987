//! What texts mean, which part of them each field is, and what damage costs.

use super::*;
use crate::support::wire::{Message, graph, message, meta_graph, node, saved_model};
use crate::wire::{Field, fields, first_len};

/// The wire format of a text with which nothing is wrong.
#[track_caller]
fn wire(text: &str) -> Message {
    let read = read(text.as_bytes());
    assert_eq!(read.faults, []);
    Message(read.wire.to_vec())
}

/// The way from a SavedModel to the TensorProto of a node's attribute: field numbers, and the same as text.
const TO_TENSOR: [u32; 6] = [2, 2, 1, 5, 2, 8];
const TENSOR: &str = "meta_graphs { graph_def { node { attr { value { tensor {";
const END: &str = "} } } } } }";

/// The TensorProto with these fields, of a text around it with which nothing is wrong.
#[track_caller]
fn tensor(fields: &str) -> Message {
    let wire = wire(&format!("{TENSOR} {fields} {END}")).0;
    let tensor = TO_TENSOR.iter().try_fold(0..wire.len(), |range, number| first_len(&wire, range, *number));
    Message(wire[tensor.unwrap()].to_vec())
}

/// What is said of the text of a TensorProto with these fields: the bytes of `fields` from where on it is wrong, and why.
#[track_caller]
fn fault_in_tensor(fields: &str) -> (String, String) {
    let text = format!("{TENSOR} {fields} {END}");
    let read = read(text.as_bytes());
    let [fault] = &*read.faults else { panic!("{:?}", read.faults) };
    let rest = text[fault.offset..].strip_suffix(&format!(" {END}")).unwrap();
    (rest.to_owned(), fault.to_string())
}

/// Each field right in a message, in any of its occurrences: the number, all of its text, the text of its payload.
fn fields_of<'t>(text: &'t str, way: &[u32]) -> Vec<(u32, &'t str, &'t str)> {
    let read = read(text.as_bytes());
    let mut messages: Vec<_> = std::iter::once(0..read.wire.len()).collect();
    for number in way {
        let inner =
            |range| fields(&read.wire, range).filter(|field| field.is_len(*number)).map(|field| field.payload());
        messages = messages.into_iter().flat_map(inner).collect();
    }
    let part = |field: &Field| {
        let span = read.layout.span(field);
        let cut = |start: u64, end: u64| &text[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()];
        (field.number, cut(span.start, span.end), cut(span.payload, span.payload_end))
    };
    messages.into_iter().flat_map(|range| fields(&read.wire, range)).map(|field| part(&field)).collect()
}

// --- what a text means ---

#[test]
fn a_text_as_tensorflow_prints_it_is_the_model_that_it_was_printed_from() {
    let text = r#"saved_model_schema_version: 1
meta_graphs {
  meta_info_def {
    tags: "serve"
  }
  graph_def {
    node {
      name: "a"
      op: "Add"
    }
    node {
      name: "b"
      op: "Mul"
    }
  }
}
"#;
    let graph = graph([&node("a", "Add"), &node("b", "Mul")]);
    assert_eq!(wire(text), saved_model([&meta_graph(&["serve"], &graph)]));
}

#[test]
fn the_layout_of_a_text_changes_nothing_of_what_it_means() {
    let plain = wire("meta_graphs { graph_def { node { name: \"a\" op: \"Add\" } node { name: \"b\" } } }");
    for same in [
        "\u{feff}meta_graphs{graph_def{node{name:\"a\"op:\"Add\"}node{name:\"b\"}}}",
        "meta_graphs: < graph_def: < node < name: 'a', op: 'Add'; >, node < name: 'b' > > >",
        "meta_graphs [{ graph_def { node: [ { name: \"a\" op: \"Add\" }, < name: \"b\" > ] } }]",
        "# a comment\nmeta_graphs { # and \"one\" {\r\n graph_def {\n\n node { name: # one\n \"a\"\nop:\t\"A\" 'dd'}node{name:\"b\"}}}#",
        "2 { 2 { 1 { 1: \"a\" 2: \"Add\" } 1 { 1: \"b\" } } }",
    ] {
        assert_eq!(wire(same), plain, "{same}");
    }
}

#[test]
fn an_entry_of_a_map_is_a_message_of_a_key_and_a_value() {
    let attr = message().entry(5, "T", &message().int(6, 1));
    let expected = message().message(2, &message().message(2, &graph([&attr])));
    assert_eq!(wire("meta_graphs { graph_def { node { attr { key: \"T\" value { type: DT_FLOAT } } } } }"), expected);
}

#[test]
fn integers_are_decimal_octal_or_hexadecimal_and_may_be_negative() {
    let [most, least, minus_one] = [i64::MAX.cast_unsigned(), i64::MIN.cast_unsigned(), u64::MAX];
    for (text, value) in [
        ("0", 0),
        ("300", 300),
        ("017", 15),
        ("0x1F", 31),
        ("0XffFF", 65535),
        ("9223372036854775807", most),
        ("-9223372036854775808", least),
        ("-1", minus_one),
        ("- # minus\n 0x1", minus_one),
    ] {
        assert_eq!(wire(&format!("saved_model_schema_version: {text}")), message().int(1, value), "{text}");
    }
}

#[test]
fn floats_come_in_every_form_that_printers_and_people_write() {
    for (text, value) in [
        ("1", 1.0_f32),
        ("-1.5", -1.5),
        (".25", 0.25),
        ("2.", 2.0),
        ("1e3", 1000.0),
        ("1.5E-3", 0.0015),
        ("1e+2", 100.0),
        ("1.5f", 1.5),
        ("3F", 3.0),
        ("inf", f32::INFINITY),
        ("-Infinity", f32::NEG_INFINITY),
        ("1e400", f32::INFINITY),
        ("-0", -0.0),
        ("nan", f32::NAN),
    ] {
        assert_eq!(tensor(&format!("float_val: {text}")), message().bytes(5, value.to_le_bytes()), "{text}");
    }
    assert_eq!(tensor("double_val: 0.1"), message().bytes(6, 0.1_f64.to_le_bytes()));
}

#[test]
fn booleans_are_words_letters_or_digits() {
    let text = "bool_val: [true, True, t, 1, 0x1, false, False, f, 0]";
    assert_eq!(tensor(text), message().bytes(11, [1, 1, 1, 1, 1, 0, 0, 0, 0]));
}

#[test]
fn an_enums_value_is_a_name_or_a_number_that_need_not_have_one() {
    assert_eq!(tensor("dtype: DT_STRING"), message().int(1, 7));
    assert_eq!(tensor("dtype: 7"), message().int(1, 7));
    assert_eq!(tensor("dtype: 7000"), message().int(1, 7000));
    assert_eq!(tensor("dtype: -1"), message().int(1, u64::MAX));
}

#[test]
fn strings_have_every_escape() {
    for (text, value) in [
        (r#""plain""#, &b"plain"[..]),
        (r#"'a "quoted" one'"#, b"a \"quoted\" one"),
        (r#""\a\b\f\n\r\t\v\?\\\'\"""#, b"\x07\x08\x0c\n\r\t\x0b?\\'\""),
        (r#""\0\12\0123\377""#, b"\0\n\n3\xff"),
        (r#""\x7\x41\XfF1""#, b"\x07A\xff1"),
        (r#""\u00e4\U0001F600""#, "ä😀".as_bytes()),
        (r#""\ud83d\ude00""#, "😀".as_bytes()),
        ("\"ä\" 'b'\n# between\n\"c\"", "äbc".as_bytes()),
        ("\"\"", b""),
    ] {
        assert_eq!(tensor(&format!("tensor_content: {text}")), message().bytes(4, value), "{text}");
    }
}

#[test]
fn numbers_of_one_field_are_one_packed_field_in_whatever_pieces_they_are_written() {
    let packed = message().bytes(7, [1, 2, 3, 4]);
    for text in [
        "int_val: 1 int_val: 2 int_val: 3 int_val: 4",
        "int_val: [1, 2, 3, 4]",
        "int_val: 1; int_val: [2, 3], int_val: [] int_val: [4]",
    ] {
        assert_eq!(tensor(text), packed, "{text}");
    }
    let interrupted = message().bytes(7, [1]).int(1, 3).bytes(7, [2]);
    assert_eq!(tensor("int_val: 1 dtype: DT_INT32 int_val: 2"), interrupted);
}

#[test]
fn a_list_of_strings_or_messages_is_a_field_for_each() {
    assert_eq!(tensor("string_val: ['a', 'b' 'c']"), message().bytes(8, "a").bytes(8, "bc"));
    let shape = message().message(2, &message().int(1, 5)).message(2, &message());
    assert_eq!(tensor("tensor_shape { dim: [{ size: 5 }, <>] }"), message().message(2, &shape));
}

#[test]
fn lengths_are_as_short_as_they_can_be_however_deep_and_long() {
    let value = vec![b'x'; 20_000];
    let text = format!("string_val: '{0}' string_val: '' string_val: '{0}'", "x".repeat(20_000));
    assert_eq!(tensor(&text), message().bytes(8, &value).bytes(8, "").bytes(8, &value));
    let mut expected = message().bytes(8, &value).bytes(8, "").bytes(8, &value);
    for number in TO_TENSOR.iter().rev() {
        expected = message().message(*number, &expected);
    }
    assert_eq!(wire(&format!("{TENSOR} {text} {END}")), expected);
}

#[test]
fn what_no_message_has_is_an_unknown_field_and_no_fault() {
    for unknown in [
        "new_field: 1",
        "new_field: -inf",
        "new_field: 'a' \"b\"",
        "new_field { deeper: < x: [1, {}] > }",
        "new_field: [{ x: 1 }, { x: 2 }]",
        "[package.extension]: 5",
        "[type.googleapis.com/package.Message] { x: 1 }",
        "1234: 0x00000001",
        "dtype: DT_ADDED_LATER",
    ] {
        let with = tensor(&format!("{unknown}, dtype: DT_FLOAT"));
        let numbers: Vec<u32> = fields(&with.0, 0..with.len()).map(|field| field.number).collect();
        assert_eq!(numbers, [UNKNOWN, 1], "{unknown}");
    }
}

#[test]
fn unknown_fields_are_equal_where_their_text_is_without_its_layout() {
    let plain = tensor("new_field { x: [1, 'a'] }");
    assert_eq!(tensor("new_field\n{ # comment\n  x:[1,'a']\n}\n;"), plain);
    assert_ne!(tensor("new_field { x: [1 2] }"), tensor("new_field { x: [12] }"));
    assert_ne!(tensor("new_field { x: [1 .5] }"), tensor("new_field { x: [1.5] }"));
    assert_ne!(tensor("new_field { x: [2, 'a'] }"), plain);
}

// --- which text is which field ---

#[test]
fn a_field_that_has_lines_of_its_own_takes_these_lines() {
    let text = "# about\nsaved_model_schema_version: 1 # one\n\nmeta_graphs {\n  graph_def {\n  }\n} # end\n\n# last\n";
    let graph = "  graph_def {\n  }\n";
    assert_eq!(
        fields_of(text, &[]),
        [
            (1, "# about\nsaved_model_schema_version: 1 # one\n", "1"),
            (2, "\nmeta_graphs {\n  graph_def {\n  }\n} # end\n", graph),
        ]
    );
    assert_eq!(fields_of(text, &[2]), [(2, graph, "")]);
}

#[test]
fn fields_on_one_line_part_it_behind_their_separators() {
    let text = "meta_graphs{graph_def{node{name:'a', op:\"b\" 'c'  ;device:''}}}";
    assert_eq!(
        fields_of(text, &[2, 2, 1]),
        [(1, "name:'a', ", "'a'"), (2, "op:\"b\" 'c'  ;", "\"b\" 'c'"), (4, "device:''", "''")]
    );
    assert_eq!(fields_of(text, &[]), [(2, text, "graph_def{node{name:'a', op:\"b\" 'c'  ;device:''}}")]);
}

#[test]
fn the_items_of_a_list_share_its_brackets_and_commas() {
    let text = "meta_graphs { graph_def { node: [{ name: 'a' }, { }] } }";
    assert_eq!(fields_of(text, &[2, 2]), [(1, "node: [{ name: 'a' }, ", "name: 'a' "), (1, "{ }] ", "")]);
    let text = "meta_graphs { meta_info_def { tags: [ 'a', 'b' ] tags: [] tags: 'c' } }";
    let tags = [(4, "tags: [ 'a', ", "'a'"), (4, "'b' ] ", "'b'"), (4, "tags: [] tags: 'c' ", "'c'")];
    assert_eq!(fields_of(text, &[2, 1]), tags);
}

#[test]
fn a_packed_field_is_all_of_the_text_that_its_numbers_are_in() {
    let text = format!("{TENSOR}int_val: 1\nint_val: [2, 3]\n dtype: DT_INT32 {END}");
    let expected = [(7, "int_val: 1\nint_val: [2, 3]\n", "1\nint_val: [2, 3]"), (1, " dtype: DT_INT32 ", "DT_INT32")];
    assert_eq!(fields_of(&text, &TO_TENSOR), expected);
}

// --- what is wrong with a text ---

#[test]
fn a_value_of_another_kind_is_a_fault_and_costs_its_field() {
    for (fields, found, expected) in [
        ("dtype: 'a'", "'a'", "the name or number of an enum's value"),
        ("version_number: 1.5", "1.5", "an integer of 32 bits"),
        ("version_number: 2147483648", "2147483648", "an integer of 32 bits"),
        ("uint32_val: -1", "-", "an integer of 32 bits without a sign"),
        ("uint64_val: 0x1ffffffffffffffff", "0x1ffffffffffffffff", "an integer of 64 bits without a sign"),
        ("float_val: 0x1", "0x1", "a number"),
        ("float_val: 1_0", "1_0", "a number"),
        ("bool_val: maybe", "maybe", "true or false"),
        ("bool_val: -1", "-", "true or false"),
        ("tensor_content: 1", "1", "a string"),
        ("tensor_content: { x: 1 }", "{", "a string"),
        ("dtype DT_FLOAT", "DT_FLOAT", "a colon"),
        ("dtype: [DT_FLOAT]", "[", "the name or number of an enum's value"),
        ("tensor_shape: 5", "5", "an opening brace"),
        ("int_val: [1, 2", "string_val", "a comma or the end of the list"),
        ("new_field 1", "1", "a colon or an opening brace"),
        ("new_field: ;", ";", "a value"),
        ("tensor_content: 'a\\q'", "\\q", "an escape"),
        ("tensor_content: '\\400'", "\\400", "an octal escape up to \\377"),
        ("tensor_content: '\\xg'", "\\xg", "hexadecimal digits behind \\x"),
        ("tensor_content: '\\ud800'", "\\ud800", "a code point of four hexadecimal digits behind \\u"),
        ("tensor_content: '\\U00110000'", "\\U00110000", "a code point of eight hexadecimal digits behind \\U"),
        ("@", "@", "a field"),
    ] {
        // What follows on a line of its own is read.
        let text = format!("{TENSOR} string_val: 'before'\n {fields}\n string_val: 'behind'\n {END}");
        let read = read(text.as_bytes());
        let told: Vec<String> = read.faults.iter().map(ToString::to_string).collect();
        assert_eq!(told, [format!("expected {expected}, found {found}")], "{fields}");
        let numbers: Vec<u32> = fields_of(&text, &TO_TENSOR).into_iter().map(|field| field.0).collect();
        assert_eq!(numbers, [8, DAMAGED, 8], "{fields}");
        let damage = fields_of(&text, &TO_TENSOR)[1].1;
        assert_eq!(damage.trim(), fields, "the whole field, and no more");
    }
}

#[test]
fn a_fault_is_told_where_it_is() {
    assert_eq!(fault_in_tensor("dtype: 'a'").0, "'a'");
    assert_eq!(fault_in_tensor("tensor_content: 'ab' 'c\\qd'").0, "\\qd'");
    assert_eq!(fault_in_tensor("int_val: [1, 2, x, 4]").0, "x, 4]");
}

#[test]
fn damage_in_one_node_leaves_the_others_as_they_are() {
    let node_of = |name: &str| format!("    node {{\n      name: \"{name}\"\n      op: \"Add\"\n    }}\n");
    for (damaged, faults) in [
        ("    node {\n      name: \"x\n      op: \"Add\"\n    }\n", 1),
        ("    node {\n      name: @@ { {} \"x\" }\n      op: \"Add\"\n    }\n", 1),
        // The opening brace is lost.
        ("    node \n      name: \"x\"\n      op: \"Add\"\n    }\n", 1),
        ("    node ~\n      name: \"x\"\n      op: \"Add\"\n    }\n", 1),
        // The closing brace is lost, and something is in its place.
        ("    node {\n      name: \"x\"\n      op: \"Add\"\n    ~\n", 2),
    ] {
        let text = format!("meta_graphs {{\n  graph_def {{\n{}{damaged}{}  }}\n}}\n", node_of("a"), node_of("b"));
        let read = read(text.as_bytes());
        assert_eq!(read.faults.len(), faults, "{damaged}: {:?}", read.faults);
        let nodes: Vec<&str> = fields_of(&text, &[2, 2]).into_iter().map(|(_, text, _)| text).collect();
        assert_eq!(nodes, [&node_of("a"), damaged, &node_of("b")]);
    }
}

#[test]
fn a_text_cut_anywhere_has_one_fault_at_most_and_keeps_what_is_before() {
    let text =
        "meta_graphs {\n graph_def {\n  node { name: \"a\" }\n  node { name: \"b\" input: [\"a\", \"c\"] }\n }\n}\n";
    for cut in 0..text.len() {
        let read = read(&text.as_bytes()[..cut]);
        assert!(read.faults.len() <= 2, "cut at {cut}: {:?}", read.faults);
        assert_eq!(read.faults.is_empty(), cut == 0 || cut == text.len() - 1, "cut at {cut}");
        if cut > text.find("\n  node { name: \"b\"").unwrap() {
            assert_eq!(fields_of(&text[..cut], &[2, 2, 1])[0].1, "name: \"a\" ", "cut at {cut}");
        }
    }
}

#[test]
fn a_message_that_does_not_end_is_told_with_its_beginning() {
    let read = read(b"meta_graphs {\n  graph_def {\n");
    let told: Vec<String> = read.faults.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["expected the end of the message that begins at byte 26, found the end of the text"]);
}

#[test]
fn a_brace_too_many_costs_itself() {
    let text = "meta_graphs { }\n}\nsaved_model_schema_version: 1\n";
    assert_eq!(fields_of(text, &[]).iter().map(|field| field.0).collect::<Vec<_>>(), [2, DAMAGED, 1]);
    let mismatched = read(b"meta_graphs { graph_def < } >");
    assert_eq!(mismatched.faults.len(), 2, "each closes what is open: {:?}", mismatched.faults);
}

#[test]
fn a_binary_model_is_no_text_and_damage_as_a_whole() {
    let binary = saved_model([&meta_graph(&["serve"], &graph([&node("a", "Add")]))]);
    let read = read(&binary.0);
    assert!(!read.faults.is_empty());
    let numbers: Vec<u32> = fields(&read.wire, 0..read.wire.len()).map(|field| field.number).collect();
    assert!(numbers.iter().all(|number| *number == DAMAGED || *number == UNKNOWN), "{numbers:?}");
}

#[test]
fn of_very_many_faults_the_first_are_told_and_the_rest_counted() {
    let read = read("x: @\n".repeat(1234).as_bytes());
    assert_eq!((read.faults.len(), read.more_faults), (1000, 234));
}

#[test]
fn messages_nest_deeper_than_any_model_and_one_that_is_too_deep_is_passed() {
    // FullTypeDef.args, of a node's experimental_type.
    let start = "meta_graphs { graph_def { node { experimental_type {";
    for (depth, faults) in [(parser::MAX_DEPTH - 4, 0), (parser::MAX_DEPTH - 3, 1), (100_000, 1)] {
        let text = format!("{start} {} {} }} }} }} }}", "args{".repeat(depth), "}".repeat(depth));
        assert_eq!(read(text.as_bytes()).faults.len(), faults, "{depth}");
    }
    let depth = 100_000;
    let unknown = format!("{} {}", "a{".repeat(depth), "}".repeat(depth));
    assert_eq!(read(unknown.as_bytes()).faults, []);
    assert_eq!(read("args{".repeat(depth).as_bytes()).faults.len(), 1);
    assert!(!read(format!("{start}{}", "args{".repeat(depth)).as_bytes()).faults.is_empty());
}

#[test]
fn what_a_text_takes_is_at_most_seven_times_its_size_whatever_it_is_full_of() {
    let in_node = "meta_graphs{graph_def{node{";
    for (around, field) in [
        ("", "a:1 "),
        ("", "a{}"),
        ("", "2{}"),
        ("", "1:1 "),
        ("", "} "),
        ("", "x;"),
        ("", "a{"),
        ("meta_graphs{graph_def{", "1{}"),
        (in_node, "5:''"),
        (in_node, "1:1\n"),
        ("meta_graphs{graph_def{node{input:[", "'',"),
        ("meta_graphs{graph_def{node{attr{value{tensor{", "8:''"),
        ("meta_graphs{graph_def{node{attr{value{", "10{2{2{"),
    ] {
        let text = format!("{around}{}", field.repeat(100_000));
        let read = read(text.as_bytes());
        let Layout::Decoded(decoded) = &read.layout else { panic!("a text has spans of its own") };
        let taken = read.wire.len() + decoded.spans.memory();
        assert!(taken <= 7 * text.len(), "{field:?}: {taken} for {}", text.len());
    }
}

#[test]
fn damage_side_by_side_is_one_field_and_each_fault_is_told() {
    let text = "meta_graphs { } } ; }\nsaved_model_schema_version: 1\n}\n}";
    let read = read(text.as_bytes());
    assert_eq!(read.faults.len(), 4);
    assert_eq!(
        fields_of(text, &[]),
        [
            (2, "meta_graphs { } ", ""),
            (DAMAGED, "} ; }\n", "} ; }\n"),
            (1, "saved_model_schema_version: 1\n", "1"),
            (DAMAGED, "}\n}", "}\n}")
        ]
    );
}

/// Were each read to the end of the text before it is given up, this test would not end.
#[test]
fn lists_and_messages_that_do_not_end_are_given_up_in_one_pass() {
    let lines = 30_000;
    for line in ["x: [\n", "x: [{},\n", "tags: ['a',\n", "[a:\n", "x [ 1, 'a'\n"] {
        let read = read(line.repeat(lines).as_bytes());
        let count = fields(&read.wire, 0..read.wire.len()).count();
        assert!(count == lines || count <= 2, "{line}: {count}");
    }
    for text in ["x {\n", "x: \"\n", "x: {[\n", "graph_def [{\n", "meta_graphs\n", "node: <\n", "}\n", "[\n", "-\n"] {
        assert!(!read(text.repeat(lines).as_bytes()).faults.is_empty(), "{text}");
    }
}

#[test]
fn an_empty_text_is_an_empty_model() {
    for text in ["", " \n", "# nothing"] {
        assert_eq!(wire(text), message(), "{text:?}");
    }
}

// --- ranges of the wire format ---

#[test]
fn a_range_of_the_wire_format_is_the_text_of_its_fields_or_of_a_payload() {
    let text =
        "meta_graphs {\n graph_def {\n  node { name: 'a' }\n  node { name: 'bc' op: 'd' } # d\n  node { }\n }\n}\n";
    let read = read(text.as_bytes());
    let cut = |range| {
        let range = read.layout.part(&range);
        &text[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()]
    };
    let graph = first_len(&read.wire, 0..read.wire.len(), 2).and_then(|graph| first_len(&read.wire, graph, 2)).unwrap();
    let nodes: Vec<Field> = fields(&read.wire, graph.clone()).collect();
    let [first, second, third] = &*nodes else { panic!("{nodes:?}") };
    assert_eq!(cut(second.range()), "  node { name: 'bc' op: 'd' } # d\n");
    assert_eq!(cut(first.start..second.end), "  node { name: 'a' }\n  node { name: 'bc' op: 'd' } # d\n");
    assert_eq!(cut(second.start..third.end), "  node { name: 'bc' op: 'd' } # d\n  node { }\n");
    assert_eq!(cut(graph), "  node { name: 'a' }\n  node { name: 'bc' op: 'd' } # d\n  node { }\n");
    assert_eq!(cut(second.payload()), "name: 'bc' op: 'd' ");
    let name = fields(&read.wire, second.payload()).next().unwrap();
    assert_eq!(cut(name.range()), "name: 'bc' ");
    assert_eq!(cut(name.payload()), "'bc'");
    assert_eq!(cut(name.payload + 1..name.payload_end), "'bc'", "a part of a value is the value");
    assert_eq!(cut(third.payload()), "");
}
