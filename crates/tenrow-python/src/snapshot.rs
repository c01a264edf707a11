//! One version of a dataset, and its rows.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::SchemaRef;
use futures::TryStreamExt;
use futures::stream::BoxStream;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PyList, PyTuple};
use tenrow::{Attribute, AttributeType, ReadOptions, ScanOptions, Verify};

use crate::arrow::{ArrowBatches, Batches, array_capsules};
use crate::column::{Counted, TensorColumn, rows_of};
use crate::error::{invalid, raised};
use crate::file::FileHandle;
use crate::place::{Origin, Place};
use crate::runtime::{Home, read, wait};
use crate::schema::describe;
use crate::values;

/// One version.
#[pyclass(frozen, module = "tenrow._tenrow")]
pub(crate) struct Snapshot {
    pub(crate) snapshot: tenrow::Snapshot,
    pub(crate) place: Arc<Place>,
}

impl Snapshot {
    /// What opens this version again.
    fn origin(&self) -> Origin {
        Origin { place: self.place.clone(), version: self.snapshot.version().0 }
    }

    /// The column of a tensor or a number.
    fn column(&self, attribute: &Attribute, options: &ReadOptions) -> PyResult<TensorColumn> {
        TensorColumn::new(&self.snapshot, self.origin(), attribute, options)
    }

    /// The attributes of these names, all without names, but files where they are to be left out.
    fn attributes(&self, names: Option<&[String]>) -> PyResult<Cow<'_, [Attribute]>> {
        let Some(names) = names else { return Ok(self.snapshot.schema().attributes().into()) };
        let found = names.iter().map(|name| self.snapshot.attribute(name).cloned());
        found.collect::<tenrow::Result<_>>().map(Cow::Owned).map_err(|error| raised(&error))
    }

    fn options(names: &[Attribute], verify: Option<&str>) -> PyResult<ReadOptions> {
        let options = ReadOptions::default().with_attributes(names.iter().map(|a| a.name.as_str()));
        Ok(match verify {
            None => options,
            Some("always") => options.with_verify(Verify::Always),
            Some("fetched") => options.with_verify(Verify::Fetched),
            Some("never") => options.with_verify(Verify::Never),
            Some(other) => {
                return Err(invalid(format!(
                    "verify={other:?}: there are \"always\", \"fetched\" and \"never\""
                )));
            }
        })
    }

    fn files<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        rows: &[u64],
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let column = self.snapshot.files(name).map_err(|error| raised(&error))?;
        let storage = self.snapshot.storage();
        let files = rows.iter().map(|&row| {
            Ok(match read(py, storage, column.get(row))? {
                None => py.None().into_bound(py),
                Some(file) => {
                    let (name, origin) = (name.to_owned(), self.origin());
                    let handle = FileHandle::new(file, storage.clone(), origin, name, row);
                    Bound::new(py, handle)?.into_any()
                }
            })
        });
        files.collect()
    }

    fn range(&self, start: u64, stop: u64) -> PyResult<Range<u64>> {
        match start <= stop && stop <= self.snapshot.row_count() {
            true => Ok(start..stop),
            false => Err(invalid(format!("rows {start}..{stop} of {}", self.snapshot.row_count()))),
        }
    }

    /// A dict of the columns of a batch and of the files of `rows`, in the order of the attributes.
    fn dict<'py>(
        &self,
        py: Python<'py>,
        attributes: &[Attribute],
        batch: &RecordBatch,
        rows: &[u64],
    ) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        let schema = batch.schema();
        let names = schema.fields().iter().map(|field| field.name().as_str());
        let columns: HashMap<&str, &ArrayRef> = names.zip(batch.columns()).collect();
        for attribute in attributes {
            let value = match columns.get(attribute.name.as_str()) {
                Some(column) => values::column(py, attribute, column)?,
                None => PyList::new(py, self.files(py, &attribute.name, rows)?)?.into_any(),
            };
            dict.set_item(&attribute.name, value)?;
        }
        Ok(dict)
    }
}

/// Whether rows of it are one array.
fn has_array(attribute: &Attribute) -> bool {
    matches!(attribute.attribute_type, AttributeType::Tensor { .. } | AttributeType::Scalar(_))
}

fn without_files(attributes: &[Attribute]) -> Vec<Attribute> {
    let kept = attributes.iter().filter(|a| a.attribute_type != AttributeType::File);
    kept.cloned().collect()
}

#[pymethods]
impl Snapshot {
    #[getter]
    fn version(&self) -> u64 {
        self.snapshot.version().0
    }

    #[getter]
    fn size_bytes(&self) -> u64 {
        self.snapshot.size_bytes()
    }

    #[getter]
    fn partition_count(&self) -> u64 {
        self.snapshot.partition_count()
    }

    /// JSON of the properties.
    #[getter]
    fn properties(&self) -> String {
        serde_json::Value::Object(self.snapshot.properties().clone()).to_string()
    }

    fn __len__(&self) -> usize {
        self.snapshot.row_count() as usize
    }

    /// A dict for each attribute.
    fn schema<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        self.snapshot.schema().attributes().iter().map(|a| describe(py, a)).collect()
    }

    /// The tensor or number of all rows; None if the attribute is of another kind.
    fn tensors(&self, name: &str) -> PyResult<Option<TensorColumn>> {
        let attribute = self.snapshot.attribute(name).map_err(|error| raised(&error))?;
        match attribute.attribute_type {
            AttributeType::Tensor { .. } | AttributeType::Scalar(_) => {
                self.column(attribute, &ReadOptions::default()).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// One row as a dict.
    #[pyo3(signature = (row, attributes=None))]
    fn row<'py>(
        &self,
        py: Python<'py>,
        row: Counted,
        attributes: Option<Vec<String>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let row = row.among(self.snapshot.row_count())?;
        let attributes = self.attributes(attributes.as_deref())?;
        let dict = PyDict::new(py);
        let mut others = Vec::new();
        for attribute in attributes.iter() {
            let name = &attribute.name;
            let value = match &attribute.attribute_type {
                AttributeType::Tensor { .. } => {
                    self.column(attribute, &ReadOptions::default())?.one(py, row)?
                }
                AttributeType::File => {
                    let mut file = self.files(py, name, &[row])?;
                    file.pop().unwrap_or_else(|| py.None().into_bound(py))
                }
                _ => {
                    others.push(attribute.clone());
                    py.None().into_bound(py)
                }
            };
            dict.set_item(name, value)?;
        }
        if !others.is_empty() {
            let options = Self::options(&others, None)?;
            let batch =
                read(py, self.snapshot.storage(), self.snapshot.take_with(&[row], &options))?;
            for (attribute, column) in others.iter().zip(batch.columns()) {
                dict.set_item(&attribute.name, values::value(py, attribute, column, 0)?)?;
            }
        }
        Ok(dict)
    }

    /// Rows in the order asked, as a dict of columns; tensors are copied into the arrays of `out`.
    #[pyo3(signature = (rows, attributes=None, out=None, verify=None))]
    fn take<'py>(
        &self,
        rows: &Bound<'py, PyAny>,
        attributes: Option<Vec<String>>,
        out: Option<&Bound<'py, PyDict>>,
        verify: Option<&str>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let py = rows.py();
        let rows = rows_of(rows, self.snapshot.row_count())?;
        let attributes = self.attributes(attributes.as_deref())?;
        let target = |name: &str| match out {
            Some(out) => out.get_item(name),
            None => Ok(None),
        };
        for name in out.iter().flat_map(|out| out.keys()) {
            let name: String = name.extract()?;
            if !attributes.iter().any(|a| a.name == name && has_array(a)) {
                return Err(invalid(format!("out has {name:?}, which is no array that is read")));
            }
        }
        let storage = self.snapshot.storage();
        let dict = PyDict::new(py);
        let mut others = Vec::new();
        for attribute in attributes.iter() {
            let name = &attribute.name;
            let value = if has_array(attribute) {
                let one = Self::options(&[], verify)?;
                let column = self.column(attribute, &one)?;
                column.take_rows(py, &rows, target(name)?.as_ref())?
            } else if attribute.attribute_type == AttributeType::File {
                PyList::new(py, self.files(py, name, &rows)?)?.into_any()
            } else {
                others.push(attribute.clone());
                py.None().into_bound(py)
            };
            // In the order of the attributes.
            dict.set_item(name, value)?;
        }
        if !others.is_empty() {
            let options = Self::options(&others, verify)?;
            let batch = read(py, storage, self.snapshot.take_with(&rows, &options))?;
            for (attribute, column) in others.iter().zip(batch.columns()) {
                dict.set_item(&attribute.name, values::column(py, attribute, column)?)?;
            }
        }
        Ok(dict)
    }

    /// The rows from `start` to before `stop` as a dict of columns; views where that is possible.
    #[pyo3(signature = (start, stop, attributes=None, verify=None))]
    fn slice<'py>(
        &self,
        py: Python<'py>,
        start: u64,
        stop: u64,
        attributes: Option<Vec<String>>,
        verify: Option<&str>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let range = self.range(start, stop)?;
        let attributes = self.attributes(attributes.as_deref())?;
        let options = Self::options(&without_files(&attributes), verify)?;
        let storage = self.snapshot.storage();
        let batch = read(py, storage, self.snapshot.slice_with(range.clone(), &options))?;
        let rows: Vec<u64> = range.collect();
        self.dict(py, &attributes, &batch, &rows)
    }

    /// Batches of rows, in order, as dicts of columns.
    #[pyo3(signature = (start, stop, batch_size=None, attributes=None, verify=None))]
    fn scan(
        &self,
        start: u64,
        stop: u64,
        batch_size: Option<usize>,
        attributes: Option<Vec<String>>,
        verify: Option<&str>,
    ) -> PyResult<Scan> {
        let range = self.range(start, stop)?;
        let attributes = self.attributes(attributes.as_deref())?;
        let stream = self.stream(&without_files(&attributes), range.clone(), batch_size, verify)?;
        let snapshot = Snapshot { snapshot: self.snapshot.clone(), place: self.place.clone() };
        let under_way = UnderWay { stream, next: range.start };
        Ok(Scan {
            snapshot,
            attributes: attributes.into_owned(),
            under_way: Mutex::new(Some(under_way)),
            home: Home::here(),
        })
    }

    /// Batches of rows, in order, for whoever speaks Arrow.
    #[pyo3(signature = (start, stop, batch_size=None, attributes=None))]
    fn arrow(
        &self,
        start: u64,
        stop: u64,
        batch_size: Option<usize>,
        attributes: Option<Vec<String>>,
    ) -> PyResult<ArrowBatches> {
        let range = self.range(start, stop)?;
        let attributes = self.attributes(attributes.as_deref())?;
        let fields: Vec<_> = attributes.iter().map(Attribute::arrow_field).collect();
        let schema: SchemaRef = arrow_schema::Schema::new(fields).into();
        let stream = self.stream(&attributes, range, batch_size, None)?;
        Ok(ArrowBatches::new(schema, Scanned(stream)))
    }

    /// Rows in the order asked, for whoever speaks Arrow.
    #[pyo3(signature = (rows, attributes=None))]
    fn arrow_rows(
        &self,
        rows: &Bound<'_, PyAny>,
        attributes: Option<Vec<String>>,
    ) -> PyResult<ArrowBatches> {
        let py = rows.py();
        let rows = rows_of(rows, self.snapshot.row_count())?;
        let options = Self::options(&self.attributes(attributes.as_deref())?, None)?;
        let batch = read(py, self.snapshot.storage(), self.snapshot.take_with(&rows, &options))?;
        Ok(ArrowBatches::of(batch.schema(), vec![batch]))
    }

    /// One attribute of these rows, of all if there are none, as the capsules of an Arrow array.
    #[pyo3(signature = (name, rows=None, requested_schema=None))]
    fn column_array<'py>(
        &self,
        py: Python<'py>,
        name: String,
        rows: Option<&Bound<'py, PyAny>>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let options = ReadOptions::default().with_attributes([name]);
        let (snapshot, storage) = (&self.snapshot, self.snapshot.storage());
        let batch = match rows {
            None => read(py, storage, snapshot.slice_with(0..snapshot.row_count(), &options))?,
            Some(rows) => {
                let rows = rows_of(rows, snapshot.row_count())?;
                read(py, storage, snapshot.take_with(&rows, &options))?
            }
        };
        array_capsules(py, &batch, requested_schema)
    }

    /// Where rows of another version are in this one; -1 of those that are not there.
    fn rows_of<'py>(
        &self,
        other: &Snapshot,
        rows: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = rows.py();
        let rows = rows_of(rows, other.snapshot.row_count())?;
        let found = wait(py, self.snapshot.rows_from(&other.snapshot, &rows))?;
        let found = found.into_iter().map(|row| row.map_or(-1, u64::cast_signed));
        Ok(numpy::PyArray1::from_vec(py, found.collect()).into_any())
    }
}

type Rows = BoxStream<'static, tenrow::Result<RecordBatch>>;

impl Snapshot {
    fn stream(
        &self,
        attributes: &[Attribute],
        rows: Range<u64>,
        batch_size: Option<usize>,
        verify: Option<&str>,
    ) -> PyResult<Rows> {
        let mut options = ScanOptions::default().with_rows(rows);
        options = options.with_read(Self::options(attributes, verify)?);
        if let Some(rows) = batch_size {
            if rows == 0 {
                return Err(invalid("batch_size=0: a batch has a row at least"));
            }
            options = options.with_batch_rows(rows);
        }
        Ok(Box::pin(self.snapshot.scan_with(&options)))
    }
}

struct UnderWay {
    stream: Rows,
    next: u64,
}

/// An iterator over batches.
#[pyclass(frozen, module = "tenrow._tenrow")]
pub(crate) struct Scan {
    snapshot: Snapshot,
    attributes: Vec<Attribute>,
    under_way: Mutex<Option<UnderWay>>,
    home: Home,
}

#[pymethods]
impl Scan {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        self.home.check(self.snapshot.snapshot.storage())?;
        // Taken out, so that a batch which fails ends it and two threads never wait for each other here.
        let taken = self.under_way.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut under_way) = taken else { return Ok(None) };
        let Some(batch) = wait(py, under_way.stream.try_next())? else { return Ok(None) };
        let first = under_way.next;
        under_way.next += batch.num_rows() as u64;
        let rows: Vec<u64> = (first..under_way.next).collect();
        *self.under_way.lock().unwrap_or_else(PoisonError::into_inner) = Some(under_way);
        self.snapshot.dict(py, &self.attributes, &batch, &rows).map(Some)
    }
}

/// A scan that is waited for by whoever reads its batches.
struct Scanned(Rows);

impl Batches for Scanned {
    fn next(&mut self, py: Python<'_>) -> PyResult<Option<RecordBatch>> {
        wait(py, self.0.try_next())
    }
}
