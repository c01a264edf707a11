//! Two tensors to one number: `tensor_dot`, `cosine_similarity`, `l2_distance`.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::types::{ArrowPrimitiveType, Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, Float64Array, PrimitiveArray};
use arrow_schema::{DataType, FieldRef};
use datafusion::common::Result;
use tenrow::DType;

use super::call::{About, Call, Function, Plan, example_tensor};
use super::elements::{Elements, Number, with_elements};
use super::tensor_type::TensorType;
use super::tensors::{Tensors, show_dims};
use super::vector_sums::{Machine, Real};

/// What is made of two tensors.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Product {
    Dot,
    Cosine,
    Distance,
}

const RULE: &str = "Both tensors have the same shape. It is computed in double precision, except that f32, f16 and bf16 among themselves are multiplied in f32 and added up in blocks of 1,024, which are added in double precision; a constant list beside one of these counts as f32.";

pub(super) fn functions() -> Vec<Function> {
    macro_rules! product {
        ($kind:ident, $syntax:literal, $returns:literal, $example:literal) => {
            Function::new(
                About {
                    syntax: $syntax,
                    returns: $returns,
                    example: $example,
                    arguments: vec![
                        ("a", "A tensor or a list of numbers.", example_tensor()),
                        ("b", "Another of the same shape.", example_tensor()),
                    ],
                    optional: 0,
                },
                |plan| plan_product(plan, Product::$kind),
                |call| run_product(call, Product::$kind),
            )
            .with_rule(RULE)
        };
    }
    vec![
        product!(
            Dot,
            "tensor_dot(a, b)",
            "The sum of the products of the elements of two tensors: a BIGINT for bools and integers (an error if it does not fit), else a DOUBLE.",
            "SELECT tensor_dot([1, 2, 3], [4, 5, 6]); -- 32"
        ),
        product!(
            Cosine,
            "cosine_similarity(a, b)",
            "The cosine of the angle between two tensors: 1 for the same direction, -1 for the opposite one, NaN if one of them has only zeros or a NaN.",
            "SELECT _row FROM docs WHERE tensor_norm(embedding) > 0 ORDER BY cosine_similarity(embedding, [0.1, 0.7, 0.2]) DESC LIMIT 10;"
        ),
        product!(
            Distance,
            "l2_distance(a, b)",
            "The Euclidean distance between two tensors.",
            "SELECT _row FROM docs ORDER BY l2_distance(embedding, [0.1, 0.7, 0.2]) LIMIT 10;"
        ),
    ]
}

/// The numbers in which a product is computed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Precision {
    Integers,
    F32,
    F64,
}

/// A tensor beside another: its dtype, and whether it is a constant list, which takes the
/// precision of the other as a number does in numpy.
#[derive(Clone, Copy)]
struct Side {
    dtype: DType,
    is_weak: bool,
}

fn precision(product: Product, a: Side, b: Side) -> Precision {
    let is_whole = |side: Side| !side.dtype.is_float();
    let is_narrow = |side: Side| matches!(side.dtype, DType::F16 | DType::Bf16 | DType::F32);
    if product == Product::Dot && is_whole(a) && is_whole(b) {
        return Precision::Integers;
    }
    let narrow = (is_narrow(a) && (is_narrow(b) || b.is_weak)) || (is_narrow(b) && a.is_weak);
    if narrow { Precision::F32 } else { Precision::F64 }
}

fn plan_product(plan: &Plan<'_>, product: Product) -> Result<FieldRef> {
    let (a, b) = (plan.tensor(0)?, plan.tensor(1)?);
    let agree = |(a, b): (&Option<u64>, &Option<u64>)| a.is_none() || b.is_none() || a == b;
    if a.rank() != b.rank() || !a.dims.iter().zip(&b.dims).all(agree) {
        return Err(plan.fault(format!("{a} and {b} differ in shape; both must have the same")));
    }
    let whole = |tensor: &TensorType| !tensor.dtype.is_float();
    Ok(plan.returns(match product {
        Product::Dot if whole(&a) && whole(&b) => DataType::Int64,
        _ => DataType::Float64,
    }))
}

fn run_product(call: &Call, product: Product) -> Result<ArrayRef> {
    let side = |index: usize, tensors: &Tensors| Side {
        dtype: tensors.tensor_type.dtype,
        is_weak: tensors.tensor_type.is_list && call.arguments[index].is_constant,
    };
    let (first, second) = (call.tensors(0)?, call.tensors(1)?);
    let precision = precision(product, side(0, &first), side(1, &second));
    // All three are the same whichever comes first; the constant one, if any, is `b`.
    let (a, b) = match first.is_constant && !second.is_constant {
        true => (second, first),
        false => (first, second),
    };
    let pairs = Pairs { call, a: &a, b: &b };
    match precision {
        Precision::Integers => pairs.dot_integers(),
        Precision::F32 => pairs.run(product, |side| Operand::<f32>::new(side, as_f32)),
        Precision::F64 => pairs.run(product, |side| Operand::<f64>::new(side, as_f64)),
    }
}

fn as_f32(elements: &Elements) -> Option<&[f32]> {
    if let Elements::F32(values) = elements { Some(values) } else { None }
}

fn as_f64(elements: &Elements) -> Option<&[f64]> {
    if let Elements::F64(values) = elements { Some(values) } else { None }
}

/// The pairs of tensors of a call.
struct Pairs<'a> {
    call: &'a Call,
    a: &'a Tensors,
    b: &'a Tensors,
}

impl Pairs<'_> {
    fn run<T: Real>(
        &self,
        product: Product,
        operand: impl Fn(&Tensors) -> Result<Operand<T>>,
    ) -> Result<ArrayRef> {
        let machine = Machine::new();
        let (mut a, mut b) = (operand(self.a)?, operand(self.b)?);
        // Known once, where it is the same for all rows.
        let constant = match product == Product::Cosine && self.b.is_constant {
            true if self.call.row_count() > 0 && !self.b.is_null(0) => {
                Some(T::square(machine, b.row(self.b.range(0))))
            }
            _ => None,
        };
        let of = |rows: &[T], b: &[T], each: &mut dyn FnMut(f64)| match product {
            Product::Dot => T::dots(machine, rows, b, each),
            Product::Distance => {
                T::squared_distances(machine, rows, b, |square| each(square.sqrt()));
            }
            Product::Cosine => {
                let square_b = constant.unwrap_or_else(|| T::square(machine, b));
                T::dots_and_squares(machine, rows, b, |[dot, square]| {
                    // Rounding may go past the ends; NaN stays what it is.
                    each((dot / (square.sqrt() * square_b.sqrt())).clamp(-1.0, 1.0));
                });
            }
        };
        if let Some(rows) = self.rows_alike(&a)? {
            let mut numbers = Vec::with_capacity(self.call.row_count());
            of(rows, b.row(self.b.range(0)), &mut |number| numbers.push(number));
            return Ok(Arc::new(Float64Array::try_new(numbers.into(), self.a.nulls.clone())?));
        }
        self.numbers::<Float64Type>(|range_a, range_b| {
            let mut number = 0.0;
            of(a.row(range_a), b.row(range_b), &mut |found| number = found);
            Ok(number)
        })
    }

    /// The elements of all rows where these are as they are to be, beside one tensor for all; rows that are null
    /// have elements too.
    fn rows_alike<'o, T: Real>(&self, a: &'o Operand<T>) -> Result<Option<&'o [T]>> {
        let Some(rows) = a.in_place().filter(|_| self.b.is_constant && !a.is_constant) else {
            return Ok(None);
        };
        let width = self.b.range(0).len();
        let is_fixed = self.a.tensor_type.fixed_dims().is_some();
        if !is_fixed || self.b.is_null(0) || width == 0 || self.call.row_count() == 0 {
            return Ok(None);
        }
        self.check_shapes(0)?;
        Ok((rows.len() == width * self.call.row_count()).then_some(rows))
    }

    fn dot_integers(&self) -> Result<ArrayRef> {
        let of = |side: &Tensors| Elements::of(side.tensor_type.dtype, &side.values);
        let (a, b) = (of(self.a)?, of(self.b)?);
        let (mut whole_a, mut whole_b) = (Vec::new(), Vec::new());
        self.numbers::<Int64Type>(|range_a, range_b| {
            with_elements!(&a, values => fill(&mut whole_a, &values[range_a], Number::to_i128));
            with_elements!(&b, values => fill(&mut whole_b, &values[range_b], Number::to_i128));
            let mut products = whole_a.iter().zip(&whole_b);
            let dot = products
                .try_fold(0i128, |sum, (a, b)| a.checked_mul(*b).and_then(|p| sum.checked_add(p)));
            dot.and_then(|dot| i64::try_from(dot).ok()).ok_or_else(|| {
                self.call.fault(format!(
                    "the sum of the products of {} and {} is beyond i64; tensor_cast one of them to f64",
                    self.a.tensor_type, self.b.tensor_type
                ))
            })
        })
    }

    /// One number for each row of which neither tensor is null.
    fn numbers<R: ArrowPrimitiveType>(
        &self,
        mut number: impl FnMut(Range<usize>, Range<usize>) -> Result<R::Native>,
    ) -> Result<ArrayRef> {
        let one = |row: usize| {
            if self.a.is_null(row) || self.b.is_null(row) {
                return Ok(None);
            }
            self.check_shapes(row)?;
            number(self.a.range(row), self.b.range(row)).map(Some)
        };
        let numbers = (0..self.call.row_count()).map(one);
        Ok(Arc::new(numbers.collect::<Result<PrimitiveArray<R>>>()?))
    }

    fn check_shapes(&self, row: usize) -> Result<()> {
        let same_length = self.a.range(row).len() == self.b.range(row).len();
        let is_flat = self.a.tensor_type.rank() == 1;
        // With one dimension, the lengths are the shapes.
        if same_length && (is_flat || self.a.dims(row) == self.b.dims(row)) {
            return Ok(());
        }
        let (a, b) = (show_dims(&self.a.dims(row)), show_dims(&self.b.dims(row)));
        Err(self.call.fault(format!(
            "shapes {a} ({}) and {b} ({}) differ; both must be the same",
            self.a.tensor_type, self.b.tensor_type
        )))
    }
}

fn fill<T: Copy, R>(row: &mut Vec<R>, values: &[T], convert: impl Fn(T) -> R) {
    row.clear();
    row.extend(values.iter().map(|&value| convert(value)));
}

/// The elements of one side, as numbers of one type: in place if they are, all at once if they are
/// those of a constant, else a row at a time.
struct Operand<T> {
    elements: Elements,
    in_place: fn(&Elements) -> Option<&[T]>,
    converted: Vec<T>,
    is_constant: bool,
}

impl<T: Real> Operand<T> {
    fn new(tensors: &Tensors, in_place: fn(&Elements) -> Option<&[T]>) -> Result<Self> {
        let elements = Elements::of(tensors.tensor_type.dtype, &tensors.values)?;
        let mut this =
            Self { elements, in_place, converted: Vec::new(), is_constant: tensors.is_constant };
        if this.is_constant {
            this.convert(0..tensors.values.len());
        }
        Ok(this)
    }

    /// The elements of all rows, if they are numbers of this type.
    fn in_place(&self) -> Option<&[T]> {
        (self.in_place)(&self.elements)
    }

    fn row(&mut self, range: Range<usize>) -> &[T] {
        if self.is_constant {
            return &self.converted;
        }
        if self.in_place().is_none() {
            self.convert(range);
            return &self.converted;
        }
        self.in_place().map_or(&[], |values| &values[range])
    }

    fn convert(&mut self, range: Range<usize>) {
        with_elements!(&self.elements, values => {
            fill(&mut self.converted, &values[range], |value| T::from_f64(value.to_f64()))
        });
    }
}
