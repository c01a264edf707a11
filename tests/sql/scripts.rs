//! The files of `slt`, each over fresh datasets.

use std::path::Path;

use sqllogictest::Runner;
use tenrow_sql::{Session, SessionOptions};

use crate::db::Db;
use crate::{corpus, data};
use tenrow_tests::place;

async fn run(name: &str) {
    let folder = place::folder();
    run_over(name, data::session(folder.path()).await).await;
}

async fn run_over(name: &str, session: Session) {
    let mut runner = Runner::new(move || {
        let session = session.clone();
        async move { Ok(Db(session)) }
    });
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql/slt").join(format!("{name}.slt"));
    if let Err(error) = runner.run_file_async(&file).await {
        panic!("{}", error.display(false));
    }
}

macro_rules! scripts {
    ($($name:ident),* $(,)?) => {$(
        #[tokio::test]
        async fn $name() {
            run(stringify!($name)).await;
        }
    )*};
}

scripts!(
    hidden_columns,
    joins,
    versions,
    metadata,
    catalog,
    evolved,
    errors,
    explain,
    insert,
    delete,
    update,
    create_table,
    create_view,
    alter,
);

/// Of a session that may write below one folder.
#[tokio::test]
async fn copy() {
    let (folder, out) = (place::folder(), place::folder());
    data::session(folder.path()).await;
    let options = SessionOptions::default()
        .with_output_formats(tenrow_convert::answer_formats())
        .with_output_folder(out.path());
    let root = place::location(folder.path());
    run_over("copy", Session::new(&options.with_named_root("data", root)).unwrap()).await;
    let text = |name: &str| std::fs::read_to_string(out.path().join(name)).unwrap();
    assert_eq!(text("three.csv"), "_row,label\n0,0\n1,1\n2,2\n");
    assert_eq!(text("first.jsonl").lines().count(), 600);
    let mut names: Vec<String> = std::fs::read_dir(out.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    // Nothing is left of what failed.
    assert_eq!(names, ["digits.parquet", "first.jsonl", "three.csv", "two.arrow", "two.txt"]);
}

#[tokio::test]
async fn recipes() {
    let folder = place::folder();
    corpus::write(folder.path()).await;
    run_over("recipes", data::open(folder.path())).await;
}

/// Running sums over millions of rows.
#[tokio::test]
async fn budgets() {
    let folder = place::folder();
    corpus::documents(folder.path()).await;
    run_over("budgets", data::open(folder.path())).await;
}

#[tokio::test]
async fn every_function() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql/slt/functions");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter_map(|path| Some(format!("functions/{}", path.file_stem()?.to_str()?)))
        .collect();
    names.sort_unstable();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        run(&name).await;
    }
}
