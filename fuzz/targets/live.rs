//! Live description → command, merged with a help page → tools.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smcp::{help, live};
use smcp_fuzz::{in_time, tools};

/// The page that every description meets.
const PAGE: &str = "usage: tool [-h] [--name NAME] [-v] FILE [FILE ...] {run,stop} ...\n\npositional arguments:\n  \
    FILE         files\n  {run,stop}\n    run        runs\n    stop       stops\n\noptions:\n  -h, --help   \
    show this help message and exit\n  --name NAME  a name (default: x)\n  -v           more\n";

fuzz_target!(|data: &[u8]| {
    let Ok(command) = in_time(data.len(), || live::read(data)) else { return };
    let mut count = 0;
    command.walk(&mut |_, _| count += 1);
    assert!(count <= 20_000, "{count} commands");
    in_time(data.len(), || tools(&live::merge(help::parse(PAGE, &[]), command)));
});
