//! Tensors as text.

use tenrow::{DType, Element, Tensor};

use super::detail::Detail;

/// `u8[2,2] [[0, 1], [2, 3]]`; of a large one its first elements; of a number only the number.
pub(crate) fn tensor_text(tensor: &Tensor, detail: Detail) -> String {
    let shape = tensor.shape();
    if shape.is_empty() {
        return texts(tensor).concat();
    }
    let count: u64 = shape.iter().product();
    let type_text = type_text(tensor);
    if count <= detail.whole_elements as u64 {
        return format!("{type_text} {}", nested(&texts(tensor), shape));
    }
    let first = first(tensor, detail.first_elements).join(", ");
    let summary = if detail.sums_up { format!(" {}", summary(tensor)) } else { String::new() };
    format!("{type_text} [{first}, …]{summary}")
}

/// `u8[28,28]`.
pub(crate) fn type_text(tensor: &Tensor) -> String {
    let sizes: Vec<_> = tensor.shape().iter().map(u64::to_string).collect();
    format!("{}[{}]", tensor.dtype(), sizes.join(","))
}

/// The first `count` elements of one that has more.
fn first(tensor: &Tensor, count: usize) -> Vec<String> {
    let elements: u64 = tensor.shape().iter().product();
    let item_bytes = tensor.bytes().len() / usize::try_from(elements).unwrap_or(usize::MAX).max(1);
    let bytes = tensor.bytes().get(..count * item_bytes).unwrap_or_default();
    let head = Tensor::new(tensor.dtype(), &[count as u64], bytes.to_vec().into());
    head.map(|head| texts(&head)).unwrap_or_default()
}

/// Elements in brackets, as deep as there are dimensions.
fn nested(texts: &[String], shape: &[u64]) -> String {
    let Some((&first, rest)) = shape.split_first() else { return texts.join(", ") };
    if rest.is_empty() {
        return format!("[{}]", texts.join(", "));
    }
    let step = if first == 0 { 0 } else { texts.len() / first as usize };
    let parts: Vec<_> = match step {
        0 => Vec::new(),
        step => texts.chunks(step).map(|part| nested(part, rest)).collect(),
    };
    format!("[{}]", parts.join(", "))
}

/// Least, greatest and mean.
fn summary(tensor: &Tensor) -> String {
    let values = tenrow_values::numbers(tensor);
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let count = finite().count();
    if count == 0 {
        return "(no finite number)".into();
    }
    let low = finite().fold(f64::INFINITY, f64::min);
    let high = finite().fold(f64::NEG_INFINITY, f64::max);
    let mean = finite().sum::<f64>() / count as f64;
    let others = match values.len() - count {
        0 => String::new(),
        others => format!(", {others} not finite"),
    };
    format!("({} to {}, mean {}{others})", short(low), short(high), short(mean))
}

/// At most four digits after the point.
fn short(value: f64) -> String {
    if value != 0.0 && (value.abs() < 1e-3 || value.abs() >= 1e15) {
        return format!("{value:.3e}");
    }
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Each element in the fewest digits that tell it from its neighbours.
fn texts(tensor: &Tensor) -> Vec<String> {
    fn of<T: Element + ToString>(tensor: &Tensor) -> Vec<String> {
        // The dtype was looked at before, so the elements are of this type.
        tensor.to_vec::<T>().unwrap_or_default().iter().map(T::to_string).collect()
    }
    match tensor.dtype() {
        DType::Bool => tensor.bytes().iter().map(|&b| (b != 0).to_string()).collect(),
        DType::I8 => of::<i8>(tensor),
        DType::I16 => of::<i16>(tensor),
        DType::I32 => of::<i32>(tensor),
        DType::I64 => of::<i64>(tensor),
        DType::U8 => of::<u8>(tensor),
        DType::U16 => of::<u16>(tensor),
        DType::U32 => of::<u32>(tensor),
        DType::U64 => of::<u64>(tensor),
        DType::F32 => of::<f32>(tensor),
        DType::F64 => of::<f64>(tensor),
        DType::F16 | DType::Bf16 => {
            tenrow_values::numbers(tensor).iter().map(|v| (*v as f32).to_string()).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(values: &[f32]) -> Tensor {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Tensor::new(DType::F32, &[values.len() as u64], bytes.into()).unwrap()
    }

    #[test]
    fn a_large_tensor_is_its_first_elements_and_if_asked_for_a_summary() {
        let tensor = floats(&(0..100).map(|n| n as f32).collect::<Vec<_>>());
        assert_eq!(tensor_text(&tensor, Detail::CELL), "f32[100] [0, 1, 2, 3, …]");
        let line = "f32[100] [0, 1, 2, 3, 4, 5, 6, 7, …] (0 to 99, mean 49.5)";
        assert_eq!(tensor_text(&tensor, Detail::LINE), line);
    }

    #[test]
    fn a_summary_is_of_finite_numbers_and_says_how_many_are_not() {
        let mut values = vec![1.0; 100];
        values[7] = f32::NAN;
        let text = tensor_text(&floats(&values), Detail::LINE);
        assert!(text.ends_with("(1 to 1, mean 1, 1 not finite)"), "{text}");
        let text = tensor_text(&floats(&[f32::INFINITY; 100]), Detail::LINE);
        assert!(text.ends_with("(no finite number)"), "{text}");
    }

    #[test]
    fn elements_are_nested_as_deep_as_there_are_dimensions() {
        let tensor = Tensor::new(DType::U8, &[2, 1, 2], vec![1, 2, 3, 4].into()).unwrap();
        assert_eq!(tensor_text(&tensor, Detail::CELL), "u8[2,1,2] [[[1, 2]], [[3, 4]]]");
        let none = Tensor::new(DType::U8, &[0, 2], Vec::new().into()).unwrap();
        assert_eq!(tensor_text(&none, Detail::CELL), "u8[0,2] []");
        let number = Tensor::new(DType::Bool, &[], vec![1].into()).unwrap();
        assert_eq!(tensor_text(&number, Detail::CELL), "true");
    }
}
