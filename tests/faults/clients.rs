//! Faults of clients.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::wire::{Events, LEGACY, MODERN, Session, answered, connect, first_line, modern, post, send, sse};
use super::world::{GROWTH, PROMPT, World, call, request};

// Where descriptors are counted nobody watches: the watch has some that come after the start.

/// Sessions that are held open at a time.
const SESSIONS: usize = 2000;

/// How long a client may take to send the head of a request, and its body.
const HEAD: Duration = Duration::from_secs(5);
const BODY: Duration = Duration::from_secs(30);

/// How long a client may take nothing of what it is sent.
const UNREAD: Duration = Duration::from_secs(30);

/// MiB that two measurements of the same may differ by.
const KEPT: u64 = 4;

/// How often all sessions are opened anew.
const ROUNDS: usize = 4;

/// Messages that one body may have.
const BATCH: usize = 128;

/// How often a client goes away in each state.
const TIMES: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_request_is_given_up_and_holds_nobody_back() {
    let world = World::start(&["--no-watch"]);
    let before = world.resting_descriptors().await;
    let half = |bytes: &[u8]| -> TcpStream {
        let mut stream = connect(&world);
        stream.write_all(bytes).unwrap();
        stream
    };
    let body = post("/messages/", &[], &[b' '; 1000]);
    let kinds: [(&str, &[u8], Duration); 2] =
        [("head", b"POST /messages/ HTTP/1.1\r\nHost: 127.", HEAD), ("body", &body[..body.len() - 1], BODY)];
    let halves =
        kinds.map(|(what, bytes, most)| (what, (0..50).map(|_| half(bytes)).collect::<Vec<_>>(), most));
    world.is_well().await;
    let began = Instant::now();
    for (what, streams, most) in halves {
        for mut stream in streams {
            let line = first_line(&mut stream);
            assert!(line.is_empty() || line.contains(" 408 "), "{what}: {line}");
        }
        println!("half a {what}: given up after {:.1} s", began.elapsed().as_secs_f64());
        assert!(began.elapsed() < most + PROMPT, "{what}: {:?}", began.elapsed());
    }
    world.has_descriptors(before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_takes_nothing_is_given_up_and_whoever_takes_it_slowly_gets_it() {
    let world = World::start(&["--no-watch"]);
    let (descriptors, memory) = (world.resting_descriptors().await, world.memory());
    let ask = |kilobytes: u32| {
        let body = call(1, "faulty__large", &json!({"size": kilobytes})).to_string();
        let mut stream = connect(&world);
        stream.write_all(&post("/messages/", &[("Connection", "close")], body.as_bytes())).unwrap();
        stream
    };
    let never: Vec<TcpStream> = (0..10).map(|_| ask(8 << 10)).collect();
    let mut slow = ask(4 << 10);
    let slowly = std::thread::spawn(move || {
        let (mut part, mut all) = (vec![0; 128 << 10], 0);
        loop {
            match slow.read(&mut part).unwrap() {
                0 => return all,
                read => all += read,
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    world.eventually("the calls have ended", || world.processes().is_empty()).await;
    let began = Instant::now();
    world.is_well().await;
    // What the kernel holds for them is given back only when the server hangs up.
    while world.descriptors() > descriptors {
        assert!(began.elapsed() < UNREAD + PROMPT * 4, "{} descriptors are open", world.descriptors());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!(
        "8 MiB that nobody reads, ten times: given up after {:.0} s, {} MiB then",
        began.elapsed().as_secs_f64(),
        world.memory()
    );
    drop(never);
    let got = slowly.join().unwrap();
    assert!(got > 4 << 20, "the slow reader got {got} bytes");
    assert!(world.memory() < memory + GROWTH, "{memory} MiB before, {} after", world.memory());
    world.is_empty().await;
}

/// In each state a client goes away, often; then everything is as it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_goes_away_leaves_nothing_whatever_was_under_way() {
    let world = World::start(&["--no-watch", "--max-concurrency", "2", "--max-queue", "1000"]);
    world.call("echo").await;
    let before = world.resting_descriptors().await;
    let hang = call(1, "faulty__hang", &json!({}));
    let whole = post("/messages/", &[], hang.to_string().as_bytes());
    for (what, bytes) in [
        ("before the head", &b""[..]),
        ("in the head", &whole[..30]),
        ("in the body", &whole[..whole.len() - 5]),
        ("while the call runs or waits", &whole),
    ] {
        let open: Vec<_> = (0..TIMES)
            .map(|_| {
                let mut stream = connect(&world);
                stream.write_all(bytes).unwrap();
                stream
            })
            .collect();
        if bytes.len() == whole.len() {
            world.eventually("two run", || world.processes().len() == 2).await;
        }
        world.is_well().await;
        drop(open);
        world.is_empty().await;
        world.has_descriptors(before).await;
        println!("{TIMES} went away {what}");
    }
    streams_that_break_off(&world).await;
    world.has_descriptors(before).await;
    world.is_empty().await;
    let (result, _) = world.call("echo").await;
    assert_eq!(result["content"][0]["text"], "well\n", "all places are free");
}

async fn streams_that_break_off(world: &World) {
    for _ in 0..TIMES {
        // While the answer streams; without a session that is a cancellation.
        let streamed = json!({"name": "faulty__steps", "arguments": {}, "_meta": {"progressToken": 1}});
        let mut streaming =
            Events::of(modern(world, 1, "tools/call", streamed).send().await.unwrap(), MODERN, "tools/call");
        assert!(streaming.next().await.is_some());
        drop(streaming);
        // With a call that runs for a stream of the older transport.
        let (events, url) = sse(world).await;
        reqwest::Client::new().post(&url).json(&call(1, "faulty__hang", &json!({}))).send().await.unwrap();
        world.eventually("it runs", || !world.processes().is_empty()).await;
        drop(events);
        world.is_empty().await;
        let listen =
            modern(world, 1, "subscriptions/listen", json!({"notifications": {"toolsListChanged": true}}));
        let mut listening = Events::of(listen.send().await.unwrap(), MODERN, "subscriptions/listen");
        assert!(listening.next().await.is_some());
        drop(listening);
        let session = Session::open(world).await;
        drop(Events::of(session.listen().send().await.unwrap(), LEGACY, ""));
    }
}

#[tokio::test]
async fn a_request_may_be_taken_back_twice_and_its_id_used_again() {
    let world = World::start(&[]);
    let session = Session::open(&world).await;
    let hang = session.post(&call(7, "faulty__hang", &json!({})));
    let again = async {
        world.eventually("it runs", || !world.processes().is_empty()).await;
        // The id is in use.
        let refused =
            answered(session.post(&call(7, "faulty__echo", &json!({}))), LEGACY, "tools/call").await;
        assert_eq!(refused["error"]["code"], -32600, "{refused}");
        session.cancel(7).await;
        session.cancel(7).await;
        session.cancel(12345).await;
    };
    let (hung, ()) = tokio::join!(hang.send(), again);
    assert_eq!(hung.unwrap().status(), 202, "nothing may be said of what was taken back");
    world.is_empty().await;
    session.cancel(7).await;
    let echo = call(7, "faulty__echo", &json!({"text": "the same id"}));
    let answer = answered(session.post(&echo), LEGACY, "tools/call").await;
    assert_eq!(answer["result"]["content"][0]["text"], "the same id\n");
    // Where each message has a connection of its own, the later one may be read first.
    session.cancel(8).await;
    let late = session.post(&call(8, "faulty__hang", &json!({}))).send().await.unwrap();
    assert_eq!(late.status(), 202);
    world.is_empty().await;
    for _ in 0..20 {
        let answer = answered(session.post(&request(7, "ping", json!({}))), LEGACY, "ping").await;
        assert_eq!(answer["result"], json!({}));
    }
    world.is_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonsense_is_refused_in_bounded_memory() {
    let world = World::start(&[]);
    let before = world.memory();
    let plain = |body: &[u8]| post("/messages/", &[], body);
    let deep = ["[", "{\"a\":"].map(|open| plain(open.repeat(500_000).as_bytes()));
    let huge = format!("GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Huge: {}\r\n\r\n", "x".repeat(8 << 20));
    let many = format!("GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n{}\r\n", "X: y\r\n".repeat(100_000));
    let large = plain("x".repeat(5 << 20).as_bytes());
    let text = call(1, "faulty__echo", &json!({"text": "~"})).to_string();
    let broken: Vec<u8> = text.bytes().map(|byte| if byte == b'~' { 0xff } else { byte }).collect();
    for (what, bytes, statuses) in [
        ("deep arrays", &deep[0][..], &["400"][..]),
        ("deep objects", &deep[1], &["400"]),
        ("a huge header", huge.as_bytes(), &["400", "431"]),
        ("many headers", many.as_bytes(), &["400", "431"]),
        ("a large body", &large, &["413"]),
        ("a body that is not UTF-8", &plain(&broken), &["400"]),
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
async fn ten_thousand_of_something_are_answered_in_bounded_time_and_memory() {
    let world = World::start(&["--max-concurrency", "2", "--max-queue", "8"]);
    let before = world.memory();
    let keys: serde_json::Map<String, Value> = (0..10_000).map(|n| (format!("key-{n}"), json!(n))).collect();
    let (result, took) = world.call_tool("faulty__echo", &Value::Object(keys)).await;
    assert_eq!(result["structuredContent"]["error"]["code"], "invalid_arguments");
    let size = result.to_string().len();
    println!("10,000 unknown keys: refused after {:.2} s in {size} bytes", took.as_secs_f64());
    assert!(took < PROMPT && size < 16 << 10, "{size} bytes after {took:?}");

    for (what, each, busy) in [
        ("pings", request(0, "ping", json!({})), 0),
        // Two run and eight wait.
        ("calls", call(0, "faulty__echo", &json!({"after": 1})), BATCH - 10),
        ("calls of no tool", request(0, "tools/call", json!({})), 0),
        ("numbers", json!(1), 0),
    ] {
        let (status, refusal, _) = batch(&world, &each, 10_000).await;
        assert_eq!((status, &refusal["error"]["code"]), (400, &json!(-32600)), "{what}: {refusal}");
        let (status, answers, took) = batch(&world, &each, BATCH).await;
        let answers = answers.as_array().unwrap();
        println!("a batch of {BATCH} {what}: answered after {:.2} s", took.as_secs_f64());
        assert_eq!((status, answers.len()), (200, BATCH), "{what}");
        let ids: BTreeSet<u64> = answers.iter().filter_map(|answer| answer["id"].as_u64()).collect();
        assert_eq!(ids.len(), if each.is_object() { BATCH } else { 0 }, "{what}: one answer each");
        let refused = |answer: &&Value| answer.to_string().contains("too many calls are waiting");
        assert_eq!(answers.iter().filter(refused).count(), busy, "{what}");
    }
    world.is_empty().await;
    assert!(world.memory() < before + GROWTH, "{before} MiB before, {} after", world.memory());
}

/// Sends so many of a message in one body, in the revision that has batches, while another client is answered.
async fn batch(world: &World, each: &Value, count: usize) -> (u16, Value, Duration) {
    let mut all = vec![each.clone(); count];
    for (id, message) in all.iter_mut().enumerate().filter(|(_, message)| message.is_object()) {
        message["id"] = id.into();
    }
    let began = Instant::now();
    let asking = reqwest::Client::new().post(world.url("/messages/")).json(&all);
    let asking = asking.header("mcp-protocol-version", "2025-03-26").send();
    let (response, ()) = tokio::join!(asking, world.is_well());
    let response = response.unwrap();
    let (status, answer): (_, Value) = (response.status().as_u16(), response.json().await.unwrap());
    assert!(began.elapsed() < PROMPT * 6, "{:?}", began.elapsed());
    (status, answer, began.elapsed())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_sessions_are_held_and_one_too_many_is_refused() {
    let limit = SESSIONS.to_string();
    let world = World::start(&["--no-watch", "--max-sessions", &limit]);
    world.is_well().await;
    let (descriptors, before) = (world.resting_descriptors().await, world.memory());
    let first = all_sessions(&world, descriptors).await;
    let each = (first.most - before) * 1024 / SESSIONS as u64;
    println!(
        "{SESSIONS} sessions: {each} KiB each, {} MiB in all, {} once they are closed",
        first.most, first.after
    );
    assert!(each < 64, "{each} KiB a session");
    // What the allocator keeps serves the next ones: it is as much after some rounds as it will ever be.
    let mut after = Vec::new();
    for _ in 0..ROUNDS {
        after.push(all_sessions(&world, descriptors).await.after);
    }
    println!("and again and again: {after:?} MiB once they are closed");
    assert!(after[ROUNDS - 1] <= after[ROUNDS - 2] + KEPT, "{after:?}");
    world.is_empty().await;
}

/// MiB while all sessions are open, and once they are closed.
#[derive(Debug)]
struct Held {
    most: u64,
    after: u64,
}

/// Opens as many sessions as there may be, and closes them.
async fn all_sessions(world: &World, descriptors: usize) -> Held {
    let ask = b"GET /sse HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n";
    let mut open = Vec::new();
    for n in 0..SESSIONS {
        let mut stream = connect(world);
        stream.write_all(ask).unwrap();
        assert!(first_line(&mut stream).contains(" 200 "), "session {n}");
        open.push(stream);
    }
    assert!(send(world, ask).contains(" 503 "));
    world.is_well().await;
    let most = world.memory();
    drop(open);
    world.has_descriptors(descriptors).await;
    assert!(send(world, ask).contains(" 200 "), "closed sessions make room");
    Held { most, after: world.memory() }
}
