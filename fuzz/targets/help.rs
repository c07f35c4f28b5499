//! Help page → command → tools: any text gives both, in time and size that grow with it and no faster.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smcp::help;
use smcp_fuzz::{in_proportion, in_time, tools};

fuzz_target!(|data: &[u8]| {
    let page = String::from_utf8_lossy(data);
    for path in [&[][..], &["sub"]] {
        let command = in_time(data.len(), || help::parse(&page, path));
        in_proportion(data.len(), &command, 200);
        for group in &command.exclusive {
            assert!(group.members.iter().all(|member| *member < command.arguments.len()), "{group:?}");
        }
        in_time(data.len(), || tools(&command));
    }
    let plain = help::plain(&page);
    assert!(plain.chars().all(|c| !c.is_control() || c == '\n' || c == '\t'), "{plain:?}");
});
