//! Tensors in memory: a dtype, a shape, and bytes that may be those of a mapped file.

use bytemuck::Pod;
use bytes::Bytes;
use half::{bf16, f16};
use ndarray::{ArrayBase, ArrayViewD, Data, Dimension, IxDyn};

use crate::error::{Error, Result};
pub(crate) use crate::format::bytes_of;
use crate::format::{DType, Shape};

/// A Rust type of the values of a dtype: every [`Element`], and `bool`.
///
/// ```
/// use tenrow::{DType, Scalar};
/// assert_eq!(bool::DTYPE, DType::Bool);
/// assert_eq!(f32::DTYPE, DType::F32);
/// ```
pub trait Scalar: Copy + Default + sealed::Sealed + 'static {
    /// The dtype.
    const DTYPE: DType;

    /// The bytes that a tensor of these values has.
    #[doc(hidden)]
    fn tensor_bytes(values: &[Self]) -> Bytes;
}

/// A Rust type whose memory is that of a dtype's elements, so that tensors are looked at in place.
///
/// ```
/// use tenrow::{Element, Tensor};
/// fn largest<T: Element + Ord>(tensor: &Tensor) -> Option<T> {
///     tensor.as_slice::<T>().ok()?.iter().copied().max()
/// }
/// assert_eq!(largest(&Tensor::from_slice(&[3i16, 7, 5], &[3])?), Some(7i16));
/// # Ok::<(), tenrow::Error>(())
/// ```
pub trait Element: Pod + Scalar {}

mod sealed {
    pub trait Sealed {}
}

macro_rules! elements {
    ($($rust:ty => $dtype:ident),*) => {$(
        impl sealed::Sealed for $rust {}
        impl Element for $rust {}
        impl Scalar for $rust {
            const DTYPE: DType = DType::$dtype;

            fn tensor_bytes(values: &[Self]) -> Bytes {
                Bytes::copy_from_slice(bytemuck::cast_slice(values))
            }
        }
    )*};
}
elements!(i8 => I8, i16 => I16, i32 => I32, i64 => I64, u8 => U8, u16 => U16, u32 => U32,
          u64 => U64, f16 => F16, bf16 => Bf16, f32 => F32, f64 => F64);

impl sealed::Sealed for bool {}
impl Scalar for bool {
    const DTYPE: DType = DType::Bool;

    fn tensor_bytes(values: &[Self]) -> Bytes {
        values.iter().map(|&value| u8::from(value)).collect()
    }
}

/// A tensor: row-major, little-endian, cheap to clone.
///
/// Booleans take a byte each here, 0 or 1. What was read from a mapped file is that file's memory:
/// nothing was copied, and it stays valid when dataset and file are gone.
///
/// ```
/// use tenrow::Tensor;
/// let tensor = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], &[2, 2])?;
/// assert_eq!(tensor.view::<f32>()?[[1, 0]], 3.0);
/// assert!(tensor.as_slice::<i64>().is_err());
/// # Ok::<(), tenrow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    dtype: DType,
    shape: Vec<u64>,
    bytes: Bytes,
}

impl Tensor {
    /// A tensor over these bytes.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if their number is not that of the shape.
    pub fn new(dtype: DType, shape: &[u64], bytes: Bytes) -> Result<Self> {
        let elements = shape.iter().try_fold(1u64, |n, &d| n.checked_mul(d));
        let item_bytes = dtype.item_bytes().unwrap_or(1);
        let expected = elements.and_then(|n| n.checked_mul(item_bytes));
        if expected != Some(bytes.len() as u64) {
            return Err(Error::invalid(format!(
                "{} bytes for a tensor of {dtype} with shape {shape:?}",
                bytes.len()
            )));
        }
        Ok(Self { dtype, shape: shape.to_vec(), bytes })
    }

    /// A tensor that holds a copy of `values`.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if their number is not that of the shape.
    pub fn from_slice<T: Element>(values: &[T], shape: &[u64]) -> Result<Self> {
        Self::new(T::DTYPE, shape, Bytes::copy_from_slice(bytemuck::cast_slice(values)))
    }

    /// A tensor of one dimension that holds a copy of `values`.
    pub(crate) fn of_rows<T: Scalar>(values: &[T]) -> Self {
        let shape = vec![values.len() as u64];
        Self { dtype: T::DTYPE, shape, bytes: T::tensor_bytes(values) }
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The dimensions, outermost first.
    pub fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// The elements' bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The elements, in place.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if `T` is not the dtype;
    /// [`Unsupported`](crate::ErrorKind::Unsupported) if the bytes are not aligned for `T`, which
    /// only very short pages are not: [`to_vec`](Self::to_vec) copies instead.
    pub fn as_slice<T: Element>(&self) -> Result<&[T]> {
        self.check::<T>()?;
        bytemuck::try_cast_slice(&self.bytes).map_err(|_| {
            Error::unsupported("the tensor is not aligned for its type: copy it with `to_vec`")
        })
    }

    /// A copy of the elements.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if `T` is not the dtype.
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        self.check::<T>()?;
        Ok(bytemuck::pod_collect_to_vec(&self.bytes))
    }

    /// The elements in place, as an `ndarray` view.
    ///
    /// # Errors
    /// As [`as_slice`](Self::as_slice).
    pub fn view<T: Element>(&self) -> Result<ArrayViewD<'_, T>> {
        let shape: Vec<usize> = self.shape.iter().map(|&d| d as usize).collect();
        ArrayViewD::from_shape(IxDyn(&shape), self.as_slice()?)
            .map_err(|e| Error::invalid("the shape of a tensor").with_source(e))
    }

    fn check<T: Element>(&self) -> Result<()> {
        if T::DTYPE == self.dtype {
            return Ok(());
        }
        Err(Error::invalid(format!("a tensor of {} read as {}", self.dtype, T::DTYPE)))
    }
}

impl<S: Data<Elem: Scalar>, D: Dimension> From<&ArrayBase<S, D>> for Tensor {
    /// A tensor that holds a copy of `array`.
    fn from(array: &ArrayBase<S, D>) -> Self {
        let shape = array.shape().iter().map(|&dim| dim as u64).collect();
        let standard = array.as_standard_layout();
        let elements = standard.as_slice().unwrap_or_default();
        Self { shape, ..Self::of_rows(elements) }
    }
}

impl<S: Data<Elem: Scalar>, D: Dimension> From<ArrayBase<S, D>> for Tensor {
    /// A tensor that holds a copy of `array`.
    fn from(array: ArrayBase<S, D>) -> Self {
        Self::from(&array)
    }
}

impl From<&Tensor> for Tensor {
    /// The same tensor, shared.
    fn from(tensor: &Tensor) -> Self {
        tensor.clone()
    }
}

/// The bytes of `bit_count` booleans from bit `start` of `packed` on, a byte each.
pub(crate) fn unpack_bits(packed: &[u8], start: u64, bit_count: u64) -> Bytes {
    (start..start + bit_count).map(|bit| packed[(bit / 8) as usize] >> (bit % 8) & 1).collect()
}

/// The shape of `rows` tensors of `shape` together.
pub(crate) fn stacked(rows: usize, shape: &Shape) -> Vec<u64> {
    std::iter::once(rows as u64).chain(shape.dims().iter().copied()).collect()
}
