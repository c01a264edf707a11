use arrow_cast::display::array_value_to_string;

use super::*;

fn read(text: &str, to: DataType, mode: CastMode) -> Result<String, String> {
    let texts = StringArray::from(vec![None, Some(text)]);
    let values = Leaf::of(&to).unwrap().read(&texts, mode).map_err(|m| m.reason)?;
    assert!(values.is_null(0) && values.data_type() == &to);
    Ok(array_value_to_string(&values, 1).unwrap())
}

fn timestamp(unit: TimeUnit, zone: Option<&str>) -> DataType {
    DataType::Timestamp(unit, zone.map(Into::into))
}

#[test]
fn text_is_read_as_the_type_that_it_is_to_have() {
    use DataType::*;
    for (text, to, expected) in [
        ("01234", Utf8, "01234"),
        ("1.50", Utf8, "1.50"),
        ("123456789.123456789123456789", Decimal128(38, 18), "123456789.123456789123456789"),
        ("1e2", Decimal128(5, 2), "100.00"),
        ("-99.99", Decimal32(4, 2), "-99.99"),
        ("9007199254740993", Int64, "9007199254740993"),
        ("18446744073709551615", UInt64, "18446744073709551615"),
        ("TRUE", Boolean, "true"),
        ("00ff", Binary, "00ff"),
        ("2024-02-29", Date32, "2024-02-29"),
        ("PT1.5S", Duration(TimeUnit::Millisecond), "PT1.5S"),
        ("-PT1.500000001S", Duration(TimeUnit::Nanosecond), "-PT1.500000001S"),
        ("P1DT2H3M4S", Duration(TimeUnit::Second), "PT93784S"),
        ("P0D", Duration(TimeUnit::Second), "P0D"),
        ("23:59:59.5", Time32(TimeUnit::Millisecond), "23:59:59.500"),
        ("2018-01-04 09:01:00", timestamp(TimeUnit::Second, None), "2018-01-04T09:01:00"),
        (
            "2018-01-04 09:01:00+09:00",
            timestamp(TimeUnit::Microsecond, Some("UTC")),
            "2018-01-04T00:01:00Z",
        ),
        (
            "2018-07-04T09:01:00Z",
            timestamp(TimeUnit::Millisecond, Some("Europe/Berlin")),
            "2018-07-04T11:01:00+02:00",
        ),
    ] {
        assert_eq!(
            read(text, to.clone(), CastMode::Safe).as_deref(),
            Ok(expected),
            "{text} as {to}"
        );
    }
}

#[test]
fn what_would_change_is_refused_unless_it_may_be_rounded() {
    use DataType::*;
    for (text, to, rounded) in [
        ("1.239", Decimal128(5, 2), Some("1.24")),
        ("9.995", Decimal128(5, 2), Some("10.00")),
        ("-0.005", Decimal128(5, 2), Some("-0.01")),
        ("1000", Decimal128(5, 2), None),
        ("9007199254740993", Float64, Some("9007199254740992.0")),
        ("300", Int8, None),
        ("1.5", Int8, None),
        ("xyz", Binary, None),
        ("2024-02-30", Date32, None),
        ("PT1.5S", Duration(TimeUnit::Second), Some("PT1S")),
        ("P1M", Duration(TimeUnit::Second), None),
        ("PT-1S", Duration(TimeUnit::Second), None),
        ("1.5", Duration(TimeUnit::Second), None),
        ("2024-02-29T12:00:00", Date32, None),
        ("23:59:59.0005", Time32(TimeUnit::Millisecond), Some("23:59:59")),
        ("2018-01-04 09:01:00.5", timestamp(TimeUnit::Second, None), Some("2018-01-04T09:01:00")),
        ("2018-01-04 09:01:00+09:00", timestamp(TimeUnit::Second, None), None),
        ("2018-01-04 09:01:00", timestamp(TimeUnit::Second, Some("UTC")), None),
        ("9999-12-31 00:00:00", timestamp(TimeUnit::Nanosecond, None), None),
    ] {
        let error = read(text, to.clone(), CastMode::Safe).expect_err(text);
        assert!(error.contains("does not fit"), "{text} as {to}: {error}");
        let found = read(text, to.clone(), CastMode::Round).ok();
        assert_eq!(found.as_deref(), rounded, "{text} as {to}");
    }
}

#[test]
fn the_first_text_that_does_not_fit_is_named() {
    let texts = StringArray::from(vec!["1", "2", "three"]);
    let misread = Leaf::Number(DType::U8).read(&texts, CastMode::Safe).unwrap_err();
    assert_eq!((misread.index, misread.reason.as_str()), (2, "\"three\" does not fit u8"));
}
