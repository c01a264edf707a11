//! Where options come from that are not given: the environment, and profile files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ini::{Ini, ParseOption};

use crate::error::{Error, Result};
use crate::storage::location::Provider;
use crate::storage::open_regular;

/// The environment, as it was when it was looked at.
#[derive(Default)]
pub(crate) struct Environment {
    variables: BTreeMap<String, String>,
    home: Option<PathBuf>,
}

/// Names and values of one profile.
pub(super) type Pairs = Vec<(String, String)>;

impl Environment {
    /// Of this process.
    pub(crate) fn of_process() -> Self {
        let variables = std::env::vars_os();
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self { variables: variables.filter_map(text).collect(), home: std::env::home_dir() }
    }

    /// The variables whose names begin with `prefix`, in lower case.
    pub(super) fn variables(&self, prefix: &str) -> Pairs {
        let named = self.variables.iter().filter(|(name, _)| name.starts_with(prefix));
        named.map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect()
    }

    /// The variable, if it is set and not empty.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The path in the home folder, if there is one.
    pub(crate) fn in_home(&self, path: &str) -> Option<PathBuf> {
        self.home.as_ref().map(|home| home.join(path))
    }

    /// The profile that the environment names.
    pub(super) fn profile_name(&self, provider: Provider) -> Option<&str> {
        let own = self.variable("TENROW_PROFILE");
        let aws = self.variable("AWS_PROFILE").filter(|_| provider == Provider::S3);
        own.or(aws)
    }

    /// What profile files say under `name`; of S3 those of AWS too. Without a name, their `default`, if there is one.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if a name was given and no file has it.
    pub(super) fn profile(&self, provider: Provider, name: Option<&str>) -> Result<Pairs> {
        let wanted = name.unwrap_or("default");
        let mut found: Option<Pairs> = None;
        let mut files = Vec::new();
        if provider == Provider::S3 {
            let plain = wanted.to_owned();
            let named =
                if wanted == "default" { plain.clone() } else { format!("profile {plain}") };
            files.push((self.file("AWS_CONFIG_FILE", ".aws/config"), named));
            files.push((self.file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"), plain));
        }
        files.push((self.file("TENROW_PROFILES", ".config/tenrow/profiles"), wanted.to_owned()));
        for (file, section) in &files {
            let Some(pairs) = file.as_deref().map(|file| section_of(file, section)).transpose()?
            else {
                continue;
            };
            if let Some(pairs) = pairs {
                found.get_or_insert_default().extend(pairs);
            }
        }
        match (found, name) {
            (Some(pairs), _) => Ok(pairs),
            (None, None) => Ok(Vec::new()),
            (None, Some(name)) => {
                let files = files.iter().filter_map(|(file, _)| file.as_deref());
                let files: Vec<_> = files.map(|file| file.display().to_string()).collect();
                let files = files.join(", ");
                let reason = format!("no profile {name:?}: looked for it in {files}");
                Err(Error::new(crate::ErrorKind::NotFound, reason))
            }
        }
    }

    fn file(&self, variable: &str, in_home: &str) -> Option<PathBuf> {
        self.variable(variable).map(PathBuf::from).or_else(|| self.in_home(in_home))
    }
}

/// The names and values of a section; `None` without the file or the section.
fn section_of(file: &Path, section: &str) -> Result<Option<Pairs>> {
    let text = match open_regular(file).and_then(std::io::read_to_string) {
        Ok(text) => text,
        // A usual way to say that there are none.
        Err(_) if file == Path::new("/dev/null") => return Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(Error::io(
                format!("cannot read the profiles of {}", file.display()),
                error,
            ));
        }
    };
    let options = ParseOption { enabled_quote: false, enabled_escape: false, ..Default::default() };
    // What is wrong with it is not repeated: a line may be a secret.
    let parsed = Ini::load_from_str_opt(&text, options).map_err(|error| {
        let line = error.line;
        Error::invalid(format!("{}, line {line}: not a line of profiles", file.display()))
    })?;
    let found = parsed.section(Some(section));
    Ok(found.map(|pairs| pairs.iter().map(|(n, v)| (n.to_ascii_lowercase(), v.into())).collect()))
}

#[cfg(test)]
impl Environment {
    pub(crate) fn of(variables: &[(&str, &str)], home: &Path) -> Self {
        let variables = variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        Self { variables: variables.collect(), home: Some(home.to_owned()) }
    }
}
