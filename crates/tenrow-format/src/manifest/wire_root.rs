//! The bytes of a root: JSON in a fixed frame with a checksum.
//!
//! ```text
//! {"checksum":"<16 hex digits>","root":<document>}\n
//! ```
//!
//! The checksum is that of the document's bytes as they stand, so it can be verified before a JSON
//! parser sees them. Normative: `spec/manifest.md`, "Root".

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::root::{self, LeafRef, OriginRef, Parent, Root};
use super::statistics::Statistics;
use super::view_ref::ViewRef;
use super::{FORMAT_VERSION, check, strict_json};
use crate::checksum::checksum;
use crate::error::{FormatError, Result};
use crate::limits;
use crate::schema::{Attribute, EarlierForm, FieldId, Schema};
use crate::version::Version;

const WHAT: &str = "root manifest";
const BEFORE_CHECKSUM: &[u8] = b"{\"checksum\":\"";
const BEFORE_DOCUMENT: &[u8] = b"\",\"root\":";
const AFTER_DOCUMENT: &[u8] = b"}\n";
const CHECKSUM_DIGITS: usize = 16;
const FRAME_BYTES: usize =
    BEFORE_CHECKSUM.len() + CHECKSUM_DIGITS + BEFORE_DOCUMENT.len() + AFTER_DOCUMENT.len();

impl Root {
    /// The stored form. Equal roots give equal bytes.
    ///
    /// It is not checked here: call [`Root::check`] before the bytes are stored.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// [`FormatError::Truncated`], [`FormatError::Malformed`] or [`FormatError::Checksum`] if it is
    /// not what a writer wrote; [`FormatError::TooNew`] if its format version or a reader feature is
    /// not known here, whatever else it says; else the rule that it breaks.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        check::limit("the bytes of a root", bytes.len() as u64, limits::MAX_ROOT_BYTES)?;
        let root = decode(bytes)?;
        root.check()?;
        Ok(root)
    }
}

fn encode(root: &Root) -> Vec<u8> {
    let document = serde_json::to_vec(&RootWire::from(root))
        .expect("maps with text keys and finite numbers are always JSON");
    frame(&document)
}

/// Puts a document in its frame.
pub(super) fn frame(document: &[u8]) -> Vec<u8> {
    let digits = show_checksum(checksum(document));
    [BEFORE_CHECKSUM, digits.as_bytes(), BEFORE_DOCUMENT, document, AFTER_DOCUMENT].concat()
}

fn decode(bytes: &[u8]) -> Result<Root> {
    let document = unframe(bytes)?;
    // Each step parses no more than it needs: what a newer tenrow wrote may look otherwise.
    let head: Head<'_> = parse(document)?;
    check_format_version(head.format_version)?;
    check_reader_features(head.reader_features)?;
    strict_json::check(document).map_err(malformed)?;
    parse::<RootWire>(document)?.into_root()
}

/// The document, if the frame is whole and the checksum is right.
fn unframe(bytes: &[u8]) -> Result<&[u8]> {
    let malformed = |reason: &str| FormatError::malformed(WHAT, reason);
    if bytes.len() < FRAME_BYTES {
        return Err(FormatError::Truncated {
            what: WHAT.into(),
            found: bytes.len() as u64,
            expected: FRAME_BYTES as u64,
        });
    }
    let rest = bytes
        .strip_prefix(BEFORE_CHECKSUM)
        .ok_or_else(|| malformed("it does not begin with {\"checksum\":\""))?;
    let (digits, rest) = rest.split_at(CHECKSUM_DIGITS);
    let expected = std::str::from_utf8(digits)
        .ok()
        .and_then(parse_checksum)
        .ok_or_else(|| malformed("its checksum is not 16 lowercase hex digits"))?;
    let document = rest
        .strip_prefix(BEFORE_DOCUMENT)
        .ok_or_else(|| malformed("no root follows the checksum"))?
        .strip_suffix(AFTER_DOCUMENT)
        .ok_or_else(|| malformed("it does not end with a closing brace and a line feed"))?;
    let found = checksum(document);
    if found != expected {
        return Err(FormatError::Checksum { what: WHAT.into(), found, expected });
    }
    Ok(document)
}

fn parse<'a, T: Deserialize<'a>>(document: &'a [u8]) -> Result<T> {
    serde_json::from_slice(document).map_err(malformed)
}

fn malformed(error: serde_json::Error) -> FormatError {
    FormatError::malformed(WHAT, error.to_string())
}

fn check_format_version(found: u64) -> Result<()> {
    if found > u64::from(FORMAT_VERSION) {
        return Err(FormatError::TooNew {
            what: WHAT.into(),
            reason: format!("format version {found}; {FORMAT_VERSION} is known here"),
        });
    }
    check::ensure(found > 0, || WHAT.into(), || "format versions are counted from 1".into())
}

fn check_reader_features(features: Option<&RawValue>) -> Result<()> {
    let features =
        features.ok_or_else(|| FormatError::malformed(WHAT, "missing field `reader_features`"))?;
    let features: BTreeSet<String> = parse(features.get().as_bytes())?;
    let unknown: Vec<_> = root::unknown(&features).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let reason = format!("unknown reader features: {}", unknown.join(", "));
    Err(FormatError::TooNew { what: WHAT.into(), reason })
}

fn sorted(features: Vec<String>) -> Result<BTreeSet<String>> {
    let is_sorted = features.is_sorted_by(|one, next| one < next);
    let reason = || format!("features {features:?} are not sorted and distinct");
    check::ensure(is_sorted, || WHAT.into(), reason)?;
    Ok(features.into_iter().collect())
}

fn show_checksum(checksum: u64) -> String {
    format!("{checksum:016x}")
}

fn parse_checksum(text: &str) -> Option<u64> {
    let digits = text.len() == CHECKSUM_DIGITS
        && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if digits { u64::from_str_radix(text, 16).ok() } else { None }
}

fn checksum_of(what: &str, text: &str) -> Result<u64> {
    parse_checksum(text).ok_or_else(|| {
        FormatError::malformed(
            format!("{WHAT}: checksum of {what}"),
            format!("found {text:?}, expected 16 lowercase hex digits"),
        )
    })
}

#[derive(Deserialize)]
struct Head<'a> {
    format_version: u64,
    #[serde(borrow)]
    reader_features: Option<&'a RawValue>,
}

/// The document; keys in this order.
#[derive(Serialize, Deserialize)]
struct RootWire {
    format_version: u32,
    reader_features: Vec<String>,
    writer_features: Vec<String>,
    version: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<ParentWire>,
    write_id: String,
    created_ms: i64,
    #[serde(default = "first_version", skip_serializing_if = "is_first_version")]
    times_from: u64,
    operation: String,
    schema: SchemaWire,
    properties: Map<String, Value>,
    next_row_id: u64,
    sequences: BTreeMap<String, u64>,
    tags: BTreeMap<String, u64>,
    #[serde(default = "first_version", skip_serializing_if = "is_first_version")]
    expired_before: u64,
    views: BTreeMap<String, ViewWire>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    origins: BTreeMap<String, OriginWire>,
    single_writer: bool,
    leaves: Vec<LeafRefWire>,
}

fn first_version() -> u64 {
    1
}

fn is_first_version(version: &u64) -> bool {
    *version == first_version()
}

#[derive(Serialize, Deserialize)]
struct OriginWire {
    location: String,
    version: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct ViewWire {
    path: String,
    checksum: String,
    size_bytes: u64,
    row_count: u64,
    version: u64,
    input_checksum: String,
    query: String,
    created_ms: i64,
}

#[derive(Serialize, Deserialize)]
struct ParentWire {
    version: u64,
    checksum: String,
}

#[derive(Serialize, Deserialize)]
struct SchemaWire {
    next_field_id: u32,
    attributes: Vec<AttributeWire>,
}

#[derive(Serialize, Deserialize)]
struct AttributeWire {
    id: u32,
    name: String,
    #[serde(rename = "type")]
    type_text: String,
    nullable: bool,
    encoding: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    dim_names: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default: Option<Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    earlier: Vec<EarlierFormWire>,
}

#[derive(Serialize, Deserialize)]
struct EarlierFormWire {
    id: u32,
    #[serde(rename = "type")]
    type_text: String,
    nullable: bool,
}

#[derive(Serialize, Deserialize)]
struct LeafRefWire {
    path: String,
    checksum: String,
    size_bytes: u64,
    partition_count: u64,
    row_count: u64,
    size_of_files_bytes: u64,
    first_row_id: u64,
    sequence: u64,
    statistics: Vec<StatisticsWire>,
}

#[derive(Serialize, Deserialize)]
struct StatisticsWire {
    field: u32,
    null_count: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max: Option<Value>,
    exact: bool,
}

impl From<&Root> for RootWire {
    fn from(root: &Root) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            reader_features: root.reader_features.iter().cloned().collect(),
            writer_features: root.writer_features.iter().cloned().collect(),
            version: root.version.0,
            parent: root.parent.map(|parent| ParentWire {
                version: parent.version.0,
                checksum: show_checksum(parent.checksum),
            }),
            write_id: root.write_id.clone(),
            created_ms: root.created_ms,
            times_from: root.times_from.0,
            operation: root.operation.clone(),
            schema: SchemaWire::from(&root.schema),
            properties: root.properties.clone(),
            next_row_id: root.next_row_id,
            sequences: root.sequences.clone(),
            tags: root.tags.iter().map(|(name, version)| (name.clone(), version.0)).collect(),
            expired_before: root.expired_before.0,
            views: root.views.iter().map(ViewWire::of).collect(),
            origins: root.origins.iter().map(OriginWire::of).collect(),
            single_writer: root.single_writer,
            leaves: root.leaves.iter().map(LeafRefWire::from).collect(),
        }
    }
}

impl RootWire {
    fn into_root(self) -> Result<Root> {
        let parent = |parent: ParentWire| -> Result<Parent> {
            let checksum = checksum_of("the parent", &parent.checksum)?;
            Ok(Parent { version: Version(parent.version), checksum })
        };
        Ok(Root {
            reader_features: sorted(self.reader_features)?,
            writer_features: sorted(self.writer_features)?,
            version: Version(self.version),
            parent: self.parent.map(parent).transpose()?,
            write_id: self.write_id,
            created_ms: self.created_ms,
            times_from: Version(self.times_from),
            operation: self.operation,
            schema: self.schema.into_schema()?,
            properties: self.properties,
            leaves: self
                .leaves
                .into_iter()
                .map(LeafRefWire::into_leaf_ref)
                .collect::<Result<_>>()?,
            next_row_id: self.next_row_id,
            sequences: self.sequences,
            tags: self.tags.into_iter().map(|(name, version)| (name, Version(version))).collect(),
            expired_before: Version(self.expired_before),
            views: self.views.into_iter().map(ViewWire::into_view).collect::<Result<_>>()?,
            origins: self.origins.into_iter().map(OriginWire::into_origin).collect(),
            single_writer: self.single_writer,
        })
    }
}

impl From<&Schema> for SchemaWire {
    fn from(schema: &Schema) -> Self {
        let attribute = |attribute: &Attribute| AttributeWire {
            id: attribute.id.0,
            name: attribute.name.clone(),
            type_text: attribute.attribute_type.to_string(),
            nullable: attribute.nullable,
            encoding: attribute.encoding.to_string(),
            dim_names: attribute.dim_names.clone(),
            default: attribute.default.clone(),
            earlier: attribute.earlier.iter().map(EarlierFormWire::from).collect(),
        };
        Self {
            next_field_id: schema.next_field_id(),
            attributes: schema.attributes().iter().map(attribute).collect(),
        }
    }
}

impl SchemaWire {
    fn into_schema(self) -> Result<Schema> {
        let attribute = |wire: AttributeWire| -> Result<Attribute> {
            Ok(Attribute {
                id: FieldId(wire.id),
                name: wire.name,
                attribute_type: wire.type_text.parse()?,
                nullable: wire.nullable,
                encoding: wire.encoding.parse()?,
                dim_names: wire.dim_names,
                default: wire.default,
                earlier: wire
                    .earlier
                    .into_iter()
                    .map(EarlierFormWire::into_form)
                    .collect::<Result<_>>()?,
            })
        };
        let attributes = self.attributes.into_iter().map(attribute).collect::<Result<_>>()?;
        Schema::from_parts(attributes, self.next_field_id)
    }
}

impl From<&EarlierForm> for EarlierFormWire {
    fn from(form: &EarlierForm) -> Self {
        Self { id: form.id.0, type_text: form.attribute_type.to_string(), nullable: form.nullable }
    }
}

impl EarlierFormWire {
    fn into_form(self) -> Result<EarlierForm> {
        Ok(EarlierForm {
            id: FieldId(self.id),
            attribute_type: self.type_text.parse()?,
            nullable: self.nullable,
        })
    }
}

impl OriginWire {
    fn of((name, origin): (&String, &OriginRef)) -> (String, Self) {
        let OriginRef { location, version, note } = origin.clone();
        (name.clone(), Self { location, version: version.0, note })
    }

    fn into_origin((name, wire): (String, Self)) -> (String, OriginRef) {
        let Self { location, version, note } = wire;
        (name, OriginRef { location, version: Version(version), note })
    }
}

impl ViewWire {
    fn of((name, view): (&String, &ViewRef)) -> (String, Self) {
        let wire = Self {
            path: view.path.clone(),
            checksum: show_checksum(view.checksum),
            size_bytes: view.size_bytes,
            row_count: view.row_count,
            version: view.version.0,
            input_checksum: show_checksum(view.input_checksum),
            query: view.query.clone(),
            created_ms: view.created_ms,
        };
        (name.clone(), wire)
    }

    fn into_view((name, wire): (String, Self)) -> Result<(String, ViewRef)> {
        let view = ViewRef {
            checksum: checksum_of("a view", &wire.checksum)?,
            input_checksum: checksum_of("the input of a view", &wire.input_checksum)?,
            path: wire.path,
            size_bytes: wire.size_bytes,
            row_count: wire.row_count,
            version: Version(wire.version),
            query: wire.query,
            created_ms: wire.created_ms,
        };
        Ok((name, view))
    }
}

impl From<&LeafRef> for LeafRefWire {
    fn from(leaf: &LeafRef) -> Self {
        Self {
            path: leaf.path.clone(),
            checksum: show_checksum(leaf.checksum),
            size_bytes: leaf.size_bytes,
            partition_count: leaf.partition_count,
            row_count: leaf.row_count,
            size_of_files_bytes: leaf.size_of_files_bytes,
            first_row_id: leaf.first_row_id,
            sequence: leaf.sequence,
            statistics: leaf.statistics.iter().map(StatisticsWire::from).collect(),
        }
    }
}

impl LeafRefWire {
    fn into_leaf_ref(self) -> Result<LeafRef> {
        Ok(LeafRef {
            checksum: checksum_of("a leaf", &self.checksum)?,
            path: self.path,
            size_bytes: self.size_bytes,
            partition_count: self.partition_count,
            row_count: self.row_count,
            size_of_files_bytes: self.size_of_files_bytes,
            first_row_id: self.first_row_id,
            sequence: self.sequence,
            statistics: self.statistics.into_iter().map(StatisticsWire::into_statistics).collect(),
        })
    }
}

impl From<&Statistics> for StatisticsWire {
    fn from(statistics: &Statistics) -> Self {
        Self {
            field: statistics.field.0,
            null_count: statistics.null_count,
            min: statistics.min.clone(),
            max: statistics.max.clone(),
            exact: statistics.exact,
        }
    }
}

impl StatisticsWire {
    fn into_statistics(self) -> Statistics {
        Statistics {
            field: FieldId(self.field),
            null_count: self.null_count,
            min: self.min,
            max: self.max,
            exact: self.exact,
        }
    }
}
