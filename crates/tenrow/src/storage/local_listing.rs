//! What lies in a local folder, whatever names people gave to what is none of ours.

use std::io;
use std::path::{Path as FilePath, PathBuf};

use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use object_store::path::{Path, PathPart};
use object_store::{ObjectMeta, Result};

use super::file_error::{FileError, store_error};
use crate::blocking;

/// The objects below `prefix` of `root`, folder by folder; none if there is no such folder.
///
/// Names that no object can have are passed over, and so are links that lead nowhere or to a folder above: object_store's
/// own listing ends at the first of them.
pub(super) fn objects(root: PathBuf, prefix: Path) -> BoxStream<'static, Result<ObjectMeta>> {
    stream::try_unfold(vec![prefix], move |mut folders| {
        let root = root.clone();
        async move {
            let Some(folder) = folders.pop() else { return Ok::<_, object_store::Error>(None) };
            let place = root.join(folder.as_ref());
            let read = {
                let (folder, place) = (folder, place.clone());
                blocking::run(move || read(&folder, &place)).await
            };
            let found = match read {
                Err(error) if is_no_folder(&error) => Found::default(),
                found => {
                    found.map_err(|error| store_error(FileError::new("list", &place)(error)))?
                }
            };
            folders.extend(found.folders);
            Ok(Some((stream::iter(found.objects.into_iter().map(Ok)), folders)))
        }
    })
    .try_flatten()
    .boxed()
}

/// The names of the folders in `place`, sorted; none if there is no such folder.
pub(super) fn folder_names(place: &FilePath) -> io::Result<Vec<String>> {
    let found = match read(&Path::default(), place) {
        Err(error) if is_no_folder(&error) => return Ok(Vec::new()),
        found => found?,
    };
    let names = found.folders.iter().filter_map(|folder| folder.filename());
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort_unstable();
    Ok(names)
}

fn is_no_folder(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[derive(Default)]
struct Found {
    objects: Vec<ObjectMeta>,
    folders: Vec<Path>,
}

/// What lies right in `place`, which is called `folder`.
fn read(folder: &Path, place: &FilePath) -> io::Result<Found> {
    let entries = std::fs::read_dir(place)?;
    let real = place.canonicalize()?;
    let mut found = Found::default();
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let Ok(name) = PathPart::parse(&name) else { continue };
        let path: Path = folder.parts().chain([name]).collect();
        // Of a link, what it leads to. One that leads nowhere is nothing, and so is a file that went meanwhile.
        let Ok(metadata) = std::fs::metadata(entry.path()) else { continue };
        if metadata.is_file() {
            let last_modified = metadata.modified()?.into();
            let (size, e_tag, version) = (metadata.len(), None, None);
            found.objects.push(ObjectMeta { location: path, last_modified, size, e_tag, version });
        } else if metadata.is_dir() {
            let is_link = entry.file_type()?.is_symlink();
            let leads_up = || entry.path().canonicalize().is_ok_and(|to| real.starts_with(to));
            if !(is_link && leads_up()) {
                found.folders.push(path);
            }
        }
    }
    Ok(found)
}
