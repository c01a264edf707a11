//! How much a statement reads: counts do not depend on the machine.

use tenrow_sql::Session;

use crate::data;
use crate::db::ask;
use tenrow_tests::place;

/// Reads and bytes of data files and manifests that a statement takes, once the manifests are cached.
async fn cost(session: &Session, sql: &str) -> (u64, u64) {
    let dataset = session.dataset("digits").await.unwrap();
    let root_bytes = dataset.latest().await.unwrap().root().encode().len() as u64;
    let before = dataset.storage().counters();
    ask(session, sql).await;
    let after = dataset.storage().counters();
    // Every statement looks for the newest version: two reads, of which one is the root.
    (after.reads - before.reads - 2, after.bytes_read - before.bytes_read - root_bytes)
}

async fn warm(folder: &std::path::Path) -> Session {
    let session = data::session(folder).await;
    // Leaves and footers are read once.
    ask(&session, "SELECT max(label + score), min(name || split) FROM digits").await;
    session
}

#[tokio::test]
async fn one_row_of_a_tensor_is_one_read_of_its_bytes() {
    let folder = place::folder();
    let session = warm(folder.path()).await;
    assert_eq!(cost(&session, "SELECT image FROM digits WHERE _row = 419").await, (1, 16));
    assert_eq!(cost(&session, "SELECT image FROM digits WHERE _row_id = 419").await, (1, 16));
}

#[tokio::test]
async fn rows_of_a_list_are_read_and_no_others() {
    let folder = place::folder();
    let session = warm(folder.path()).await;
    for sql in [
        "SELECT d.image FROM (VALUES (5), (903)) AS v (n) JOIN digits AS d ON d._row = v.n",
        "SELECT image FROM digits WHERE _row IN (SELECT n FROM (VALUES (5), (903), (5)) AS v (n))",
    ] {
        assert_eq!(cost(&session, sql).await, (2, 2 * 16), "{sql}");
    }
}

#[tokio::test]
async fn counting_and_bounds_read_no_data() {
    let folder = place::folder();
    let session = warm(folder.path()).await;
    for sql in [
        "SELECT count(*) FROM digits",
        "SELECT count(*) FROM digits WHERE _row > 3",
        "SELECT min(label), max(label), min(split), max(name) FROM digits",
        "SELECT _row, _row_id, _partition FROM digits",
        "SELECT label FROM digits WHERE label > 1000",
        "SELECT image FROM digits WHERE split = 'validation'",
        "SELECT image FROM digits WHERE _row = 5000",
        "SELECT count(*) FROM digits WHERE _partition IN (3, 9)",
        "SELECT _row FROM digits WHERE _partition = 3",
    ] {
        assert_eq!(cost(&session, sql).await, (0, 0), "{sql}");
    }
}

#[tokio::test]
async fn a_limit_fetches_tensors_of_no_more_rows() {
    let folder = place::folder();
    let session = warm(folder.path()).await;
    let scalars = cost(&session, "SELECT label FROM digits WHERE label = 3 LIMIT 10").await;
    let both = cost(&session, "SELECT image FROM digits WHERE label = 3 LIMIT 10").await;
    // Near rows are read together: each partition's from its first wanted row to its last.
    assert!(both.1 <= scalars.1 + 10 * 16 * 10, "{both:?} and {scalars:?}");
    let top =
        cost(&session, "SELECT image FROM digits ORDER BY score DESC NULLS LAST LIMIT 3").await;
    let without =
        cost(&session, "SELECT _row FROM digits ORDER BY score DESC NULLS LAST LIMIT 3").await;
    assert!(top.1 <= without.1 + 3 * 16 + 16, "{top:?} and {without:?}");
}
