//! plugin.toml → manifest: what is accepted keeps its bounds, what is not says where and why.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use smcp::plugin::manifest;
use smcp_fuzz::in_time;
use tempfile::TempDir;

static DIRECTORY: LazyLock<TempDir> =
    LazyLock::new(|| tempfile::tempdir_in("/dev/shm").expect("a directory"));

fuzz_target!(|data: &[u8]| {
    std::fs::write(DIRECTORY.path().join("plugin.toml"), data).expect("it is written");
    match in_time(data.len(), || manifest::read(DIRECTORY.path())) {
        Ok(manifest) => {
            let _ = manifest.time_limit();
            for resource in &manifest.offers().resources {
                assert!(!std::path::Path::new(&resource.file).is_absolute());
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
