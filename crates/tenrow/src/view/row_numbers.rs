//! Which rows: a range, or a list.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use crate::error::{Error, Result};

/// Numbers of rows of a version, or places of a view.
///
/// ```
/// use tenrow::RowNumbers;
/// let (all, some) = (RowNumbers::from(2..5), RowNumbers::from([7, 7, 0]));
/// assert_eq!((all.len(), all.get(1), all.to_vec()), (3, Some(3), vec![2, 3, 4]));
/// assert_eq!((some.len(), some.get(3), some.to_vec()), (3, None, vec![7, 7, 0]));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RowNumbers {
    /// Consecutive ones, ascending.
    Range(Range<u64>),
    /// Any, in this order and as often as they are there.
    List(Arc<[u64]>),
}

impl RowNumbers {
    /// How many they are.
    pub fn len(&self) -> u64 {
        match self {
            Self::Range(rows) => rows.end.saturating_sub(rows.start),
            Self::List(rows) => rows.len() as u64,
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The one at `place`, from 0.
    pub fn get(&self, place: u64) -> Option<u64> {
        match self {
            Self::Range(rows) => rows.start.checked_add(place).filter(|row| rows.contains(row)),
            Self::List(rows) => rows.get(usize::try_from(place).ok()?).copied(),
        }
    }

    /// All of them in memory, 8 bytes each; those of a list are not copied.
    pub fn as_list(&self) -> Cow<'_, [u64]> {
        match self {
            Self::Range(rows) => rows.clone().collect(),
            Self::List(rows) => Cow::Borrowed(rows),
        }
    }

    /// All of them, 8 bytes each.
    pub fn to_vec(&self) -> Vec<u64> {
        self.as_list().into_owned()
    }

    /// Those at consecutive places; `None` if some of these are out of range.
    pub(crate) fn part(&self, places: &Range<u64>) -> Option<Part<'_>> {
        if places.start > places.end || places.end > self.len() {
            return None;
        }
        Some(match self {
            Self::Range(rows) => Part::Range(rows.start + places.start..rows.start + places.end),
            Self::List(rows) => Part::List(&rows[places.start as usize..places.end as usize]),
        })
    }

    /// One that is not below `row_count`, if any is; a range that ends before it begins is an error.
    pub(crate) fn outside(&self, row_count: u64) -> Result<Option<u64>> {
        match self {
            Self::Range(rows) if rows.start > rows.end => Err(Error::invalid(format!(
                "rows {}..{}: the range ends before it begins",
                rows.start, rows.end
            ))),
            Self::Range(rows) => Ok((rows.end > row_count).then(|| rows.end - 1)),
            Self::List(rows) => Ok(rows.iter().copied().find(|&row| row >= row_count)),
        }
    }
}

/// Consecutive rows of a view.
pub(crate) enum Part<'a> {
    Range(Range<u64>),
    List(&'a [u64]),
}

impl From<Range<u64>> for RowNumbers {
    fn from(rows: Range<u64>) -> Self {
        Self::Range(rows)
    }
}

impl From<Vec<u64>> for RowNumbers {
    fn from(rows: Vec<u64>) -> Self {
        Self::List(rows.into())
    }
}

impl From<&[u64]> for RowNumbers {
    fn from(rows: &[u64]) -> Self {
        Self::List(rows.into())
    }
}

impl<const N: usize> From<[u64; N]> for RowNumbers {
    fn from(rows: [u64; N]) -> Self {
        Self::List(Arc::new(rows))
    }
}

impl From<Arc<[u64]>> for RowNumbers {
    fn from(rows: Arc<[u64]>) -> Self {
        Self::List(rows)
    }
}

impl From<Part<'_>> for RowNumbers {
    fn from(part: Part<'_>) -> Self {
        match part {
            Part::Range(rows) => Self::Range(rows),
            Part::List(rows) => rows.into(),
        }
    }
}
