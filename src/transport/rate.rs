//! How many requests one client may make: each key has its own allowance, and so has each peer without a key.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::config::Rate;

/// Clients that are remembered at a time, some megabytes. When there are more, and none of them has rested long enough
/// to be forgotten, those without a key share one allowance.
const CLIENTS: usize = 1 << 16;

/// How often a full memory is looked through at most.
const SWEEP: Duration = Duration::from_secs(1);

/// Whose allowance a request takes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Who {
    Key(u32),
    Peer(IpAddr),
    /// All who find no place of their own.
    Others,
}

/// The allowances.
pub(super) struct Limiter {
    allowances: RateLimiter<Who, HashMapStateStore<Who>, DefaultClock>,
    clients: usize,
    swept: Mutex<Option<Instant>>,
}

impl std::fmt::Debug for Limiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Limiter").field("clients", &self.clients).finish_non_exhaustive()
    }
}

impl Limiter {
    pub(super) fn new(rate: Rate) -> Limiter {
        Limiter::remembering(CLIENTS, rate)
    }

    fn remembering(clients: usize, rate: Rate) -> Limiter {
        // A period of nothing would be no limit; the configuration has none.
        let quota = Quota::with_period(rate.period.max(Duration::from_nanos(1)));
        let quota = quota.unwrap_or(Quota::per_second(rate.burst)).allow_burst(rate.burst);
        Limiter { allowances: RateLimiter::hashmap(quota), clients, swept: Mutex::default() }
    }

    /// Takes one request from an allowance; where it is used up, the whole seconds after which there is more.
    pub(super) fn check(&self, key: Option<u32>, peer: Option<IpAddr>) -> Result<(), u64> {
        let who = match (key, peer) {
            (Some(key), _) => Who::Key(key),
            (None, Some(peer)) if self.has_room() => Who::Peer(network(peer)),
            (None, _) => Who::Others,
        };
        self.allowances.check_key(&who).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
        })
    }

    fn has_room(&self) -> bool {
        if self.allowances.len() < self.clients {
            return true;
        }
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        if swept.is_none_or(|at| at.elapsed() >= SWEEP) {
            *swept = Some(Instant::now());
            self.allowances.retain_recent();
        }
        self.allowances.len() < self.clients
    }
}

/// The peer; of IPv6 its network of 64 bits, all of whose addresses belong to one host or house.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(period: u64, burst: u32) -> Rate {
        Rate { period: Duration::from_millis(period), burst: burst.try_into().unwrap() }
    }

    fn peer(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn each_key_and_each_peer_has_its_own_allowance() {
        let limiter = Limiter::new(rate(3_600_000, 2));
        for who in [
            (Some(0), Some(peer(1))),
            (Some(1), Some(peer(1))),
            (None, Some(peer(1))),
            (None, Some(peer(2))),
            (None, None),
        ] {
            assert_eq!([limiter.check(who.0, who.1), limiter.check(who.0, who.1)], [Ok(()); 2], "{who:?}");
            let wait = limiter.check(who.0, who.1).unwrap_err();
            assert!((3590..=3600).contains(&wait), "{who:?} {wait}");
        }
        let (one, same) = ("2001:db8::1".parse().ok(), "2001:db8::ffff:2".parse().ok());
        assert_eq!([limiter.check(None, one), limiter.check(None, same)], [Ok(()); 2]);
        assert!(limiter.check(None, one).is_err());
    }

    #[test]
    fn an_allowance_comes_back() {
        let limiter = Limiter::new(rate(20, 1));
        assert_eq!(limiter.check(None, Some(peer(1))), Ok(()));
        assert_eq!(limiter.check(None, Some(peer(1))), Err(1));
        std::thread::sleep(Duration::from_millis(40));
        assert_eq!(limiter.check(None, Some(peer(1))), Ok(()));
    }

    #[test]
    fn memory_is_bounded() {
        let limiter = Limiter::remembering(3, rate(3_600_000, 1));
        let answers: Vec<bool> = (0..10).map(|n| limiter.check(None, Some(peer(n))).is_ok()).collect();
        assert_eq!(
            answers.iter().filter(|ok| **ok).count(),
            4,
            "three of their own, one shared: {answers:?}"
        );
        assert_eq!(limiter.allowances.len(), 4);
        assert_eq!(limiter.check(Some(0), Some(peer(0))), Ok(()), "a key always has its own");
        let quick = Limiter::remembering(3, rate(1, 1));
        for n in 0..10 {
            std::thread::sleep(Duration::from_millis(5));
            *quick.swept.lock().unwrap() = None;
            assert_eq!(quick.check(None, Some(peer(n))), Ok(()), "who has rested is forgotten");
        }
        assert!(quick.allowances.len() <= 3);
    }
}
