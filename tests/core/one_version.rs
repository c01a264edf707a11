//! One version of what everything stands on, and modules that use only what is above them.

use std::collections::{BTreeMap, BTreeSet};
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

#[test]
fn a_module_uses_only_modules_declared_above_it() {
    let mut wrong = Vec::new();
    for (package, root, files) in [
        ("tenrow-format", "lib.rs", 40),
        ("tenrow", "lib.rs", 100),
        ("tenrow-values", "lib.rs", 15),
        ("tenrow-convert", "lib.rs", 40),
        ("tenrow-sql", "lib.rs", 70),
        ("tenrow-cli", "main.rs", 40),
        ("tenrow-python", "lib.rs", 15),
    ] {
        let source = repository().join("crates").join(package).join("src");
        let order = modules(&std::fs::read_to_string(source.join(root)).unwrap());
        let mut read = 0;
        for (place, module) in order.iter().enumerate() {
            for (file, text) in files_of(&source, module) {
                read += 1;
                let depth = file.trim_end_matches("/mod.rs").matches('/').count();
                let mut used = uses(&text);
                used.extend(used_by(&text, &"super::".repeat(depth + 1)));
                let below = order[place + 1..].iter().filter(|other| used.contains(*other));
                wrong.extend(below.map(|other| {
                    format!("{package}: {file} uses {other}, which is declared below")
                }));
            }
        }
        assert!(read >= files, "{package}: {read} files were read");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Folders whose modules use each other in a circle, and why.
const CIRCLES: [(&str, &str); 1] = [
    // A list of Python has lists in it: what reads the one reads the other.
    ("tenrow-python", "values"),
];

#[test]
fn no_modules_beside_each_other_use_each_other_in_a_circle() {
    let packages = [
        "tenrow-format",
        "tenrow",
        "tenrow-values",
        "tenrow-convert",
        "tenrow-sql",
        "tenrow-cli",
        "tenrow-python",
    ];
    let (mut read, mut wrong) = (0, Vec::new());
    for package in packages {
        let source = repository().join("crates").join(package).join("src");
        let mut folders = vec![source.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() && path.file_name().is_some_and(|name| name != "tests") {
                    folders.push(path);
                }
            }
            let below = folder.strip_prefix(&source).unwrap().display().to_string();
            let Ok(root) = std::fs::read_to_string(folder.join("mod.rs")) else { continue };
            let full = format!("crate::{}::", below.replace('/', "::"));
            let mut uses = BTreeMap::new();
            for module in modules(&root) {
                let mut used = BTreeSet::new();
                for (file, text) in files_of(&folder, &module) {
                    read += 1;
                    let depth = file.trim_end_matches("/mod.rs").matches('/').count();
                    used.extend(used_by(&text, &full));
                    used.extend(used_by(&text, &"super::".repeat(depth + 1)));
                }
                used.remove(&module);
                uses.insert(module, used);
            }
            let circle = circle(uses);
            if !circle.is_empty() && !CIRCLES.contains(&(package, &below)) {
                wrong.push(format!("{package}: {below}: {circle:?}"));
            }
        }
    }
    assert!(read > 200, "{read} files were read");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is left when everything that uses nothing that is left, or that nothing left uses, was taken away.
fn circle(mut uses: BTreeMap<String, BTreeSet<String>>) -> BTreeMap<String, BTreeSet<String>> {
    let known: BTreeSet<String> = uses.keys().cloned().collect();
    uses.values_mut().for_each(|used| used.retain(|name| known.contains(name)));
    loop {
        let is_free = |name: &&String| {
            uses[*name].is_empty() || !uses.values().any(|used| used.contains(*name))
        };
        let Some(free) = uses.keys().find(is_free).cloned() else { return uses };
        uses.remove(&free);
        for used in uses.values_mut() {
            used.remove(&free);
        }
    }
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
        let below = path.strip_prefix(source).unwrap();
        if path.is_dir() {
            paths.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.is_file()
            && !below.components().any(|c| c.as_os_str() == "tests")
            && path.file_name().is_some_and(|name| name != "tests.rs")
        {
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
            found.push((below.display().to_string(), text));
        }
    }
    found
}

fn uses(text: &str) -> BTreeSet<String> {
    used_by(text, "crate::")
}

/// What a file names behind `prefix`, as `crate::name` and `crate::{name, …}`, outside of comments.
fn used_by(text: &str, prefix: &str) -> BTreeSet<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = code.collect::<Vec<_>>().join("\n");
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices(prefix) {
        if code[..at].ends_with("super::") {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            None => drop(found.insert(word(rest))),
            Some(list) => {
                let mut depth = 0;
                let mut begins = true;
                for (at, c) in list.char_indices() {
                    match c {
                        '}' if depth == 0 => break,
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        ',' if depth == 0 => begins = true,
                        c if c.is_whitespace() => {}
                        _ if begins => {
                            found.insert(word(&list[at..]));
                            begins = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    found
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn what_a_file_uses_is_found_in_every_form() {
    let text = "use crate::one::Two;\nuse crate::{three::{Four, five}, six};\n// crate::seven\nfn f() { crate::eight::g() }";
    assert_eq!(uses(text).into_iter().collect::<Vec<_>>(), ["eight", "one", "six", "three"]);
}

/// Modules of Python that use each other are loaded in an order that only luck makes right.
#[test]
fn no_python_modules_use_each_other_in_a_circle() {
    let folder = repository().join("crates/tenrow-python/python/tenrow");
    let mut uses = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "py") {
            let text = std::fs::read_to_string(&path).unwrap();
            uses.insert(path.file_stem().unwrap().display().to_string(), python_uses(&text));
        }
    }
    assert!(uses.len() >= 15, "{} files were read", uses.len());
    assert!(uses["_readable"].contains("_column"), "{:?}", uses["_readable"]);
    // What uses nothing that is left is taken away, until nothing can be.
    while let Some(free) = uses.iter().find(|(_, used)| used.iter().all(|u| !uses.contains_key(u)))
    {
        let free = free.0.clone();
        uses.remove(&free);
    }
    assert!(uses.is_empty(), "in circles: {uses:?}");
}

/// The modules of the package that a file imports, wherever it does, but for what only type checkers see.
fn python_uses(text: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    let mut is_for_types = false;
    for line in text.lines() {
        if !line.starts_with(' ') && !line.is_empty() {
            is_for_types = line == "if TYPE_CHECKING:";
        }
        let Some(import) = line.trim_start().strip_prefix("from .").filter(|_| !is_for_types)
        else {
            continue;
        };
        match import.strip_prefix(" import ") {
            Some(names) => used.extend(names.split(", ").map(word)),
            None => drop(used.insert(word(import))),
        }
    }
    used
}
