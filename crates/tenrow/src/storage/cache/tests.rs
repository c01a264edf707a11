use std::sync::Mutex;

use futures::FutureExt;

use super::*;

const MIB: u64 = 1 << 20;

fn object() -> Bytes {
    (0..5 * MIB + 12_345).map(|i| (i * 7 + i / 4099) as u8).collect()
}

/// The bytes of the ranges, and what was fetched for them.
fn read(cache: &Cache, ranges: &[Range<u64>]) -> (Vec<Bytes>, Vec<Range<u64>>) {
    let (object, fetched) = (object(), Arc::new(Mutex::new(Vec::new())));
    let asked = fetched.clone();
    let ask = move |range: Range<u64>| {
        asked.lock().unwrap().push(range.clone());
        let size = object.len() as u64;
        let bytes = object.slice(range.start as usize..range.end.min(size) as usize);
        async move { Ok((bytes, size)) }.boxed()
    };
    let cached = cache.of("s3://bucket", "data/x", Arc::default(), 4, Arc::new(ask));
    let bytes = cached.read(ranges).now_or_never().unwrap().unwrap();
    let fetched = fetched.lock().unwrap().clone();
    (bytes, fetched)
}

fn cache() -> (tempfile::TempDir, Cache) {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::new(folder.path().join("cache"), 1 << 30);
    (folder, cache)
}

#[test]
fn every_block_is_fetched_once_and_neighbours_together() {
    let (_folder, cache) = cache();
    let object = object();
    let ranges = [10..20, MIB - 5..MIB + 5, 3 * MIB + 1..3 * MIB + 2, 15..MIB, 7..7];
    for expected in [vec![0..2 * MIB, 3 * MIB..4 * MIB], vec![]] {
        let (bytes, fetched) = read(&cache, &ranges);
        for (bytes, range) in bytes.iter().zip(&ranges) {
            assert_eq!(bytes, &object[range.start as usize..range.end as usize]);
        }
        assert_eq!(fetched, expected);
    }
    let size = cache.size().unwrap();
    assert_eq!(size.blocks, 3);
}

#[test]
fn the_last_block_ends_where_the_object_does() {
    let (_folder, cache) = cache();
    let object = object();
    let size = object.len() as u64;
    let range = 4 * MIB..size;
    for fetched in [vec![4 * MIB..6 * MIB], vec![]] {
        let (bytes, found) = read(&cache, std::slice::from_ref(&range));
        assert!(bytes[0] == object[4 << 20..]);
        assert_eq!(found, fetched);
    }
    // What is beyond is left out: the caller sees that it is less.
    assert_eq!(read(&cache, &[size - 3..size + 9]).0[0].len(), 3);
}

#[test]
fn a_damaged_block_is_fetched_again() {
    let (folder, cache) = cache();
    let object = object();
    read(&cache, &[0..3 * MIB]);
    let blocks = folder.path().join("cache/blocks");
    for folder in std::fs::read_dir(blocks).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let mut bytes = std::fs::read(&path).unwrap();
            match path.extension().unwrap().to_str().unwrap() {
                "0" => bytes[70_000] ^= 1,
                "1" => bytes.truncate(1000),
                _ => continue,
            }
            std::fs::write(&path, bytes).unwrap();
        }
    }
    let (bytes, fetched) = read(&cache, &[0..3 * MIB]);
    assert!(bytes[0] == object[..3 << 20]);
    assert_eq!(fetched, [0..2 * MIB]);
}

#[test]
fn where_nothing_can_be_kept_everything_is_served() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "x").unwrap();
    let cache = Cache::new(folder.path().join("file"), 1 << 30);
    for _ in 0..2 {
        let (bytes, fetched) = read(&cache, &[5..9]);
        assert_eq!((bytes[0].as_ref(), fetched.len()), (&object()[5..9], 1));
    }
}
