//! Nothing outside of the roots is reached, however it is named.

use tenrow::{Attribute, Columns, Dataset, Schema};
use tenrow_sql::{Session, SessionOptions};

use crate::data;
use crate::db::ask;
use tenrow_tests::place;

async fn dataset(folder: &std::path::Path) {
    let schema = Schema::new([Attribute::parse("x:i64").unwrap()]).unwrap();
    let dataset = Dataset::create(&place::location(folder), schema).await.unwrap();
    let mut writer = dataset.writer().await.unwrap();
    writer.append_columns(Columns::new().scalars("x", [1i64, 2])).await.unwrap();
    writer.commit().await.unwrap();
}

async fn refused(session: &Session, sql: &str) {
    let error = session.sql(sql).await.expect_err(sql).chain();
    assert!(error.contains("nothing outside of the roots can be reached"), "{sql}: {error}");
}

#[cfg(unix)]
#[tokio::test]
async fn links_that_lead_out_of_the_roots_are_not_followed() {
    if !place::needs_folders("a store has no links") {
        return;
    }
    let folder = place::folder();
    let (root, outside) = (folder.path().join("root"), folder.path().join("outside"));
    dataset(&root.join("mine")).await;
    dataset(&outside.join("theirs")).await;
    let link = |from: &str, to: &std::path::Path| {
        std::os::unix::fs::symlink(to, root.join(from)).unwrap();
    };
    link("link", &outside.join("theirs"));
    link("folder", &outside);
    link("alias", &root.join("mine"));
    let session = data::open(&root);
    for path in ["link", "folder/theirs", "./link", "data/link"] {
        refused(&session, &format!("SELECT * FROM '{path}'")).await;
    }
    refused(&session, &format!("SELECT * FROM '{}'", root.join("link").display())).await;
    refused(&session, &format!("SELECT * FROM '{}'", outside.join("theirs").display())).await;
    refused(&session, "SELECT * FROM data.\"folder/theirs\"").await;
    refused(&session, "SELECT * FROM \"link$files\"").await;
    // Links within are names like others.
    assert_eq!(ask(&session, "SELECT sum(x) FROM alias").await, [["3"]]);
    // What is not reached is not listed, and hinders no list.
    let tables = ask(&session, "SHOW TABLES").await;
    let names: Vec<&str> =
        tables.iter().filter(|row| row[1] == "data").map(|row| row[2].as_str()).collect();
    assert!(names.contains(&"mine") && !names.contains(&"link"), "{names:?}");
}

/// A root may itself be a link, and another root may be where a link leads.
#[cfg(unix)]
#[tokio::test]
async fn links_between_roots_are_followed() {
    if !place::needs_folders("a store has no links") {
        return;
    }
    let folder = place::folder();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    dataset(&one.join("a")).await;
    dataset(&two.join("b")).await;
    std::os::unix::fs::symlink(two.join("b"), one.join("b")).unwrap();
    std::os::unix::fs::symlink(&one, folder.path().join("linked")).unwrap();
    let root = |name: &str| place::location(folder.path().join(name));
    let options = SessionOptions::default().with_root(root("linked")).with_root(root("two"));
    let session = Session::new(&options).unwrap();
    assert_eq!(ask(&session, "SELECT count(*) FROM linked.a, linked.b").await, [["4"]]);
}
