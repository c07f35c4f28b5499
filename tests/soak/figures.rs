//! What the servers hold: memory, descriptors, processes.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::desk::Desk;
use super::world::{Site, World};

/// Figures are taken when they have not changed for so long; idle connections and reloads end within it.
const STILL: Duration = Duration::from_secs(2);

/// And after so long in any case.
const AT_MOST: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) kilobytes: u64,
    pub(crate) descriptors: usize,
    pub(crate) processes: usize,
}

impl Figures {
    pub(crate) fn max(self, other: Figures) -> Figures {
        Figures {
            kilobytes: self.kilobytes.max(other.kilobytes),
            descriptors: self.descriptors.max(other.descriptors),
            processes: self.processes.max(other.processes),
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mebibytes = self.kilobytes.div_ceil(1024);
        write!(f, "{mebibytes} MiB, {} descriptors, {} processes", self.descriptors, self.processes)
    }
}

/// All servers of a site.
pub(crate) struct Servers {
    ids: Vec<u32>,
    site: Arc<Site>,
}

impl Servers {
    pub(crate) fn new(world: &World, desks: &[Arc<Desk>]) -> Servers {
        let ids = std::iter::once(world.id()).chain(desks.iter().filter_map(|desk| desk.id())).collect();
        Servers { ids, site: Arc::clone(&world.site) }
    }

    /// Of all of them together.
    pub(crate) fn figures(&self) -> Figures {
        Figures {
            kilobytes: self.ids.iter().map(|id| kilobytes(*id)).sum(),
            descriptors: self.ids.iter().map(|id| descriptors(*id)).sum(),
            processes: self.site.everything().len(),
        }
    }

    /// Their figures once nothing moves any more.
    pub(crate) async fn settled(&self) -> Figures {
        let began = Instant::now();
        let (mut last, mut since) = (self.figures(), Instant::now());
        while since.elapsed() < STILL && began.elapsed() < AT_MOST {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let now = self.figures();
            if (now.descriptors, now.processes) != (last.descriptors, last.processes) {
                since = Instant::now();
            }
            last = now;
        }
        last
    }
}

fn kilobytes(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn descriptors(id: u32) -> usize {
    std::fs::read_dir(format!("/proc/{id}/fd")).map_or(0, Iterator::count)
}
