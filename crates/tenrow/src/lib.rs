//! Tensor datasets on Apache Parquet.
#![deny(unsafe_code)]

mod blocking;
mod clock;
mod error;
mod progress;
mod content;
mod ids;
mod shared_work;
mod storage;
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

pub use catalog::{Catalog, CatalogEntry, DatasetInfo};
pub use change::{
    ColumnFill, CompactOptions, CompactReport, DeleteReport, FillReport, NewColumn, SchemaChange,
    ViewOptions,
};
pub use clock::Clock;
pub use clones::CloneInfo;
pub use commit::Premise;
pub use dataset::{CreateOptions, Dataset, VersionInfo};
pub use diff::Diff;
pub use error::{Error, ErrorKind, Result};
pub use file_warnings::FileWarning;
pub use ids::Ids;
pub use inspect::{AttributeSize, Inspection};
pub use progress::{OnProgress, Progress};
pub use read::{
    BatchStream, ElementStream, FileColumn, FileHandle, PlacedPartition, ReadOptions, ScanOptions,
    TensorColumn, Tensors, Verify,
};
pub use snapshot::Snapshot;
pub use storage::{
    Cache, CacheSize, CoalesceOptions, Counters, DurableLocal, LentMemory, ListedObject, Location,
    Meter, Provider, RemoteLocation, Storage, StoreOptions, Upload, Uploaded, open_regular,
};
pub use tenrow_format as format;
pub use tenrow_format::manifest::Version;
pub use tenrow_format::{
    Attribute, AttributeType, DType, Encoding, FieldId, Schema, Shape, names_listed,
};
pub use tensor::{Element, Tensor};
pub use upkeep::{ExpireOptions, ExpireReport, VacuumOptions, VacuumReport};
pub use verify::{Fault, VerifyOptions, VerifyReport};
pub use view::{RowNumbers, View};
pub use warm::WarmReport;
pub use which_version::WhichVersion;
pub use write::{Columns, DatasetWriter, FileValue, WriteOptions};
