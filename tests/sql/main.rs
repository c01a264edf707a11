//! SQL over datasets, as a user of `tenrow-sql` meets it.
