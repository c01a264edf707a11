//! One version of what everything stands on, and modules that use only what is above them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn one_version_of_each_core_dependency() {
    let lock = std::fs::read_to_string(repository().join("Cargo.lock")).unwrap();
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in lock.split("[[package]]") {
        let of = |key: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(key))?;
            Some(line.trim_matches('"'))
        };
        if let (Some(name), Some(version)) = (of("name = "), of("version = ")) {
            versions.entry(name).or_default().push(version);
        }
    }
    let core = ["arrow-array", "arrow-schema", "arrow-buffer", "parquet", "object_store"];
    for name in core {
        assert_eq!(versions[name].len(), 1, "{name}: {:?}", versions[name]);
    }
}

/// Uses of a module that stands below: what may use what, and why.
const EXCEPTIONS: [(&str, &str, &str); 0] = [];

#[test]
fn a_module_uses_only_modules_declared_above_it() {
    let mut wrong = Vec::new();
    for package in ["tenrow-format", "tenrow", "tenrow-convert", "tenrow-sql"] {
        let source = repository().join("crates").join(package).join("src");
        let order = modules(&std::fs::read_to_string(source.join("lib.rs")).unwrap());
        assert!(order.len() > 5, "{package} has no modules?");
        for (place, module) in order.iter().enumerate() {
            for (file, text) in files_of(&source, module) {
                for used in uses(&text) {
                    let Some(other) = order.iter().position(|known| *known == used) else {
                        continue;
                    };
                    let excepted = EXCEPTIONS.contains(&(package, module, &used));
                    if other > place && !excepted {
                        wrong.push(format!(
                            "{package}: {file} uses {used}, which is declared below"
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The modules of a crate, in the order of their `mod` lines; those for tests do not count.
fn modules(lib: &str) -> Vec<String> {
    let lines: Vec<&str> = lib.lines().collect();
    let declared = lines.iter().enumerate().filter_map(|(at, line)| {
        let line = line.trim_start_matches("pub ").trim_start_matches("pub(crate) ");
        let name = line.strip_prefix("mod ")?.strip_suffix(';')?;
        let for_tests = at > 0 && lines[at - 1] == "#[cfg(test)]";
        (!for_tests).then(|| name.to_owned())
    });
    declared.collect()
}

/// The files of a module, by name, but for tests; what follows `#[cfg(test)]` is left out.
fn files_of(source: &Path, module: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut paths = vec![source.join(format!("{module}.rs")), source.join(module)];
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            paths.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.is_file()
            && !path.components().any(|c| c.as_os_str() == "tests")
            && path.file_name().is_some_and(|name| name != "tests.rs")
        {
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
            found.push((path.strip_prefix(source).unwrap().display().to_string(), text));
        }
    }
    found
}

/// The modules that a file names: `crate::name` outside of comments, nested lists included.
fn uses(text: &str) -> Vec<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = code.collect::<Vec<_>>().join("\n");
    let words = code.split("crate::").skip(1);
    words
        .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
        .collect()
}
