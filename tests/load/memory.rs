//! What the server holds: idle, and with many open event streams.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::served::{Plugins, Server};
use super::{Wanted, report};

const STREAMS: usize = 1000;

pub(crate) fn measure(wanted: &Wanted) {
    let plugins = Plugins::new(50);
    plugins.discover(&wanted.smcp);
    let server = Server::start(&wanted.smcp, &plugins);
    std::thread::sleep(Duration::from_millis(500));
    let idle = server.memory();
    report::size("50 plugins, idle", idle, "MiB", 15.0);
    let streams: Vec<TcpStream> = (0..STREAMS).map(|_| stream(server.port)).collect();
    let busy = server.memory();
    report::figure(&format!("with {STREAMS} idle SSE sessions"), &[busy], "MiB");
    report::size("a session", (busy - idle) * 1024.0 / STREAMS as f64, "KiB", 40.0);
    drop(streams);
}

/// An open stream whose first event has come.
fn stream(port: u16) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(b"GET /sse HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n").unwrap();
    let (mut text, mut part) = (String::new(), [0; 1024]);
    while !text.contains("event: endpoint") {
        let n = stream.read(&mut part).unwrap();
        assert!(n > 0, "the stream goes on: {text}");
        text += &String::from_utf8_lossy(&part[..n]);
    }
    stream
}
