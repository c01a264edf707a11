use std::sync::Arc;

use arrow_schema::{
    DataType, Field as ArrowField, Fields, Schema as ArrowSchema, TimeUnit as Unit,
};

use super::*;

fn verdict(schema: &[u8]) -> Result<(), (String, String)> {
    let message = arrow_ipc::root_as_message(schema).unwrap();
    check_schema(message.header_as_schema().unwrap())
}

fn encoded(data_type: DataType) -> Vec<u8> {
    let schema = ArrowSchema::new(vec![ArrowField::new("i", data_type, true)]);
    let options = arrow_ipc::writer::IpcWriteOptions::default();
    let generator = arrow_ipc::writer::IpcDataGenerator::default();
    let mut tracker = arrow_ipc::writer::DictionaryTracker::new(false);
    let encoded =
        generator.schema_to_bytes_with_dictionary_tracker(&schema, &mut tracker, &options);
    encoded.ipc_message
}

fn types() -> Vec<DataType> {
    let item = Arc::new(ArrowField::new("item", DataType::Int64, true));
    let fields = Fields::from(vec![item.clone()]);
    vec![
        DataType::Int64,
        DataType::UInt8,
        DataType::Float16,
        DataType::Date64,
        DataType::Time64(Unit::Nanosecond),
        DataType::Timestamp(Unit::Second, Some("UTC".into())),
        DataType::Duration(Unit::Millisecond),
        DataType::Decimal256(40, 3),
        DataType::FixedSizeList(item.clone(), 3),
        DataType::List(item),
        DataType::Struct(fields),
        DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8)),
    ]
}

#[test]
fn types_of_arrow_are_known() {
    for data_type in types() {
        assert_eq!(verdict(&encoded(data_type.clone())), Ok(()), "{data_type}");
    }
}

/// The integers of 128 bits of polars ended the program.
#[test]
fn types_that_arrow_has_not_are_refused_by_name() {
    let whole = encoded(DataType::Int64);
    // The one place that holds the 64 bits of the integer.
    let places = (0..whole.len()).filter(|&i| whole[i] == 64);
    let wide = places.filter_map(|place| {
        let mut bytes = whole.clone();
        bytes[place] = 128;
        let message = arrow_ipc::root_as_message(&bytes).ok()?;
        let int = message.header_as_schema()?.fields()?.get(0).type_as_int()?;
        (int.bitWidth() == 128).then_some(bytes)
    });
    let wide: Vec<_> = wide.collect();
    assert_eq!(wide.len(), 1);
    let (name, reason) = verdict(&wide[0]).unwrap_err();
    assert!(name == "i" && reason.contains("128 bits"), "{name}: {reason}");
}

#[test]
fn whatever_passes_is_read_without_a_panic() {
    let mut passed = 0;
    for whole in types().into_iter().map(encoded) {
        for place in 0..whole.len() {
            for flip in [1, 2, 4, 16, 128] {
                let mut bytes = whole.clone();
                bytes[place] ^= flip;
                let Ok(message) = arrow_ipc::root_as_message(&bytes) else { continue };
                let Some(schema) = message.header_as_schema() else { continue };
                if check_schema(schema).is_ok() {
                    let _ = arrow_ipc::convert::fb_to_schema(schema);
                    passed += 1;
                }
            }
        }
    }
    assert!(passed > 100, "{passed}");
}
