//! Parts of a tensor, written as in numpy: `0, 2:5, ::-1`.

use std::fmt;

use super::describe::place_in;

/// What is taken along one dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// One place; the dimension goes.
    Index(i64),
    /// `start:stop:step`, clamped to the dimension.
    Range { start: Option<i64>, stop: Option<i64>, step: i64 },
}

/// All of a dimension.
const ALL: Part = Part::Range { start: None, stop: None, step: 1 };

/// The places taken along one dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Picked {
    pub(super) start: usize,
    pub(super) step: isize,
    pub(super) count: usize,
    /// Whether the result has this dimension.
    pub(super) is_kept: bool,
}

/// Parses `text` for a tensor of `rank` dimensions; what it leaves out is taken whole.
pub(super) fn parse(text: &str, rank: usize) -> Result<Vec<Part>, String> {
    let pieces: Vec<&str> = match text.trim() {
        "" => Vec::new(),
        text => text.split(',').map(str::trim).collect(),
    };
    let ellipses = pieces.iter().filter(|&&piece| piece == "...").count();
    let named = pieces.len() - ellipses;
    if ellipses > 1 {
        return Err(format!("{text:?} has more than one `...`"));
    }
    if named > rank {
        return Err(format!("{text:?} is for {named} dimensions, the tensor has {rank}"));
    }
    let mut parts = Vec::with_capacity(rank);
    for piece in pieces {
        match piece {
            "..." => parts.extend(std::iter::repeat_n(ALL, rank - named)),
            piece => parts.push(part(piece).ok_or_else(|| misread(piece))?),
        }
    }
    parts.resize(rank, ALL);
    Ok(parts)
}

fn misread(piece: &str) -> String {
    format!(
        "{piece:?} is no range; ranges are written as in numpy: `3`, `2:5`, `:`, `::2`, `-1`, `...`, with commas between dimensions"
    )
}

fn part(piece: &str) -> Option<Part> {
    let number = |text: &str| match text.trim() {
        "" => Some(None),
        text => text.parse::<i64>().ok().map(Some),
    };
    let mut bounds = piece.split(':');
    let first = number(bounds.next()?)?;
    let Some(stop) = bounds.next() else { return first.map(Part::Index) };
    let stop = number(stop)?;
    let step = match bounds.next() {
        Some(step) => number(step)?.unwrap_or(1),
        None => 1,
    };
    let is_range = step != 0 && bounds.next().is_none();
    is_range.then_some(Part::Range { start: first, stop, step })
}

impl Part {
    /// The places that it takes of `dim`; `None` if it is an index out of range.
    pub(super) fn pick(self, dim: u64) -> Option<Picked> {
        match self {
            Self::Index(index) => {
                let start = place_in(index, dim)? as usize;
                Some(Picked { start, step: 1, count: 1, is_kept: false })
            }
            Self::Range { start, stop, step } => Some(picked_range(start, stop, step, dim)),
        }
    }

    pub(super) fn is_kept(self) -> bool {
        matches!(self, Self::Range { .. })
    }
}

/// As numpy's `slice.indices`: bounds beyond an end are that end.
fn picked_range(start: Option<i64>, stop: Option<i64>, step: i64, dim: u64) -> Picked {
    let (dim, step) = (i128::from(dim), i128::from(step));
    let (least, most) = if step > 0 { (0, dim) } else { (-1, dim - 1) };
    let bound = |bound: Option<i64>, default: i128| match bound.map(i128::from) {
        None => default,
        Some(bound) if bound < 0 => (bound + dim).clamp(least, most),
        Some(bound) => bound.clamp(least, most),
    };
    let (first, end) = if step > 0 { (least, most) } else { (most, least) };
    let (start, stop) = (bound(start, first), bound(stop, end));
    let distance = if step > 0 { stop - start } else { start - stop };
    let count = if distance > 0 { (distance - 1) / step.abs() + 1 } else { 0 };
    // A dimension has fewer than 2^31 elements, so these fit; the step matters only between two of them.
    let step = if count > 1 { step as isize } else { 1 };
    Picked { start: start.max(0) as usize, step, count: count as usize, is_kept: true }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = |b: &Option<i64>| b.map_or(String::new(), |b| b.to_string());
        match self {
            Self::Index(index) => write!(f, "{index}"),
            Self::Range { start, stop, step: 1 } => write!(f, "{}:{}", bound(start), bound(stop)),
            Self::Range { start, stop, step } => {
                write!(f, "{}:{}:{step}", bound(start), bound(stop))
            }
        }
    }
}

/// Equal runs of neighbouring elements: where each begins, and how many elements it has.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Runs {
    pub(super) starts: Vec<usize>,
    pub(super) len: usize,
}

/// The elements that are picked of a tensor of `dims`, as few and long runs as there can be.
pub(super) fn runs(dims: &[u64], picked: &[Picked]) -> Runs {
    // From the innermost dimension outwards, runs grow as long as dimensions are taken whole.
    let (mut len, mut stride) = (1, 1usize);
    let mut inner = dims.len();
    for (axis, (&dim, pick)) in dims.iter().zip(picked).enumerate().rev() {
        if pick.step != 1 || len != stride {
            break;
        }
        len *= pick.count;
        stride *= dim as usize;
        inner = axis;
    }
    let offset: usize = inner_offset(&dims[inner..], &picked[inner..]);
    let mut starts = vec![offset];
    for (&dim, pick) in dims[..inner].iter().zip(&picked[..inner]).rev() {
        let places = (0..pick.count as isize).map(|i| pick.start as isize + i * pick.step);
        starts = places
            .flat_map(|place| starts.iter().map(move |start| start + place as usize * stride))
            .collect();
        stride *= dim as usize;
    }
    if len == 0 {
        starts.clear();
    }
    Runs { starts, len }
}

/// Where the first element picked of a tensor of `dims` lies.
fn inner_offset(dims: &[u64], picked: &[Picked]) -> usize {
    dims.iter().zip(picked).fold(0, |at, (&dim, pick)| at * dim as usize + pick.start)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The elements picked of a tensor that holds 0, 1, 2, …
    fn picked(text: &str, dims: &[u64]) -> Vec<usize> {
        let parts = parse(text, dims.len()).unwrap();
        let picked: Vec<_> = parts.iter().zip(dims).map(|(p, &d)| p.pick(d).unwrap()).collect();
        let runs = runs(dims, &picked);
        runs.starts.iter().flat_map(|&start| start..start + runs.len).collect()
    }

    #[test]
    fn ranges_take_what_numpy_takes() {
        // numpy.arange(24).reshape(2, 3, 4)[...].ravel()
        let dims = [2, 3, 4];
        assert_eq!(picked("", &dims), (0..24).collect::<Vec<_>>());
        assert_eq!(picked("1", &dims), (12..24).collect::<Vec<_>>());
        assert_eq!(picked("0, 1:3", &dims), [4, 5, 6, 7, 8, 9, 10, 11]);
        assert_eq!(picked(":, 1, 2:", &dims), [6, 7, 18, 19]);
        assert_eq!(picked("..., -1", &dims), [3, 7, 11, 15, 19, 23]);
        assert_eq!(picked("::-1, 0, ::3", &dims), [12, 15, 0, 3]);
        assert_eq!(picked("-1, -2:, :-2", &dims), [16, 17, 20, 21]);
        assert_eq!(picked("5:, :", &dims), [0usize; 0]);
        assert_eq!(picked("0, 0:99, 3:0:-2", &dims), [3, 1, 7, 5, 11, 9]);
        assert_eq!(picked("", &[]), [0]);
        assert_eq!(picked(":", &[0, 3]), [0usize; 0]);
    }

    #[test]
    fn what_is_taken_whole_is_one_run() {
        let part = |text| {
            let picked: Vec<_> = parse(text, 3)
                .unwrap()
                .iter()
                .zip([2, 3, 4])
                .map(|(part, dim)| part.pick(dim).unwrap())
                .collect();
            runs(&[2, 3, 4], &picked)
        };
        assert_eq!(part("1"), Runs { starts: vec![12], len: 12 });
        assert_eq!(part(":, 1:"), Runs { starts: vec![4, 16], len: 8 });
        assert_eq!(part(":, :, 1"), Runs { starts: vec![1, 5, 9, 13, 17, 21], len: 1 });
    }

    #[test]
    fn a_text_that_is_no_range_says_how_they_are_written() {
        for text in ["x", "1:2:3:4", "::0", "1,,2", "1.5"] {
            let error = parse(text, 3).unwrap_err();
            assert!(error.contains("as in numpy"), "{error}");
        }
        assert!(parse("...,...", 3).unwrap_err().contains("more than one"));
        assert!(parse(":,:", 1).unwrap_err().contains("2 dimensions, the tensor has 1"));
        assert_eq!(parse("3", 2).unwrap()[0].pick(3), None);
    }
}
