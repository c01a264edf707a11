use std::io::Write;

use tempfile::TempDir;

use super::*;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

fn names(source: &dyn Source) -> Vec<&str> {
    source.attributes().iter().map(|a| a.name.as_str()).collect()
}

fn count_rows(mut source: Box<dyn Source>) -> usize {
    std::iter::from_fn(|| source.next_batch().unwrap()).map(|batch| batch.num_rows()).sum()
}

const LABELS: &[u8] = &[0, 0, 8, 1, 0, 0, 0, 2, 7, 9];
const IMAGES: &[u8] = &[0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 1, 1, 2];

#[test]
fn content_tells_the_format_whatever_the_name() {
    let folder = Folder::new();
    for (bytes, expected) in [
        (&b"\x93NUMPY\x01\0"[..], SourceFormat::Npy),
        (b"PK\x03\x04", SourceFormat::Npz),
        (b"PAR1\x15\0..", SourceFormat::Parquet),
        (LABELS, SourceFormat::Idx),
        (b" \n{\"a\": 1}", SourceFormat::JsonLines),
        (b"GIF89a\x01\0\x01\0", SourceFormat::Images),
    ] {
        assert_eq!(detect(&folder.put("x.csv", bytes)).unwrap(), expected);
        assert_eq!(detect(&folder.put("x", &gzip(bytes))).unwrap(), expected);
    }
    assert_eq!(detect(&folder.put("x.csv", b"a,b")).unwrap(), SourceFormat::Csv);
    assert_eq!(detect(&folder.put("x.csv.gz", &gzip(b"a,b"))).unwrap(), SourceFormat::Csv);
}

#[test]
fn unknown_content_is_an_error_with_the_first_bytes() {
    let folder = Folder::new();
    for (bytes, shown) in [(&b"\x80\x04\x95"[..], "80 04 95"), (b"", "empty"), (b"a,b", "61 2c 62")]
    {
        let error = detect(&folder.put("x.bin", bytes)).unwrap_err().to_string();
        assert!(error.contains("x.bin: unknown format") && error.contains(shown), "{error}");
    }
    assert!(detect(Path::new("/nowhere")).unwrap_err().to_string().contains("cannot open"));
}

#[test]
fn folders_are_images_parquet_or_datasets() {
    let folder = Folder::new();
    folder.put("p/a=1/x.parquet", b"PAR1");
    folder.put("p/_SUCCESS", b"");
    folder.put("i/x.parquet", b"PAR1");
    folder.put("i/y.png", b"");
    folder.put("d/_tenrow/latest", b"");
    let format = |name: &str| detect(&folder.0.path().join(name));
    assert_eq!(format("p").unwrap(), SourceFormat::Parquet);
    assert_eq!(format("i").unwrap(), SourceFormat::Images);
    assert!(format("d").unwrap_err().to_string().contains("tenrow dataset"));
}

#[test]
fn idx_files_are_paired_in_the_order_given() {
    let folder = Folder::new();
    let paths = [
        folder.put("a", LABELS),
        folder.put("b", IMAGES),
        folder.put("c", LABELS),
        folder.put("d", IMAGES),
    ];
    let source = open(&paths, None, &OpenOptions::default()).unwrap();
    assert_eq!(names(source.as_ref()), ["image", "label"]);
    assert_eq!((source.row_count(), count_rows(source)), (Some(4), 4));
    let error = open(&paths[..3], None, &OpenOptions::default()).err().unwrap().to_string();
    assert!(error.contains("pairs"), "{error}");
}

#[test]
fn tables_of_the_same_columns_follow_each_other_and_others_are_refused() {
    let folder = Folder::new();
    let a = folder.put("a.csv", b"x,y\n1,2\n");
    let b = folder.put("b.csv", b"y,x\n2,1\n3,4\n");
    let c = folder.put("c.csv", b"x,y\n1,z\n");
    let options = OpenOptions::default();
    assert_eq!(count_rows(open(&[a.clone(), b], None, &options).unwrap()), 3);
    let error = open(&[a.clone(), c], None, &options).err().unwrap().to_string();
    assert!(error.contains("c.csv") && error.contains("found string, expected i64"), "{error}");
    let d = folder.put("d", LABELS);
    let error = open(&[a, d], None, &options).err().unwrap().to_string();
    assert!(error.contains("found idx") && error.contains("is csv"), "{error}");
}

#[test]
fn names_are_checked_after_renaming() {
    let folder = Folder::new();
    let paths = [folder.put("a.csv", b"_x,y\n1,2\n")];
    let options = OpenOptions::default();
    let error = open(&paths, None, &options).err().unwrap().to_string();
    assert!(error.contains("column \"_x\"") && error.contains("--rename"), "{error}");
    let source = open(&paths, None, &options.clone().with_rename("_x", "x")).unwrap();
    assert_eq!(names(source.as_ref()), ["x", "y"]);
    let error = open(&paths, None, &options.with_rename("z", "x")).err().unwrap().to_string();
    assert!(error.contains("\"z\"") && error.contains("_x, y"), "{error}");
}
