//! Sums over two vectors, as fast as memory gives them.
//!
//! f32 is multiplied and added in f32, 64 sums side by side, for 1,024 elements at a time; these
//! partial sums are added in f64, so that they lose less than plain f32 sums. Where the squares of
//! f32 overflow or vanish, the row is computed again in f64. The instructions are the best that the
//! machine has, the order of additions is the same on all.

use std::ops::{AddAssign, Mul, Sub};

use fearless_simd::{Level, Simd, SimdBase, dispatch, f32x16, f64x8};

/// Elements that are added up before the sum is widened to f64.
const BLOCK: usize = 1024;

/// The vector instructions of this machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Machine(Level);

impl Machine {
    /// Asks the machine, which is remembered: this is cheap.
    pub(super) fn new() -> Self {
        Self(Level::new())
    }
}

/// A type of elements in which products are computed.
///
/// Each function is given rows of as many elements as `b` has, one after another, and tells `each` of every row.
pub(super) trait Real: Copy + Default + Into<f64> + 'static {
    /// The sum of the products.
    fn dots(machine: Machine, rows: &[Self], b: &[Self], each: impl FnMut(f64));

    /// The sum of the products, and of the squares of the row.
    fn dots_and_squares(machine: Machine, rows: &[Self], b: &[Self], each: impl FnMut([f64; 2]));

    /// The sum of the squares of the differences.
    fn squared_distances(machine: Machine, rows: &[Self], b: &[Self], each: impl FnMut(f64));

    /// The nearest number of this type.
    fn from_f64(value: f64) -> Self;

    /// The sum of the squares of one row.
    fn square(machine: Machine, row: &[Self]) -> f64 {
        let mut square = 0.0;
        Self::dots(machine, row, row, |sum| square = sum);
        square
    }
}

macro_rules! real {
    ($rust:ty, $vector:ident, $is_safe:expr) => {
        impl Real for $rust {
            fn dots(machine: Machine, rows: &[Self], b: &[Self], mut each: impl FnMut(f64)) {
                let each = |[dot]: [f64; 1]| each(dot);
                dispatch!(machine.0, simd => of_rows::<_, $vector<_>, 1>(simd, rows, b, products, products, $is_safe, each));
            }

            fn dots_and_squares(machine: Machine, rows: &[Self], b: &[Self], each: impl FnMut([f64; 2])) {
                dispatch!(machine.0, simd => of_rows::<_, $vector<_>, 2>(simd, rows, b, squares, squares, $is_safe, each));
            }

            fn squared_distances(machine: Machine, rows: &[Self], b: &[Self], mut each: impl FnMut(f64)) {
                let each = |[sum]: [f64; 1]| each(sum);
                dispatch!(machine.0, simd => of_rows::<_, $vector<_>, 1>(simd, rows, b, distances, distances, $is_safe, each));
            }

            fn from_f64(value: f64) -> Self {
                value as $rust
            }
        }
    };
}
// Far from the ends of f32's range, nothing of weight was lost.
real!(f32, f32x16, |sum: f64| sum.is_finite() && sum.abs() > 1e-30);
real!(f64, f64x8, |_| true);

#[inline(always)]
fn products<T: Copy + Mul<Output = T>>(a: T, b: T) -> [T; 1] {
    [a * b]
}

#[inline(always)]
fn squares<T: Copy + Mul<Output = T>>(a: T, b: T) -> [T; 2] {
    [a * b, a * a]
}

#[inline(always)]
fn distances<T: Copy + Mul<Output = T> + Sub<Output = T>>(a: T, b: T) -> [T; 1] {
    [(a - b) * (a - b)]
}

/// The sums of every row; in f64 if those of its own type are not safe.
#[inline(always)]
fn of_rows<S: Simd, V: SimdBase<S> + AddAssign, const N: usize>(
    simd: S,
    rows: &[V::Element],
    b: &[V::Element],
    terms: impl Fn(V, V) -> [V; N] + Copy,
    exact_terms: impl Fn(f64, f64) -> [f64; N] + Copy,
    is_safe: impl Fn(f64) -> bool,
    mut each: impl FnMut([f64; N]),
) where
    V::Element: Into<f64> + Default,
{
    if b.is_empty() {
        return each([0.0; N]);
    }
    for row in rows.chunks_exact(b.len()) {
        let sums = sums(simd, row, b, terms);
        each(match sums.iter().all(|&sum| is_safe(sum)) {
            true => sums,
            false => exact(row, b, exact_terms),
        });
    }
}

/// The sums over pairs of elements of what `terms` makes of a pair.
#[inline(always)]
fn sums<S: Simd, V: SimdBase<S> + AddAssign, const N: usize>(
    simd: S,
    a: &[V::Element],
    b: &[V::Element],
    terms: impl Fn(V, V) -> [V; N] + Copy,
) -> [f64; N]
where
    V::Element: Into<f64> + Default,
{
    let mut sums = [0f64; N];
    for (a, b) in a.chunks(BLOCK).zip(b.chunks(BLOCK)) {
        let lanes = block(simd, a, b, terms);
        for (sum, lanes) in sums.iter_mut().zip(lanes) {
            let mut parts = [0f64; 4];
            for (i, &lane) in lanes.as_slice().iter().enumerate() {
                parts[i % 4] += lane.into();
            }
            *sum += (parts[0] + parts[1]) + (parts[2] + parts[3]);
        }
    }
    sums
}

#[inline(always)]
fn block<S: Simd, V: SimdBase<S> + AddAssign, const N: usize>(
    simd: S,
    a: &[V::Element],
    b: &[V::Element],
    terms: impl Fn(V, V) -> [V; N] + Copy,
) -> [V; N]
where
    V::Element: Default,
{
    let zero = V::splat(simd, V::Element::default());
    // Four of each: an addition need not wait for the one before.
    let mut sums = [[zero; N]; 4];
    let add = |sums: &mut [V; N], a: &[V::Element], b: &[V::Element]| {
        let terms = terms(V::from_slice(simd, a), V::from_slice(simd, b));
        for i in 0..N {
            sums[i] += terms[i];
        }
    };
    let mut fours = a.chunks_exact(4 * V::LEN).zip(b.chunks_exact(4 * V::LEN));
    for (a, b) in fours.by_ref() {
        let places = (0..4 * V::LEN).step_by(V::LEN);
        for (sums, place) in sums.iter_mut().zip(places) {
            add(sums, &a[place..place + V::LEN], &b[place..place + V::LEN]);
        }
    }
    let done = a.len() - a.len() % (4 * V::LEN);
    for (a, b) in a[done..].chunks(V::LEN).zip(b[done..].chunks(V::LEN)) {
        // Filled up with zeros, of which every term is zero.
        let mut padded = [[V::Element::default(); 16]; 2];
        padded[0][..a.len()].copy_from_slice(a);
        padded[1][..b.len()].copy_from_slice(b);
        add(&mut sums[0], &padded[0][..V::LEN], &padded[1][..V::LEN]);
    }
    let [mut total, b, c, d] = sums;
    for i in 0..N {
        let mut others = c[i];
        others += d[i];
        total[i] += b[i];
        total[i] += others;
    }
    total
}

/// The same in f64, one after another.
fn exact<T: Into<f64> + Copy, const N: usize>(
    a: &[T],
    b: &[T],
    terms: impl Fn(f64, f64) -> [f64; N],
) -> [f64; N] {
    let mut sums = [0f64; N];
    for (&a, &b) in a.iter().zip(b) {
        for (sum, term) in sums.iter_mut().zip(terms(a.into(), b.into())) {
            *sum += term;
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one<T>(f: impl FnOnce(&mut dyn FnMut(T))) -> T {
        let mut found = None;
        f(&mut |sum| found = Some(sum));
        found.unwrap()
    }

    #[test]
    fn sums_of_f32_are_close_to_those_of_f64() {
        let machine = Machine::new();
        for len in [0, 1, 15, 16, 17, 33, 64, 100, 1003, 5000] {
            let a: Vec<f32> = (0..len).map(|i| (i as f32 * 0.37).sin()).collect();
            let b: Vec<f32> = (0..len).map(|i| (i as f32 * 0.11).cos()).collect();
            let wide = |v: &[f32]| v.iter().map(|&x| x.into()).collect::<Vec<f64>>();
            let (wide_a, wide_b) = (wide(&a), wide(&b));
            let near = |x: f64, y: f64| assert!((x - y).abs() < 1e-3, "{len}: {x} {y}");
            let (dot, square) = (exact(&a, &b, products)[0], exact(&a, &b, squares)[1]);
            near(one(|each| f32::dots(machine, &a, &b, each)), dot);
            near(one(|each| f64::dots(machine, &wide_a, &wide_b, each)), dot);
            let distance = exact(&a, &b, distances)[0];
            near(one(|each| f32::squared_distances(machine, &a, &b, each)), distance);
            near(one(|each| f64::squared_distances(machine, &wide_a, &wide_b, each)), distance);
            near(one(|each| f32::dots_and_squares(machine, &a, &b, each))[1], square);
            near(one(|each| f64::dots_and_squares(machine, &wide_a, &wide_b, each))[1], square);
        }
    }

    #[test]
    fn every_row_is_told_of_in_order() {
        let rows = [1f32, 2.0, 3.0, 4.0, 1e30, -1e30];
        let mut dots = Vec::new();
        f32::dots(Machine::new(), &rows, &[2.0, 0.5], |dot| dots.push(dot));
        assert_eq!(dots[..2], [3.0, 8.0]);
        assert!((dots[2] / 1.5e30 - 1.0).abs() < 1e-6);
    }

    #[test]
    fn squares_beyond_f32_are_computed_in_f64() {
        let machine = Machine::new();
        assert!((f32::square(machine, &[1e30f32; 3]) / 3e60 - 1.0).abs() < 1e-6);
        assert!((f32::square(machine, &[1e-30f32; 3]) / 3e-60 - 1.0).abs() < 1e-6);
    }
}
