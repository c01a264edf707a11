use proptest::prelude::*;
use serde_json::{Value, json};

use super::strategies;
use crate::manifest::wire_root::frame;
use crate::manifest::*;
use crate::version::Version;
use crate::{Attribute, FieldId, FormatError, Result, Schema};

fn sample() -> Root {
    let schema = ["image:u8[28,28]", "label:i64?"].map(|text| Attribute::parse(text).unwrap());
    let first = Root::first(Schema::new(schema).unwrap(), "0198f1d2", 1_700_000_000_000);
    Root {
        version: Version(2),
        parent: Some(Parent { version: Version(1), checksum: 7 }),
        operation: "append".into(),
        next_row_id: 5,
        leaves: vec![LeafRef {
            path: "_tenrow/leaves/a".into(),
            checksum: u64::MAX,
            size_bytes: 900,
            partition_count: 1,
            row_count: 5,
            size_of_files_bytes: 4000,
            first_row_id: 0,
            sequence: 2,
            statistics: vec![Statistics::new(FieldId(2), 0, Some(json!(0)), Some(json!(9)))],
        }],
        ..first
    }
}

/// The document of the sample after `change`, in a frame with the right checksum.
fn changed(change: impl FnOnce(&mut Value)) -> Result<Root> {
    let bytes = sample().encode();
    let mut framed: Value = serde_json::from_slice(&bytes).unwrap();
    change(&mut framed["root"]);
    Root::decode(&frame(framed["root"].to_string().as_bytes()))
}

proptest! {
    #[test]
    fn roots_are_read_back_as_written(root in strategies::root()) {
        root.check().unwrap();
        let bytes = root.encode();
        prop_assert_eq!(Root::decode(&bytes).unwrap(), root);
    }

    #[test]
    fn any_document_gets_an_answer(document in "\\PC{0,40}|[\\[\\]{}\":,0-9a-z_]{0,60}") {
        prop_assert!(Root::decode(document.as_bytes()).is_err());
        prop_assert!(Root::decode(&frame(document.as_bytes())).is_err());
    }
}

#[test]
fn the_whole_file_is_json() {
    let framed: Value = serde_json::from_slice(&sample().encode()).unwrap();
    assert_eq!(framed["root"]["schema"]["attributes"][0]["type"], "u8[28,28]");
    assert_eq!(framed["root"]["leaves"][0]["checksum"], "ffffffffffffffff");
}

#[test]
fn the_bytes_of_a_root_are_these() {
    let document = r#"{"format_version":1,"reader_features":[],"writer_features":[],"version":2,"parent":{"version":1,"checksum":"0000000000000007"},"write_id":"0198f1d2","created_ms":1700000000000,"operation":"append","schema":{"next_field_id":3,"attributes":[{"id":1,"name":"image","type":"u8[28,28]","nullable":false,"encoding":"raw"},{"id":2,"name":"label","type":"i64","nullable":true,"encoding":"zstd:1"}]},"properties":{},"next_row_id":5,"sequences":{},"tags":{},"views":{},"single_writer":false,"leaves":[{"path":"_tenrow/leaves/a","checksum":"ffffffffffffffff","size_bytes":900,"partition_count":1,"row_count":5,"size_of_files_bytes":4000,"first_row_id":0,"sequence":2,"statistics":[{"field":2,"null_count":0,"min":0,"max":9,"exact":true}]}]}"#;
    assert_eq!(
        String::from_utf8(sample().encode()).unwrap(),
        format!(
            "{{\"checksum\":\"{:016x}\",\"root\":{document}}}\n",
            crate::checksum(document.as_bytes())
        )
    );
}

#[test]
fn a_root_cut_at_any_byte_is_an_error() {
    let bytes = sample().encode();
    for end in 0..bytes.len() {
        let error = Root::decode(&bytes[..end]).unwrap_err();
        let typed = matches!(error, FormatError::Truncated { .. } | FormatError::Malformed { .. });
        assert!(typed, "{end}: {error}");
    }
}

#[test]
fn a_root_with_any_bit_flipped_is_an_error() {
    let good = sample().encode();
    for bit in 0..good.len() * 8 {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let error = Root::decode(&bytes).unwrap_err();
        let typed = matches!(error, FormatError::Checksum { .. } | FormatError::Malformed { .. });
        assert!(typed, "bit {bit}: {error}");
    }
}

#[test]
fn a_document_with_any_bit_flipped_and_its_checksum_recomputed_gets_an_answer() {
    let good = sample().encode();
    let document = &good[b"{\"checksum\":\"0123456789abcdef\",\"root\":".len()..good.len() - 2];
    for bit in 0..document.len() * 8 {
        let mut bytes = document.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(root) = Root::decode(&frame(&bytes)) {
            root.check().unwrap();
        }
    }
}

#[test]
fn a_newer_format_version_is_too_new_whatever_else_it_says() {
    let error = Root::decode(&frame(br#"{"format_version":2,"root":"branches"}"#)).unwrap_err();
    assert!(matches!(error, FormatError::TooNew { .. }), "{error}");
    assert!(error.to_string().contains("format version 2; 1 is known here"), "{error}");
}

#[test]
fn an_unknown_reader_feature_is_too_new_and_named() {
    let document = br#"{"format_version":1,"reader_features":["views","x1","x2"],"leaves":7}"#;
    let error = Root::decode(&frame(document)).unwrap_err();
    assert!(matches!(error, FormatError::TooNew { .. }), "{error}");
    assert!(error.to_string().contains("x1, x2"), "{error}");
}

#[test]
fn an_unknown_writer_feature_is_read_only() {
    let root = changed(|root| root["writer_features"] = json!(["branches", "views"])).unwrap();
    assert_eq!(root.unknown_writer_features(), ["branches"]);
}

#[test]
fn unknown_keys_are_ignored() {
    let root = changed(|root| {
        root["branch"] = json!({"name": "main"});
        root["leaves"][0]["bloom"] = json!([1, 2]);
        root["schema"]["attributes"][0]["comment"] = json!("pixels");
    });
    assert_eq!(root.unwrap(), sample());
}

#[test]
fn a_missing_key_is_malformed_and_named() {
    for key in ["reader_features", "version", "write_id", "schema", "leaves", "single_writer"] {
        let error = changed(|root| drop(root.as_object_mut().unwrap().remove(key))).unwrap_err();
        assert!(error.to_string().contains(key), "{error}");
    }
}

#[test]
fn rules_that_a_root_breaks_are_errors() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 27] = [
        ("version 0", |r| r["version"] = json!(0)),
        ("version below 0", |r| r["version"] = json!(-1)),
        ("version with a fraction", |r| r["version"] = json!(1.5)),
        ("format version 0", |r| r["format_version"] = json!(0)),
        ("its own parent", |r| r["parent"]["version"] = json!(2)),
        ("parent checksum in capitals", |r| r["parent"]["checksum"] = json!("000000000000000A")),
        ("parent checksum too short", |r| r["parent"]["checksum"] = json!("7")),
        ("tag of a later version", |r| r["tags"] = json!({"x": 3})),
        ("empty write id", |r| r["write_id"] = json!("")),
        ("field id twice", |r| r["schema"]["attributes"][1]["id"] = json!(1)),
        ("field id not given out", |r| r["schema"]["next_field_id"] = json!(2)),
        ("unknown type", |r| r["schema"]["attributes"][1]["type"] = json!("i65")),
        ("leaf twice", |r| r["leaves"] = json!([r["leaves"][0], r["leaves"][0]])),
        ("leaf outside", |r| r["leaves"][0]["path"] = json!("../leaf")),
        ("leaf too large", |r| r["leaves"][0]["size_bytes"] = json!(u64::MAX)),
        ("too many partitions", |r| r["leaves"][0]["partition_count"] = json!(1 << 20)),
        ("rows beyond 2^63", |r| r["leaves"][0]["row_count"] = json!(u64::MAX)),
        ("row id not given out", |r| r["leaves"][0]["first_row_id"] = json!(6)),
        ("sizes beyond 2^63", |r| r["leaves"][0]["size_of_files_bytes"] = json!(1u64 << 63)),
        ("nulls beyond 2^63", |r| {
            r["leaves"][0]["statistics"][0]["null_count"] = json!(1u64 << 63);
        }),
        ("tag without a name", |r| r["tags"] = json!({"": 1})),
        ("tag that means the newest", |r| r["tags"] = json!({"latest": 1})),
        ("tag with an escape", |r| r["tags"] = json!({"a\u{1b}[2J": 1})),
        ("feature twice", |r| r["writer_features"] = json!(["views", "views"])),
        ("features not sorted", |r| r["writer_features"] = json!(["views", "origins"])),
        ("a list as bound", |r| r["leaves"][0]["statistics"][0]["min"] = json!([1])),
        ("nine statistics", |r| {
            let statistics = |id| json!({"field": id, "null_count": 0, "exact": false});
            r["leaves"][0]["statistics"] = (1..10).map(statistics).collect();
        }),
    ];
    for (rule, change) in changes {
        assert!(changed(change).is_err(), "{rule}");
    }
}

#[test]
fn row_counts_that_overflow_together_are_malformed() {
    let error = changed(|root| {
        let mut second = root["leaves"][0].clone();
        second["path"] = json!("_tenrow/leaves/b");
        root["leaves"] = json!([root["leaves"][0], second]);
        root["leaves"][0]["row_count"] = json!(i64::MAX);
        root["leaves"][1]["row_count"] = json!(i64::MAX);
    });
    assert!(error.unwrap_err().to_string().contains("sum"));
}

#[test]
fn keys_that_occur_twice_are_refused_also_where_nobody_looks() {
    let document = String::from_utf8(sample().encode()).unwrap();
    for (key, twice) in [
        (r#""properties":{}"#, r#""properties":{"a":{"b":1,"b":2}}"#),
        (r#""single_writer":false"#, r#""single_writer":false,"new":1,"new":2"#),
        (r#""single_writer":false"#, r#""single_writer":false,"new":"\ud800""#),
    ] {
        let changed = document.replace(key, twice);
        assert_ne!(changed, document);
        let start = changed.find(r#""root":"#).unwrap() + r#""root":"#.len();
        let error = Root::decode(&frame(changed[start..].trim_end_matches("}\n").as_bytes()));
        let error = error.unwrap_err().to_string();
        assert!(error.contains("twice") || error.contains("hex escape"), "{error}");
    }
}

#[test]
fn deep_json_is_an_error_and_no_overflow() {
    let deep = "[".repeat(1 << 20);
    assert!(Root::decode(&frame(deep.as_bytes())).is_err());
    let document = format!(r#"{{"format_version":1,"reader_features":{deep}"#);
    assert!(Root::decode(&frame(document.as_bytes())).is_err());
}

#[test]
fn rows_are_located_in_their_leaf() {
    let leaf = |name: &str, row_count| LeafRef {
        path: format!("_tenrow/leaves/{name}"),
        row_count,
        ..sample().leaves[0].clone()
    };
    let root = Root { leaves: vec![leaf("a", 3), leaf("b", 0), leaf("c", 2)], ..sample() };
    assert_eq!(
        [2, 3, 4, 5].map(|row| root.locate(row)),
        [Some((0, 2)), Some((2, 0)), Some((2, 1)), None]
    );
    assert_eq!(root.row_count(), 5);
}
