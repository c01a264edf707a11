//! What the fuzz targets share.

use std::io::Write;
use std::path::Path;

use tenrow_convert::{Result, Source};

/// Batches after which a source has shown enough: what it declares may be far longer.
const MAX_BATCHES: usize = 4;

/// Opens `data` as a file with `open` and reads its first batches; errors are fine, panics are not.
pub fn drain<S: Source>(data: &[u8], open: impl FnOnce(&Path) -> Result<S>) {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(data).expect("a write to a temporary file");
    let Ok(mut source) = open(file.path()) else { return };
    let columns = source.attributes().len();
    for _ in 0..MAX_BATCHES {
        match source.next_batch() {
            Ok(Some(batch)) => {
                assert!(batch.num_rows() > 0, "a batch without rows");
                assert_eq!(batch.num_columns(), columns);
            }
            Ok(None) | Err(_) => return,
        }
    }
}
