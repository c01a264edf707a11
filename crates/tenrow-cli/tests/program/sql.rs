//! Questions in SQL, and where their answers go.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::desk::{Desk, carried, people};

/// Three digits with their labels.
fn digits() -> Desk {
    let desk = Desk::new();
    let images = crate::desk::idx(&[3, 2, 2], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    let labels = crate::desk::idx(&[3], &[5, 0, 4]);
    desk.write("images", images).write("labels", labels);
    desk.ok(&["import", "digits", "images", "labels"]);
    desk
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

#[test]
fn an_answer_is_a_table_with_numbers_on_the_right_and_a_count_of_rows() {
    let shown = people().ok(&["sql", "SELECT name, age FROM people WHERE age > 40 ORDER BY age"]);
    let expected = ["name   age", "─────  ───", "Alan    41", "Grace   85", "2 rows"];
    assert_eq!(lines(&shown), expected);
}

#[test]
fn programs_get_csv_json_or_a_line_of_json_for_each_row() {
    let desk = people();
    let query = "SELECT name, nullif(age, 41) AS age FROM people WHERE age < 80";
    let ask = |format: &str| desk.ok(&["sql", query, "--format", format]);
    assert_eq!(ask("csv"), "name,age\nAda,36\nAlan,\n");
    assert_eq!(ask("jsonl"), "{\"name\":\"Ada\",\"age\":36}\n{\"name\":\"Alan\",\"age\":null}\n");
    let array: Value = serde_json::from_str(&ask("json")).unwrap();
    assert_eq!(array, json!([{ "name": "Ada", "age": 36 }, { "name": "Alan", "age": null }]));
    let none = desk.ok(&["sql", "SELECT * FROM people WHERE age < 0", "--format", "json"]);
    assert_eq!(none, "[]\n");
}

#[test]
fn tensors_are_nested_for_programs_and_short_for_people() {
    let desk = digits();
    let query = "SELECT image, label FROM digits ORDER BY label LIMIT 1";
    assert_eq!(
        desk.ok(&["sql", query, "--format", "jsonl"]),
        "{\"image\":[[4,5],[6,7]],\"label\":0}\n"
    );
    assert!(desk.ok(&["sql", query]).contains("u8[2,2] [[4, 5], [6, 7]]"));
}

#[test]
fn a_file_is_written_by_its_extension_and_never_replaced_unasked() {
    let desk = digits();
    let query = "SELECT image, label FROM digits WHERE label > 0";
    let said = desk.ok(&["sql", query, "--out", "some.parquet"]);
    assert_eq!(said, "wrote 2 rows to some.parquet\n");
    desk.ok(&["import", "again", "some.parquet"]);
    assert_eq!(desk.column("again", "image"), [json!([[0, 1], [2, 3]]), json!([[8, 9], [10, 11]])]);

    let complaint = desk.fails(&["sql", query, "--out", "some.parquet"]);
    assert!(complaint.contains("is there already"), "{complaint}");
    desk.ok(&["sql", "SELECT 1 AS one", "--out", "some.parquet", "--force"]);
    let complaint = desk.fails(&["sql", query, "--out", "some.xlsx"]);
    assert!(complaint.contains("unknown extension: known are .parquet"), "{complaint}");
    for name in ["a.csv", "a.json", "a.jsonl", "a.ndjson", "a.arrow", "a.feather"] {
        desk.ok(&["sql", query, "--out", name]);
        assert!(!desk.read(name).is_empty());
    }
}

#[test]
fn a_failing_statement_leaves_no_file() {
    let desk = people();
    desk.fails(&["sql", "SELECT nothing FROM people", "--out", "out.csv"]);
    // It fails in the middle, when its first rows may have been written.
    let query = "SELECT CAST(name AS INT) AS n FROM people";
    desk.fails(&["sql", query, "--out", "out.csv"]);
    let names = std::fs::read_dir(desk.path("")).unwrap();
    let mut names: Vec<_> =
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["people", "people.csv"]);
}

#[test]
fn statements_come_from_arguments_a_file_or_stdin() {
    let desk = people();
    let expected = "n\n3\nname\nAda\n";
    let (count, first) = ("SELECT count(*) AS n FROM people", "SELECT name FROM people LIMIT 1");
    assert_eq!(desk.ok(&["sql", count, first, "--format", "csv"]), expected);
    let both = format!("{count}; -- two; statements\n{first};\n");
    assert_eq!(desk.ok(&["sql", &both, "--format", "csv"]), expected);
    desk.write("both.sql", &both);
    assert_eq!(desk.ok(&["sql", "--file", "both.sql", "--format", "csv"]), expected);
    for arguments in [vec!["sql", "--format", "csv"], vec!["sql", "-", "--format", "csv"]] {
        let output = with_stdin(&desk, &arguments, &both);
        assert_eq!(output, expected, "{arguments:?}");
    }
}

fn with_stdin(desk: &Desk, arguments: &[&str], text: &str) -> String {
    let mut child = program(desk, arguments).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

fn program(desk: &Desk, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tenrow"));
    command.current_dir(desk.path("")).args(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn the_first_statement_that_fails_is_named_and_the_last() {
    let desk = people();
    let complaint = desk.fails(&["sql", "SELECT 1; SELECT nme FROM people; SELECT * FROM no"]);
    assert!(complaint.contains("statement 2 of 3 (SELECT nme FROM people): "), "{complaint}");
    assert!(desk.fails(&["sql", "SELECT 'a"]).contains("unterminated string"));
    assert!(desk.fails(&["sql", " ; "]).contains("no statement"));
    let complaint = desk.fails(&["sql", "SELECT * FROM peple"]);
    assert!(complaint.contains("did you mean 'people'?"), "{complaint}");
}

#[test]
fn roots_are_schemas_and_a_dataset_stands_for_its_folder() {
    let desk = people();
    desk.ok(&["clone", "people", "other/people"]);
    let count = |arguments: &[&str], query: &str| {
        let mut all = vec!["sql", query, "--format", "csv"];
        all.extend(arguments);
        desk.ok(&all)
    };
    let roots = ["--root", "a=.", "--root", "b=other"];
    let joined = "SELECT count(*) AS n FROM a.people x JOIN b.people y ON x.name = y.name";
    assert_eq!(count(&roots, joined), "n\n3\n");
    let plain = "SELECT count(*) AS n FROM people";
    assert_eq!(count(&["--root", "other/people"], plain), "n\n3\n");
    let complaint = desk.fails(&["sql", plain, "--root", "nowhere"]);
    assert!(complaint.contains("nowhere: no such folder"), "{complaint}");
    let complaint = desk.fails(&["sql", "SELECT * FROM '../people'", "--root", "other"]);
    assert!(complaint.contains("nothing outside of the roots can be reached"), "{complaint}");
}

#[test]
fn two_columns_of_one_name_need_another_name_in_json() {
    let desk = people();
    let query = "SELECT x.age, y.age FROM people x JOIN people y ON x.name = y.name";
    assert!(desk.fails(&["sql", query, "--format", "json"]).contains("rename one with AS"));
    assert!(desk.ok(&["sql", query, "--format", "csv"]).starts_with("age,age\n"));
}

#[test]
fn what_is_not_text_is_one_answer() {
    let desk = people();
    let complaint = desk.fails(&["sql", "SELECT 1; SELECT 2", "--format", "parquet"]);
    assert!(complaint.contains("stdout takes one answer"), "{complaint}");
    desk.refused(&["sql", "SELECT 1", "--format", "xlsx"]);
    desk.refused(&["sql", "SELECT 1", "--memory", "much"]);
    desk.refused(&["sql", "SELECT 1", "--file", "x.sql"]);
}

#[test]
fn plans_have_their_lines_and_timing_is_told_if_asked_for() {
    let desk = people();
    let plan = desk.ok(&["sql", "EXPLAIN SELECT name FROM people WHERE age > 40"]);
    assert!(plan.starts_with("logical_plan\n  ") && plan.contains("\nphysical_plan\n  "), "{plan}");
    let timed = desk.ok(&["sql", "SELECT 1 AS one", "--timing"]);
    assert!(timed.ends_with(" ms\n") && timed.contains("1 row in "), "{timed}");
    let remarks = desk.remarks(&["sql", "SELECT 1 AS one", "--timing", "--format", "csv"]);
    assert!(remarks.starts_with("1 row in "), "{remarks}");
}

#[test]
fn settings_are_confirmed_and_hold_for_the_statements_after_them() {
    let desk = people();
    let text = "SET datafusion.execution.batch_size = 100; SELECT 1 AS one";
    assert_eq!(lines(&desk.ok(&["sql", text])), ["OK", "one", "───", "  1", "1 row"]);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let desk = people();
    let query = "SELECT unnest(generate_series(1, 1000000)) AS value";
    for format in ["table", "csv", "json", "jsonl", "arrow"] {
        let mut child = program(&desk, &["sql", query, "--format", format]).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), complaint.as_str()), (Some(0), ""), "{format}");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_statement_with_130_and_leaves_no_file() {
    let desk = people();
    let query = "WITH n AS (SELECT unnest(generate_series(1, 1000000)) AS value) \
        SELECT a.value FROM n a JOIN n b ON a.value * b.value % 7 = 1";
    let mut child = program(&desk, &["sql", query, "--out", "out.csv"]).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(2));
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    let names = std::fs::read_dir(desk.path("")).unwrap();
    assert_eq!(names.count(), 2, "people and people.csv");
}

#[test]
fn the_digits_that_the_program_carries_can_be_asked() {
    let desk = Desk::new();
    let [images, labels] = ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"].map(carried);
    desk.ok(&["import", "digits", &images, &labels]);
    let query = "SELECT label, count(*) AS n FROM digits GROUP BY label ORDER BY n DESC LIMIT 1";
    assert_eq!(desk.ok(&["sql", query, "--format", "csv"]), "label,n\n1,1135\n");
}

#[test]
fn a_query_chooses_the_rows_of_a_view_and_its_version() {
    let desk = people();
    let query = "SELECT _row FROM people WHERE age > 40 ORDER BY age DESC";
    let made = desk.ok(&["view", "create", "people", "old", query]);
    assert_eq!(made, "view old: 2 rows of version 2\n");
    let views = desk.json(&["view", "list", "people", "--json"]);
    assert_eq!(views[0]["query"], query);
    let names = desk.ok(&["sql", "SELECT name FROM \"people#old\"", "--format", "csv"]);
    assert_eq!(names, "name\nGrace\nAlan\n");

    desk.ok(&["delete", "people", "--rows", "0"]);
    let past = "SELECT _row FROM \"people@2\" WHERE name = 'Ada'";
    assert_eq!(
        desk.ok(&["view", "create", "people", "first", past]),
        "view first: 1 row of version 2\n"
    );
    let refused = |query: &str| desk.fails(&["view", "create", "people", "x", query]);
    assert!(refused("SELECT name FROM people").contains("the one column _row, found name"));
    assert!(refused("SELECT 1 AS _row").contains("does not read people"));
    let both = "SELECT a._row FROM people a JOIN \"people@2\" b ON a.name = b.name";
    assert!(refused(both).contains("several versions"));
    let part = "SELECT _row FROM \"people#old\" LIMIT 1";
    assert_eq!(
        desk.ok(&["view", "create", "people", "oldest", part]),
        "view oldest: 1 row of version 2\n"
    );
    desk.refused(&["view", "create", "people", "x"]);
    desk.refused(&["view", "create", "people", "x", query, "--version", "2"]);
}

#[test]
fn statements_that_change_something_say_what_they_did() {
    let desk = people();
    let said = |sql: &str| desk.ok(&["sql", sql]);
    assert_eq!(
        said("INSERT INTO people (name, age) VALUES ('Edsger', 72)"),
        "OK, 1 row, version 3\n"
    );
    assert_eq!(said("UPDATE people SET age = age + 1"), "OK, 4 rows, version 4\n");
    assert_eq!(said("DELETE FROM people WHERE name = 'Edsger'"), "OK, 1 row, version 5\n");
    assert_eq!(said("DELETE FROM people WHERE false"), "OK, version 5\n");
    assert_eq!(said("ALTER TABLE people ADD COLUMN note VARCHAR"), "OK, version 6\n");
    assert_eq!(
        said("CREATE TABLE young AS SELECT * FROM people LIMIT 1"),
        "OK, 1 row, version 1\n"
    );
    let refused = desk.fails(&["sql", "COPY people TO 'people.json'"]);
    assert!(refused.contains("--folder"), "{refused}");
    let copied = desk.ok(&["sql", "COPY young TO 'young.csv'", "--folder", "files"]);
    assert_eq!(copied, "OK, 1 row\n");
    assert!(desk.path("files/young.csv").exists());
}

#[test]
fn a_statement_is_shown_by_what_it_means_wherever_it_comes_from() {
    let desk = people();
    let asked = [
        ("-- SELECT\nEXPLAIN SELECT 1 AS one", "logical_plan\n  Projection"),
        ("; /* EXPLAIN */ (SELECT 1 AS one)", "one\n───\n  1\n1 row\n"),
        ("VALUES (1)", "column1\n"),
        ("TABLE people LIMIT 1", "name "),
        ("WITH t AS (SELECT 1 AS one) SELECT one FROM t", "one\n───\n  1\n1 row\n"),
        ("SHOW TABLES", "table_catalog "),
        ("DESCRIBE people", "column_name "),
        ("-- x\nDELETE FROM people WHERE false", "OK, version 2\n"),
        ("SELECT 1 AS explain", "explain\n"),
    ];
    for (statement, expected) in asked {
        let shown = desk.ok(&["sql", statement]);
        assert!(shown.starts_with(expected), "{statement}: {shown}");
        assert_eq!(with_stdin(&desk, &["sql"], statement), shown);
        desk.write("one.sql", statement);
        assert_eq!(desk.ok(&["sql", "--file", "one.sql"]), shown);
        let twice = desk.ok(&["sql", &format!("{statement};;\n{statement}")]);
        assert_eq!(twice, format!("{shown}{shown}"));
    }
}

#[test]
fn values_are_given_beside_statements() {
    let desk = people();
    let csv = ["--format", "csv"];
    let ask = |arguments: &[&str]| desk.ok(&[&["sql"], arguments, &csv].concat());
    let by_age = "SELECT name FROM people WHERE age > $1 ORDER BY name";
    assert_eq!(ask(&[by_age, "--parameter", "40"]), "name\nAlan\nGrace\n");
    assert_eq!(ask(&[by_age, "--parameter", "-1.5"]), "name\nAda\nAlan\nGrace\n");
    assert_eq!(ask(&[by_age, "--parameter", "NULL"]), "name\n");
    let by_name = "SELECT age FROM people WHERE name = $name";
    assert_eq!(ask(&[by_name, "--parameter", "name=Ada"]), "age\n36\n");
    assert_eq!(ask(&[by_name, "--parameter", "name=' OR true --"]), "age\n");
    let both = format!("{by_age};\n{by_name}");
    let values = ["--parameter", "name=Ada", "--parameter", "40"];
    assert_eq!(ask(&[&[both.as_str()], &values[..]].concat()), "name\nAlan\nGrace\nage\n36\n");
    desk.write("both.sql", &both);
    let from_file = ask(&[&["--file", "both.sql"], &values[..]].concat());
    assert_eq!(from_file, "name\nAlan\nGrace\nage\n36\n");
    let from_stdin = with_stdin(&desk, &[&["sql", "-"], &values[..], &csv].concat(), &both);
    assert_eq!(from_stdin, from_file);

    let said = desk.ok(&[
        "sql",
        "UPDATE people SET age = $1 WHERE name = $2",
        "--parameter",
        "37",
        "--parameter",
        "Ada",
    ]);
    assert_eq!(said, "OK, 1 row, version 3\n");
    desk.ok(&[
        "sql",
        "INSERT INTO people (name, age) VALUES ($1, $2)",
        "--parameter",
        "007",
        "--parameter",
        "7",
    ]);
    desk.ok(&["sql", "DELETE FROM people WHERE name = $1", "--parameter", "Grace"]);
    let left = "name,age\n007,7\nAda,37\nAlan,41\n";
    assert_eq!(ask(&["SELECT name, age FROM people ORDER BY name"]), left);
    let plan =
        desk.ok(&["sql", "EXPLAIN SELECT name FROM people WHERE age = $1", "--parameter", "7"]);
    assert!(plan.starts_with("logical_plan\n") && !plan.contains("$1"), "{plan}");

    let delete = "DELETE FROM people WHERE age = $1";
    for (arguments, expected) in [
        (vec![delete], "no value is given for $1"),
        (
            vec![delete, "--parameter", "1", "--parameter", "2"],
            "--parameter 2: no statement has $2",
        ),
        (vec![delete, "--parameter", "old"], "$1 is \"old\", which is no number"),
        (vec![delete, "--parameter", "age=7"], "$1 is \"age=7\", which is no number"),
        (
            vec!["EXPLAIN DELETE FROM people WHERE age = $1", "--parameter", "old"],
            "which is no number",
        ),
        (vec!["SELECT 1", "--parameter", "1"], "no statement has $1"),
    ] {
        let complaint = desk.fails(&[&["sql"], arguments.as_slice()].concat());
        assert!(complaint.contains(expected), "{arguments:?}: {complaint}");
    }
    assert_eq!(ask(&["SELECT name, age FROM people ORDER BY name"]), left);
}
