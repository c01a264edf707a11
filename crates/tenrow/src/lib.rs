//! Tensor datasets on Apache Parquet: rows of tensors, numbers, texts and files, in versions, in a folder or an object store.
//!
//! A [`Dataset`] is a folder of ordinary Parquet files and manifests. Many programs may write to it at once; whoever reads has
//! a [`Snapshot`], one version that never changes. One row of it is one exact read, and of local files no copy.
//!
//! # Write
//!
//! A [`Schema`] says what every row has. A [`DatasetWriter`] takes rows as [`Columns`] of Rust values, or as Arrow batches;
//! nothing is seen before [`commit`](DatasetWriter::commit), and then all of it at once.
//!
//! ```
//! # futures::executor::block_on(async {
//! use ndarray::Array3;
//! use tenrow::{Attribute, Columns, Dataset, Schema};
//!
//! let schema = Schema::new([
//!     Attribute::parse("image:u8[28,28]")?,
//!     Attribute::parse("label:i64")?,
//!     Attribute::parse("name:string?")?,
//! ])?;
//! // A path is as good: "digits", "/data/digits", "s3://bucket/digits".
//! let dataset = Dataset::create("memory://guide/write", schema).await?;
//!
//! let mut writer = dataset.writer().await?;
//! let columns = Columns::new()
//!     .tensors("image", Array3::<u8>::zeros((3, 28, 28)))
//!     .scalars("label", [7i64, 2, 7])
//!     .strings("name", [Some("seven"), None, None]);
//! writer.append_columns(columns).await?;
//! let snapshot = writer.commit().await?;
//! assert_eq!(snapshot.row_count(), 3);
//! # Ok::<(), tenrow::Error>(()) }).unwrap();
//! ```
//!
//! [`WriteOptions`] sets how large files get, what they are partitioned by, and an idempotency key;
//! [`Dataset::writer_of_new`] creates a dataset with its first rows, and [`Dataset::overwriter`] replaces them all.
//!
//! # Read
//!
//! By row, in any order and as often as asked; whole ranges; batch by batch; one attribute as tensors or as files; the
//! elements of lists as one flat stream.
//!
//! ```
//! # futures::executor::block_on(async {
//! # use tenrow::{Attribute, Columns, Dataset, Schema};
//! # let schema = Schema::new([Attribute::parse("point:f32[2]")?, Attribute::parse("label:i64")?])?;
//! # let dataset = Dataset::create("memory://guide/read", schema).await?;
//! # let mut writer = dataset.writer().await?;
//! # let points = ndarray::array![[0f32, 1.], [2., 3.], [4., 5.]];
//! # writer.append_columns(Columns::new().tensors("point", &points).scalars("label", [4i64, 5, 6])).await?;
//! # writer.commit().await?;
//! use futures::TryStreamExt;
//!
//! let snapshot = Dataset::open("memory://guide/read").await?.latest().await?;
//! let rows = snapshot.take(&[2, 0, 2]).await?;              // an Arrow batch
//! assert_eq!((rows.num_rows(), rows.num_columns()), (3, 2));
//!
//! let points = snapshot.tensor_column("point")?;
//! let point = points.get(1).await?.expect("not null");      // of a local file: mapped, not copied
//! assert_eq!(point.as_slice::<f32>()?, [2.0, 3.0]);
//! assert_eq!(points.slice(0..3).await?.tensor.shape(), [3, 2]);
//!
//! let mut batches = snapshot.scan();
//! while let Some(batch) = batches.try_next().await? {
//!     assert!(batch.num_rows() > 0);
//! }
//! # Ok::<(), tenrow::Error>(()) }).unwrap();
//! ```
//!
//! [`ReadOptions`] and [`ScanOptions`] choose attributes, rows and how much is checked; [`Snapshot::file_column`] and
//! [`Snapshot::elements`] are for files and lists. SQL is a crate of its own, `tenrow-sql`.
//!
//! # Change
//!
//! Each change is one commit, which writes what is new and nothing else. A row keeps its id for ever; two programs that
//! change different things both win, and one that was too late is told with [`ErrorKind::Conflict`].
//!
//! ```
//! # futures::executor::block_on(async {
//! # use tenrow::{Attribute, Columns, Dataset, Schema};
//! # let dataset = Dataset::create("memory://guide/change", Schema::new([Attribute::parse("label:i64")?])?).await?;
//! # let mut writer = dataset.writer().await?;
//! # writer.append_columns(Columns::new().scalars("label", [4i64, 5, 6])).await?;
//! # let snapshot = writer.commit().await?;
//! use tenrow::SchemaChange;
//!
//! let labels = Columns::new().scalars("label", [0i64]).into_batch()?;
//! let snapshot = dataset.update(&snapshot, &[1], &labels).await?;
//! let snapshot = dataset.delete(&snapshot, &[0]).await?.snapshot;
//! assert_eq!(snapshot.tensor_column("label")?.slice(0..2).await?.tensor.as_slice::<i64>()?, [0, 6]);
//!
//! let split = Attribute::parse("split:string")?.with_default("train");
//! dataset.change_schema(SchemaChange::Add(split)).await?;
//! // Every version stays until it is expired, and may have a name.
//! dataset.tag("raw", tenrow::Version(2)).await?;
//! assert_eq!(dataset.tagged("raw").await?.row_count(), 3);
//! # Ok::<(), tenrow::Error>(()) }).unwrap();
//! ```
//!
//! [`Dataset::fill_column`] computes an attribute from others, [`Dataset::restore`] goes back, [`Dataset::merge`] and
//! [`Dataset::clone_to`] share files among datasets, [`Snapshot::diff`] compares versions.
//!
//! # Views
//!
//! A [`View`] is rows of one version in an order of their own: a range, a list, a part by chance. It is read in every way
//! that a snapshot is; kept under a name, it keeps its version.
//!
//! ```
//! # futures::executor::block_on(async {
//! # use tenrow::{Attribute, Columns, Dataset, Schema};
//! # let dataset = Dataset::create("memory://guide/views", Schema::new([Attribute::parse("label:i64")?])?).await?;
//! # let mut writer = dataset.writer().await?;
//! # writer.append_columns(Columns::new().scalars("label", 0..100i64)).await?;
//! # let snapshot = writer.commit().await?;
//! let parts = snapshot.random_split(17, &[0.8, 0.2]).await?;
//! dataset.create_view("train", &parts[0], &Default::default()).await?;
//!
//! let train = dataset.view("train").await?;
//! assert_eq!(train.row_count() + parts[1].row_count(), 100);
//! assert_eq!(train.rows(0..2).await?.take(&[1, 0]).await?.num_rows(), 2);
//! # Ok::<(), tenrow::Error>(()) }).unwrap();
//! ```
//!
//! # Stores
//!
//! A location is a path or a URL: `s3://`, `az://`, `gs://`, `http://` and `https://` to read, `memory://` for tests. What a
//! store needs to be reached comes from [`StoreOptions`], then the environment, then profiles; creating and opening take
//! the same. Remote objects are kept in a cache on the local disk.
//!
//! ```
//! # futures::executor::block_on(async {
//! # use tenrow::{Attribute, CreateOptions, Dataset, Schema};
//! use tenrow::StoreOptions;
//!
//! # let schema = Schema::new([Attribute::parse("label:i64")?])?;
//! let options = StoreOptions::default().with("deadline", "30s");
//! let (place, create) = ("memory://guide/stores", CreateOptions::default());
//! Dataset::create_with(place, schema, &options, &create).await?;
//! let dataset = Dataset::open_with(place, &options).await?;
//! assert_eq!(dataset.storage().to_string(), place);
//! # Ok::<(), tenrow::Error>(()) }).unwrap();
//! ```
//!
//! A [`Catalog`] finds and creates datasets below one location. [`storage`] has the objects themselves.
//!
//! # Upkeep
//!
//! ```
//! # futures::executor::block_on(async {
//! # use tenrow::{Attribute, Columns, Dataset, Schema};
//! # let dataset = Dataset::create("memory://guide/upkeep", Schema::new([Attribute::parse("label:i64")?])?).await?;
//! # let mut writer = dataset.writer().await?;
//! # writer.append_columns(Columns::new().scalars("label", [4i64, 5, 6])).await?;
//! # writer.commit().await?;
//! use tenrow::{ExpireOptions, VerifyOptions};
//!
//! // Small partitions become large ones, old versions end, and what no version names is removed once it is a week old.
//! dataset.compact(Default::default()).await?;
//! dataset.expire(&ExpireOptions { keep_last: Some(1), ..Default::default() }).await?;
//! dataset.vacuum(Default::default()).await?;
//!
//! let report = dataset.verify(VerifyOptions { full: true, ..Default::default() }).await?;
//! assert!(report.faults.is_empty());
//! # Ok::<(), tenrow::Error>(()) }).unwrap();
//! ```
//!
//! # Errors
//!
//! Every failure is an [`Error`] of an [`ErrorKind`] that a program can act on. It displays one line, which says what was found and
//! expected; [`Error::chain`] adds the causes.
//!
//! ```
//! # futures::executor::block_on(async {
//! # use tenrow::{Attribute, Columns, Dataset, Schema};
//! # let dataset = Dataset::create("memory://guide/errors", Schema::new([Attribute::parse("label:i64")?])?).await?;
//! # let mut writer = dataset.writer().await?;
//! use tenrow::ErrorKind;
//!
//! let error = writer.append_columns(Columns::new().scalars("label", [1.5f32])).await.unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::InvalidInput);
//! assert_eq!(error.chain(), r#"the batch: attribute "label": found f32, expected i64"#);
//! assert_eq!(Dataset::open("memory://guide/nothing").await.unwrap_err().kind(), ErrorKind::NotADataset);
//! # Ok::<(), tenrow::Error>(()) }).unwrap();
//! ```
//!
//! # Where the rest is
//!
//! Two shelves hold what few need: [`storage`], the objects of a dataset and how they are reached; [`engine`], what query
//! engines and converters stand on. What the bytes mean is `tenrow-format`; other formats come and go with `tenrow-convert`.
//!
//! Local datasets need no runtime of any kind; remote ones are read and written within one of `tokio`. Every future is `Send`.
#![deny(unsafe_code)]

use tenrow_format as format;

mod blocking;
mod clock;
mod error;
mod progress;
mod content;
mod ids;
mod shared_work;
pub mod storage;
mod tensor;
mod snapshot;
mod view;
mod read;
mod commit;
mod write;
mod dataset;
mod clones;
mod change;
mod which_version;
mod copies;
mod upkeep;
mod choose;
mod diff;
mod catalog;
mod inspect;
mod file_warnings;
mod verify;
mod warm;
pub mod engine;

pub use catalog::{Catalog, CatalogEntry, DatasetInfo};
pub use change::{
    ColumnFill, CompactOptions, CompactReport, DeleteReport, FillReport, NewColumn, SchemaChange,
    ViewOptions,
};
pub use clones::CloneInfo;
pub use dataset::{CreateOptions, Dataset, VersionInfo};
pub use diff::Diff;
pub use error::{Error, ErrorKind, Result};
pub use file_warnings::FileWarning;
pub use format::{
    Attribute, AttributeType, DType, Encoding, FieldId, FormatError, Schema, Shape, VariableShape,
    Version,
};
pub use inspect::{AttributeSize, Inspection};
pub use progress::{OnProgress, Progress};
pub use read::{
    BatchStream, ElementStream, FileColumn, FileHandle, PageChecks, ReadOptions, ScanOptions,
    TensorColumn, Tensors,
};
pub use snapshot::Snapshot;
pub use storage::options::StoreOptions;
pub use tensor::{Element, Scalar, Tensor};
pub use upkeep::{ExpireOptions, ExpireReport, VacuumOptions, VacuumReport};
pub use verify::{Fault, VerifyOptions, VerifyReport};
pub use view::{RowNumbers, View};
pub use warm::WarmReport;
pub use which_version::WhichVersion;
pub use write::{Columns, DatasetWriter, FileValue, Nullable, Plain, WriteOptions};
