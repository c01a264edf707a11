//! Whether the tables of a session trust what manifests and footers know of values.

use datafusion::prelude::SessionConfig;

/// What a session's configuration carries of [`SessionOptions::statistics`](crate::SessionOptions::statistics).
#[derive(Debug, Clone, Copy)]
pub(crate) struct UseStatistics(pub(crate) bool);

impl UseStatistics {
    /// Whether the session is one of this crate, and not of others who use its tables.
    pub(crate) fn is_set(config: &SessionConfig) -> bool {
        config.get_extension::<Self>().is_some()
    }

    /// Whether scans of a session use statistics; those of others' sessions do.
    pub(crate) fn of(config: &SessionConfig) -> bool {
        config.get_extension::<Self>().is_none_or(|own| own.0)
    }
}
