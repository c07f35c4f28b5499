//! Faults of plugins that are asked for their help.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use serde_json::json;

use super::disk::WITHOUT_POWERS;
use super::world::{GOOD, GROWTH, PROMPT, Site, eventually};

/// Seconds that a help page may take.
const LIMIT: &str = "2";

/// What becomes of each fault: the state of the plugin, and what its reason says.
const FAULTS: [(&str, &str, &str); 14] = [
    ("hang", "failed", "no help within 2s"),
    ("deaf", "failed", "no help within 2s"),
    ("endless", "failed", "no help within 2s"),
    ("grandchild", "failed", "no help within 2s"),
    ("daemon", "ready", ""),
    ("escape", "ready", ""),
    ("flood", "failed", ""),
    ("silent", "failed", "printed no usage (exit code 0)"),
    ("binary", "failed", "printed no usage (exit code 0)"),
    ("close", "failed", "printed no usage (exit code 0)"),
    ("noise", "ready", ""),
    ("torn", "failed", "ended by signal 9"),
    ("crash", "failed", "no luck today"),
    ("change", "ready", ""),
];

/// Of these, those that are ended at their time limit.
const HANGING: u32 = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_plugins_hide_no_good_one_and_leave_nothing_running() {
    let site = Site::empty();
    for (fault, ..) in FAULTS {
        site.faulty(&format!("bad_{fault}"));
    }
    // The first and the last in the order of names.
    site.plugin("a_good", GOOD);
    site.plugin("z_good", GOOD);
    let world = site.start(&["--help-timeout", LIMIT, "--no-watch"]);
    println!(
        "{} plugins that fail, {HANGING} of them at their limit of {LIMIT} s: listens after {:.1} s, {} MiB",
        FAULTS.len(),
        world.took.as_secs_f64(),
        world.memory()
    );
    // At the worst one after the other; half a second is between SIGTERM and SIGKILL.
    assert!(world.took < Duration::from_millis(2500) * HANGING + PROMPT * 6, "{:?}", world.took);
    for (fault, state, reason) in FAULTS {
        let told = world.state(&format!("bad_{fault}")).await;
        assert!(told.0 == state && told.1.contains(reason), "{fault}: {told:?}");
    }
    for good in ["a_good", "z_good"] {
        assert_eq!(world.state(good).await.0, "ready");
        let (result, _) = world.call_tool(good, &json!({"text": "all is well"})).await;
        assert_eq!(result["content"][0]["text"], "all is well\n");
    }
    world.is_empty().await;
    assert!(world.memory() < GROWTH * 2, "{} MiB", world.memory());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_takes_itself_away_is_gone_and_its_neighbours_stay() {
    let site = Site::empty();
    site.faulty("bad_vanish");
    site.plugin("good", GOOD);
    let world = site.start(&["--help-timeout", LIMIT]);
    eventually("it is gone", || {
        let gone = !site.path("plugins/bad_vanish/cli.py").exists();
        if gone { Ok(()) } else { Err("it is there".to_owned()) }
    })
    .await;
    let mut state = world.state("bad_vanish").await;
    for _ in 0..100 {
        // A directory without a program is no plugin.
        if state.0.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        state = world.state("bad_vanish").await;
    }
    assert_eq!(state.0, "", "{state:?}");
    assert_eq!(world.state("good").await.0, "ready");
    world.is_empty().await;
}

/// What a start tells is told while serving too, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_and_is_no_plugin_is_told_and_old_failures_are_not_told_again() {
    let site = Site::empty();
    site.plugin("bad", "raise SystemExit('no luck')");
    site.plugin("good", GOOD);
    let world = site.start(&["--help-timeout", LIMIT]);
    std::fs::create_dir(site.path("plugins/empty")).unwrap();
    world.says("skipped empty: no cli.py in it").await;
    std::os::unix::fs::symlink("nowhere", site.path("plugins/broken")).unwrap();
    world.says("skipped broken: a broken link to `nowhere`").await;
    site.plugin("good", &GOOD.replace("text", "other"));
    world.says("plugins changed: good changed; 1 tools").await;
    site.plugin("new", GOOD);
    world.says("plugins changed: new is new; 2 tools").await;
    site.plugin("bad", "raise SystemExit('no luck at all')");
    world
        .says("plugins changed: bad failed: `--help` printed no usage (exit code 1): no luck at all; 2")
        .await;
    assert_eq!(world.said.all().matches("skipped empty").count(), 1, "{}", world.said.all());
}

/// Asked again at each change, it would be asked for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_changes_itself_when_asked_is_not_asked_without_end() {
    let site = Site::empty();
    let program = site.faulty("bad_change");
    let asked = || std::fs::read_to_string(&program).unwrap().matches("\n# ").count();
    let world = site.start(&["--help-timeout", LIMIT]);
    tokio::time::sleep(Duration::from_secs(8)).await;
    let before = asked();
    tokio::time::sleep(Duration::from_secs(8)).await;
    println!("a plugin that changes itself: asked {before} times in 8 s, then {} times", asked() - before);
    assert!(asked() - before <= 3, "asked {} times in 8 s", asked() - before);
    // A change that somebody makes shows all the same.
    site.plugin("bad_change", &GOOD.replace("text", "other"));
    for _ in 0..200 {
        if world.call_tool("bad_change", &json!({"other": "new"})).await.0["isError"] == json!(false) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the change does not show: {}", world.said.all());
}

/// What the file system refuses. Root may read everything, so the server is started without root's powers.
#[tokio::test]
async fn files_that_can_not_be_run_or_read_are_told() {
    let site = Site::empty();
    site.plugin("good", GOOD);
    let mode = |name: &str, file: &str, mode: u32| {
        let path = site.path("plugins").join(name).join(file);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    site.plugin("unreadable", GOOD);
    mode("unreadable", "cli.py", 0o000);
    site.plugin("closed", GOOD);
    mode("closed", "", 0o000);
    site.plugin("shebang", &format!("#!/no/such/python -u\n{GOOD}"));
    mode("shebang", "cli.py", 0o755);
    site.plugin("binary", "\u{1}\u{2}#!no program");
    mode("binary", "cli.py", 0o755);
    std::fs::create_dir_all(site.path("plugins/directory/cli.py")).unwrap();
    let world = site.start_under(WITHOUT_POWERS, &["--help-timeout", LIMIT]);
    for (plugin, reason) in [
        ("unreadable", "Permission denied"),
        ("shebang", "asks for `/no/such/python`, which does not exist"),
        ("binary", "printed no usage (exit code 1)"),
    ] {
        let told = world.state(plugin).await;
        assert!(told.0 == "failed" && told.1.contains(reason), "{plugin}: {told:?}");
    }
    for plugin in ["closed", "directory"] {
        assert!(world.said.all().contains(&format!("skipped  {plugin}: ")), "{}", world.said.all());
    }
    assert_eq!(world.state("good").await.0, "ready");
    // What is mended is served.
    mode("unreadable", "cli.py", 0o644);
    for _ in 0..200 {
        if world.state("unreadable").await.0 == "ready" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(world.state("unreadable").await.0, "ready");
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(site.path("plugins/closed"), open).unwrap();
}

/// SIGTERM before it listens: nobody waits for what a plugin says.
#[tokio::test]
async fn a_start_can_be_stopped() {
    let site = Site::empty();
    site.faulty("bad_deaf");
    let mut child =
        site.command(&[], &["serve", "--port", "0"]).stdout(std::process::Stdio::null()).spawn().unwrap();
    eventually("the plugin is asked", || {
        if site.path("begun").exists() { Ok(()) } else { Err("not yet".to_owned()) }
    })
    .await;
    let began = std::time::Instant::now();
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    let status = child.wait().unwrap();
    println!("a start is stopped after {:.2} s", began.elapsed().as_secs_f64());
    assert!(status.success() && began.elapsed() < PROMPT, "{status:?} after {:?}", began.elapsed());
    site.is_empty().await;
}
