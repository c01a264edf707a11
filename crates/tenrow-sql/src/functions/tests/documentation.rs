use super::fixture::{rows, tensors};

const NAMES: [&str; 22] = [
    "cosine_similarity",
    "file_bytes",
    "file_size",
    "file_type",
    "l2_distance",
    "percentile",
    "tensor_argmax",
    "tensor_cast",
    "tensor_count_nonzero",
    "tensor_dot",
    "tensor_dtype",
    "tensor_element",
    "tensor_max",
    "tensor_mean",
    "tensor_min",
    "tensor_norm",
    "tensor_rank",
    "tensor_reshape",
    "tensor_shape",
    "tensor_slice",
    "tensor_std",
    "tensor_sum",
];

#[test]
fn show_functions_lists_each_with_its_syntax() {
    let t = tensors();
    for name in NAMES {
        let shown = rows(&t, &format!("SHOW FUNCTIONS LIKE '{name}'"));
        assert_eq!(shown.len(), 1, "{name}: {shown:?}");
        assert!(shown[0].contains(&format!("|{name}(")), "{shown:?}");
    }
}

#[test]
fn information_schema_has_what_each_returns() {
    let t = tensors();
    let list = NAMES.map(|name| format!("'{name}'")).join(", ");
    let sql = format!(
        "SELECT DISTINCT routine_name FROM information_schema.routines WHERE routine_name IN ({list}) AND length(description) > 15 ORDER BY 1"
    );
    assert_eq!(rows(&t, &sql), NAMES);
}
