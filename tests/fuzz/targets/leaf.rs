//! A leaf, whose checksum is taken to be right.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use tenrow_format::checksum;
use tenrow_format::manifest::Leaf;

fuzz_target!(|data: &[u8]| {
    if let Ok(leaf) = Leaf::decode(Bytes::copy_from_slice(data), checksum(data)) {
        let bytes = Bytes::from(leaf.encode().expect("what was read can be written"));
        let sum = checksum(&bytes);
        assert_eq!(Leaf::decode(bytes, sum).expect("what was written can be read"), leaf);
    }
});
