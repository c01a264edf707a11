//! A `.npz` archive; the first byte chooses whether opaque elements are bf16.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tenrow_convert::NpzSource;

fuzz_target!(|data: &[u8]| {
    let [choice, file @ ..] = data else { return };
    tenrow_fuzz::drain(file, |path| NpzSource::open(path, choice & 1 != 0));
});
