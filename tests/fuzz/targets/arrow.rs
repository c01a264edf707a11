#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tenrow_fuzz::arrow(data));
