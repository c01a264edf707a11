//! How values look, wherever they are shown.

use crate::desk::Desk;

/// One row of each kind of value, and one of nulls.
fn values() -> Desk {
    let desk = Desk::new();
    let attributes = [
        "text:string?",
        "whole:f64?",
        "vector:f32[2]?",
        "many:i16[?]?",
        "words:list<string?>?",
        "both:struct<a:i64?,b:string?>?",
        "names:map<string,i64>?",
        "bytes:binary?",
        "half:f16?",
        "yes:bool?",
    ];
    let create: Vec<&str> = attributes.iter().flat_map(|attribute| ["-a", attribute]).collect();
    desk.ok(&[&["create", "ds"][..], &create].concat());
    let many: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    let row = format!(
        r#"{{"text":"a\u001b[2Jb\nc","whole":1,"vector":[1.5,2],"many":[{}],"words":["x\u001by",null],
        "both":{{"a":1,"b":"q\u0007"}},"names":{{"k\u001b":1}},"bytes":"00ff","half":0.5,"yes":true}}"#,
        many.join(",")
    );
    desk.write("rows.jsonl", row.replace('\n', "") + "\n{}\n").ok(&["import", "ds", "rows.jsonl"]);
    desk
}

/// What stood in a list, a struct or a map was printed as it was stored, escapes and all.
#[test]
fn a_terminal_obeys_no_stored_value() {
    let desk = values();
    #[cfg(feature = "sql")]
    let sql = desk.ok(&["sql", "SELECT * FROM ds"]);
    let shown = [
        desk.ok(&["head", "ds"]),
        desk.ok(&["get", "ds", "0"]),
        #[cfg(feature = "sql")]
        sql,
    ];
    for shown in shown {
        assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
        assert!(shown.contains(r#"["x\u{1b}y", null]"#), "{shown}");
        assert!(shown.contains(r#"{a: 1, b: "q\u{7}"}"#), "{shown}");
        assert!(shown.contains(r"{k\u{1b}: 1}"), "{shown}");
    }
}

#[cfg(feature = "sql")]
#[test]
fn a_value_looks_the_same_in_a_row_and_in_a_table() {
    let desk = values();
    let (head, table) = (desk.ok(&["head", "ds"]), desk.ok(&["sql", "SELECT * FROM ds"]));
    for (name, value) in [
        ("whole", "1.0"),
        ("vector", "f32[2] [1.5, 2]"),
        ("words", r#"["x\u{1b}y", null]"#),
        ("bytes", "2 B: 00ff"),
        ("half", "0.5"),
        ("yes", "true"),
    ] {
        assert!(head.contains(&format!("  {name:6}  {value}\n")), "{name}: {head}");
        assert!(table.contains(value), "{value}: {table}");
        assert!(head.contains(&format!("  {name:6}  null\n")), "{name}: {head}");
    }
    // A row has more room than a cell.
    assert!(head.contains("  many    i16[100] [0, 1, 2, 3, 4, 5, 6, 7, …] (0 to 99, mean 49.5)\n"));
    assert!(table.contains("i16[100] [0, 1, 2, 3, …]  "), "{table}");
}

#[test]
fn names_of_wide_characters_stand_in_columns() {
    let desk = Desk::new();
    desk.ok(&["create", "ds", "-a", "漢字漢字:i64", "-a", "abcde:i64"]);
    desk.write("rows.csv", "漢字漢字,abcde\n1,2\n").ok(&["import", "ds", "rows.csv"]);
    assert_eq!(desk.ok(&["head", "ds"]), "row 0\n  漢字漢字  1\n  abcde     2\n");
}

#[test]
fn a_long_value_is_cut_in_head_and_whole_in_get() {
    let desk = Desk::new();
    let text = "ä".repeat(1000);
    desk.write("rows.csv", format!("t\n{text}\n")).ok(&["import", "ds", "rows.csv"]);
    assert_eq!(desk.ok(&["get", "ds", "0"]), format!("row 0\n  t  \"{text}\"\n"));
    assert_eq!(desk.ok(&["head", "ds"]), format!("row 0\n  t  \"{}…\n", "ä".repeat(299)));
}
