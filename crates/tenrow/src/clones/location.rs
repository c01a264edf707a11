//! How one dataset names the place of another.

use crate::error::{Error, Result};
use crate::storage::Storage;

/// How the dataset at `other` names the place of `storage`: as its neighbour, so that both can be moved together,
/// else by the whole path.
pub(crate) fn location_for(storage: &Storage, other: &Storage) -> Result<String> {
    if let (Some(own), Some(other)) = (storage.remote_location(), other.remote_location()) {
        return Ok(match own.name_beside(other) {
            Some(name) => format!("../{name}"),
            None => own.to_string(),
        });
    }
    if let Some(own) = storage.remote_location() {
        return Ok(own.to_string());
    }
    let (Some(folder), Some(real)) = (storage.folder(), storage.real_folder()) else {
        return Err(Error::unsupported(format!(
            "{storage} has no location that another dataset could name"
        )));
    };
    // Neighbours are where the folders are, whatever links lead there.
    let parent = other.real_folder().and_then(|other| other.parent().map(ToOwned::to_owned));
    let neighbour =
        real.file_name().filter(|_| parent.is_some() && real.parent() == parent.as_deref());
    let location = match neighbour {
        Some(name) => name.to_str().map(|name| format!("../{name}")),
        None => folder.to_str().map(ToOwned::to_owned),
    };
    location.ok_or_else(|| {
        Error::unsupported(format!(
            "{storage} cannot be named by another dataset: its path is not utf-8"
        ))
    })
}
