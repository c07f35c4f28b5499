//! What goes on beside the calls: plugins come, change and go, and clients break off in every state.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::tally::Tally;
use super::wire::{Events, MODERN, connect, modern, post, sse};
use super::world::{World, call};

/// A change must show within this: all that changed before is asked first, among all that runs. Less than the minute after
/// which the server looks without being told.
const SHOWN: Duration = Duration::from_secs(45);

/// Between two changes, and between two clients that break off.
const CHANGES: Duration = Duration::from_millis(1500);
const BREAKS: Duration = Duration::from_millis(100);

/// Plugins that come and go beside each other.
const GUESTS: usize = 3;

/// Adds a plugin, changes it, takes it away; and writes the one that is called anew, as it was.
pub(crate) async fn reloads(world: Arc<World>, tally: Arc<Tally>, stop: CancellationToken) {
    for round in 0.. {
        let name = format!("guest{}", round % GUESTS);
        for step in 0..4 {
            if stop.is_cancelled() {
                return;
            }
            let _running = tally.gate.read().await;
            let said = format!("{name}, round {round}, step {step}");
            match step {
                0 | 1 => put(&world, &name, &program(&said)),
                2 => std::fs::remove_dir_all(world.site.path("plugins").join(&name)).unwrap(),
                _ => put(&world, "soak", &format!("{}# {round}\n", include_str!("plugins/soak/cli.py"))),
            }
            match step {
                0 | 1 => shows(&world, &tally, &name, Some(&said)).await,
                2 => shows(&world, &tally, &name, None).await,
                _ => {}
            }
            tally.did("changes of plugins");
            tokio::time::sleep(CHANGES).await;
        }
    }
}

fn program(says: &str) -> String {
    format!("import argparse\nargparse.ArgumentParser(description={says:?}).parse_args()\nprint({says:?})\n")
}

/// Writes a program in one step: a half written one is tried elsewhere.
fn put(world: &World, plugin: &str, program: &str) {
    let directory: PathBuf = world.site.path("plugins").join(plugin);
    std::fs::create_dir_all(&directory).unwrap();
    let new = world.site.path("new");
    std::fs::write(&new, program).unwrap();
    std::fs::rename(new, directory.join("cli.py")).unwrap();
}

/// Waits until a tool is there that says this of itself and when it is called, or none is there.
async fn shows(world: &World, tally: &Tally, tool: &str, says: Option<&str>) {
    let began = Instant::now();
    let list = super::world::request(1, "tools/list", json!({}));
    let mut found = Value::Null;
    while began.elapsed() < SHOWN {
        let listed = world.ask(&list).await;
        let tools = listed["result"]["tools"].as_array().unwrap();
        found = tools.iter().find(|listed| listed["name"] == tool).cloned().unwrap_or_default();
        match says {
            None if found.is_null() => return tally.waited(began.elapsed()),
            Some(says) if found["description"].as_str().is_some_and(|text| text.contains(says)) => {
                let answer = world.ask(&call(2, tool, &json!({}))).await;
                let text = answer["result"]["content"][0]["text"].as_str().unwrap_or_default();
                if text.trim_end() != says {
                    tally.fault("wrong", &format!("the changed plugin says {text:?}, not {says:?}"));
                }
                return tally.waited(began.elapsed());
            }
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    let state = world.state(tool).await;
    let said = world.said.all();
    let changes: Vec<&str> =
        said.lines().rev().filter(|line| line.contains("plugins changed")).take(2).collect();
    let how = format!("{tool}: {says:?}, but {found}; it is {state:?}; the server said {changes:?}");
    tally.fault("changes that do not show", &how);
}

/// Clients that go away: before and in the head, in the body, while a call runs, and streams of each kind.
pub(crate) async fn breaks(world: Arc<World>, tally: Arc<Tally>, stop: CancellationToken) {
    let hang = call(1, "soak__hang", &json!({"token": "nobody"}));
    let whole = post("/messages/", &[], hang.to_string().as_bytes());
    for round in 0.. {
        if stop.is_cancelled() {
            return;
        }
        let _running = tally.gate.read().await;
        match round % 6 {
            0 => cut(&world, b""),
            1 => cut(&world, &whole[..40]),
            2 => cut(&world, &whole[..whole.len() - 3]),
            3 => cut(&world, &whole),
            4 => drop(sse(&world).await),
            _ => {
                let listen = json!({"notifications": {"toolsListChanged": true}});
                let response = modern(&world, 1, "subscriptions/listen", listen).send().await.unwrap();
                let mut events = Events::of(response, MODERN, "subscriptions/listen");
                assert!(events.next().await.is_some());
            }
        }
        tally.did("clients that broke off");
        tokio::time::sleep(BREAKS).await;
    }
}

fn cut(world: &World, bytes: &[u8]) {
    let mut stream = connect(world);
    stream.write_all(bytes).unwrap();
    std::thread::sleep(Duration::from_millis(20));
}
