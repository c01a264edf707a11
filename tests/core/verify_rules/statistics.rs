//! Bounds, nulls and keys.

use serde_json::json;
use tenrow::FieldId;

use super::damaged::Level::{Full, Quick};
use super::damaged::{Case, id, nothing, partition, statistics};

pub(super) const CASES: &[Case] = &[
    (
        "a minimum is at most every value",
        Full,
        "statistics say a minimum of",
        |m| {
            let own = statistics(m, "other");
            (own.exact, own.min) = (false, own.max.clone());
        },
        nothing,
    ),
    (
        "a maximum is at least every value",
        Full,
        "statistics say a maximum of",
        |m| {
            let own = statistics(m, "other");
            (own.exact, own.max) = (false, own.min.clone());
        },
        nothing,
    ),
    (
        "exact bounds occur",
        Full,
        "which does not occur",
        |m| {
            let own = statistics(m, "other");
            (own.min, own.exact) = (Some(json!(i64::MIN)), true);
        },
        nothing,
    ),
    (
        "nulls are counted rightly",
        Full,
        "nulls, found",
        |m| {
            statistics(m, "name").null_count += 1;
        },
        nothing,
    ),
    (
        "bounds of texts hold",
        Full,
        "statistics say a maximum of",
        |m| {
            let own = statistics(m, "name");
            (own.exact, own.max, own.min) = (false, Some(json!("")), Some(json!("")));
        },
        nothing,
    ),
    (
        "bounds are a range",
        Quick,
        "is no range",
        |m| {
            let own = statistics(m, "other");
            std::mem::swap(&mut own.min, &mut own.max);
        },
        nothing,
    ),
    (
        "exact needs both bounds",
        Quick,
        "exact without both bounds",
        |m| {
            statistics(m, "other").min = None;
        },
        nothing,
    ),
    (
        "a leaf's bounds contain those of its partitions",
        Quick,
        "but a partition has",
        nothing,
        |root| {
            let own =
                root.leaves[0].statistics.iter_mut().find(|own| own.field == FieldId(2)).unwrap();
            own.min = own.max.clone();
        },
    ),
    ("a leaf's nulls are those of its partitions", Quick, "its partitions 0", nothing, |root| {
        root.leaves[0].statistics[0].null_count += 1;
    }),
    ("a leaf's exact bounds occur", Quick, "which no partition has", nothing, |root| {
        let own = root.leaves[0].statistics.iter_mut().find(|own| own.field == FieldId(2)).unwrap();
        own.max = Some(json!(100_000));
    }),
    (
        "a key is what its bounds say",
        Quick,
        "but its bounds are others",
        |m| {
            partition(m).keys[0].value = json!("other");
        },
        nothing,
    ),
    (
        "a key is the value of all rows",
        Full,
        "the key is \"other\"",
        |m| {
            let kind = id(m, "kind");
            partition(m).keys[0].value = json!("other");
            partition(m).statistics.retain(|own| own.field != kind);
        },
        nothing,
    ),
];
