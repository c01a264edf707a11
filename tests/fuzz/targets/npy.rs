//! A `.npy` file; the first byte chooses whether opaque elements are bf16.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tenrow_convert::NpySource;

fuzz_target!(|data: &[u8]| {
    let [choice, file @ ..] = data else { return };
    tenrow_fuzz::drain(file, |path| NpySource::open(&[path.into()], choice & 1 != 0));
});
