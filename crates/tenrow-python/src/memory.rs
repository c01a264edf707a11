//! Tensors as numpy arrays over the same memory, and back.
#![allow(unsafe_code, reason = "numpy arrays are made over memory that Rust owns")]

use std::os::raw::{c_int, c_void};
use std::sync::{Mutex, PoisonError};

use bytemuck::Zeroable;
use bytes::Bytes;
use numpy::npyffi::flags::{NPY_ARRAY_CARRAY, NPY_ARRAY_CARRAY_RO};
use numpy::npyffi::{NpyTypes, PY_ARRAY_API, PyArrayObject, get_type_object, npy_intp};
use numpy::{PyArrayDescr, PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use tenrow::{DType, Tensor};

use crate::error::{invalid, wrong_type};

/// Memory that arrays are views of; it lives as long as one of them does.
#[pyclass(frozen, module = "tenrow._tenrow")]
pub(crate) struct Memory {
    bytes: Bytes,
}

#[pymethods]
impl Memory {
    fn __len__(&self) -> usize {
        self.bytes.len()
    }
}

/// Arrays of at least this many bytes get memory that others have left: of new memory the system has to make every page.
const REUSED_BYTES: usize = 64 << 10;
/// How much memory that was left is kept at most.
const KEPT_BYTES: usize = 128 << 20;

/// What processors fetch at once.
#[derive(Clone, Copy, Zeroable)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Memory of an array, which is kept for the next one.
#[pyclass(frozen, module = "tenrow._tenrow")]
struct Reused {
    lines: Vec<Line>,
}

/// What arrays have left, the newest last. Locked only by who holds the GIL, so never while a process is forked.
static LEFT: Mutex<Vec<Vec<Line>>> = Mutex::new(Vec::new());

/// At least `size` bytes of memory: some that was left, and not twice as large, or new.
fn lines(size: usize) -> Vec<Line> {
    let count = size.div_ceil(size_of::<Line>());
    let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
    match left.iter().rposition(|lines| (count..=count * 2).contains(&lines.len())) {
        Some(place) => left.remove(place),
        None => bytemuck::zeroed_vec(count),
    }
}

impl Drop for Reused {
    fn drop(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
        left.push(lines);
        let mut bytes = 0;
        let mut fits = |lines: &Vec<Line>| {
            bytes += lines.len() * size_of::<Line>();
            bytes <= KEPT_BYTES
        };
        let kept = left.iter().rev().take_while(|lines| fits(lines)).count();
        let gone = left.len() - kept;
        left.drain(..gone);
    }
}

/// A read-only array over the memory of the tensor; it keeps it.
pub(crate) fn array<'py>(py: Python<'py>, tensor: &Tensor) -> PyResult<Bound<'py, PyAny>> {
    let owner = Bound::new(py, Memory { bytes: tensor.bytes().clone() })?;
    let data = owner.get().bytes.as_ptr().cast_mut();
    let dtype = dtype_of(py, tensor.dtype())?;
    // SAFETY: `Tensor` has as many bytes as its shape and dtype say, which neither move nor change; numpy is told that it
    // may not write.
    unsafe { array_over(data, dtype, tensor.shape(), NPY_ARRAY_CARRAY_RO, owner.into_any()) }
}

/// A new array of this dtype and shape, which has yet to be filled.
pub(crate) fn empty<'py>(
    py: Python<'py>,
    dtype: DType,
    shape: &[u64],
) -> PyResult<Bound<'py, PyAny>> {
    let item_bytes = dtype.item_bytes().unwrap_or(1);
    let size = shape.iter().try_fold(item_bytes, |size, &dim| size.checked_mul(dim));
    let dtype = dtype_of(py, dtype)?;
    match size.and_then(|size| usize::try_from(size).ok()) {
        Some(size) if size >= REUSED_BYTES => {
            let mut owner = Reused { lines: lines(size) };
            let data = owner.lines.as_mut_ptr().cast::<u8>();
            let owner = Bound::new(py, owner)?;
            // SAFETY: the lines are `size` bytes at least, and do not move when their vector does; nobody else has them.
            unsafe { array_over(data, dtype, shape, NPY_ARRAY_CARRAY, owner.into_any()) }
        }
        _ => {
            let shape = pyo3::types::PyTuple::new(py, shape)?;
            numpy(py)?.call_method1("empty", (shape, dtype))
        }
    }
}

/// An array over the memory at `data`, which keeps its `owner`.
///
/// # Safety
/// The memory is as large as `shape` of `dtype`, and lives as long as the owner; it may be written if `flags` say so.
unsafe fn array_over<'py>(
    data: *mut u8,
    dtype: Bound<'py, PyArrayDescr>,
    shape: &[u64],
    flags: c_int,
    owner: Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = owner.py();
    let mut dims: Vec<npy_intp> = Vec::with_capacity(shape.len());
    for &dim in shape {
        dims.push(npy_intp::try_from(dim).map_err(|_| invalid("a dimension over 2^63"))?);
    }
    // SAFETY: of the memory the caller says so; the array takes the owner over.
    unsafe {
        let made = PY_ARRAY_API.PyArray_NewFromDescr(
            py,
            get_type_object(py, NpyTypes::PyArray_Type),
            dtype.into_dtype_ptr(),
            dims.len() as c_int,
            dims.as_mut_ptr(),
            std::ptr::null_mut(),
            data.cast::<c_void>(),
            flags,
            std::ptr::null_mut(),
        );
        let made = Bound::from_owned_ptr_or_err(py, made)?;
        let base = owner.into_ptr();
        if PY_ARRAY_API.PyArray_SetBaseObject(py, made.as_ptr().cast::<PyArrayObject>(), base) < 0 {
            return Err(PyErr::fetch(py));
        }
        Ok(made)
    }
}

/// Refuses an array that is not of this dtype and shape, or may not be written.
pub(crate) fn check(
    out: &Bound<'_, PyAny>,
    dtype: DType,
    shape: &[u64],
    name: &str,
) -> PyResult<()> {
    let found = out.cast::<PyUntypedArray>().map_err(|_| {
        wrong_type(format!("out for {name:?}: expected a numpy array, found {}", type_of(out)))
    })?;
    let expected = dtype_of(out.py(), dtype)?;
    if !found.dtype().is_equiv_to(&expected) {
        let found = found.dtype();
        return Err(wrong_type(format!(
            "out for {name:?}: expected dtype {expected}, found {found}"
        )));
    }
    if !found.shape().iter().map(|&dim| dim as u64).eq(shape.iter().copied()) {
        let found = found.shape();
        return Err(invalid(format!(
            "out for {name:?}: expected shape {shape:?}, found {found:?}"
        )));
    }
    let is_writeable: bool = out.getattr("flags")?.getattr("writeable")?.extract()?;
    if !is_writeable || !found.is_c_contiguous() {
        return Err(invalid(format!(
            "out for {name:?}: an array that may be written, in C order, is needed"
        )));
    }
    Ok(())
}

/// Lets `fill` write the memory of a contiguous array that [`empty`] made or [`check`] let pass.
pub(crate) fn fill<T>(
    out: &Bound<'_, PyAny>,
    fill: impl FnOnce(&mut [u8]) -> PyResult<T>,
) -> PyResult<T> {
    let array = out.cast::<PyUntypedArray>()?;
    let size = array.len() * array.dtype().itemsize();
    if size == 0 {
        return fill(&mut []);
    }
    // SAFETY: the array is contiguous, may be written and has `size` bytes, which are plain numbers; it is kept while
    // they are borrowed. As with numpy's own functions, whoever shares it with another thread looks out for races.
    let bytes = unsafe {
        std::slice::from_raw_parts_mut((*array.as_array_ptr()).fields.data.cast::<u8>(), size)
    };
    fill(bytes)
}

/// The elements of an array, which must be of this dtype, copied: Python may change them at any time.
pub(crate) fn tensor(value: &Bound<'_, PyAny>, dtype: DType, name: &str) -> PyResult<Tensor> {
    let py = value.py();
    let expected = dtype_of(py, dtype)?;
    let numpy = numpy(py)?;
    let array = numpy.call_method1("ascontiguousarray", (value,))?;
    let array = array.cast_into::<PyUntypedArray>().map_err(PyErr::from)?;
    // Contiguous arrays have one dimension at least.
    let shape: Vec<usize> = value.getattr("shape")?.extract()?;
    let array = in_own_order(array)?;
    if !array.dtype().is_equiv_to(&expected) {
        return Err(wrong_type(format!(
            "attribute {name:?}: expected dtype {expected}, found {}",
            array.dtype()
        )));
    }
    let size = array.len() * dtype.item_bytes().unwrap_or(1) as usize;
    // SAFETY: the array is contiguous, has `size` bytes, and the GIL is held while they are copied.
    let bytes = unsafe {
        let data = (*array.as_array_ptr()).fields.data.cast::<u8>();
        if size == 0 {
            Bytes::new()
        } else {
            Bytes::copy_from_slice(std::slice::from_raw_parts(data, size))
        }
    };
    let shape: Vec<u64> = shape.into_iter().map(|dim| dim as u64).collect();
    Tensor::new(dtype, &shape, bytes).map_err(|error| crate::error::raised(&error))
}

/// What numpy has in place of a scalar that is masked.
pub(crate) fn masked(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    numpy(py)?.getattr("ma")?.getattr("masked")
}

/// Whether it is an array with a mask.
pub(crate) fn is_masked(array: &Bound<'_, PyAny>) -> PyResult<bool> {
    array.is_instance(&numpy(array.py())?.getattr("ma")?.getattr("MaskedArray")?)
}

/// The array with its bytes in this machine's order.
fn in_own_order<'py>(array: Bound<'py, PyUntypedArray>) -> PyResult<Bound<'py, PyUntypedArray>> {
    if array.dtype().is_native_byteorder() != Some(false) {
        return Ok(array);
    }
    let dtype = array.dtype().call_method1("newbyteorder", ("=",))?;
    array.call_method1("astype", (dtype,))?.cast_into().map_err(PyErr::from)
}

/// The dtype as numpy has it: little-endian; bf16 is that of `ml_dtypes`.
pub(crate) fn dtype_of(py: Python<'_>, dtype: DType) -> PyResult<Bound<'_, PyArrayDescr>> {
    match dtype {
        DType::Bool => Ok(numpy::dtype::<bool>(py)),
        DType::I8 => Ok(numpy::dtype::<i8>(py)),
        DType::I16 => Ok(numpy::dtype::<i16>(py)),
        DType::I32 => Ok(numpy::dtype::<i32>(py)),
        DType::I64 => Ok(numpy::dtype::<i64>(py)),
        DType::U8 => Ok(numpy::dtype::<u8>(py)),
        DType::U16 => Ok(numpy::dtype::<u16>(py)),
        DType::U32 => Ok(numpy::dtype::<u32>(py)),
        DType::U64 => Ok(numpy::dtype::<u64>(py)),
        DType::F32 => Ok(numpy::dtype::<f32>(py)),
        DType::F64 => Ok(numpy::dtype::<f64>(py)),
        DType::F16 => PyArrayDescr::new(py, "float16"),
        DType::Bf16 => bf16(py),
    }
}

/// The dtype that an array of numpy has, if it is one of ours, in either byte order.
pub(crate) fn known_dtype(array: &Bound<'_, PyAny>) -> PyResult<Option<DType>> {
    let py = array.py();
    let dtype = array.getattr("dtype")?.call_method1("newbyteorder", ("=",))?;
    let Ok(dtype) = dtype.cast_into::<PyArrayDescr>() else { return Ok(None) };
    for known in DType::ALL {
        if known == DType::Bf16 {
            // Who has no ml_dtypes has no array of it.
            if dtype.getattr("name")?.eq("bfloat16")? {
                return Ok(Some(known));
            }
        } else if dtype.is_equiv_to(&dtype_of(py, known)?) {
            return Ok(Some(known));
        }
    }
    Ok(None)
}

fn bf16(py: Python<'_>) -> PyResult<Bound<'_, PyArrayDescr>> {
    static BF16: PyOnceLock<Py<PyArrayDescr>> = PyOnceLock::new();
    let known = BF16.get_or_try_init(py, || {
        let module = PyModule::import(py, "ml_dtypes").map_err(|_| {
            wrong_type(
                "numpy has no bf16 of its own: pip install ml_dtypes, or leave the attribute out",
            )
        })?;
        PyArrayDescr::new(py, module.getattr("bfloat16")?).map(Bound::unbind)
    });
    known.map(|known| known.bind(py).clone())
}

/// The module.
pub(crate) fn numpy(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    static NUMPY: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let known = NUMPY.get_or_try_init(py, || PyModule::import(py, "numpy").map(Bound::unbind));
    known.map(|known| known.bind(py).clone())
}

/// What Python calls the type of a value.
pub(crate) fn type_of(value: &Bound<'_, PyAny>) -> String {
    value.get_type().qualname().map_or_else(|_| "something".to_owned(), |name| name.to_string())
}
