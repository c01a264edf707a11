//! Where the cache is and how large it may be, as options and the environment say.

use std::path::{Path, PathBuf};

use bytesize::ByteSize;

use super::Cache;
use crate::error::{Error, Result};
use crate::storage::options::StoreOptions;
use crate::storage::remote::Environment;

/// Of the disk, what a cache takes unless it is told otherwise: a part of so many.
const DISK_PART: u64 = 4;
/// And no more than that.
const MAX_DEFAULT_BYTES: u64 = 64 << 30;
/// Where the size of the disk is not known.
const FALLBACK_BYTES: u64 = 8 << 30;

impl Cache {
    /// The cache that these options and the environment ask for; `None` if they ask for none.
    ///
    /// | option | variable | default |
    /// |---|---|---|
    /// | `cache` | `TENROW_CACHE` | `on` |
    /// | `cache_folder` | `TENROW_CACHE_FOLDER` | `tenrow` in the folder for caches, such as `~/.cache` |
    /// | `cache_size` | `TENROW_CACHE_SIZE` | a quarter of the disk, at most 64 GiB |
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a value that is none.
    pub fn from_options(options: &StoreOptions) -> Result<Option<Self>> {
        Self::from_environment(options, &Environment::of_process())
    }

    pub(crate) fn from_environment(
        options: &StoreOptions,
        environment: &Environment,
    ) -> Result<Option<Self>> {
        let value = |name: &str, variable: &str| {
            let given = options.get(name).or_else(|| environment.variable(variable));
            given.map(str::to_owned)
        };
        let is_on = match value("cache", "TENROW_CACHE").as_deref() {
            None | Some("on" | "true" | "1" | "yes") => true,
            Some("off" | "false" | "0" | "no") => false,
            Some(_) => return Err(wrong("cache", "on or off")),
        };
        let in_caches = || {
            let caches = environment.variable("XDG_CACHE_HOME").map(PathBuf::from);
            Some(caches.or_else(|| environment.in_home(".cache"))?.join("tenrow"))
        };
        let folder = value("cache_folder", "TENROW_CACHE_FOLDER").map(PathBuf::from);
        let Some(folder) = folder.or_else(in_caches).filter(|_| is_on) else { return Ok(None) };
        let max_bytes = match value("cache_size", "TENROW_CACHE_SIZE") {
            Some(text) => match text.parse::<ByteSize>() {
                Ok(size) => size.as_u64(),
                Err(_) => return Err(wrong("cache_size", "a size, such as 50GiB")),
            },
            None => default_bytes(&folder),
        };
        Ok(Some(Self::new(folder, max_bytes)))
    }
}

fn wrong(name: &str, expected: &str) -> Error {
    Error::invalid(format!("option {name}: expected {expected}"))
}

fn default_bytes(folder: &Path) -> u64 {
    let existing = folder.ancestors().find(|folder| folder.is_dir());
    let disk = existing.and_then(|folder| rustix::fs::statvfs(folder).ok());
    disk.map_or(FALLBACK_BYTES, |disk| {
        (disk.f_blocks.saturating_mul(disk.f_frsize) / DISK_PART).min(MAX_DEFAULT_BYTES)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(variables: &[(&str, &str)], options: &[(&str, &str)]) -> Result<Option<Cache>> {
        let options: StoreOptions = options.iter().copied().collect();
        Cache::from_environment(&options, &Environment::of(variables, Path::new("/home/ada")))
    }

    #[test]
    fn a_cache_is_on_and_where_options_or_the_environment_say() {
        let default = cache(&[], &[]).unwrap().unwrap();
        assert_eq!(default.folder(), Path::new("/home/ada/.cache/tenrow"));
        assert!(default.max_bytes() > 0);
        let found = cache(&[("XDG_CACHE_HOME", "/caches")], &[("cache_size", "5 GiB")]);
        let found = found.unwrap().unwrap();
        assert_eq!((found.folder(), found.max_bytes()), (Path::new("/caches/tenrow"), 5 << 30));
        assert!(cache(&[("TENROW_CACHE", "off")], &[]).unwrap().is_none());
        let given = cache(&[("TENROW_CACHE", "off")], &[("cache", "on"), ("cache_folder", "/x")]);
        assert_eq!(given.unwrap().unwrap().folder(), Path::new("/x"));
        for wrong in [("cache", "maybe"), ("cache_size", "much")] {
            assert!(cache(&[], &[wrong]).unwrap_err().chain().contains(wrong.0));
        }
    }
}
