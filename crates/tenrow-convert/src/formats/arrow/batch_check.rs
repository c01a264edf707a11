//! A record batch as its message describes it, held against the bytes that are there.
//!
//! Arrow's own decoder takes as much memory as a message says that it needs, and rows without bytes cost it nothing: both
//! are looked at before.

use arrow_ipc::RecordBatch;

/// Rows of a batch that need no bytes, such as those of a column of nothing but nulls.
const MAX_EMPTY_ROWS: u64 = 1 << 24;
/// Bytes that any batch may have once it is decompressed.
const MAX_PLAIN_BYTES: u64 = 1 << 30;
/// How many times larger than its bytes a batch may be beyond that.
const MAX_RATIO: u64 = 1024;

/// Refuses a batch whose buffers are not in its body, or that says it is larger than its bytes allow.
pub(super) fn check_batch(batch: RecordBatch<'_>, body: &[u8]) -> Result<(), String> {
    let is_compressed = batch.compression().is_some();
    let (mut largest, mut total) = (0u64, 0u64);
    for buffer in batch.buffers().into_iter().flatten() {
        let bytes = slice(body, buffer.offset(), buffer.length()).ok_or_else(|| {
            let (offset, length) = (buffer.offset(), buffer.length());
            format!("a buffer of {length} bytes at {offset} is not in a body of {}", body.len())
        })?;
        let size = if is_compressed { plain_size(bytes)? } else { bytes.len() as u64 };
        (largest, total) = (largest.max(size), total.saturating_add(size));
    }
    let limit = MAX_PLAIN_BYTES.max((body.len() as u64).saturating_mul(MAX_RATIO));
    if is_compressed && total > limit {
        let found = body.len();
        return Err(format!("a batch of {found} bytes says that it is {total} decompressed"));
    }
    // No value is smaller than a bit.
    let most_rows = largest.saturating_mul(8).max(MAX_EMPTY_ROWS);
    check_rows(batch.length(), most_rows)?;
    for node in batch.nodes().into_iter().flatten() {
        check_rows(node.length(), most_rows)?;
        if !(0..=node.length()).contains(&node.null_count()) {
            return Err(format!("{} nulls among {} values", node.null_count(), node.length()));
        }
    }
    Ok(())
}

fn check_rows(count: i64, most: u64) -> Result<(), String> {
    match u64::try_from(count) {
        Ok(count) if count <= most => Ok(()),
        _ => Err(format!("a batch says that it has {count} values, more than its bytes hold")),
    }
}

fn slice(body: &[u8], offset: i64, length: i64) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    body.get(start..start.checked_add(usize::try_from(length).ok()?)?)
}

/// What a compressed buffer says that it is decompressed; -1 says that it is not compressed.
fn plain_size(bytes: &[u8]) -> Result<u64, String> {
    if bytes.is_empty() {
        return Ok(0);
    }
    let Some((size, rest)) = bytes.split_first_chunk() else {
        return Err(format!("a compressed buffer of {} bytes", bytes.len()));
    };
    match i64::from_le_bytes(*size) {
        -1 => Ok(rest.len() as u64),
        size => u64::try_from(size).map_err(|_| format!("a buffer of {size} bytes")),
    }
}
