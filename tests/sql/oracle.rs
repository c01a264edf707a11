//! Filters, against what counting over the rows in memory gives.

use tenrow_sql::Session;

use crate::data::{self, DIGITS, evolved_rows, name, score, split};
use crate::db::ask;
use tenrow_tests::place;

/// The `_row`s that a filter over `digits` leaves, in order.
async fn rows(session: &Session, filter: &str) -> Vec<u64> {
    let answer =
        ask(session, &format!("SELECT _row FROM digits WHERE {filter} ORDER BY _row")).await;
    answer.into_iter().map(|row| row[0].parse().unwrap()).collect()
}

#[tokio::test]
async fn filters_leave_the_rows_that_they_should() {
    let folder = place::folder();
    let session = data::session(folder.path()).await;
    type Keeps = fn(u64) -> bool;
    let cases: [(&str, Keeps); 21] = [
        ("label = 3", |r| r % 10 == 3),
        ("label <> 3", |r| r % 10 != 3),
        ("label IN (1, 9)", |r| [1, 9].contains(&(r % 10))),
        ("label BETWEEN 4 AND 6", |r| (4..=6).contains(&(r % 10))),
        ("label > 20", |_| false),
        ("name IS NULL", |r| name(r).is_none()),
        ("name = 'row 401'", |r| r == 401),
        ("name LIKE '%77'", |r| name(r).is_some_and(|name| name.ends_with("77"))),
        ("score > 200", |r| score(r).is_some_and(|s| s > 200.0)),
        ("score BETWEEN 10 AND 20", |r| score(r).is_some_and(|s| (10.0..=20.0).contains(&s))),
        ("score IS NULL", |r| score(r).is_none()),
        ("score = 25 OR label = 0", |r| score(r) == Some(25.0) || r % 10 == 0),
        ("split = 'test' AND label = 5", |r| split(r) == "test" && r % 10 == 5),
        ("NOT (split = 'train')", |r| split(r) != "train"),
        ("_row >= 990 AND label < 5", |r| r >= 990 && r % 10 < 5),
        ("_row IN (3, 700) OR label = 8", |r| [3, 700].contains(&r) || r % 10 == 8),
        ("_row_id = 17", |r| r == 17),
        ("NOT (_row NOT IN (7, NULL))", |r| r == 7),
        ("_row_id IN (7, NULL) AND label = 7", |r| r == 7),
        ("(_row IS DISTINCT FROM 8) AND label NOT IN (3, NULL)", |_| false),
        ("_partition = 4 AND label = 1", |r| r / 100 == 4 && r % 10 == 1),
    ];
    for (filter, keeps) in cases {
        let expected: Vec<u64> = (0..DIGITS).filter(|row| keeps(*row)).collect();
        assert_eq!(rows(&session, filter).await, expected, "{filter}");
        let counted = ask(&session, &format!("SELECT count(*) FROM digits WHERE {filter}")).await;
        assert_eq!(counted[0][0], expected.len().to_string(), "{filter}");
    }
}

#[tokio::test]
async fn every_row_of_an_evolved_dataset_is_what_it_should_be() {
    let folder = place::folder();
    let session = data::session(folder.path()).await;
    let shown = |text: Option<&str>| text.unwrap_or("NULL").to_owned();
    let expected: Vec<Vec<String>> = evolved_rows()
        .into_iter()
        .map(|(id, class, weight, extra, gone, twice)| {
            vec![
                id.to_string(),
                class,
                format!("{weight:?}"),
                format!("{extra:?}"),
                shown(gone),
                twice.to_string(),
            ]
        })
        .collect();
    let all = "SELECT id, class, weight, extra, gone, twice FROM evolved ORDER BY _row";
    assert_eq!(ask(&session, all).await, expected);
    // Each by itself, and by filters: what comes from which file differs.
    for (column, name) in ["id", "class", "weight", "extra", "gone", "twice"].iter().enumerate() {
        let sql = format!("SELECT {name} FROM evolved ORDER BY _row");
        let own: Vec<Vec<String>> = expected.iter().map(|row| vec![row[column].clone()]).collect();
        assert_eq!(ask(&session, &sql).await, own, "{name}");
        let sql = format!(
            "SELECT id, {name} AS value FROM evolved WHERE {name} IS NOT NULL ORDER BY _row"
        );
        let own: Vec<Vec<String>> = expected
            .iter()
            .filter(|row| row[column] != "NULL")
            .map(|row| vec![row[0].clone(), row[column].clone()])
            .collect();
        assert_eq!(ask(&session, &sql).await, own, "{name}");
    }
    for row in [0usize, 9, 10, 42, 43, 44, 90] {
        let sql = format!("SELECT _row, id, image FROM evolved WHERE id = {}", expected[row][0]);
        let id: i64 = expected[row][0].parse().unwrap();
        let image = format!("[{}, {}]", (id * 2) as u8, (id * 2 + 1) as u8);
        assert_eq!(ask(&session, &sql).await, [[row.to_string(), id.to_string(), image]]);
    }
}

#[tokio::test]
async fn whole_rows_come_back_in_order() {
    let folder = place::folder();
    let session = data::session(folder.path()).await;
    let all = ask(&session, "SELECT *, _row FROM digits ORDER BY _row").await;
    assert_eq!(all.len() as u64, DIGITS);
    for (row, found) in all.iter().enumerate() {
        let pixels: Vec<String> = (0..16).map(|i| ((row * 16 + i) as u8).to_string()).collect();
        assert_eq!(found[0], format!("[{}]", pixels.join(", ")));
        assert_eq!(found[5], row.to_string());
    }
}

/// Bounds in files and manifests pass over NaN, which is more than every number.
#[tokio::test]
async fn nan_is_found_where_no_bound_shows_it() {
    let folder = place::folder();
    let location = place::location(folder.path().join("floats"));
    let schema = tenrow::Schema::new([tenrow::Attribute::parse("x:f64").unwrap()]).unwrap();
    let dataset = tenrow::Dataset::create(&location, schema).await.unwrap();
    let mut writer = dataset.writer().await.unwrap();
    let columns = tenrow::Columns::new().scalars("x", [1.0f64, f64::NAN, 2.0]);
    writer.append_columns(columns).await.unwrap();
    writer.commit().await.unwrap();
    let session = data::open(folder.path());
    for (filter, expected) in [
        ("x > 5", vec!["1"]),
        ("x < 5", vec!["0", "2"]),
        ("x <= 2 OR x > 100", vec!["0", "1", "2"]),
        ("x BETWEEN 0 AND 9", vec!["0", "2"]),
        ("x = 3", vec![]),
    ] {
        let sql = format!("SELECT _row FROM floats WHERE {filter} ORDER BY _row");
        let rows = ask(&session, &sql).await;
        assert_eq!(rows.concat(), expected, "{filter}");
    }
    assert_eq!(ask(&session, "SELECT max(x) FROM floats").await, [["NaN"]]);
}
