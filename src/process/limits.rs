//! How many files this process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that a server has open at most when all of its bounds are reached: sessions of both transports, listeners, and
/// two pipes for each call.
const FILES: u64 = 8192;

/// Raises the limit on open files that whoever started us was content with, as far as the system lets us: each
/// connection is one, and without any a plugin can't be started either.
pub fn allow_open_files() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.map_or(FILES, |maximum| maximum.min(FILES));
    if current.is_some_and(|current| current < wanted) {
        // It can't fail below the maximum; if it does, the old limit holds.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum });
    }
}
