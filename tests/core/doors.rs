//! The public names of the library: each has one door, and an example.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The doors of `tenrow`: what one writes before a name, and the file that exports it.
const DOORS: [(&str, &str); 3] =
    [("tenrow", "lib.rs"), ("tenrow::engine", "engine.rs"), ("tenrow::storage", "storage/mod.rs")];

fn source(of: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates").join(of).join("src")
}

/// The names that a file hands on by `pub use`, and those of its own types.
fn exported(text: &str) -> Vec<String> {
    let uses = text.split("\npub use ").skip(1).filter_map(|rest| rest.split(';').next());
    let names = uses.flat_map(|tree| {
        let list = tree.split_once('{').map_or(tree, |(_, list)| list.trim_end_matches('}'));
        list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect::<Vec<_>>()
    });
    names
        .map(|name| name.rsplit("::").next().unwrap_or(name))
        .map(|name| name.split(" as ").last().unwrap_or(name).to_owned())
        .chain(types(text).into_iter().map(|(name, _)| name))
        .collect()
}

#[test]
fn each_name_of_the_library_has_one_door() {
    let mut doors: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (door, file) in DOORS {
        let text = std::fs::read_to_string(source("tenrow").join(file)).unwrap();
        for name in exported(&text) {
            doors.entry(name).or_default().push(door);
        }
        let everything = text.lines().filter(|line| line.starts_with("pub use"));
        assert!(!everything.clone().any(|line| line.contains('*')), "{file}");
    }
    assert!(doors.len() > 80, "{} names were met", doors.len());
    doors.retain(|_, doors| doors.len() > 1);
    assert!(doors.is_empty(), "{doors:?}");
}

/// The public types of a file, and whether their documentation has an example.
fn types(text: &str) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    let (mut has_example, mut is_documented) = (false, false);
    for line in text.lines() {
        let kind = ["pub struct ", "pub enum ", "pub trait ", "pub type "];
        if let Some(rest) = kind.iter().find_map(|kind| line.strip_prefix(kind)) {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            found.push((rest[..end.unwrap_or(rest.len())].to_owned(), has_example));
        }
        is_documented = line.starts_with("///") || line.starts_with("#[") && is_documented;
        has_example = is_documented && (has_example || line.starts_with("/// ```"));
    }
    found
}

#[test]
fn every_public_type_has_an_example() {
    let (mut met, mut without) = (0, Vec::new());
    for (package, files) in [
        ("tenrow", &["lib.rs", "engine.rs", "storage/mod.rs"][..]),
        ("tenrow-format", &["lib.rs", "manifest/mod.rs", "partition/mod.rs"]),
        ("tenrow-values", &["lib.rs", "text/mod.rs"]),
        ("tenrow-sql", &["lib.rs"]),
    ] {
        let source = source(package);
        let exported: Vec<String> = files
            .iter()
            .flat_map(|file| exported(&std::fs::read_to_string(source.join(file)).unwrap()))
            .collect();
        let mut paths = vec![source];
        while let Some(path) = paths.pop() {
            if path.is_dir() {
                paths.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for (name, has_example) in types(&text) {
                if exported.contains(&name) {
                    met += 1;
                    without.extend((!has_example).then(|| format!("{}: {name}", path.display())));
                }
            }
        }
    }
    assert!(met > 120, "{met} types were met");
    assert!(without.is_empty(), "{}", without.join("\n"));
}
