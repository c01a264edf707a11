//! Round trips, hostile bytes, and rules of roots and leaves.

mod hostile_leaves;
mod leaves;
mod roots;
mod strategies;
