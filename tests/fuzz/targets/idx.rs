//! An IDX file, plain or gzipped.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tenrow_convert::IdxSource;

fuzz_target!(|data: &[u8]| tenrow_fuzz::drain(data, |path| IdxSource::open(&[path.into()])));
