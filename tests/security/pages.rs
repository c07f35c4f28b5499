//! Web pages of other sites: names that are pointed at this machine (DNS rebinding), forms, images and scripts. On every
//! route of the table, and whatever a client says of proxies before it.

use std::io::Write as _;
use std::net::SocketAddr;

use smcp::transport::ROUTES;

use super::world::{Reply, Server, World, connect, read, request};

const PROGRAM: &str = "import argparse\nargparse.ArgumentParser().parse_args()\n";

/// Every route, a path of none, and a method that none has.
fn targets() -> Vec<(&'static str, String)> {
    let routes = ROUTES.iter().map(|route| (route.method, route.path.replace("{profile}", "full")));
    routes
        .chain([("GET", "/nothing".to_owned()), ("PUT", "/mcp".to_owned()), ("OPTIONS", "/mcp".to_owned())])
        .collect()
}

/// What a proxy would say of whom it serves, each naming what would be let in.
const SPOOFED: [(&str, &str); 12] = [
    ("X-Forwarded-For", "127.0.0.1"),
    ("X-Forwarded-Host", "localhost"),
    ("X-Forwarded-Proto", "http"),
    ("X-Forwarded-Server", "localhost"),
    ("X-Real-IP", "127.0.0.1"),
    ("X-Original-Host", "localhost"),
    ("X-Host", "localhost"),
    ("X-HTTP-Host-Override", "localhost"),
    ("Forwarded", "for=127.0.0.1;host=localhost;by=127.0.0.1"),
    ("True-Client-IP", "127.0.0.1"),
    ("X-Client-IP", "127.0.0.1"),
    ("X-HTTP-Method-Override", "GET"),
];

const JSON: (&str, &str) = ("Content-Type", "application/json");

fn body(method: &str) -> &'static str {
    if method == "POST" { "{}" } else { "" }
}

fn is_refused(reply: &Reply, reason: &str, what: &str) {
    assert_eq!(reply.status, 403, "{what}: {reply:?}");
    assert_eq!(reply.reason(), reason, "{what}");
}

fn served() -> (World, Server) {
    let world = World::new();
    world.plugin("tool", PROGRAM);
    let server = world.serve(&["--no-watch"], &[]);
    (world, server)
}

#[test]
fn no_name_but_ours_reaches_any_route() {
    let (_world, server) = served();
    let port = server.address.port();
    let foreign = [
        "evil.example".to_owned(),
        format!("evil.example:{port}"),
        format!("127.0.0.1.evil.example:{port}"),
        "127.0.0.1.nip.io".to_owned(),
        "localhost.evil.example".to_owned(),
        "localhost@evil.example".to_owned(),
        "evil.example#localhost".to_owned(),
        "localhost, evil.example".to_owned(),
        "localhost evil.example".to_owned(),
        "xn--lcalhost-lta".to_owned(),
        "2130706434".to_owned(),
        "[::ffff:192.0.2.9]".to_owned(),
        "192.0.2.9".to_owned(),
    ];
    for (method, path) in targets() {
        for host in &foreign {
            let headers = [&[("Host", host.as_str()), JSON][..], &SPOOFED].concat();
            let reply = server.request(method, &path, &headers, body(method));
            is_refused(&reply, "foreign_host", &format!("{method} {path} {host}"));
        }
        for headers in [&[JSON][..], &[("Host", "localhost"), ("Host", "evil.example"), JSON]] {
            let reply = server.request(method, &path, &[headers, &SPOOFED].concat(), body(method));
            assert!([400, 403].contains(&reply.status), "{method} {path} {headers:?}: {reply:?}");
        }
        // A request line can name an authority of its own.
        let reply = server.request(
            method,
            &format!("http://evil.example{path}"),
            &[("Host", "localhost"), JSON],
            body(method),
        );
        is_refused(&reply, "foreign_host", &format!("{method} {path}: the request line"));
    }
}

#[test]
fn no_page_of_another_site_reaches_any_route() {
    let (_world, server) = served();
    for (method, path) in targets() {
        for origin in [
            "http://evil.example",
            "https://localhost.evil.example",
            "null",
            "file://",
            "http://localhost@evil.example",
        ] {
            let headers = [&[("Host", "localhost"), ("Origin", origin), JSON][..], &SPOOFED].concat();
            let reply = server.request(method, &path, &headers, body(method));
            is_refused(&reply, "foreign_origin", &format!("{method} {path} {origin}"));
            assert!(!reply.head.to_ascii_lowercase().contains("access-control-allow"), "{reply:?}");
        }
        // What a page loads as an image, a script or a frame names no origin, but the browser says where it comes from.
        for destination in ["image", "script", "iframe", "empty", "document"] {
            let fetched = [
                ("Sec-Fetch-Site", "cross-site"),
                ("Sec-Fetch-Dest", destination),
                ("Sec-Fetch-Mode", "no-cors"),
            ];
            let headers = [&[("Host", "localhost"), JSON][..], &fetched].concat();
            let reply = server.request(method, &path, &headers, body(method));
            // A link to the page itself is followed.
            let is_link =
                method == "GET" && destination == "document" && (path == "/" || path.starts_with("/page/"));
            if is_link {
                assert_eq!(reply.status, 200, "{path}");
            } else {
                is_refused(&reply, "foreign_origin", &format!("{method} {path} {destination}"));
            }
        }
    }
}

#[test]
fn whoever_is_let_in_is_let_in_without_proxies() {
    let (_world, server) = served();
    for headers in [
        &[("Host", "localhost")][..],
        &[("Host", "127.0.0.1:1"), ("Origin", "http://127.0.0.1:6274")],
        &[("Host", "localhost"), ("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Dest", "empty")],
        &[("Host", "localhost"), ("Sec-Fetch-Site", "none"), ("Sec-Fetch-Dest", "document")],
        &[("Host", "localhost"), ("Origin", "http://localhost:3000"), ("Sec-Fetch-Site", "same-site")],
    ] {
        assert_eq!(server.request("GET", "/health", headers, "").status, 200, "{headers:?}");
    }
    let world = World::new();
    let flags = ["--no-watch", "--allowed-host", "mcp.example", "--allowed-origin", "https://app.example"];
    let server = world.serve(&flags, &[]);
    let allowed =
        [("Host", "mcp.example"), ("Origin", "https://app.example"), ("Sec-Fetch-Site", "cross-site")];
    assert_eq!(server.request("GET", "/health", &allowed, "").status, 200);
}

/// An address of this machine that is not loopback.
fn own_address(port: u16) -> SocketAddr {
    let all = if_addrs::get_if_addrs().unwrap();
    let own = all.iter().map(if_addrs::Interface::ip).find(|ip| !ip.is_loopback() && ip.is_ipv4());
    SocketAddr::new(own.expect("this test needs an address that is not loopback"), port)
}

#[test]
fn no_header_makes_a_peer_of_loopback() {
    let world = World::new();
    world.plugin("tool", PROGRAM);
    let server = world.serve(&["--no-watch", "--host", "0.0.0.0"], &[("MCP_API_KEY", "the-key")]);
    let own = own_address(server.address.port());
    for (method, path) in targets() {
        for key in [None, Some(("X-API-Key", "wrong"))] {
            let host = own.to_string();
            let all: Vec<_> = [("Host", host.as_str()), JSON].into_iter().chain(SPOOFED).chain(key).collect();
            let mut stream = connect(own);
            stream.write_all(&request(method, &path, &all, body(method))).unwrap();
            let reply = read(&mut stream);
            let is_file = method == "GET" && (path == "/" || path.starts_with("/page/"));
            let is_probe = method == "GET" && path.starts_with("/health") && key.is_none();
            assert_eq!(
                reply.status,
                if is_file || is_probe { 200 } else { 401 },
                "{method} {path}: {reply:?}"
            );
            assert!(
                !is_probe || reply.body.len() <= r#"{"status":"healthy"}"#.len(),
                "{path} tells more: {reply:?}"
            );
        }
    }
}

#[test]
fn one_request_is_not_read_as_two() {
    let (_world, server) = served();
    let inner = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for head in [
        format!("Content-Length: 0\r\nContent-Length: {}\r\n", inner.len()),
        format!("Content-Length: {}\r\nTransfer-Encoding: chunked\r\n", inner.len()),
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\nContent-Length: 3\r\n".to_owned(),
        "Transfer-Encoding: xchunked\r\n".to_owned(),
        format!("Content-Length: +{}\r\n", inner.len()),
        format!("Content-Length : {}\r\n", inner.len()),
    ] {
        let sent = format!(
            "POST /messages/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{head}Connection: close\r\n\r\n0\r\n\r\n{inner}"
        );
        let reply = server.exchange(sent.as_bytes());
        assert!(!reply.body.contains("smcp_"), "{head:?}: the body was answered as a request: {reply:?}");
        assert!([0, 400, 413, 501].contains(&reply.status), "{head:?}: {reply:?}");
    }
}
