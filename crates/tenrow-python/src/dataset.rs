//! Datasets: opened, created, changed, tidied.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use tenrow::storage::Storage;
use tenrow::{
    Attribute, Catalog, CompactOptions, CreateOptions, ExpireOptions, SchemaChange, StoreOptions,
    VacuumOptions, Version, ViewOptions, WriteOptions,
};

use crate::ending::Call;
use crate::error::{invalid, raised};
use crate::keys::rows_of;
use crate::new_column::NewColumn;
use crate::place::Place;
use crate::progress::Told;
use crate::runtime::{check_may_write, wait};
use crate::schema::{attribute_of, parsed_encoding, schema};
use crate::snapshot::Snapshot;
use crate::values;
use crate::view::View;
use crate::writer::{Writer, cast_mode};

/// A place that holds a dataset, or will.
#[pyclass(frozen, module = "tenrow._tenrow")]
pub(crate) struct Dataset {
    pub(crate) dataset: tenrow::Dataset,
    place: Arc<Place>,
}

impl Dataset {
    fn of(&self, snapshot: tenrow::Snapshot) -> Snapshot {
        Snapshot { snapshot, place: self.place.clone() }
    }
}

type Options = HashMap<String, String>;

fn storage(uri: &str, options: &Options) -> PyResult<Storage> {
    let options: StoreOptions =
        options.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Storage::open_with(uri, &options).map_err(|error| raised(&error))
}

fn json(text: &str) -> PyResult<serde_json::Map<String, serde_json::Value>> {
    serde_json::from_str(text).map_err(|error| invalid(format!("properties: {error}")))
}

fn span(seconds: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(seconds).map_err(|_| invalid("older_than: a time that is no time"))
}

#[pymethods]
impl Dataset {
    #[new]
    #[pyo3(signature = (uri, options=Options::new()))]
    fn new(uri: &str, options: Options) -> PyResult<Self> {
        let dataset = tenrow::Dataset::at(storage(uri, &options)?);
        // Absolute: the current folder may be another when it is opened again.
        let place = Arc::new(Place { uri: dataset.storage().to_string(), options });
        Ok(Self { dataset, place })
    }

    /// Where it is, absolute.
    #[getter]
    fn uri(&self) -> String {
        self.dataset.storage().to_string()
    }

    /// Whether it is a folder of this machine.
    #[getter]
    fn is_local(&self) -> bool {
        self.dataset.storage().folder().is_some()
    }

    fn latest(&self, py: Python<'_>) -> PyResult<Snapshot> {
        wait(py, self.dataset.latest()).map(|snapshot| self.of(snapshot))
    }

    fn at_version(&self, py: Python<'_>, version: u64) -> PyResult<Snapshot> {
        wait(py, self.dataset.version(Version(version))).map(|snapshot| self.of(snapshot))
    }

    fn tagged(&self, py: Python<'_>, tag: &str) -> PyResult<Snapshot> {
        wait(py, self.dataset.tagged(tag)).map(|snapshot| self.of(snapshot))
    }

    /// By number, tag, date or time, or as `latest`.
    fn named(&self, py: Python<'_>, text: &str) -> PyResult<Snapshot> {
        wait(py, self.dataset.named(text)).map(|snapshot| self.of(snapshot))
    }

    /// A dict for each version, the newest first.
    fn versions<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let versions = wait(py, self.dataset.versions())?;
        let dicts = versions.iter().map(|info| {
            let about = PyDict::new(py);
            about.set_item("version", info.version.0)?;
            about.set_item("created_ms", info.created_ms)?;
            about.set_item("operation", &info.operation)?;
            about.set_item("rows", info.row_count)?;
            about.set_item("partitions", info.partition_count)?;
            about.set_item("size_bytes", info.size_bytes)?;
            Ok(about)
        });
        dicts.collect()
    }

    /// The tags of the newest version, with the versions that they name.
    fn tags(&self, py: Python<'_>) -> PyResult<BTreeMap<String, u64>> {
        let newest = wait(py, self.dataset.latest())?;
        Ok(newest.root().tags.iter().map(|(name, version)| (name.clone(), version.0)).collect())
    }

    /// The names of the views of the newest version.
    fn views(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        Ok(wait(py, self.dataset.latest())?.root().views.keys().cloned().collect())
    }

    /// Creates the dataset, without rows.
    #[pyo3(signature = (attributes, encodings, properties, single_writer=false))]
    fn create(
        &self,
        py: Python<'_>,
        attributes: Vec<(String, String)>,
        encodings: Vec<(String, String)>,
        properties: &str,
        single_writer: bool,
    ) -> PyResult<Snapshot> {
        let schema = schema(&attributes, &encodings)?;
        let options = create_options(properties, single_writer)?;
        wait(py, self.dataset.create_here(schema, &options)).map(|snapshot| self.of(snapshot))
    }

    /// A writer whose commit creates the dataset.
    #[pyo3(signature = (attributes, encodings, properties, options, single_writer=false))]
    fn writer_of_new(
        &self,
        py: Python<'_>,
        attributes: Vec<(String, String)>,
        encodings: Vec<(String, String)>,
        properties: &str,
        options: &Bound<'_, PyDict>,
        single_writer: bool,
    ) -> PyResult<Writer> {
        let schema = schema(&attributes, &encodings)?;
        let create = create_options(properties, single_writer)?;
        let write = write_options(options)?;
        let writer = wait(py, self.dataset.writer_of_new(schema, &create, write))?;
        Ok(Writer::new(writer, self.place.clone()))
    }

    /// A view that a version has, and the number of the version that its rows are of.
    fn view(&self, py: Python<'_>, snapshot: &Snapshot, name: &str) -> PyResult<(u64, View)> {
        let view = wait(py, self.dataset.view_of(&snapshot.snapshot, name))?;
        Ok((view.version().0, View::new(view, self.place.clone())))
    }

    /// A writer that appends rows.
    fn writer(&self, py: Python<'_>, options: &Bound<'_, PyDict>) -> PyResult<Writer> {
        let options = write_options(options)?;
        let writer = wait(py, self.dataset.writer_with(options))?;
        Ok(Writer::new(writer, self.place.clone()))
    }

    fn tag(&self, py: Python<'_>, name: &str, version: u64) -> PyResult<Snapshot> {
        wait(py, self.dataset.tag(name, Version(version))).map(|snapshot| self.of(snapshot))
    }

    fn untag(&self, py: Python<'_>, name: &str) -> PyResult<Snapshot> {
        wait(py, self.dataset.untag(name)).map(|snapshot| self.of(snapshot))
    }

    fn restore(&self, py: Python<'_>, version: u64) -> PyResult<Snapshot> {
        wait(py, self.dataset.restore(Version(version))).map(|snapshot| self.of(snapshot))
    }

    fn set_properties(&self, py: Python<'_>, properties: &str) -> PyResult<Snapshot> {
        wait(py, self.dataset.set_properties(json(properties)?)).map(|snapshot| self.of(snapshot))
    }

    /// Deletes rows of a version, by their numbers in it.
    fn delete(&self, snapshot: &Snapshot, rows: &Bound<'_, PyAny>) -> PyResult<Snapshot> {
        let py = rows.py();
        let rows = rows_of(rows, snapshot.snapshot.row_count())?;
        let report = wait(py, self.dataset.delete(&snapshot.snapshot, &rows))?;
        Ok(self.of(report.snapshot))
    }

    /// Gives rows of a version other values for some attributes.
    #[pyo3(signature = (snapshot, rows, values, cast="refuse"))]
    fn update(
        &self,
        snapshot: &Snapshot,
        rows: &Bound<'_, PyAny>,
        values: &Bound<'_, PyDict>,
        cast: &str,
    ) -> PyResult<Snapshot> {
        check_may_write()?;
        let mode = cast_mode(cast)?;
        let py = rows.py();
        let _call = Call::begin(py);
        let rows = rows_of(rows, snapshot.snapshot.row_count())?;
        let latest = wait(py, self.dataset.latest())?;
        let batch = values::batch_of(latest.schema(), values, mode, None)?;
        wait(py, self.dataset.update(&snapshot.snapshot, &rows, &batch))
            .map(|snapshot| self.of(snapshot))
    }

    /// Keeps rows of a version as a view.
    #[pyo3(signature = (view, name, replace=false))]
    fn create_view(&self, py: Python<'_>, view: &View, name: &str, replace: bool) -> PyResult<()> {
        let options = ViewOptions::default().with_replace(replace);
        wait(py, self.dataset.create_view(name, &view.view, &options)).map(drop)
    }

    /// Keeps the rows of a version in parts by chance, a view each.
    #[pyo3(signature = (snapshot, parts, seed=0, replace=false))]
    fn split_views(
        &self,
        py: Python<'_>,
        snapshot: &Snapshot,
        parts: Vec<(String, f64)>,
        seed: u64,
        replace: bool,
    ) -> PyResult<Vec<View>> {
        let views = wait(py, self.dataset.split_views(&snapshot.snapshot, seed, &parts, replace))?;
        Ok(views.into_iter().map(|view| View::new(view, self.place.clone())).collect())
    }

    fn drop_view(&self, py: Python<'_>, name: &str) -> PyResult<Snapshot> {
        wait(py, self.dataset.drop_view(name)).map(|snapshot| self.of(snapshot))
    }

    /// Adds an attribute without values: null, or its default.
    #[pyo3(signature = (name, type_text, default=None, encoding=None))]
    fn add_attribute(
        &self,
        py: Python<'_>,
        name: &str,
        type_text: &str,
        default: Option<&str>,
        encoding: Option<&str>,
    ) -> PyResult<Snapshot> {
        let attribute = new_attribute(name, type_text, default, encoding)?;
        wait(py, self.dataset.change_schema(SchemaChange::Add(attribute)))
            .map(|snapshot| self.of(snapshot))
    }

    /// An attribute that is to be given values: a new one, or one that has not all of them yet.
    #[pyo3(signature = (name, type_text, default=None, encoding=None))]
    fn add_column(
        &self,
        py: Python<'_>,
        name: &str,
        type_text: &str,
        default: Option<&str>,
        encoding: Option<&str>,
    ) -> PyResult<NewColumn> {
        check_may_write()?;
        let attribute = new_attribute(name, type_text, default, encoding)?;
        let added = wait(py, async {
            let column = self.dataset.add_column(attribute).await?;
            Ok((column, self.dataset.latest().await?))
        });
        let (column, latest) = added?;
        Ok(NewColumn::new(column, latest.schema().clone(), self.place.clone()))
    }

    fn drop_attribute(&self, py: Python<'_>, name: String) -> PyResult<Snapshot> {
        wait(py, self.dataset.change_schema(SchemaChange::Drop(name)))
            .map(|snapshot| self.of(snapshot))
    }

    fn rename_attribute(&self, py: Python<'_>, from: String, to: String) -> PyResult<Snapshot> {
        wait(py, self.dataset.change_schema(SchemaChange::Rename { from, to }))
            .map(|snapshot| self.of(snapshot))
    }

    /// `report` is called with the partitions that were rewritten, those that are to be, and the bytes of their values.
    #[pyo3(signature = (report=None))]
    fn compact(&self, py: Python<'_>, report: Option<Py<PyAny>>) -> PyResult<Snapshot> {
        check_may_write()?;
        let told = Told::of(report);
        let on_progress = told.on_progress.clone();
        let options = CompactOptions { on_progress, ..CompactOptions::default() };
        let done = told.finish(wait(py, self.dataset.compact(options)))?;
        Ok(self.of(done.snapshot))
    }

    /// Versions that were ended, or would be.
    #[pyo3(signature = (keep_last=None, older_than=None, dry_run=false))]
    fn expire(
        &self,
        py: Python<'_>,
        keep_last: Option<u64>,
        older_than: Option<f64>,
        dry_run: bool,
    ) -> PyResult<Vec<u64>> {
        let older_than = older_than.map(span).transpose()?;
        let options = ExpireOptions { keep_last, older_than, dry_run };
        let report = wait(py, self.dataset.expire(&options))?;
        Ok(report.expired.iter().map(|version| version.0).collect())
    }

    /// The paths of objects that were removed, or would be; `report` is called with how many were looked at.
    #[pyo3(signature = (older_than=None, dry_run=false, report=None))]
    fn vacuum(
        &self,
        py: Python<'_>,
        older_than: Option<f64>,
        dry_run: bool,
        report: Option<Py<PyAny>>,
    ) -> PyResult<Vec<String>> {
        let told = Told::of(report);
        let on_progress = told.on_progress.clone();
        let mut options = VacuumOptions { dry_run, on_progress, ..VacuumOptions::default() };
        if let Some(seconds) = older_than {
            options.older_than = span(seconds)?;
        }
        let done = told.finish(wait(py, self.dataset.vacuum(options)))?;
        Ok(done.removed.into_iter().map(|object| object.path).collect())
    }
}

/// An attribute that is added to rows which are there: nullable if they have no other value.
fn new_attribute(
    name: &str,
    type_text: &str,
    default: Option<&str>,
    encoding: Option<&str>,
) -> PyResult<Attribute> {
    let mut attribute = attribute_of(name, type_text)?;
    if let Some(encoding) = encoding {
        let encoding = parsed_encoding(&attribute.name, encoding)?;
        attribute = attribute.with_encoding(encoding);
    }
    Ok(match default {
        Some(default) => {
            let value: serde_json::Value = serde_json::from_str(default)
                .map_err(|error| invalid(format!("default: {error}")))?;
            attribute.with_default(value)
        }
        None => attribute.with_nullable(true),
    })
}

fn create_options(properties: &str, single_writer: bool) -> PyResult<CreateOptions> {
    let options = CreateOptions::default().with_single_writer(single_writer);
    let properties = json(properties)?.into_iter();
    Ok(properties.fold(options, |options, (name, value)| options.with_property(name, value)))
}

fn write_options(given: &Bound<'_, PyDict>) -> PyResult<WriteOptions> {
    let mut options = WriteOptions::default();
    for (name, value) in given {
        let name: String = name.extract()?;
        options = match name.as_str() {
            "row_group_bytes" => options.with_row_group_bytes(value.extract()?),
            "partition_bytes" => options.with_partition_bytes(value.extract()?),
            "partition_by" => options.with_partition_by(value.extract::<Vec<String>>()?),
            "inline_file_bytes" => options.with_inline_file_bytes(value.extract()?),
            _ => {
                return Err(invalid(format!(
                    "unknown option {name:?} of a writer; there are row_group_bytes, partition_bytes, partition_by, inline_file_bytes"
                )));
            }
        };
    }
    Ok(options)
}

/// A dict for each dataset below a root.
#[pyfunction]
#[pyo3(signature = (root, options=Options::new()))]
pub(crate) fn list_datasets<'py>(
    py: Python<'py>,
    root: &str,
    options: Options,
) -> PyResult<Bound<'py, PyList>> {
    let catalog = Catalog::at(storage(root, &options)?);
    let entries = wait(py, catalog.list())?;
    let list = PyList::empty(py);
    for entry in entries {
        let about = PyDict::new(py);
        about.set_item("name", entry.name)?;
        match entry.info {
            Ok(info) => {
                about.set_item("version", info.version.0)?;
                about.set_item("created_ms", info.created_ms)?;
                about.set_item("rows", info.row_count)?;
                about.set_item("size_bytes", info.size_bytes)?;
                let attributes = PyDict::new(py);
                for attribute in info.schema.attributes() {
                    attributes.set_item(&attribute.name, attribute.type_text())?;
                }
                about.set_item("attributes", attributes)?;
            }
            Err(error) => about.set_item("error", error.chain())?,
        }
        list.append(about)?;
    }
    Ok(list)
}
