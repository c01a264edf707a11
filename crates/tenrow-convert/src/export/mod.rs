//! Rows of a dataset into files of other formats.

mod row_file;
mod whole_files;

use std::path::{Path, PathBuf};

use futures::TryStreamExt;
use tenrow::engine::names_listed;
use tenrow::{Attribute, OnProgress, Schema, Snapshot, View};
use tenrow_values::{ConvertError, Result};

use crate::format::{Create, CreateRows, Extent, Format, Purpose, Write};
use crate::new_file::{Existing, check_here};
use crate::outgoing::Outgoing;
use row_file::RowFile;
use whole_files::{file_sized, with_files};

/// What an export wrote, and what it had to leave out.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Exported {
    /// The files; of images, the folder only.
    pub paths: Vec<PathBuf>,
    /// How many files there are.
    pub file_count: u64,
    /// Attributes that the format cannot hold, and why.
    pub skipped: Vec<(String, String)>,
    /// Values that are not in the files as they are in the dataset.
    pub remarks: Vec<String>,
}

/// Writes the rows of `view`, in its order, into files in `folder`, which is made if it is not there.
///
/// A file of one attribute is called after it, such as `image.npy`, one of all `data`, such as `data.parquet`; `images` have
/// their own names. Memory: one batch of a scan, and 64 MiB of large files. `on_progress` is told the rows that were written, of
/// all that are, once for each file. Dropped or stopped before its end, it leaves nothing but files that are whole.
///
/// ```
/// use tenrow::{Attribute, Columns, Dataset, OnProgress, Schema};
/// use tenrow_convert::{Existing, Format, Purpose, export};
/// # let folder = tempfile::tempdir()?;
/// # let location = folder.path().join("points").display().to_string();
/// # futures::executor::block_on(async {
/// let dataset = Dataset::create(&location, Schema::new([Attribute::parse("x:u8")?])?).await?;
/// let mut writer = dataset.writer().await?;
/// writer.append_columns(Columns::new().scalars("x", [1u8, 2, 3])).await?;
/// let all = writer.commit().await?.all();
/// let (out, npy) = (folder.path().join("out"), Format::named("npy", Purpose::Export)?);
/// let nobody = OnProgress::default();
/// let exported = export(&all, &out, npy, Existing::Keep, &nobody).await?;
/// assert_eq!(exported.paths, [out.join("x.npy")]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the format can hold none of the attributes, a null that it cannot hold, or what goes wrong
/// while reading and writing: of all rows every page is checked, as what is damaged would look whole in the copy. A file has
/// its name only once it is whole; what was there stays unless it is to be replaced.
pub async fn export(
    view: &View,
    folder: &Path,
    format: Format,
    existing: Existing,
    on_progress: &OnProgress,
) -> Result<Exported> {
    let create = format.create()?;
    let (fitting, skipped) = fitting(view.snapshot(), format, create)?;
    check_here(folder)?;
    let files = files_of(&fitting, folder, format, create.extent);
    if create.extent == Extent::One {
        // All of them before the first is written.
        files.iter().try_for_each(|(path, _)| existing.check(path))?;
    }
    std::fs::create_dir_all(folder).map_err(ConvertError::io(folder, "create"))?;
    let mut out = Outgoing::new(view, existing, on_progress);
    out.scans(files.len());
    let mut exported = Exported { skipped, ..Exported::default() };
    for (path, attributes) in files {
        exported.file_count += write(&mut out, create, attributes, &path).await?;
        exported.paths.push(path);
    }
    exported.remarks = out.remarks;
    Ok(exported)
}

/// What is written into `folder`, and the attributes that are in it.
fn files_of<'a>(
    fitting: &'a [&'a Attribute],
    folder: &Path,
    format: Format,
    extent: Extent,
) -> Vec<(PathBuf, &'a [&'a Attribute])> {
    let extension = format.extensions().next().unwrap_or_default();
    let each = fitting.chunks(1);
    match extent {
        Extent::All => vec![(folder.join(format!("data.{extension}")), fitting)],
        Extent::One => {
            each.map(|a| (folder.join(format!("{}.{extension}", a[0].name)), a)).collect()
        }
        Extent::Value if fitting.len() == 1 => vec![(folder.to_owned(), fitting)],
        Extent::Value => each.map(|a| (folder.join(&a[0].name), a)).collect(),
    }
}

/// Writes the rows of `view`, in its order, into the file `path`, in the format of its extension.
///
/// Without `attributes`, they are all that the format can hold.
///
/// # Errors
/// If an attribute does not exist, the format cannot hold one that is asked for, or holds a single one and there
/// are several, and as [`export`].
pub async fn export_file(
    view: &View,
    attributes: &[String],
    path: &Path,
    existing: Existing,
    on_progress: &OnProgress,
) -> Result<Exported> {
    existing.check(path)?;
    let format = Format::of_path(path, Purpose::Export)?;
    let (create, snapshot) = (format.create()?, view.snapshot());
    let (asked, skipped) = match attributes {
        [] => fitting(snapshot, format, create)?,
        names => {
            let asked = names.iter().map(|name| snapshot.attribute(name));
            let asked: Vec<&Attribute> = asked.collect::<Result<_, _>>()?;
            asked.iter().try_for_each(|attribute| (create.holds)(attribute))?;
            (asked, Vec::new())
        }
    };
    if create.extent == Extent::One && asked.len() > 1 {
        let names = names_listed(asked.iter().map(|a| a.name.as_str()));
        let reason =
            format!("a {format} file is of one attribute: choose one of {names} with --attribute");
        return Err(ConvertError::unsupported(path, reason));
    }
    let mut out = Outgoing::new(view, existing, on_progress);
    let file_count = write(&mut out, create, &asked, path).await?;
    Ok(Exported { paths: vec![path.to_owned()], file_count, skipped, remarks: out.remarks })
}

type Skipped = Vec<(String, String)>;

/// The attributes that the format can hold, and the others.
fn fitting<'a>(
    snapshot: &'a Snapshot,
    format: Format,
    create: &Create,
) -> Result<(Vec<&'a Attribute>, Skipped)> {
    let (mut fitting, mut skipped) = (Vec::new(), Vec::new());
    for attribute in snapshot.schema().attributes() {
        match (create.holds)(attribute) {
            Ok(()) => fitting.push(attribute),
            // The files of a dataset are asked for: that the rest is no file goes without saying.
            Err(_) if create.extent == Extent::Value => {}
            Err(reason) => skipped.push((attribute.name.clone(), reason.to_string())),
        }
    }
    if fitting.is_empty() {
        let names = names_listed(snapshot.schema().attributes().iter().map(|a| a.name.as_str()));
        let reason = format!("{format} can hold none of them: export as parquet");
        return Err(ConvertError::column(&names, reason));
    }
    Ok((fitting, skipped))
}

/// Writes these attributes at `path`, and returns how many files that made.
async fn write(
    out: &mut Outgoing<'_>,
    create: &Create,
    attributes: &[&Attribute],
    path: &Path,
) -> Result<u64> {
    match create.write {
        Write::Files(write) => write(out, attributes, path).await,
        Write::Rows(create) => write_rows(out, create, attributes, path).await,
    }
}

async fn write_rows(
    out: &mut Outgoing<'_>,
    create: CreateRows,
    attributes: &[&Attribute],
    path: &Path,
) -> Result<u64> {
    let schema = Schema::new(attributes.iter().map(|&a| a.clone()))?;
    let mut file = RowFile::create(path, out.existing, create, &schema.arrow_schema())?;
    let mut batches = out.batches(attributes);
    while let Some(batch) = batches.try_next().await? {
        for rows in file_sized(&batch, &schema)? {
            let part = batch.slice(rows.start, rows.len());
            file.write(&with_files(out.view.snapshot(), &part, &schema).await?)?;
        }
        out.advance(&batch).await?;
    }
    out.remarks.extend(file.remarks());
    file.finish()?;
    Ok(1)
}

#[cfg(test)]
mod tests;
