//! Faults of plugins.

use std::time::Duration;

use serde_json::{Value, json};

use super::world::{GROWTH, PROMPT, World};

fn code(result: &Value) -> &Value {
    &result["structuredContent"]["error"]["code"]
}

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn what_does_not_end_is_ended_at_its_time_limit() {
    let world = World::start(&["--plugin-timeout", "2"]);
    // Between SIGTERM and SIGKILL are five seconds.
    for (command, most) in [("hang", 2), ("deaf", 7)] {
        let (result, took) = world.call(command).await;
        assert_eq!(code(&result), "timeout", "{result}");
        assert!(took >= Duration::from_secs(2) && took < Duration::from_secs(most) + PROMPT, "{took:?}");
        world.is_empty().await;
        world.is_well().await;
    }
}

#[tokio::test]
async fn what_is_left_behind_holds_nobody_up_and_is_killed() {
    let world = World::start(&[]);
    let (result, took) = world.call("daemon").await;
    assert_eq!((&result["isError"], text(&result).trim()), (&json!(false), "left one behind"));
    assert!(took < PROMPT, "{took:?}");
    world.is_empty().await;
}

#[tokio::test]
async fn a_gigabyte_is_read_in_bounded_memory_and_marked() {
    let world = World::start(&["--max-output", "1000000"]);
    let before = world.memory();
    let (result, _) = world.call("flood").await;
    let size = result.to_string().len();
    assert!(size > 1_000_000 && size < 3_000_000, "{size}");
    assert!(result.to_string().contains("1073741824") || text(&result).contains("left out"), "it is marked");
    assert!(world.memory() < before + GROWTH, "{before} MiB before, {} after", world.memory());
    world.is_empty().await;
}

#[tokio::test]
async fn silence_noise_and_early_ends_are_told_as_they_are() {
    let world = World::start(&[]);
    let before = world.memory();
    for (command, is_error, shown) in
        [("silent", false, ""), ("close", false, ""), ("noise", false, "well"), ("torn", true, "")]
    {
        let (result, took) = world.call(command).await;
        assert_eq!(result["isError"], json!(is_error), "{command}: {result}");
        assert!(text(&result).contains(shown) && took < PROMPT * 4, "{command}: {result} after {took:?}");
    }
    assert!(world.memory() < before + GROWTH, "{before} MiB before, {} after", world.memory());
    world.is_empty().await;
}

#[tokio::test]
async fn a_plugin_that_vanishes_while_it_runs_ends_as_it_would() {
    let world = World::start(&["--plugin-timeout", "4"]);
    let vanish = async {
        world.eventually("the call begins", || world.plugin().join("../../begun").exists()).await;
        std::fs::remove_dir_all(world.plugin()).unwrap();
        world.is_well().await;
    };
    let ((result, _), ()) = tokio::join!(world.call("hang"), vanish);
    assert_eq!(code(&result), "timeout", "{result}");
    let (after, took) = world.call("silent").await;
    assert!(after["isError"] == json!(true) || after.is_null(), "there is no such program any more: {after}");
    assert!(took < PROMPT);
    world.is_empty().await;
}

#[tokio::test]
async fn a_killed_server_leaves_no_process() {
    let mut world = World::start(&[]);
    let url = world.url("/messages/");
    let calls: Vec<_> = ["hang", "deaf", "hang"]
        .map(|command| {
            let params = json!({"name": format!("faulty__{command}"), "arguments": {}});
            let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
            tokio::spawn(reqwest::Client::new().post(&url).json(&body).send())
        })
        .into();
    world.eventually("three run", || world.processes().len() >= 3).await;
    world.kill();
    world.is_empty().await;
    for call in calls {
        assert!(call.await.unwrap().is_err(), "nobody answers any more");
    }
}
