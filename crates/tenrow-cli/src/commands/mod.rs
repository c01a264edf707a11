//! The commands, one to a file, and the table of them.

mod cache;
mod clone;
mod compact;
mod create;
mod delete;
mod demo;
mod diff;
mod expire;
mod export;
mod files;
mod get;
mod head;
mod import;
mod info;
mod ls;
mod merge;
mod orphans;
mod restore;
mod schema;
mod sql;
mod tag;
mod take;
mod vacuum;
mod verify;
mod versions;
mod view;

use crate::command::{Group, entry};

/// All commands, as help lists them.
pub(crate) const GROUPS: &[Group] = &[
    Group {
        heading: "Make and fill",
        commands: &[
            entry::<demo::DemoArguments>("demo"),
            entry::<create::CreateArguments>("create"),
            entry::<import::ImportArguments>("import"),
            entry::<merge::MergeArguments>("merge"),
            entry::<clone::CloneArguments>("clone"),
        ],
    },
    Group {
        heading: "Look and read",
        commands: &[
            entry::<ls::LsArguments>("ls"),
            entry::<info::InfoArguments>("info"),
            entry::<head::HeadArguments>("head"),
            entry::<get::GetArguments>("get"),
            entry::<take::TakeArguments>("take"),
            entry::<export::ExportArguments>("export"),
            entry::<files::FilesArguments>("files"),
            entry::<sql::SqlArguments>("sql"),
        ],
    },
    Group {
        heading: "Change",
        commands: &[
            entry::<delete::DeleteArguments>("delete"),
            entry::<schema::SchemaArguments>("schema"),
            entry::<restore::RestoreArguments>("restore"),
        ],
    },
    Group {
        heading: "Versions and views",
        commands: &[
            entry::<versions::VersionsArguments>("versions"),
            entry::<diff::DiffArguments>("diff"),
            entry::<tag::TagArguments>("tag"),
            entry::<view::ViewArguments>("view"),
        ],
    },
    Group {
        heading: "Keep in order",
        commands: &[
            entry::<compact::CompactArguments>("compact"),
            entry::<expire::ExpireArguments>("expire"),
            entry::<vacuum::VacuumArguments>("vacuum"),
            entry::<orphans::OrphansArguments>("orphans"),
            entry::<verify::VerifyArguments>("verify"),
            entry::<cache::CacheArguments>("cache"),
        ],
    },
];
