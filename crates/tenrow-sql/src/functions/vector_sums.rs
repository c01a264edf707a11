//! Sums over two vectors, as fast as memory gives them.
//!
//! f32 is multiplied and added in f32, 32 sums side by side, for 1,024 elements at a time; these
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
pub(super) trait Real: Copy + Default + Into<f64> + 'static {
    /// The sum of the products.
    fn dot(machine: Machine, a: &[Self], b: &[Self]) -> f64;

    /// The sum of the products, and of the squares of the first.
    fn dot_and_square(machine: Machine, a: &[Self], b: &[Self]) -> [f64; 2];

    /// The sum of the squares of the differences.
    fn squared_distance(machine: Machine, a: &[Self], b: &[Self]) -> f64;

    /// The nearest number of this type.
    fn from_f64(value: f64) -> Self;
}

macro_rules! real {
    ($rust:ty, $vector:ident, $is_safe:expr) => {
        impl Real for $rust {
            fn dot(machine: Machine, a: &[Self], b: &[Self]) -> f64 {
                let sums = dispatch!(machine.0, simd => sums::<_, $vector<_>, 1>(simd, a, b, products));
                let [dot] = checked(sums, $is_safe, || exact(a, b, products));
                dot
            }

            fn dot_and_square(machine: Machine, a: &[Self], b: &[Self]) -> [f64; 2] {
                let sums = dispatch!(machine.0, simd => sums::<_, $vector<_>, 2>(simd, a, b, squares));
                checked(sums, $is_safe, || exact(a, b, squares))
            }

            fn squared_distance(machine: Machine, a: &[Self], b: &[Self]) -> f64 {
                let sums = dispatch!(machine.0, simd => sums::<_, $vector<_>, 1>(simd, a, b, distances));
                let [sum] = checked(sums, $is_safe, || exact(a, b, distances));
                sum
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

fn checked<const N: usize>(
    sums: [f64; N],
    is_safe: impl Fn(f64) -> bool,
    exact: impl Fn() -> [f64; N],
) -> [f64; N] {
    if sums.iter().all(|&sum| is_safe(sum)) { sums } else { exact() }
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
            let lanes = lanes.as_slice().iter().map(|&lane| lane.into());
            *sum += lanes.sum::<f64>();
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
    // Two of each: an addition need not wait for the one before.
    let (mut even, mut odd) = ([zero; N], [zero; N]);
    let add = |sums: &mut [V; N], a: &[V::Element], b: &[V::Element]| {
        let terms = terms(V::from_slice(simd, a), V::from_slice(simd, b));
        for i in 0..N {
            sums[i] += terms[i];
        }
    };
    let mut pairs = a.chunks_exact(2 * V::LEN).zip(b.chunks_exact(2 * V::LEN));
    for (a, b) in pairs.by_ref() {
        let ((a0, a1), (b0, b1)) = (a.split_at(V::LEN), b.split_at(V::LEN));
        add(&mut even, a0, b0);
        add(&mut odd, a1, b1);
    }
    let done = a.len() - a.len() % (2 * V::LEN);
    for (a, b) in a[done..].chunks(V::LEN).zip(b[done..].chunks(V::LEN)) {
        // Filled up with zeros, of which every term is zero.
        let mut padded = [[V::Element::default(); 16]; 2];
        padded[0][..a.len()].copy_from_slice(a);
        padded[1][..b.len()].copy_from_slice(b);
        add(&mut even, &padded[0][..V::LEN], &padded[1][..V::LEN]);
    }
    for i in 0..N {
        even[i] += odd[i];
    }
    even
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

    #[test]
    fn sums_of_f32_are_close_to_those_of_f64() {
        let machine = Machine::new();
        for len in [0, 1, 15, 16, 17, 33, 1003, 5000] {
            let a: Vec<f32> = (0..len).map(|i| (i as f32 * 0.37).sin()).collect();
            let b: Vec<f32> = (0..len).map(|i| (i as f32 * 0.11).cos()).collect();
            let wide = |v: &[f32]| v.iter().map(|&x| x.into()).collect::<Vec<f64>>();
            let (wide_a, wide_b) = (wide(&a), wide(&b));
            let near = |x: f64, y: f64| assert!((x - y).abs() < 1e-3, "{len}: {x} {y}");
            near(f32::dot(machine, &a, &b), exact(&a, &b, products)[0]);
            near(f64::dot(machine, &wide_a, &wide_b), exact(&a, &b, products)[0]);
            near(f32::squared_distance(machine, &a, &b), exact(&a, &b, distances)[0]);
            near(f64::squared_distance(machine, &wide_a, &wide_b), exact(&a, &b, distances)[0]);
            near(f32::dot_and_square(machine, &a, &b)[1], exact(&a, &b, squares)[1]);
            near(f64::dot_and_square(machine, &wide_a, &wide_b)[1], exact(&a, &b, squares)[1]);
        }
    }

    #[test]
    fn squares_beyond_f32_are_computed_in_f64() {
        let machine = Machine::new();
        let large = [1e30f32; 3];
        assert!((f32::dot(machine, &large, &large) / 3e60 - 1.0).abs() < 1e-6);
        let small = [1e-30f32; 3];
        assert!((f32::dot_and_square(machine, &small, &small)[1] / 3e-60 - 1.0).abs() < 1e-6);
    }
}
