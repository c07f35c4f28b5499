//! Free memory of the heap → the system.
//!
//! Loads leave holes between what stays, and glibc's `malloc` keeps the pages of such holes for itself. On a server with
//! many plugins they are as much as all that it holds.

use std::time::Duration;

use tokio::sync::watch::Receiver;

/// After a snapshot the lists are made of it, and the snapshot before it goes.
const SETTLE: Duration = Duration::from_millis(250);

/// Gives back what is free after each snapshot; `changes` tells of them.
pub(super) async fn keep_small(mut changes: Receiver<u64>) {
    loop {
        tokio::time::sleep(SETTLE).await;
        // A panic is none of its failures, so there is nothing to look at.
        let _ = tokio::task::spawn_blocking(give_back).await;
        if changes.changed().await.is_err() {
            return;
        }
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the C library's own function; no crate wraps it")]
fn give_back() {
    // SAFETY: it takes no pointer, may be called by any thread at any time, and touches only pages that are free.
    unsafe { libc::malloc_trim(0) };
}

/// Other allocators give back by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn give_back() {}
