//! Tags and properties: what people keep with a dataset.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::commit::{Applied, Change, Committer, check_not_expired, commit};
use crate::dataset::Dataset;
use crate::error::{Error, ErrorKind, Result};
use crate::format::Version;
use crate::format::manifest::Root;
use crate::snapshot::Snapshot;

impl Dataset {
    /// Calls `version` by `name` as well; while it has a tag it is never expired.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such version;
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if another version has that name;
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the name is empty, begins with a digit, or has odd characters.
    pub async fn tag(&self, name: &str, version: Version) -> Result<Snapshot> {
        check_tag(name)?;
        self.version(version).await?;
        let base = self.latest().await?;
        let mut change = Tag { name: name.to_owned(), version: Some(version) };
        commit(&self.committer(), &base, &mut change).await
    }

    /// Takes a tag away; the version stays, unless it had expired but for the tag.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), with the tags that exist.
    pub async fn untag(&self, name: &str) -> Result<Snapshot> {
        let base = self.latest().await?;
        tagged(&base, name)?;
        let mut change = Tag { name: name.to_owned(), version: None };
        commit(&self.committer(), &base, &mut change).await
    }

    /// The version called `name`.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), with the tags that exist.
    pub async fn tagged(&self, name: &str) -> Result<Snapshot> {
        let latest = self.latest().await?;
        self.version(tagged(&latest, name)?).await
    }

    /// Sets properties; null takes one away. Others stay.
    ///
    /// # Errors
    /// [`Io`](ErrorKind::Io).
    pub async fn set_properties(
        &self,
        properties: impl IntoIterator<Item = (String, Value)>,
    ) -> Result<Snapshot> {
        let base = self.latest().await?;
        let mut change = SetProperties(properties.into_iter().collect());
        commit(&self.committer(), &base, &mut change).await
    }
}

fn tagged(snapshot: &Snapshot, name: &str) -> Result<Version> {
    let tags = &snapshot.root().tags;
    tags.get(name).copied().ok_or_else(|| {
        let what = format!("no tag {name:?} of {}", snapshot.storage());
        Error::unknown(what, tags.keys().map(String::as_str))
    })
}

/// How the newest version is called where versions are named.
pub(crate) const LATEST: &str = "latest";

fn check_tag(name: &str) -> Result<()> {
    let is_plain = |c: char| c.is_alphanumeric() || "-_.+/".contains(c);
    let rule = if name.is_empty() || name.len() > 255 {
        "a tag has 1 to 255 bytes"
    } else if name.starts_with(|c: char| c.is_ascii_digit()) {
        "what begins with a digit is a version: a tag begins with something else"
    } else if name == LATEST {
        "the newest version is called that: a tag stays where it is"
    } else if !name.chars().all(is_plain) {
        "a tag has letters, digits and - _ . + / only"
    } else {
        return Ok(());
    };
    Err(Error::invalid(format!("tag {name:?}: {rule}")))
}

struct Tag {
    name: String,
    /// `None` takes the tag away.
    version: Option<Version>,
}

impl Change for Tag {
    fn operation(&self) -> &'static str {
        if self.version.is_some() { "tag" } else { "untag" }
    }

    async fn apply(
        &mut self,
        _: &Committer,
        latest: &Snapshot,
        root: &mut Root,
    ) -> Result<Applied> {
        let Some(version) = self.version else {
            return Ok(match root.tags.remove(&self.name) {
                Some(_) => Applied::Changed,
                None => Applied::AlreadySo,
            });
        };
        check_not_expired(latest, version)?;
        match root.tags.insert(self.name.clone(), version) {
            Some(other) if other != version => Err(Error::new(
                ErrorKind::AlreadyExists,
                format!("tag {:?} is that of version {other}: take it away first", self.name),
            )),
            Some(_) => Ok(Applied::AlreadySo),
            None => Ok(Applied::Changed),
        }
    }
}

struct SetProperties(BTreeMap<String, Value>);

impl Change for SetProperties {
    fn operation(&self) -> &'static str {
        "set properties"
    }

    async fn apply(
        &mut self,
        _: &Committer,
        latest: &Snapshot,
        root: &mut Root,
    ) -> Result<Applied> {
        for (name, value) in &self.0 {
            match value {
                Value::Null => drop(root.properties.remove(name)),
                value => drop(root.properties.insert(name.clone(), value.clone())),
            }
        }
        Ok(match root.properties == *latest.properties() {
            true => Applied::AlreadySo,
            false => Applied::Changed,
        })
    }
}
