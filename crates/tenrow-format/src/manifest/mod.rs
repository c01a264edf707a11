//! Placeholder until the manifest module lands.
mod chunk;
pub use chunk::{Chunk, ChunkLayout, PageStart};
