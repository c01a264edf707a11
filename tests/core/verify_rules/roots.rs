//! What roots say of each other, of views and of features.

use tenrow::{Schema, Version};

use super::damaged::Level::Quick;
use super::damaged::{Case, nothing};

pub(super) const CASES: &[Case] = &[
    (
        "a parent has the checksum that its child says",
        Quick,
        "but the next version says",
        nothing,
        |root| {
            root.parent.as_mut().unwrap().checksum ^= 1;
        },
    ),
    (
        "a version is made from the one before it",
        Quick,
        "expected the one before version",
        nothing,
        |root| {
            root.parent.as_mut().unwrap().version.0 -= 1;
        },
    ),
    ("only the first version has no parent", Quick, "it names no parent", nothing, |root| {
        root.parent = None;
    }),
    (
        "times are in order from where the version before says",
        Quick,
        "times_from is 3",
        nothing,
        |root| {
            root.times_from = Version(3);
        },
    ),
    ("times never fall", Quick, "created_ms is 5", nothing, |root| root.created_ms = 5),
    ("field ids are never given twice", Quick, "next_field_id is", nothing, |root| {
        let mut attributes = root.schema.attributes().to_vec();
        attributes.pop();
        root.schema = Schema::from_parts(attributes, root.schema.next_field_id() - 1).unwrap();
    }),
    (
        "the flag of one writer is a feature",
        Quick,
        "\"single_writer\" is used, but not named",
        nothing,
        |root| {
            root.single_writer = true;
        },
    ),
    ("a view has its size", Quick, "bytes, but its manifest says", nothing, |root| {
        root.views.get_mut("some").unwrap().size_bytes += 1;
    }),
    ("a view has its checksum", Quick, "its root says", nothing, |root| {
        root.views.get_mut("some").unwrap().checksum ^= 1;
    }),
    ("a view has its rows", Quick, "_tenrow/views/", nothing, |root| {
        root.views.get_mut("some").unwrap().row_count += 1;
    }),
    (
        "a view is of the version that it was made from",
        Quick,
        "the view was made from",
        nothing,
        |root| {
            root.views.get_mut("some").unwrap().input_checksum ^= 1;
        },
    ),
];
