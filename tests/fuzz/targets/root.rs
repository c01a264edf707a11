//! A root manifest: the document is fuzzed, inside a frame whose checksum is right.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tenrow_format::checksum;
use tenrow_format::manifest::Root;

fuzz_target!(|data: &[u8]| {
    let _ = Root::decode(data);
    let head = format!("{{\"checksum\":\"{:016x}\",\"root\":", checksum(data));
    let framed = [head.as_bytes(), data, b"}\n"].concat();
    if let Ok(root) = Root::decode(&framed) {
        let again = Root::decode(&root.encode()).expect("what was read can be written and read");
        assert_eq!(again, root);
    }
});
