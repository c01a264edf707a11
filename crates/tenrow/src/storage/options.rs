//! How a store is reached: its endpoint, credentials and limits, as names and values.

use std::collections::BTreeMap;
use std::fmt;

use crate::error::{Error, Result};

/// Options of an object store, by name: `endpoint`, `region`, `profile`, `cache`; an unknown one lists those that there are.
///
/// What is not given comes from the environment, in the provider's own names (`AWS_REGION`, `AZURE_STORAGE_ACCOUNT_NAME`,
/// `GOOGLE_APPLICATION_CREDENTIALS`), and then from a profile. Values are never shown: they may be secret.
///
/// ```
/// use tenrow::StoreOptions;
/// let options = StoreOptions::default().with("region", "eu-west-1").with_pair("secret_access_key=s3cr3t")?;
/// assert_eq!(format!("{options:?}"), r#"StoreOptions ["region", "secret_access_key"]"#);
/// # Ok::<(), tenrow::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct StoreOptions {
    values: BTreeMap<String, String>,
}

impl StoreOptions {
    /// Sets an option; what it was before is forgotten.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.values.insert(name.into().to_ascii_lowercase(), value.into());
        self
    }

    /// Sets an option that is written `name=value`.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) without a name or `=`; the text is not repeated.
    pub fn with_pair(self, pair: &str) -> Result<Self> {
        match pair.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => Ok(self.with(name.trim(), value)),
            _ => Err(Error::invalid("an option is written name=value")),
        }
    }

    /// The value of an option, if it was given.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for StoreOptions {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        pairs.into_iter().fold(Self::default(), |options, (name, value)| options.with(name, value))
    }
}

impl fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreOptions {:?}", self.values.keys().collect::<Vec<_>>())
    }
}
