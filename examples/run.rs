//! Every example runs to its end, in a folder that is empty at first.

use tenrow_examples::Outcome;

macro_rules! examples {
    ($($name:ident in $file:literal),* $(,)?) => {$(
        #[path = $file]
        #[expect(dead_code, reason = "`main` is for the command line")]
        mod $name;

        #[test]
        fn $name() -> Outcome {
            $name::run(tempfile::tempdir()?.path())
        }
    )*};
}

examples! {
    write_and_read in "write_and_read.rs",
    append_and_read_old_version in "append_and_read_old_version.rs",
    files_and_boxes in "files_and_boxes.rs",
    scan_mean in "scan_mean.rs",
}
