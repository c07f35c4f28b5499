//! Who is near: the addresses of this machine and the networks of its containers.
//!
//! Interfaces → whether a peer is one of ours. Addresses come and go (a container network is made, a laptop moves),
//! so what is known of them is renewed.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use if_addrs::{IfAddr, Interface};

/// What is older than this is asked for again.
const STALE: Duration = Duration::from_secs(60);

/// A peer that is not known makes us ask again, but no more often than this, so that a flood of strangers costs little.
const RETRY: Duration = Duration::from_secs(2);

/// What is known of the machine's network.
#[derive(Debug)]
pub(super) struct Peers(ArcSwap<Known>);

#[derive(Debug)]
struct Known {
    since: Instant,
    own: Vec<IpAddr>,
    containers: Vec<Network>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Peers {
    /// Asks the system.
    pub(super) fn new() -> Peers {
        Peers(ArcSwap::from_pointee(Known::from_interfaces(&interfaces())))
    }

    /// Whether `peer` is this machine or a container on it.
    pub(super) fn is_near(&self, peer: IpAddr) -> bool {
        peer.to_canonical().is_loopback() || self.with_fresh(|known| known.is_near(peer.to_canonical()))
    }

    /// Whether `address` is this machine's own.
    pub(super) fn is_own(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_loopback() || self.with_fresh(|known| known.own.contains(&address))
    }

    fn with_fresh(&self, ask: impl Fn(&Known) -> bool) -> bool {
        let known = self.0.load();
        let yes = ask(&known);
        let age = known.since.elapsed();
        if age < RETRY || (yes && age < STALE) {
            return yes;
        }
        self.0.store(Arc::new(Known::from_interfaces(&interfaces())));
        ask(&self.0.load())
    }
}

impl Known {
    fn from_interfaces(interfaces: &[Interface]) -> Known {
        let own = interfaces.iter().map(|i| i.ip().to_canonical()).collect();
        let containers = interfaces.iter().filter(|i| is_container_bridge(&i.name)).map(network).collect();
        Known { since: Instant::now(), own, containers }
    }

    fn is_near(&self, peer: IpAddr) -> bool {
        self.own.contains(&peer) || self.containers.iter().any(|n| n.contains(peer))
    }
}

fn interfaces() -> Vec<Interface> {
    if_addrs::get_if_addrs().unwrap_or_else(|error| {
        log::warn!("this machine's addresses can't be read, so only loopback counts as near: {error}");
        Vec::new()
    })
}

fn network(interface: &Interface) -> Network {
    match &interface.addr {
        IfAddr::V4(v4) => Network { address: v4.ip.into(), prefix: v4.prefixlen },
        IfAddr::V6(v6) => Network { address: v6.ip.into(), prefix: v6.prefixlen },
    }
}

/// Bridges that container engines make. `br-` alone is no sign (a router's bridge to the whole house is `br-lan`):
/// Docker's have twelve hexadecimal digits after it.
fn is_container_bridge(name: &str) -> bool {
    let hex = |s: &str| s.len() == 12 && s.bytes().all(|b| b.is_ascii_hexdigit());
    let numbered =
        |prefix: &str| name.strip_prefix(prefix).is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()));
    name == "docker_gwbridge"
        || name.strip_prefix("br-").is_some_and(hex)
        || ["docker", "podman", "cni-podman", "cni", "nerdctl", "lxcbr", "lxdbr", "incusbr"]
            .into_iter()
            .any(numbered)
}

impl Network {
    fn contains(self, peer: IpAddr) -> bool {
        match (self.address, peer) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                same_prefix(a.to_bits().into(), b.to_bits().into(), 32, self.prefix)
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => same_prefix(a.to_bits(), b.to_bits(), 128, self.prefix),
            _ => false,
        }
    }
}

fn same_prefix(a: u128, b: u128, width: u8, prefix: u8) -> bool {
    let free = width.saturating_sub(prefix);
    // A prefix of nothing would be the whole Internet; no container network is that.
    prefix > 0 && (a ^ b) >> free == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_bridges_of_container_engines_count() {
        for (name, yes) in [
            ("docker0", true),
            ("docker_gwbridge", true),
            ("br-0123456789ab", true),
            ("podman1", true),
            ("cni0", true),
            ("cni-podman0", true),
            ("lxdbr0", true),
            ("br-lan", false),
            ("br0", false),
            ("br-0123456789abc", false),
            ("virbr0", false),
            ("eth0", false),
            ("dockerlan", false),
            ("", false),
        ] {
            assert_eq!(is_container_bridge(name), yes, "{name}");
        }
    }

    #[test]
    fn a_network_holds_its_addresses_only() {
        for (network, prefix, peer, yes) in [
            ("172.17.0.1", 16, "172.17.255.254", true),
            ("172.17.0.1", 16, "172.18.0.1", false),
            ("10.88.0.1", 32, "10.88.0.1", true),
            ("10.88.0.1", 0, "8.8.8.8", false),
            ("fd00::1", 64, "fd00::9", true),
            ("fd00::1", 64, "fd00:0:0:1::9", false),
            ("172.17.0.1", 16, "fd00::1", false),
        ] {
            let found = Network { address: ip(network), prefix }.contains(ip(peer));
            assert_eq!(found, yes, "{network}/{prefix} {peer}");
        }
    }

    #[test]
    fn strangers_are_not_near_and_mapped_addresses_are_what_they_map() {
        let known = Known {
            since: Instant::now(),
            own: vec![ip("192.168.1.5")],
            containers: vec![Network { address: ip("172.17.0.1"), prefix: 16 }],
        };
        let peers = Peers(ArcSwap::from_pointee(known));
        for (peer, near) in [
            ("127.0.0.1", true),
            ("127.8.8.8", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("192.168.1.5", true),
            ("::ffff:192.168.1.5", true),
            ("192.168.1.6", false),
            ("172.17.3.4", true),
            ("::ffff:172.17.3.4", true),
            ("8.8.8.8", false),
            ("::ffff:8.8.8.8", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(peers.is_near(ip(peer)), near, "{peer}");
        }
        assert!(peers.is_own(ip("192.168.1.5")) && !peers.is_own(ip("172.17.3.4")));
    }
}
