//! What a statement is for.

/// What a statement is for, as far as whoever shows its answer wants to know.
///
/// ```
/// use tenrow_sql::{Session, SessionOptions, StatementKind};
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// let session = Session::new(&SessionOptions::default())?;
/// for (text, kind) in [
///     ("(SELECT 1) -- rows", StatementKind::Query),
///     ("/* lines */ EXPLAIN SELECT 1", StatementKind::Plan),
///     ("DROP VIEW \"digits#train\"", StatementKind::Tables),
/// ] {
///     assert_eq!(session.prepare(text).await?.kind(), kind);
/// }
/// assert!(StatementKind::Tables.changes() && !StatementKind::Plan.changes());
/// # Ok::<(), tenrow::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StatementKind {
    /// It gives rows and changes nothing: `SELECT`, `VALUES`, `SHOW`, `DESCRIBE`.
    Query,
    /// It gives the lines of a plan: `EXPLAIN`.
    Plan,
    /// It changes an option of the session, and gives nothing: `SET`, `RESET`.
    Setting,
    /// It changes rows: `INSERT`, `UPDATE`, `DELETE`.
    Rows,
    /// It changes which tables, columns and views there are: `CREATE`, `ALTER`, `DROP`.
    Tables,
    /// It writes a file: `COPY … TO`.
    File,
}

impl StatementKind {
    /// Whether such a statement changes a dataset or writes a file.
    pub fn changes(self) -> bool {
        matches!(self, Self::Rows | Self::Tables | Self::File)
    }
}
