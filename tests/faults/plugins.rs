//! Faults of plugins that are called.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::disk::WITHOUT_POWERS;
use super::world::{GOOD, GROWTH, PROMPT, Site, World, call};

fn code(result: &Value) -> &Value {
    &result["structuredContent"]["error"]["code"]
}

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn what_does_not_end_is_ended_at_its_time_limit() {
    let world = World::start(&["--plugin-timeout", "2"]);
    let before = world.memory();
    // Between SIGTERM and SIGKILL are five seconds.
    for (command, most) in [("hang", 2), ("endless", 2), ("deaf", 7), ("grandchild", 7)] {
        let (result, took) = world.call(command).await;
        assert_eq!(code(&result), "timeout", "{result}");
        assert!(took >= Duration::from_secs(2) && took < Duration::from_secs(most) + PROMPT, "{took:?}");
        world.is_empty().await;
        world.is_well().await;
    }
    assert!(world.memory() < before + GROWTH, "{before} MiB before, {} after", world.memory());
}

#[tokio::test]
async fn what_is_left_behind_holds_nobody_up_and_is_killed() {
    let world = World::start(&[]);
    for command in ["daemon", "escape"] {
        let (result, took) = world.call(command).await;
        assert_eq!(
            (&result["isError"], text(&result).trim_matches(['.', '\n'])),
            (&json!(false), "left one behind")
        );
        assert!(took < PROMPT, "{took:?}");
        // One in a session of its own is not ours to kill; it ends as nobody reads what it writes.
        world.is_empty().await;
    }
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
    for (command, is_error, shown) in [
        ("silent", false, ""),
        ("close", false, ""),
        ("noise", false, "well"),
        ("torn", true, "SIGKILL"),
        ("crash", true, "no luck today"),
    ] {
        let (result, took) = world.call(command).await;
        assert_eq!(result["isError"], json!(is_error), "{command}: {result}");
        assert!(text(&result).contains(shown) && took < PROMPT * 4, "{command}: {result} after {took:?}");
    }
    let (result, _) = world.call("binary").await;
    assert!(result["content"][0]["resource"]["blob"].is_string(), "{result}");
    assert!(world.memory() < before + GROWTH, "{before} MiB before, {} after", world.memory());
    world.is_empty().await;
}

#[tokio::test]
async fn a_plugin_that_vanishes_while_it_runs_ends_as_it_would() {
    let world = World::start(&["--plugin-timeout", "4"]);
    let vanish = async {
        world.eventually("the call begins", || world.site.path("begun").exists()).await;
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

/// The call that runs ends as it began; the next one is of the program as it is then.
#[tokio::test]
async fn a_plugin_that_changes_while_it_runs_ends_as_it_began() {
    let world = World::start(&[]);
    let change = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        world.site.plugin("faulty", GOOD);
        for _ in 0..100 {
            let (result, _) = world.call_tool("faulty", &json!({"text": "new"})).await;
            if result["isError"] == json!(false) {
                return text(&result).to_owned();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the change does not show: {}", world.said.all());
    };
    let arguments = json!({"text": "old", "after": 6});
    let ((result, _), new) = tokio::join!(world.call_tool("faulty__echo", &arguments), change);
    assert_eq!((text(&result), new.as_str()), ("old\n", "new\n"));
    // One that changes itself while it runs, too.
    world.site.faulty("faulty");
    for _ in 0..100 {
        if world.call("change").await.0["isError"] == json!(false) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(text(&world.call("change").await.0), "changed\n");
    world.is_empty().await;
}

/// Nobody watches, so the server does not know yet that the program has become another.
#[tokio::test]
async fn what_can_not_be_run_any_more_is_an_error_that_says_why() {
    let site = Site::new();
    let program = site.plugin("direct", &format!("#!/usr/bin/env python3\n{GOOD}"));
    let mode = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(&program, 0o755);
    let world = site.start_under(WITHOUT_POWERS, &["--no-watch"]);
    assert_eq!(text(&world.call_tool("direct", &json!({"text": "runs"})).await.0), "runs\n");
    mode(&program, 0o644);
    let (result, _) = world.call_tool("direct", &json!({})).await;
    assert!(text(&result).contains("permission denied"), "{result}");
    mode(&program, 0o755);
    std::fs::write(&program, "#!/no/such/python\n").unwrap();
    let (result, _) = world.call_tool("direct", &json!({})).await;
    assert!(text(&result).contains("asks for `/no/such/python`, which does not exist"), "{result}");
    std::fs::remove_file(&program).unwrap();
    let (result, _) = world.call_tool("direct", &json!({})).await;
    assert!(text(&result).contains("there is no such program"), "{result}");
    mode(&world.plugin().join("cli.py"), 0o000);
    let (result, _) = world.call("silent").await;
    assert!(text(&result).contains("Permission denied"), "{result}");
    std::fs::remove_dir_all(world.plugin()).unwrap();
    let (result, _) = world.call("silent").await;
    assert!(text(&result).contains("does not exist"), "{result}");
    world.is_well().await;
    world.is_empty().await;
}

/// One at a time, so that all others wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_hang_hold_back_no_more_than_their_places() {
    let world = World::start(&["--max-concurrency", "1", "--max-queue", "2", "--plugin-timeout", "3"]);
    let world = &world;
    let hanging = (0..8).map(|n| async move {
        let answer = world.ask(&call(n, "faulty__hang", &json!({}))).await;
        code(&answer["result"]).as_str().unwrap().to_owned()
    });
    let mut codes = futures_util::future::join_all(hanging).await;
    codes.sort();
    assert_eq!(codes, ["busy", "busy", "busy", "busy", "busy", "timeout", "timeout", "timeout"]);
    assert_eq!(text(&world.call("echo").await.0), "well\n");
    world.is_empty().await;
}
