//! The files of `slt`, each over fresh datasets.

use std::path::Path;

use sqllogictest::Runner;

use crate::data;
use crate::db::Db;

async fn run(name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let session = data::session(folder.path()).await;
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
    insert,
    delete,
    update,
    create_table,
    create_view,
    alter,
    copy,
);

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
