//! From `--root` to the session that sees these folders.

use std::path::{Path, PathBuf};

use tenrow::storage::Location;
use tenrow_convert::answer_formats;
use tenrow_sql::{RootOption, RootPlace, Session, SessionOptions};

use super::SqlArguments;
use crate::fault::Result;
use crate::stores::Stores;

/// What the session sees, in the words of [`Session`]'s options.
pub(crate) async fn session(arguments: &SqlArguments, stores: &Stores) -> Result<Session> {
    let here = [".".to_owned()];
    let roots = if arguments.roots.is_empty() { &here } else { arguments.roots.as_slice() };
    let mut options = SessionOptions::default();
    for root in roots {
        let (name, location) = name_and_location(root);
        let folder = folder_of_datasets(location, stores).await?;
        let place = RootPlace::Storage(stores.storage(&folder)?);
        options.roots.push(RootOption { name: name.map(str::to_owned), place });
    }
    options = options.with_output_formats(answer_formats());
    for folder in arguments.folders.iter().chain(folders(&arguments.outs)) {
        check_local("--folder", folder)?;
        let made = std::fs::create_dir_all(folder);
        made.map_err(|error| format!("--folder {}: {error}", folder.display()))?;
        options = options.with_output_folder(folder);
    }
    arguments.outs.iter().try_for_each(|out| check_local("--out", out))?;
    options.memory_limit_bytes = arguments.memory;
    Ok(Session::new(&options)?)
}

/// Refuses what lies in a store; its location, which may hold a secret, is not repeated.
fn check_local(option: &str, path: &Path) -> Result<()> {
    let text = path.to_string_lossy();
    let Some((scheme, _)) = text.split_once("://") else { return Ok(()) };
    let reason = "files are written on this machine, not into a store: give a path";
    Err(format!("{option} {scheme}://…: {reason}").into())
}

/// Those of `--out` that are folders, or are to be: they were given so before there was `--folder`.
fn folders(outs: &[PathBuf]) -> impl Iterator<Item = &PathBuf> {
    outs.iter().filter(|out| is_folder(out))
}

fn is_folder(out: &Path) -> bool {
    out.is_dir() || out.to_string_lossy().ends_with('/')
}

/// The file of `--out`, if there is one.
pub(crate) fn file(outs: &[PathBuf]) -> Result<Option<&Path>> {
    let mut files = outs.iter().filter(|out| !is_folder(out));
    match (files.next(), files.next()) {
        (Some(first), Some(second)) => Err(format!(
            "--out: two files, {} and {}: the last answer goes to one",
            first.display(),
            second.display()
        )
        .into()),
        (file, _) => Ok(file.map(PathBuf::as_path)),
    }
}

/// `name=location`, where the name is a plain word; else all is a location.
fn name_and_location(text: &str) -> (Option<&str>, &str) {
    let is_word = |name: &str| {
        let mut chars = name.chars();
        chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
            && chars.all(|c| c.is_alphanumeric() || c == '_')
    };
    match text.split_once('=') {
        Some((name, location)) if is_word(name) => (Some(name), location),
        _ => (None, text),
    }
}

/// The folder at `location`; if that is a dataset, the folder that it is in.
async fn folder_of_datasets(location: &str, stores: &Stores) -> Result<String> {
    let folder = match Location::parse(location)? {
        Location::Local(folder) if !folder.is_dir() => {
            return Err(format!("--root {location}: no such folder").into());
        }
        Location::Local(folder) => folder,
        other => {
            let above = other.parent().map(|parent| parent.to_string());
            let is_dataset = above.is_some() && stores.open(location).await.is_ok();
            return Ok(above.filter(|_| is_dataset).unwrap_or_else(|| other.to_string()));
        }
    };
    let is_dataset = stores.open(location).await.is_ok();
    Ok(match folder.parent() {
        Some(parent) if is_dataset => parent.display().to_string(),
        _ => folder.display().to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_word_before_the_sign_is_a_name() {
        assert_eq!(name_and_location("data=/x/y"), (Some("data"), "/x/y"));
        assert_eq!(name_and_location("./a=b"), (None, "./a=b"));
        assert_eq!(name_and_location("/data/a=1"), (None, "/data/a=1"));
        assert_eq!(name_and_location("/data"), (None, "/data"));
        assert_eq!(name_and_location("2=x"), (None, "2=x"));
    }

    #[test]
    fn one_file_is_written_and_any_number_of_folders() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        assert_eq!(file(&[folder.path().to_owned()]).unwrap(), None);
        let outs = [folder.path().to_owned(), path("a.csv")];
        assert_eq!(file(&outs).unwrap(), Some(path("a.csv").as_path()));
        assert!(
            file(&[path("a.csv"), path("b.csv")]).unwrap_err().to_string().contains("two files")
        );
        assert_eq!(file(&[path("none/")]).unwrap(), None);
        assert_eq!(folders(&[path("none/"), path("a.csv")]).count(), 1);
    }
}
