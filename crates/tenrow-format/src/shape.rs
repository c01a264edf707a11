//! Shapes, and the only place where their dimensions are multiplied.

use std::fmt;

use crate::dtype::DType;
use crate::error::{FormatError, Result};
use crate::limits;

/// The dimensions of a tensor, row-major; rank 0 and dimensions of 0 are legal.
///
/// A `Shape` exists only if its elements can be counted: the product of its dimensions, with
/// every 0 taken as 1, is at most [`limits::MAX_ROW_ELEMENTS`].
///
/// ```
/// use tenrow_format::{DType, Shape};
/// let shape = Shape::new([3, 224, 224])?;
/// assert_eq!(shape.element_count(), 150_528);
/// assert_eq!(shape.byte_len(DType::U8)?, 150_528);
/// assert!(Shape::new([1 << 40, 1 << 40]).is_err());
/// # Ok::<(), tenrow_format::FormatError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Shape {
    dims: Vec<u64>,
    element_count: u64,
}

impl Shape {
    /// Checks and keeps `dims`.
    ///
    /// # Errors
    /// [`FormatError::InvalidShape`] if there are too many dimensions or elements.
    pub fn new(dims: impl Into<Vec<u64>>) -> Result<Self> {
        let dims = dims.into();
        let invalid = |reason: String| FormatError::InvalidShape { shape: show(&dims), reason };
        if dims.len() as u64 > limits::MAX_RANK {
            return Err(invalid(format!("more than {} dimensions", limits::MAX_RANK)));
        }
        // Zeros count as one here, so that no dimension order hides an overflow.
        let largest = dims.iter().try_fold(1u64, |n, &d| n.checked_mul(d.max(1)));
        match largest {
            Some(n) if n <= limits::MAX_ROW_ELEMENTS => {}
            _ => {
                return Err(invalid(format!("more than {} elements", limits::MAX_ROW_ELEMENTS)));
            }
        }
        let element_count = dims.iter().product();
        Ok(Self { dims, element_count })
    }

    /// The dimensions, outermost first.
    pub fn dims(&self) -> &[u64] {
        &self.dims
    }

    /// The number of dimensions.
    pub fn rank(&self) -> usize {
        self.dims.len()
    }

    /// The product of the dimensions: 1 for rank 0, 0 if a dimension is 0.
    pub fn element_count(&self) -> u64 {
        self.element_count
    }

    /// Bytes of one tensor, rounded up to whole bytes for bool.
    ///
    /// # Errors
    /// [`FormatError::InvalidShape`] beyond [`limits::MAX_ROW_BYTES`].
    pub fn byte_len(&self, dtype: DType) -> Result<u64> {
        // At most 2^31 elements of 64 bits: this product cannot overflow.
        let bytes = (self.element_count * dtype.item_bits()).div_ceil(8);
        if bytes > limits::MAX_ROW_BYTES {
            return Err(FormatError::InvalidShape {
                shape: self.to_string(),
                reason: format!(
                    "a row of {dtype} would take {bytes} bytes, over the limit of {}",
                    limits::MAX_ROW_BYTES
                ),
            });
        }
        Ok(bytes)
    }
}

impl Default for Shape {
    /// The shape of a scalar: rank 0, one element.
    fn default() -> Self {
        Self { dims: Vec::new(), element_count: 1 }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show(&self.dims))
    }
}

fn show(dims: &[u64]) -> String {
    let dims: Vec<_> = dims.iter().map(u64::to_string).collect();
    format!("[{}]", dims.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zero_dimension_does_not_hide_an_overflow() {
        assert!(Shape::new([0, u64::MAX, u64::MAX]).is_err());
        assert!(Shape::new([u64::MAX, 0]).is_err());
        assert_eq!(Shape::new([0, 3]).unwrap().element_count(), 0);
    }

    #[test]
    fn rank_zero_is_one_element() {
        let shape = Shape::new([]).unwrap();
        assert_eq!((shape.element_count(), shape.to_string().as_str()), (1, "[]"));
    }

    #[test]
    fn bool_rounds_up_to_bytes() {
        assert_eq!(Shape::new([9]).unwrap().byte_len(DType::Bool).unwrap(), 2);
    }

    #[test]
    fn a_row_over_the_limit_is_refused() {
        let shape = Shape::new([1 << 28]).unwrap();
        assert!(shape.byte_len(DType::F32).is_ok());
        assert!(shape.byte_len(DType::F64).is_err());
    }
}
