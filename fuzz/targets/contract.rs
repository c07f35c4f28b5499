//! Contract file → contract: what is read says the same when it is written, and its tools can be called.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::Map;
use smcp::argv;
use smcp::contract::Store;
use smcp_fuzz::in_time;
use tempfile::TempDir;

static DIRECTORY: LazyLock<TempDir> =
    LazyLock::new(|| tempfile::tempdir_in("/dev/shm").expect("a directory"));

fuzz_target!(|data: &[u8]| {
    let store = Store::new(DIRECTORY.path());
    let path = store.contract_path("tool");
    std::fs::write(&path, data).expect("it is written");
    let Ok(Some(known)) = in_time(data.len(), || store.read("tool")) else { return };
    for tool in &known.contract.tools {
        let chain = known.contract.command.chain(&tool.path).expect("it is checked on reading");
        let _ = in_time(data.len(), || argv::render(&chain, tool, &Map::new()));
    }
    std::fs::write(&path, known.contract.text()).expect("it is written");
    let again = store.read("tool").expect("it can be read").expect("it is there");
    assert_eq!(again.contract, known.contract);
});
