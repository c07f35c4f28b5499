//! What the fuzz targets share: the bounds on time and size that every input is held to.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use smcp::model::Command;
use smcp::schema::{self, Tools};

/// What even an empty input may take, on a busy machine and with all that a fuzzer counts.
const BASE: Duration = Duration::from_millis(250);

/// What each byte more may take: many times what is usual, yet over an input of 64 KiB far from what a square takes.
const EACH_BYTE: Duration = Duration::from_micros(20);

/// Bytes of JSON that all tools of a plugin may have, however its help multiplies them.
const TOOLS: usize = 40 << 20;

/// Does `work` on `bytes` of input, in time that grows with them and no faster.
pub fn in_time<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    let start = own_time();
    let done = work();
    let took = own_time().saturating_sub(start);
    let bound = BASE + EACH_BYTE * u32::try_from(bytes).unwrap_or(u32::MAX);
    assert!(took <= bound, "{took:?} for {bytes} bytes; the bound is {bound:?}");
    done
}

/// The processor time of this thread: what else runs on the machine does not count.
fn own_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("the clock counts up from zero")
}

/// Holds what came of `bytes` of input to a size in proportion.
pub fn in_proportion(bytes: usize, made: &impl Serialize, each: usize) {
    let size = serde_json::to_vec(made).expect("it has a JSON form").len();
    let bound = 4096 + bytes * each;
    assert!(size <= bound, "{size} bytes of {bytes}; the bound is {bound}");
}

/// The tools of a command, which call what is there, have names of their own, and don't grow without bound.
pub fn tools(command: &Command) -> Tools {
    let made = schema::tools("tool", command, &BTreeMap::new());
    let mut names: Vec<&str> = made.tools.iter().map(|tool| tool.name.as_str()).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "two tools of one name");
    let mut size = 0;
    for tool in &made.tools {
        assert!((1..=64).contains(&tool.name.len()), "{:?}", tool.name);
        let chain = command.chain(&tool.path).expect("a tool's path is of its tree");
        for binding in &tool.bindings {
            assert!(binding.index < chain[binding.depth].arguments.len(), "{binding:?}");
            assert!(tool.input_schema["properties"].get(&binding.property).is_some(), "{binding:?}");
        }
        size += serde_json::to_vec(tool).expect("it has a JSON form").len();
    }
    assert!(size <= TOOLS, "{size} bytes of tools");
    made
}
