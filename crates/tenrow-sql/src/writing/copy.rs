//! `COPY (SELECT …) TO 'file' [STORED AS format]`: an answer as a file, below the folders that the session may write to.

use std::path::{Component, Path, PathBuf};

use datafusion::sql::parser::{CopyToSource, CopyToStatement, Statement};
use datafusion::sql::sqlparser::ast::{ObjectName, Query, Statement as SqlStatement};
use tempfile::NamedTempFile;
use tenrow::{Error, ErrorKind, Result};

use super::query::ask;
use super::refuse;

use crate::catalog::Tables;
use crate::rewrite::{name_paths, parse_one};
use crate::session::{Change, Session};

pub(super) async fn run(session: &Session, copy: &CopyToStatement) -> Result<Change> {
    refuse(
        "COPY",
        &[
            (!copy.partitioned_by.is_empty(), "PARTITIONED BY"),
            (!copy.options.is_empty(), "OPTIONS"),
        ],
    )?;
    let target = Path::new(&copy.target);
    let Some(formats) = session.output_formats() else {
        return Err(refused(target));
    };
    let name = copy.stored_as.as_ref().map(|name| name.to_lowercase());
    let create = formats.format_of(target, name.as_deref())?;
    let path = allowed(session.output_folders(), target)?;
    let mut answer = ask(session, &mut Tables::new(session.roots()), query(copy)?).await?;
    let folder = path.parent().unwrap_or(&path);
    // Whole or not at all: the file gets its name when it is complete.
    let file =
        NamedTempFile::new_in(folder).map_err(|e| io(folder, "a file cannot be made in it", e))?;
    let out = file.reopen().map_err(|e| io(&path, "cannot be written", e))?;
    let mut sink = create(answer.schema(), Box::new(out))?;
    let mut rows = 0;
    while let Some(batch) = answer.next().await? {
        rows += batch.num_rows() as u64;
        sink.write(&batch)?;
    }
    sink.finish()?;
    file.as_file().sync_all().map_err(|e| io(&path, "cannot be made durable", e))?;
    file.persist_noclobber(&path).map_err(|error| match error.error.kind() {
        std::io::ErrorKind::AlreadyExists => exists(&path),
        _ => io(&path, "cannot be named", error.error),
    })?;
    Ok(Change { rows, version: None })
}

/// What is written, as a query.
pub(super) fn query(copy: &CopyToStatement) -> Result<Query> {
    match &copy.source {
        CopyToSource::Query(query) => Ok(query.as_ref().clone()),
        CopyToSource::Relation(name) => all_of(name),
    }
}

fn all_of(name: &ObjectName) -> Result<Query> {
    let mut statement = parse_one(&format!("SELECT * FROM {name}"))?;
    name_paths(&mut statement);
    match statement {
        Statement::Statement(statement) => match *statement {
            SqlStatement::Query(query) => Ok(*query),
            _ => Err(Error::invalid(format!("COPY {name}: not a dataset"))),
        },
        _ => Err(Error::invalid(format!("COPY {name}: not a dataset"))),
    }
}

/// Where `target` may be written: below one of `folders`, links followed; a relative path is below the first.
fn allowed(folders: &[PathBuf], target: &Path) -> Result<PathBuf> {
    let shown = target.display();
    let Some(first) = folders.first() else {
        return Err(refused(target));
    };
    let outside = || {
        let names: Vec<String> = folders.iter().map(|f| f.display().to_string()).collect();
        Error::invalid(format!(
            "COPY TO {shown} is outside of the folders that may be written to: {}",
            names.join(", ")
        ))
    };
    if target.components().any(|part| part == Component::ParentDir) {
        return Err(outside());
    }
    let path = first.join(target);
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Error::invalid(format!("COPY TO {shown} names no file")));
    };
    let parent = parent.canonicalize().map_err(|e| io(parent, "the folder cannot be used", e))?;
    let is_below =
        |folder: &PathBuf| folder.canonicalize().is_ok_and(|folder| parent.starts_with(folder));
    if !folders.iter().any(is_below) {
        return Err(outside());
    }
    let path = parent.join(name);
    match path.symlink_metadata() {
        Ok(_) => Err(exists(&path)),
        Err(_) => Ok(path),
    }
}

fn refused(target: &Path) -> Error {
    let shown = target.display();
    Error::invalid(format!(
        "COPY TO {shown}: the session may not write files; give it a folder with --folder"
    ))
}

fn exists(path: &Path) -> Error {
    let reason = format!("{} exists already: remove it, or choose another name", path.display());
    Error::new(ErrorKind::AlreadyExists, reason)
}

fn io(path: &Path, what: &str, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("{}: {what}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_written_below_the_folders_and_nowhere_else() {
        let (out, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let folders = [out.path().to_owned()];
        std::fs::create_dir(out.path().join("sub")).unwrap();
        std::fs::write(out.path().join("there.csv"), "").unwrap();
        let real = out.path().canonicalize().unwrap();
        let asked = |target: &str| allowed(&folders, Path::new(target));
        assert_eq!(asked("a.csv").unwrap(), real.join("a.csv"));
        assert_eq!(asked("sub/a.csv").unwrap(), real.join("sub/a.csv"));
        let absolute = out.path().join("a.csv").display().to_string();
        assert_eq!(asked(&absolute).unwrap(), real.join("a.csv"));
        for target in ["../a.csv", "sub/../../a.csv", "/etc/a.csv", "there.csv", "none/a.csv", "/"]
        {
            assert!(asked(target).is_err(), "{target}");
        }
        assert!(allowed(&[], Path::new("a.csv")).unwrap_err().to_string().contains("--folder"));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(other.path(), out.path().join("link")).unwrap();
            let error = asked("link/a.csv").unwrap_err().to_string();
            assert!(error.contains("outside of the folders"), "{error}");
        }
    }
}
