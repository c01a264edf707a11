//! Rows of one version, and every way to read them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::SchemaRef;
use futures::TryStreamExt;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PyList, PyTuple};
use tenrow::{
    Attribute, AttributeType, BatchStream, PageChecks, ReadOptions, RowNumbers, ScanOptions,
};

use crate::arrow::{ArrowBatches, Batches, array_capsules};
use crate::column::TensorColumn;
use crate::error::{invalid, raised};
use crate::file::FileHandle;
use crate::keys::{Key, array_of_rows, rows_of};
use crate::place::{PinnedVersion, Place};
use crate::runtime::{Home, read, wait};
use crate::schema::describe;
use crate::values;

/// Rows of one version, in an order of their own. Places in it are counted from 0.
#[pyclass(frozen, module = "tenrow._tenrow")]
pub(crate) struct View {
    pub(crate) view: tenrow::View,
    place: Arc<Place>,
}

impl View {
    pub(crate) fn new(view: tenrow::View, place: Arc<Place>) -> Self {
        Self { view, place }
    }

    fn row_count(&self) -> u64 {
        self.view.row_count()
    }

    /// The attributes of these names, all without names.
    fn attributes(&self, names: Option<&[String]>) -> PyResult<Cow<'_, [Attribute]>> {
        let snapshot = self.view.snapshot();
        let Some(names) = names else { return Ok(snapshot.schema().attributes().into()) };
        let found = names.iter().map(|name| snapshot.attribute(name).cloned());
        found.collect::<tenrow::Result<_>>().map(Cow::Owned).map_err(|error| raised(&error))
    }

    /// The column of a tensor or a number.
    fn column(&self, attribute: &Attribute, options: &ReadOptions) -> PyResult<TensorColumn> {
        let pinned = PinnedVersion { place: self.place.clone(), version: self.view.version().0 };
        TensorColumn::new(&self.view, pinned, attribute, options)
    }

    /// The files at these places.
    fn files<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        places: &[u64],
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let column = self.view.file_column(name).map_err(|error| raised(&error))?;
        let storage = self.view.snapshot().storage();
        let rows = read(py, storage, self.view.row_numbers())?;
        let files = places.iter().map(|&place| {
            let row = rows.get(place).unwrap_or_default();
            Ok(match read(py, storage, column.get(place))? {
                None => py.None().into_bound(py),
                Some(file) => {
                    let pinned =
                        PinnedVersion { place: self.place.clone(), version: self.view.version().0 };
                    let handle =
                        FileHandle::new(file, storage.clone(), pinned, name.to_owned(), row);
                    Bound::new(py, handle)?.into_any()
                }
            })
        });
        files.collect()
    }

    fn range(&self, start: u64, stop: u64) -> PyResult<Range<u64>> {
        match start <= stop && stop <= self.row_count() {
            true => Ok(start..stop),
            false => Err(invalid(format!("rows {start}..{stop} of {}", self.row_count()))),
        }
    }

    /// One row as a dict.
    fn row<'py>(
        &self,
        py: Python<'py>,
        row: u64,
        attributes: &[Attribute],
    ) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        let mut others = Vec::new();
        for attribute in attributes {
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
            let options = options(&others, None)?;
            let storage = self.view.snapshot().storage();
            let batch = read(py, storage, self.view.take_with(&[row], &options))?;
            for (attribute, column) in others.iter().zip(batch.columns()) {
                dict.set_item(&attribute.name, values::value(py, attribute, column, 0)?)?;
            }
        }
        Ok(dict)
    }

    /// Consecutive rows as a dict of columns; views of memory where that is possible.
    fn slice<'py>(
        &self,
        py: Python<'py>,
        range: Range<u64>,
        attributes: &[Attribute],
    ) -> PyResult<Bound<'py, PyDict>> {
        let options = options(&without_files(attributes), None)?;
        let storage = self.view.snapshot().storage();
        let batch = read(py, storage, self.view.slice_with(range.clone(), &options))?;
        self.dict(py, attributes, &batch, range)
    }

    /// Rows in the order asked, as a dict of columns; tensors are copied into the arrays of `out`.
    fn taken<'py>(
        &self,
        py: Python<'py>,
        rows: &[u64],
        attributes: &[Attribute],
        out: Option<&Bound<'py, PyDict>>,
        verify: Option<&str>,
    ) -> PyResult<Bound<'py, PyDict>> {
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
        let dict = PyDict::new(py);
        let mut others = Vec::new();
        for attribute in attributes {
            let name = &attribute.name;
            let value = if has_array(attribute) {
                let column = self.column(attribute, &options(&[], verify)?)?;
                column.take_rows(py, rows, target(name)?.as_ref())?
            } else if attribute.attribute_type == AttributeType::File {
                PyList::new(py, self.files(py, name, rows)?)?.into_any()
            } else {
                others.push(attribute.clone());
                py.None().into_bound(py)
            };
            // In the order of the attributes.
            dict.set_item(name, value)?;
        }
        if !others.is_empty() {
            let options = options(&others, verify)?;
            let storage = self.view.snapshot().storage();
            let batch = read(py, storage, self.view.take_with(rows, &options))?;
            for (attribute, column) in others.iter().zip(batch.columns()) {
                dict.set_item(&attribute.name, values::column(py, attribute, column)?)?;
            }
        }
        Ok(dict)
    }

    /// A dict of the columns of a batch and of the files at `places`, in the order of the attributes.
    fn dict<'py>(
        &self,
        py: Python<'py>,
        attributes: &[Attribute],
        batch: &RecordBatch,
        places: Range<u64>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        let schema = batch.schema();
        let names = schema.fields().iter().map(|field| field.name().as_str());
        let columns: HashMap<&str, &ArrayRef> = names.zip(batch.columns()).collect();
        for attribute in attributes {
            let value = match columns.get(attribute.name.as_str()) {
                Some(column) => values::column(py, attribute, column)?,
                None => {
                    let places: Vec<u64> = places.clone().collect();
                    PyList::new(py, self.files(py, &attribute.name, &places)?)?.into_any()
                }
            };
            dict.set_item(&attribute.name, value)?;
        }
        Ok(dict)
    }

    fn stream(
        &self,
        attributes: &[Attribute],
        places: Range<u64>,
        batch_size: Option<usize>,
        verify: Option<&str>,
    ) -> PyResult<BatchStream> {
        let mut scan = ScanOptions::default().with_rows(places);
        scan = scan.with_read(options(attributes, verify)?);
        if let Some(rows) = batch_size {
            if rows == 0 {
                return Err(invalid("batch_size=0: a batch has a row at least"));
            }
            scan = scan.with_batch_rows(rows);
        }
        Ok(self.view.scan_with(&scan))
    }
}

fn options(names: &[Attribute], verify: Option<&str>) -> PyResult<ReadOptions> {
    let options = ReadOptions::default().with_attributes(names.iter().map(|a| a.name.as_str()));
    Ok(match verify {
        None => options,
        Some("always") => options.with_page_checks(PageChecks::Always),
        Some("fetched") => options.with_page_checks(PageChecks::Fetched),
        Some("never") => options.with_page_checks(PageChecks::Never),
        Some(other) => {
            return Err(invalid(format!(
                "verify={other:?}: there are \"always\", \"fetched\" and \"never\""
            )));
        }
    })
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
impl View {
    fn __len__(&self) -> usize {
        self.row_count() as usize
    }

    /// A dict for each attribute.
    fn schema<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let attributes = self.view.snapshot().schema().attributes();
        attributes.iter().map(|attribute| describe(py, attribute)).collect()
    }

    /// Its rows, as numbers in its version.
    fn rows<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        array_of_rows(py, &self.view)
    }

    /// The rows at these places of it.
    fn part(&self, key: &Bound<'_, PyAny>) -> PyResult<Self> {
        let places = RowNumbers::from(Key::of(key, self.row_count())?);
        let storage = self.view.snapshot().storage();
        let view = read(key.py(), storage, self.view.rows(places))?;
        Ok(Self { view, place: self.place.clone() })
    }

    /// The tensor or number of all rows; None if the attribute is of another kind.
    fn tensors(&self, name: &str) -> PyResult<Option<TensorColumn>> {
        let snapshot = self.view.snapshot();
        let attribute = snapshot.attribute(name).map_err(|error| raised(&error))?;
        match has_array(attribute) {
            true => self.column(attribute, &ReadOptions::default()).map(Some),
            false => Ok(None),
        }
    }

    /// What stands in brackets: of a number a row as a dict of values, of more rows a dict of columns.
    #[pyo3(signature = (key, attributes=None))]
    fn get<'py>(
        &self,
        key: &Bound<'py, PyAny>,
        attributes: Option<Vec<String>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let py = key.py();
        let attributes = self.attributes(attributes.as_deref())?;
        match Key::of(key, self.row_count())? {
            Key::Row(row) => self.row(py, row, &attributes),
            Key::Range(range) => self.slice(py, range, &attributes),
            Key::Rows(rows) => self.taken(py, &rows, &attributes, None, None),
        }
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
        let places = rows_of(rows, self.row_count())?;
        let attributes = self.attributes(attributes.as_deref())?;
        self.taken(rows.py(), &places, &attributes, out, verify)
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
        let under_way = UnderWay { stream, next: range.start };
        Ok(Scan {
            view: View { view: self.view.clone(), place: self.place.clone() },
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

    /// One attribute of all rows, as the capsules of an Arrow array.
    #[pyo3(signature = (name, requested_schema=None))]
    fn column_array<'py>(
        &self,
        py: Python<'py>,
        name: String,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let options = ReadOptions::default().with_attributes([name]);
        let storage = self.view.snapshot().storage();
        let batch = read(py, storage, self.view.slice_with(0..self.row_count(), &options))?;
        array_capsules(py, &batch, requested_schema)
    }

    /// The same rows in the version of another view, without those that are not there.
    fn present_at(&self, py: Python<'_>, other: &Self) -> PyResult<Self> {
        let view = wait(py, self.view.present_at(other.view.snapshot()))?;
        Ok(Self { view, place: other.place.clone() })
    }
}

struct UnderWay {
    stream: BatchStream,
    next: u64,
}

/// An iterator over batches.
#[pyclass(frozen, module = "tenrow._tenrow")]
pub(crate) struct Scan {
    view: View,
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
        self.home.check(self.view.view.snapshot().storage())?;
        // Taken out, so that a batch which fails ends it and two threads never wait for each other here.
        let taken = self.under_way.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut under_way) = taken else { return Ok(None) };
        let Some(batch) = wait(py, under_way.stream.try_next())? else { return Ok(None) };
        let first = under_way.next;
        under_way.next += batch.num_rows() as u64;
        let places = first..under_way.next;
        *self.under_way.lock().unwrap_or_else(PoisonError::into_inner) = Some(under_way);
        self.view.dict(py, &self.attributes, &batch, places).map(Some)
    }
}

/// A scan that is waited for by whoever reads its batches.
struct Scanned(BatchStream);

impl Batches for Scanned {
    fn next(&mut self, py: Python<'_>) -> PyResult<Option<RecordBatch>> {
        wait(py, self.0.try_next())
    }
}
