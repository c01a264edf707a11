//! What query engines, converters and tests stand on, and users of datasets do not need.
//!
//! Partitions and the files that they are of ([`PlacedPartition`]), what a change was computed from ([`Premise`]), documents as
//! they are stored ([`manifest`], [`layout`], [`limits`]), checks of the bytes of others ([`check_footer`], [`check_levels`]),
//! and the time and randomness of tests that replay ([`Clock`], [`Ids`]).
//!
//! ```
//! use tenrow::engine::{Premise, manifest::Partition};
//! # use tenrow::{Attribute, Columns, Dataset, Schema};
//! # futures::executor::block_on(async {
//! # let dataset = Dataset::create("memory://docs/engine", Schema::new([Attribute::parse("price:i64")?])?).await?;
//! # let mut writer = dataset.writer().await?;
//! # writer.append_columns(Columns::new().scalars("price", [1i64, 2])).await?;
//! let snapshot = writer.commit().await?;
//! // A planner reads manifests alone: no file is opened.
//! let partitions: Vec<Partition> = snapshot.partition_entries().await?;
//! assert_eq!((partitions.len(), partitions[0].row_count), (1, 2));
//! // A change that was computed from prices is refused once one of them is another.
//! let seen = Premise::all_rows(&snapshot, ["price"])?;
//! dataset.delete_on(&seen, &[0]).await?;
//! assert!(dataset.delete_on(&seen, &[1]).await.is_err());
//! # Ok::<(), tenrow::Error>(()) }).unwrap();
//! ```

pub use crate::clock::Clock;
pub use crate::commit::Premise;
pub use crate::format::{
    DeletedRows, FIELD_ID_KEY, PageHeader, PageKind, Result as FormatResult, TYPE_KEY, caught,
    check_footer, check_levels, checksum, decode_view_rows, file_fields, is_guarding, layout,
    limits, manifest, names_listed,
};
pub use crate::ids::Ids;
pub use crate::read::PlacedPartition;
