//! Random names, passed in so that a test with a seed replays exactly.

use std::sync::{Arc, Mutex, PoisonError};

use rand::rngs::{OsRng, StdRng};
use rand::{RngCore, SeedableRng, TryRngCore};

/// Where new names come from: 128 random bits each.
///
/// ```
/// use tenrow::engine::Ids;
/// assert_eq!(Ids::seeded(7).next(), Ids::seeded(7).next());
/// assert_ne!(Ids::random().next(), Ids::random().next());
/// ```
#[derive(Debug, Clone)]
pub struct Ids(Generator);

#[derive(Debug, Clone)]
enum Generator {
    System,
    Seeded(Arc<Mutex<StdRng>>),
}

impl Ids {
    /// Names that nobody else has: from the operating system, so that the children of a fork
    /// never repeat each other's.
    pub fn random() -> Self {
        Self(Generator::System)
    }

    /// The same names on every run; clones share one sequence.
    pub fn seeded(seed: u64) -> Self {
        Self(Generator::Seeded(Arc::new(Mutex::new(StdRng::seed_from_u64(seed)))))
    }

    /// A new name of 32 lowercase hex digits.
    pub fn next(&self) -> String {
        let mut bits = [0; 16];
        match &self.0 {
            Generator::System => OsRng
                .try_fill_bytes(&mut bits)
                .expect("every supported operating system gives random bytes"),
            Generator::Seeded(rng) => {
                rng.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut bits);
            }
        }
        format!("{:032x}", u128::from_be_bytes(bits))
    }
}

impl Default for Ids {
    fn default() -> Self {
        Self::random()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_32_hex_digits_and_differ() {
        let ids = Ids::random();
        let (a, b) = (ids.next(), ids.next());
        assert_ne!(a, b);
        assert_eq!(a.len(), 32);
        assert!(a.bytes().all(|c| c.is_ascii_hexdigit() && !c.is_ascii_uppercase()));
    }

    #[test]
    fn a_seed_replays_and_clones_share_the_sequence() {
        let ids = Ids::seeded(1);
        let first = [ids.next(), ids.clone().next()];
        let again = Ids::seeded(1);
        assert_eq!(first, [again.next(), again.next()]);
        assert_ne!(first[0], first[1]);
    }
}
