//! The Arrow schema that writers put beside that of Parquet, looked at before Arrow's own reader.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use parquet::file::metadata::ParquetMetaData;

use crate::formats::arrow::check_schema;

const KEY: &str = "ARROW:schema";

/// Refuses a schema with a type that Arrow does not have: the name of the column, and why.
pub(super) fn check_embedded(metadata: &ParquetMetaData) -> Result<(), (String, String)> {
    let pairs = metadata.file_metadata().key_value_metadata();
    let text = pairs.and_then(|pairs| pairs.iter().find(|pair| pair.key == KEY)?.value.as_ref());
    let Some(bytes) = text.and_then(|text| STANDARD.decode(text).ok()) else { return Ok(()) };
    // A mark and a length may stand before the message.
    let message = match bytes.as_slice() {
        [255, 255, 255, 255, _, _, _, _, message @ ..] => message,
        message => message,
    };
    let message = arrow_ipc::root_as_message(message).ok();
    message.and_then(|message| message.header_as_schema()).map_or(Ok(()), check_schema)
}
