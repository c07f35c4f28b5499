//! The ends of the server: signals while everything is open, twice, and such that no program sees coming.

use std::io::Write as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::wire::{Events, LEGACY, MODERN, Session, answered, connect, first_line, modern, sse};
use super::world::{PROMPT, Site, World, call, eventually};

/// Calls are cancelled, and those that ignore SIGTERM are killed after five seconds; then answers are read.
const GRACE: Duration = Duration::from_secs(13);

fn is_cancelled(answer: &Value) -> bool {
    answer["result"]["structuredContent"]["error"]["code"] == "cancelled"
}

fn named(tool: &str) -> Value {
    json!({"name": tool, "arguments": {}})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_answers_or_ends_everything() {
    stops_in_good_order(Signal::TERM).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigint_answers_or_ends_everything() {
    stops_in_good_order(Signal::INT).await;
}

async fn stops_in_good_order(signal: Signal) {
    let mut world = World::start(&[]);
    {
        let session = Session::open(&world).await;
        let mut own = Events::of(session.listen().send().await.unwrap(), LEGACY, "");
        let (mut events, url) = sse(&world).await;
        reqwest::Client::new().post(&url).json(&call(5, "faulty__deaf", &json!({}))).send().await.unwrap();
        let listen =
            modern(&world, 6, "subscriptions/listen", json!({"notifications": {"toolsListChanged": true}}));
        let mut listening = Events::of(listen.send().await.unwrap(), MODERN, "subscriptions/listen");
        assert!(listening.next().await.unwrap()["method"].is_string());
        let streamed = json!({"name": "faulty__steps", "arguments": {}, "_meta": {"progressToken": 1}});
        let streamed = modern(&world, 7, "tools/call", streamed).send().await.unwrap();
        let mut streaming = Events::of(streamed, MODERN, "tools/call");
        assert_eq!(streaming.next().await.unwrap()["method"], "notifications/progress");
        let mut half = connect(&world);
        half.write_all(b"POST /mcp HTTP/1.1\r\nHost: 127.").unwrap();
        let mut idle = connect(&world);
        idle.write_all(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").unwrap();
        assert!(first_line(&mut idle).contains(" 200 "));

        let deaf = call(1, "faulty__deaf", &json!({}));
        let plain = world.ask(&deaf);
        let legacy = answered(session.post(&call(2, "faulty__hang", &json!({}))), LEGACY, "tools/call");
        let newest = answered(modern(&world, 3, "tools/call", named("faulty__hang")), MODERN, "tools/call");
        let stop = async {
            world.eventually("all run", || world.processes().len() >= 5).await;
            world.signal(signal);
            is_seen_to_stop(&world).await;
        };
        let (plain, legacy, newest, ()) = tokio::join!(plain, legacy, newest, stop);
        for answer in [&plain, &legacy, &newest, &events.answer().await, &streaming.answer().await] {
            assert!(is_cancelled(answer), "{answer}");
        }
        assert!(listening.answer().await["result"].is_object());
        let ends = [own.next().await, events.next().await, listening.next().await, streaming.next().await];
        assert!(ends.iter().all(Option::is_none), "{ends:?}");
        assert!(first_line(&mut half).contains(" 408 ") || first_line(&mut half).is_empty());
    }
    let began = Instant::now();
    let status = world.ended(GRACE).await;
    println!("{signal:?}: ends {:.1} s after the last answer", began.elapsed().as_secs_f64());
    assert!(status.success(), "{status:?}: {}", world.said.all());
    world.site.is_empty().await;
}

/// While calls end, whoever comes anew is told that the server stops, rather than refused by nobody.
async fn is_seen_to_stop(world: &World) {
    let began = Instant::now();
    let (mut status, mut report) = world.health().await;
    while status == 200 && began.elapsed() < PROMPT {
        (status, report) = world.health().await;
    }
    assert_eq!((status, &report["status"]), (503, &json!("stopping")));
    assert_eq!(reqwest::get(world.url("/health/live")).await.unwrap().status(), 200);
    let late = [
        reqwest::Client::new().post(world.url("/messages/")).json(&call(9, "faulty__echo", &json!({}))),
        modern(world, 9, "tools/call", named("faulty__echo")),
        reqwest::Client::new().get(world.url("/sse")),
    ];
    for request in late {
        let response = request.send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), response.headers()["retry-after"].to_str().unwrap()),
            (503, "1")
        );
        let refusal: Value = response.json().await.unwrap();
        assert_eq!(refusal["error"]["data"]["reason"], "stopping", "{refusal}");
    }
}

/// Also where nothing is left to do, whoever looks can see the end coming.
#[tokio::test]
async fn an_idle_server_says_that_it_stops_before_nobody_listens() {
    let mut world = World::start(&[]);
    let mut kept = connect(&world);
    world.signal(Signal::TERM);
    let mut seen = Vec::new();
    while let Ok(response) = reqwest::get(world.url("/health")).await {
        seen.push(response.status().as_u16());
    }
    assert_eq!(seen.last(), Some(&503), "{seen:?}");
    assert!(world.ended(PROMPT).await.success());
    // A connection that says nothing holds nobody up.
    assert_eq!(first_line(&mut kept), "");
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let mut world = World::start(&[]);
    let client =
        reqwest::Client::new().post(world.url("/messages/")).json(&call(1, "faulty__grandchild", &json!({})));
    let calling = tokio::spawn(client.send());
    world.eventually("it runs", || world.processes().len() >= 3).await;
    world.signal(Signal::TERM);
    world.says("stopping").await;
    let began = Instant::now();
    world.signal(Signal::TERM);
    let status = world.ended(PROMPT).await;
    println!("a second signal: ends after {:.2} s", began.elapsed().as_secs_f64());
    assert_eq!(status.code(), Some(1), "{status:?}");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    world.site.is_empty().await;
    drop(calling);
}

/// The drain must not be what ends it: it is far longer than this test waits.
#[tokio::test]
async fn a_drain_serves_on_until_a_second_signal_stops() {
    let mut world = World::start(&["--drain", "600"]);
    let running = tokio::spawn({
        let hanging = call(1, "faulty__hang", &json!({}));
        reqwest::Client::new().post(world.url("/messages/")).json(&hanging).send()
    });
    world.eventually("it runs", || !world.processes().is_empty()).await;
    world.signal(Signal::TERM);
    world.says("stopping in 600 s").await;
    assert_eq!(world.health().await.0, 503);
    let (answer, _) = world.call("silent").await;
    assert_eq!(answer["isError"], false, "{answer}");
    assert!(!running.is_finished(), "what runs goes on");
    world.signal(Signal::TERM);
    let status = world.ended(GRACE).await;
    assert_eq!(status.code(), Some(0), "{status:?}");
    let answer: Value = running.await.unwrap().unwrap().json().await.unwrap();
    assert!(is_cancelled(&answer), "{answer}");
    world.site.is_empty().await;
}

#[tokio::test]
async fn a_killed_server_leaves_no_process_and_its_next_start_is_clean() {
    let mut world = World::start(&[]);
    let url = world.url("/messages/");
    let calls: Vec<_> = ["hang", "deaf", "grandchild"]
        .map(|command| {
            let body = call(1, &format!("faulty__{command}"), &json!({}));
            tokio::spawn(reqwest::Client::new().post(&url).json(&body).send())
        })
        .into();
    world.eventually("all run", || world.processes().len() >= 5).await;
    let began = Instant::now();
    world.kill();
    world.site.is_empty().await;
    println!("a killed server: nothing is left after {:.2} s", began.elapsed().as_secs_f64());
    for call in calls {
        assert!(call.await.unwrap().is_err(), "nobody answers any more");
    }
    let next = world.site.start(&[]);
    assert!(next.said.all().contains("1 plugin from plugins: 18 tools (0 read anew)"), "{}", next.said.all());
    assert_eq!(next.call("echo").await.0["content"][0]["text"], "well\n");
}

/// Killed again and again while it writes contracts.
#[tokio::test]
async fn a_server_that_is_killed_while_it_starts_leaves_whole_files() {
    let site = Site::empty();
    for n in 0..4 {
        site.plugin(&format!("plugin{n}"), super::world::GOOD);
    }
    for after in (0..12).map(|n| Duration::from_millis(40 * n)) {
        let _ = std::fs::remove_dir_all(site.path("schemas"));
        let mut child = site.command(&[], &["serve", "--port", "0"]).stdout(Stdio::null()).spawn().unwrap();
        tokio::time::sleep(after).await;
        child.kill().unwrap();
        child.wait().unwrap();
        site.is_empty().await;
        for entry in std::fs::read_dir(site.path("schemas")).into_iter().flatten().flatten() {
            if entry.path().extension().is_some_and(|extension| extension == "json") {
                let text = std::fs::read_to_string(entry.path()).unwrap();
                assert!(serde_json::from_str::<Value>(&text).is_ok(), "{entry:?}: {text}");
            }
        }
        let next = site.start(&[]);
        assert!(next.said.all().contains("4 plugins from plugins: 4 tools"), "{}", next.said.all());
        assert!(!next.said.all().contains("warning"), "{}", next.said.all());
    }
}

#[tokio::test]
async fn a_signal_ends_stdio_with_its_calls_answered() {
    for signal in [Signal::TERM, Signal::INT] {
        let site = Site::new();
        let mut command = site.command(&[], &["stdio"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        for (id, tool) in [(1, "faulty__hang"), (2, "faulty__deaf")] {
            writeln!(input, "{}", call(id, tool, &json!({}))).unwrap();
        }
        eventually("both run", || match site.everything() {
            running if running.len() >= 4 => Ok(()),
            running => Err(format!("{running:?}")),
        })
        .await;
        eventually(
            "they have begun",
            || if site.path("begun").exists() { Ok(()) } else { Err(String::new()) },
        )
        .await;
        let began = Instant::now();
        rustix::process::kill_process(rustix::process::Pid::from_child(&child), signal).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(
            output.status.success() && began.elapsed() < GRACE,
            "{:?} {:?}",
            output.status,
            began.elapsed()
        );
        let answers: Vec<Value> = String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        answers.iter().for_each(|answer| super::schemas::check(LEGACY, Some("tools/call"), answer));
        let mut ids: Vec<_> =
            answers.iter().filter(|a| is_cancelled(a)).map(|a| a["id"].as_u64().unwrap()).collect();
        ids.sort_unstable();
        assert_eq!(ids, [1, 2], "{answers:?}");
        site.is_empty().await;
        drop(input);
    }
}
