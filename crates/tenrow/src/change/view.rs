//! Views made and dropped: commits that change nothing but the list of views.

use std::collections::BTreeSet;

use bytes::Bytes;

use crate::blocking;
use crate::commit::{Applied, Change, Committer, check_not_expired, commit};
use crate::dataset::Dataset;
use crate::error::{Error, ErrorKind, Result};
use crate::format::layout::ObjectKind;
use crate::format::manifest::{Root, ViewRef};
use crate::format::{checksum, encode_view_rows};
use crate::snapshot::Snapshot;
use crate::view::View;

/// What is kept with a view.
///
/// ```
/// # futures::executor::block_on(async {
/// # use tenrow::{Attribute, Columns, Dataset, Schema};
/// # let schema = Schema::new([Attribute::parse("label:i64")?])?;
/// # let dataset = Dataset::create("memory://docs/viewoptions", schema).await?;
/// # let mut writer = dataset.writer().await?;
/// # writer.append_columns(Columns::new().scalars("label", [4i64, 5, 4])).await?;
/// # let snapshot = writer.commit().await?;
/// use tenrow::ViewOptions;
/// let options = ViewOptions::default().with_query("label = 4").with_replace(true);
/// let view = dataset.create_view("fours", &snapshot.rows([0, 2])?, &options).await?;
/// assert_eq!((view.name(), view.row_count()), (Some("fours"), 2));
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Default)]
pub struct ViewOptions {
    /// What chose the rows, as its user wrote it. Default: nothing.
    pub query: String,
    /// Takes the place of a view of that name. Default: no.
    pub replace: bool,
}

impl ViewOptions {
    /// Keeps the text of the query that chose the rows.
    #[must_use]
    pub fn with_query(mut self, query: impl Into<String>) -> Self {
        self.query = query.into();
        self
    }

    /// Takes the place of a view of that name, if there is one.
    #[must_use]
    pub fn with_replace(mut self, replace: bool) -> Self {
        self.replace = replace;
        self
    }
}

impl Dataset {
    /// Keeps the rows of `view` under `name`, in their order and as often as they come: one small file and a commit.
    ///
    /// What is kept stays what it is whatever is committed later; its version never expires while it is there.
    ///
    /// # Errors
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if there is a view of that name;
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the name is none, or the rows are of another dataset;
    /// [`NotFound`](ErrorKind::NotFound) if the version has expired.
    pub async fn create_view(
        &self,
        name: &str,
        view: &View,
        options: &ViewOptions,
    ) -> Result<View> {
        let views = vec![(name.to_owned(), view.clone(), options.query.clone())];
        let mut views = self.create_views(views, options.replace).await?;
        views.pop().ok_or_else(|| Error::invalid("no view"))
    }

    /// Keeps several views, each with its name and the text of what chose its rows: all of them, in one commit, or none.
    ///
    /// # Errors
    /// As [`create_view`](Self::create_view), and [`InvalidInput`](ErrorKind::InvalidInput) if two have one name.
    pub async fn create_views(
        &self,
        views: Vec<(String, View, String)>,
        replace: bool,
    ) -> Result<Vec<View>> {
        let base = self.latest().await?;
        let mut names = BTreeSet::new();
        for (name, view, _) in &views {
            check_name(name)?;
            if !names.insert(name) {
                return Err(Error::invalid(format!("view {name:?} is to be made twice")));
            }
            if !replace {
                check_absent(&base, name)?;
            }
            self.check_own(view.snapshot()).await?;
        }
        let committer = self.committer();
        let (mut entries, mut kept) = (Vec::new(), Vec::with_capacity(views.len()));
        for (name, view, query) in views {
            let entry = self.put_rows(&committer, &name, &view, query).await?;
            kept.push(View::kept(&name, entry.clone(), view.snapshot().clone())?);
            entries.push((name, entry));
        }
        commit(&committer, &base, &mut KeepViews { entries, replace }).await?;
        Ok(kept)
    }

    /// Writes the rows of a view, and says what a root has to say of them.
    async fn put_rows(
        &self,
        committer: &Committer,
        name: &str,
        view: &View,
        query: String,
    ) -> Result<ViewRef> {
        let rows = view.row_numbers().await?.clone();
        let bytes = blocking::run(move || encode_view_rows(&rows.as_list())).await;
        let bytes = bytes.map_err(|e| Error::format(format!("view {name:?}"), e))?;
        let bytes = Bytes::from(bytes);
        let entry = ViewRef {
            path: ObjectKind::ViewRows.path(&committer.ids.next()),
            checksum: checksum(&bytes),
            size_bytes: bytes.len() as u64,
            row_count: view.row_count(),
            version: view.version(),
            input_checksum: view.snapshot().root_checksum(),
            query,
            created_ms: committer.clock.now_ms(),
        };
        self.storage().put_unique(&entry.path, bytes).await?;
        Ok(entry)
    }

    /// Refuses a version of another dataset. One place may be written in several ways: then the version itself tells.
    async fn check_own(&self, snapshot: &Snapshot) -> Result<()> {
        let (own, other) = (self.storage().to_string(), snapshot.storage().to_string());
        if own == other {
            return Ok(());
        }
        match self.version(snapshot.version()).await {
            Ok(same) if same.root_checksum() == snapshot.root_checksum() => Ok(()),
            _ => Err(Error::invalid(format!(
                "rows of {other} are no view of {own}: a view is of a version of its own dataset"
            ))),
        }
    }

    /// Drops a view. Older versions still have it.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), with the views that exist.
    pub async fn drop_view(&self, name: &str) -> Result<Snapshot> {
        let base = self.latest().await?;
        find(&base, name)?;
        commit(&self.committer(), &base, &mut DropView(name.to_owned())).await
    }

    /// The view called `name`: one read, of the root of its version.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), with the views that exist.
    pub async fn view(&self, name: &str) -> Result<View> {
        self.view_of(&self.latest().await?, name).await
    }

    /// The view that `snapshot`, a version of this dataset, calls `name`.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), with the views that it has, or if what the view is of has expired since.
    pub async fn view_of(&self, snapshot: &Snapshot, name: &str) -> Result<View> {
        let entry = find(snapshot, name)?.clone();
        let pinned = match entry.version == snapshot.version() {
            true => snapshot.clone(),
            false => self.version(entry.version).await?,
        };
        View::kept(name, entry, pinned)
    }
}

fn find<'a>(snapshot: &'a Snapshot, name: &str) -> Result<&'a ViewRef> {
    let views = &snapshot.root().views;
    views.get(name).ok_or_else(|| {
        let what = format!("no view {name:?} of {}", snapshot.storage());
        Error::unknown(what, views.keys().map(String::as_str))
    })
}

fn check_absent(snapshot: &Snapshot, name: &str) -> Result<()> {
    match snapshot.root().views.contains_key(name) {
        true => Err(Error::new(
            ErrorKind::AlreadyExists,
            format!("{} has a view {name:?}: drop or replace it", snapshot.storage()),
        )),
        false => Ok(()),
    }
}

fn check_name(name: &str) -> Result<()> {
    let is_plain = |c: char| c.is_alphanumeric() || "-_.+".contains(c);
    let rule = if name.is_empty() || name.len() > 255 {
        "a view's name has 1 to 255 bytes"
    } else if !name.chars().all(is_plain) {
        "a view's name has letters, digits and - _ . + only"
    } else {
        return Ok(());
    };
    Err(Error::invalid(format!("view {name:?}: {rule}")))
}

struct KeepViews {
    entries: Vec<(String, ViewRef)>,
    replace: bool,
}

impl Change for KeepViews {
    fn operation(&self) -> &'static str {
        "create view"
    }

    async fn apply(
        &mut self,
        _: &Committer,
        latest: &Snapshot,
        root: &mut Root,
    ) -> Result<Applied> {
        for (name, entry) in &self.entries {
            check_not_expired(latest, entry.version)?;
            if !self.replace {
                check_absent(latest, name)?;
            }
            root.views.insert(name.clone(), entry.clone());
        }
        Ok(Applied::Changed)
    }
}

struct DropView(String);

impl Change for DropView {
    fn operation(&self) -> &'static str {
        "drop view"
    }

    async fn apply(&mut self, _: &Committer, _: &Snapshot, root: &mut Root) -> Result<Applied> {
        Ok(match root.views.remove(&self.0) {
            Some(_) => Applied::Changed,
            None => Applied::AlreadySo,
        })
    }
}
