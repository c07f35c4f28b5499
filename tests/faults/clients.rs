//! Faults of clients.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::world::{GROWTH, PROMPT, World};

/// Sessions that are held open at a time.
const SESSIONS: usize = 2000;

/// How long a client may take to send the head of a request.
const HEAD: Duration = Duration::from_secs(5);

fn connect(world: &World) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", world.port)).unwrap();
    stream.set_read_timeout(Some(HEAD + PROMPT * 2)).unwrap();
    stream
}

/// Sends these bytes; gives the status line that comes back, or nothing where the server just hangs up.
fn send(world: &World, bytes: &[u8]) -> String {
    let mut stream = connect(world);
    // The server may hang up before it has read all, which is an answer too.
    let _ = stream.write_all(bytes);
    first_line(&mut stream)
}

fn first_line(stream: &mut TcpStream) -> String {
    let mut part = [0; 512];
    match stream.read(&mut part) {
        Ok(n) => String::from_utf8_lossy(&part[..n]).lines().next().unwrap_or_default().to_owned(),
        Err(error) if error.kind() == ErrorKind::ConnectionReset => String::new(),
        Err(error) => panic!("the server neither answers nor hangs up: {error}"),
    }
}

fn post(body: &str) -> Vec<u8> {
    let head = "POST /messages/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n";
    format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_request_is_given_up_and_holds_nobody_back() {
    let world = World::start(&[]);
    let mut halves: Vec<TcpStream> = (0..50)
        .map(|_| {
            let mut stream = connect(&world);
            stream.write_all(b"POST /messages/ HTTP/1.1\r\nHost: 127.").unwrap();
            stream
        })
        .collect();
    world.is_well().await;
    let began = Instant::now();
    for half in &mut halves {
        let line = first_line(half);
        assert!(line.is_empty() || line.contains(" 408 "), "{line}");
    }
    println!("half a head: given up after {:.1} s", began.elapsed().as_secs_f64());
    assert!(began.elapsed() < HEAD + PROMPT, "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonsense_is_refused_in_bounded_memory() {
    let world = World::start(&[]);
    let before = world.memory();
    let deep = ["[", "{\"a\":"].map(|open| post(&open.repeat(500_000)));
    let huge = format!("GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Huge: {}\r\n\r\n", "x".repeat(8 << 20));
    let many = format!("GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n{}\r\n", "X: y\r\n".repeat(100_000));
    let large = post(&"x".repeat(5 << 20));
    for (what, bytes, statuses) in [
        ("deep arrays", &deep[0][..], &["400"][..]),
        ("deep objects", &deep[1], &["400"]),
        ("a huge header", huge.as_bytes(), &["400", "431"]),
        ("many headers", many.as_bytes(), &["400", "431"]),
        ("a large body", &large, &["413"]),
        ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", &["400"]),
    ] {
        let line = send(&world, bytes);
        let status = line.split(' ').nth(1).unwrap_or_default();
        println!("{what}: {}", if line.is_empty() { "hangs up" } else { &line });
        assert!(line.is_empty() || statuses.contains(&status), "{what}: {line}");
        world.is_well().await;
    }
    assert!(world.memory() < before + GROWTH, "{before} MiB before, {} after", world.memory());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_sessions_are_held_and_one_too_many_is_refused() {
    let limit = SESSIONS.to_string();
    let world = World::start(&["--max-sessions", &limit]);
    let before = world.memory();
    let ask = b"GET /sse HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n";
    let mut open = Vec::new();
    for n in 0..SESSIONS {
        let mut stream = connect(&world);
        stream.write_all(ask).unwrap();
        assert!(first_line(&mut stream).contains(" 200 "), "session {n}");
        open.push(stream);
    }
    assert!(send(&world, ask).contains(" 503 "));
    world.is_well().await;
    let each = (world.memory() - before) * 1024 / SESSIONS as u64;
    println!("{SESSIONS} sessions: {each} KiB each, {} MiB in all", world.memory());
    assert!(each < 64, "{each} KiB a session");
    drop(open);
    let began = Instant::now();
    while !send(&world, ask).contains(" 200 ") {
        assert!(began.elapsed() < PROMPT * 2, "closed sessions make room");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
