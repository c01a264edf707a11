//! The functions as queries meet them; the expected numbers are numpy's.

mod fixture;
mod describe;
mod parts;
mod cast;
mod numbers;
mod products;
mod files;
mod percentile;
mod documentation;
