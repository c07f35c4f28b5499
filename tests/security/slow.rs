//! Clients that hold connections by being slow: each is given up after a time, and nobody waits for them meanwhile.
//! Half a head that stays so is in `tests/faults`.

use std::io::{ErrorKind, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::world::{Server, World, read};

/// Slow clients at a time.
const CROWD: usize = 150;

/// Within this another client is answered whatever else goes on.
const PROMPT: Duration = Duration::from_secs(5);

/// What a head and a body may take, with room for a busy machine.
const HEAD: Duration = Duration::from_secs(5 + 10);
const BODY: Duration = Duration::from_secs(30 + 15);

fn served() -> (World, Server) {
    let world = World::new();
    world.plugin("tool", "import argparse\nargparse.ArgumentParser().parse_args()\n");
    let server = world.serve(&["--no-watch"], &[]);
    (world, server)
}

fn is_well(server: &Server) {
    let began = Instant::now();
    assert_eq!(server.get("/health").status, 200);
    assert!(began.elapsed() < PROMPT, "{:?}", began.elapsed());
}

/// Begins requests, each with what it feeds one by one, until all are given up; meanwhile others are answered.
fn all_are_given_up(server: &Server, requests: &[(String, &str)], within: Duration, statuses: &[u16]) {
    let open = |n: usize| {
        let ((begin, piece), mut stream) = (&requests[n % requests.len()], server.connect());
        stream.write_all(begin.as_bytes()).unwrap();
        (stream, *piece)
    };
    let mut crowd: Vec<(TcpStream, &str)> = (0..CROWD).map(open).collect();
    let began = Instant::now();
    while !crowd.is_empty() {
        is_well(server);
        crowd.retain_mut(|(stream, piece)| {
            stream.set_nonblocking(true).unwrap();
            let waits = |error: &std::io::Error| error.kind() == ErrorKind::WouldBlock;
            let is_open = stream.peek(&mut [0]).is_err_and(|error| waits(&error));
            stream.set_nonblocking(false).unwrap();
            if is_open && (piece.is_empty() || stream.write_all(piece.as_bytes()).is_ok()) {
                return true;
            }
            let reply = read(stream);
            assert!(reply.status == 0 || statuses.contains(&reply.status), "{reply:?}");
            false
        });
        assert!(began.elapsed() < within, "{} of {CROWD} are still held", crowd.len());
        std::thread::sleep(Duration::from_millis(500));
    }
    println!("given up after {:.1} s", began.elapsed().as_secs_f64());
}

#[test]
fn a_head_that_comes_byte_by_byte_is_given_up() {
    let (_world, server) = served();
    let head = ("GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: ".to_owned(), "x");
    all_are_given_up(&server, &[head], HEAD, &[408]);
}

#[test]
fn a_body_that_does_not_come_is_given_up() {
    let (_world, server) = served();
    let posts = ["/messages/", "/mcp", "/inspect/argv"].map(|path| {
        let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n");
        (format!("{head}Content-Length: 1000\r\n\r\n{{"), "")
    });
    all_are_given_up(&server, &posts, BODY, &[408]);
}

#[test]
fn a_body_that_comes_byte_by_byte_is_given_up() {
    let (_world, server) = served();
    let head = "POST /messages/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    let told = (format!("{head}Content-Length: 100000\r\n\r\n"), " ");
    let untold = (format!("{head}Transfer-Encoding: chunked\r\n\r\n"), "1\r\n \r\n");
    all_are_given_up(&server, &[told, untold], BODY, &[408]);
}

#[test]
fn what_is_refused_is_not_waited_for() {
    let (_world, server) = served();
    for (line, kind, status) in [
        ("POST /messages/ HTTP/1.1\r\nHost: evil.example\r\n", "application/json", 403),
        ("POST /messages/ HTTP/1.1\r\nHost: localhost\r\n", "text/plain", 415),
        ("POST /nothing HTTP/1.1\r\nHost: localhost\r\n", "application/json", 404),
        ("GET /health HTTP/1.1\r\nHost: localhost\r\n", "application/json", 200),
        ("PUT /mcp HTTP/1.1\r\nHost: localhost\r\n", "application/json", 405),
    ] {
        let head = format!("{line}Content-Type: {kind}\r\n");
        let told = (format!("{head}Content-Length: 1000\r\n\r\n "), " ");
        let untold = (format!("{head}Transfer-Encoding: chunked\r\n\r\n"), "1\r\n \r\n");
        all_are_given_up(&server, &[told, untold], BODY, &[status]);
    }
}
