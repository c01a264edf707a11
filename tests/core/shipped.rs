//! What users build has the features that the tests were built with: all are tested as one build, in which each dependency
//! has every feature that anything asks for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// Features that only the tests have, and why nothing that is shipped behaves otherwise without them.
const OF_TESTS: &[(&str, &[&str], &str)] = &[
    ("hyper", &["server"], "servers are in tests only"),
    ("hyper-util", &["server", "server-auto"], "servers are in tests only"),
    ("tokio", &["test-util"], "for tests"),
    ("arrow", &["ffi"], "C interfaces, of the Python package"),
    ("arrow-array", &["ffi"], "C interfaces, of the Python package"),
    ("arrow-data", &["ffi"], "C interfaces, of the Python package"),
    ("arrow-schema", &["bitflags", "ffi"], "C interfaces, of the Python package"),
    ("*", &["default", "std", "alloc"], "groups of others, or no behaviour"),
    ("*", &["proto"], "plans as bytes, of the Python package"),
    ("chrono", &["js-sys", "oldtime", "wasm-bindgen", "wasmbind"], "in browsers"),
    ("subtle", &["i128"], "a type more"),
    ("typenum", &["const-generics"], "a type more"),
    ("libc", &["extra_traits"], "traits more"),
    ("rustix", &["termios"], "of the program's prompt"),
    (
        "flate2",
        &["miniz_oxide", "runtime_detection", "rust_backend"],
        "asked for by codecs of pictures, which Python has not: zlib-rs goes before the other backend, and detection is speed",
    ),
    ("simdutf8", &["aarch64_neon", "public_imp"], "speed; asked for by the program alone"),
];
/// The same of the program without SQL, which neither runs queries nor writes Arrow files.
const OF_SQL: &[(&str, &[&str], &str)] = &[
    ("tenrow-cli", &["sql"], "SQL itself"),
    ("arrow-cast", &["comfy-table", "prettyprint"], "tables of the engine"),
    ("arrow-ipc", &["lz4", "lz4_flex", "zstd"], "spilled batches of the engine"),
    ("parquet", &["async", "futures", "object_store", "tokio"], "readers of the engine"),
    (
        "hashbrown",
        &["allocator-api2", "default-hasher", "equivalent", "inline-more", "raw", "raw-entry"],
        "functions more",
    ),
];

/// The features of each package in a build.
fn features(arguments: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--prefix", "none", "-f", "{p}|{f}"])
        .args(arguments)
        .current_dir(workspace)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let Some((package, features)) = line.split_once('|') else { continue };
        let features = features.trim_end_matches(" (*)").split(',').filter(|f| !f.is_empty());
        let mut words = package.split(' ');
        let name = words.by_ref().take(2).collect::<Vec<_>>().join(" ");
        found.entry(name).or_default().extend(features.map(str::to_owned));
    }
    assert!(found.len() > 100, "{} packages", found.len());
    found
}

/// The program without SQL could not show a time with a zone: SQL had brought the feature for it, and so had the tests.
#[test]
fn what_is_shipped_has_the_features_that_are_tested() {
    let tested = features(&["--workspace", "--exclude", "tenrow-benches", "--all-features"]);
    for (what, arguments, without_sql) in [
        ("the program", &["-p", "tenrow-cli"][..], true),
        ("the program with SQL", &["-p", "tenrow-cli", "--features", "sql"], false),
        ("the Python package", &["-p", "tenrow-python"], false),
    ] {
        let arguments = [arguments, &["-e", "no-dev"]].concat();
        let mut missing = Vec::new();
        for (package, shipped) in features(&arguments) {
            let name = package.split(' ').next().unwrap_or_default();
            let of_sql = OF_SQL.iter().filter(|_| without_sql);
            let known: BTreeSet<&str> = OF_TESTS
                .iter()
                .chain(of_sql)
                .filter(|(of, _, _)| *of == "*" || *of == name)
                .flat_map(|(_, features, _)| *features)
                .copied()
                .collect();
            let all = tested.get(&package).into_iter().flatten();
            missing.extend(
                all.filter(|f| !shipped.contains(*f) && !known.contains(f.as_str()))
                    .map(|feature| format!("{package}: {feature}")),
            );
        }
        assert!(missing.is_empty(), "{what} lacks what the tests had: {missing:#?}");
    }
}
