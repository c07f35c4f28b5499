//! Faults of disks and of the files on them: full, read-only, damaged, in the way. Each server has mounts of its own
//! (`unshare`), which go with it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};

use super::world::{GOOD, PROMPT, Site, World, eventually, holds};

/// Before a command that is to be refused what any user is refused: root's powers are put down.
pub(crate) const WITHOUT_POWERS: &[&str] =
    &["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"];

/// Starts a server for which a directory of its site is a small or read-only file system.
fn on_disk(site: &Arc<Site>, directory: &str, options: &str, flags: &[&str]) -> World {
    std::fs::create_dir_all(site.path(directory)).unwrap();
    let script = format!("mount -t tmpfs -o {options} tmpfs {directory} && exec \"$@\"");
    let wrapper = ["unshare", "--map-root-user", "--mount", "sh", "-c", &script, "sh"];
    site.start_under(&wrapper, flags)
}

/// A directory as the server sees it.
fn seen_by(world: &World, directory: &str) -> PathBuf {
    let path = world.site.path(directory);
    PathBuf::from(format!("/proc/{}/root", world.id())).join(path.strip_prefix("/").unwrap())
}

async fn serves(world: &World, plugin: &str, text: &str) {
    let (result, _) = world.call_tool(plugin, &json!({"text": text})).await;
    assert_eq!(result["content"][0]["text"], format!("{text}\n"), "{result}");
}

#[tokio::test]
async fn contracts_that_can_not_be_written_are_kept_in_memory() {
    // 8 KiB hold the directories and a file, never a contract of this plugin with its cache.
    for (options, reason) in [("size=8k", "No space left on device"), ("ro", "Read-only file system")] {
        let site = Site::new();
        site.plugin("good", GOOD);
        let world = on_disk(&site, "schemas", options, &[]);
        world.says("warning  schemas-unwritable: contracts can't be kept").await;
        assert!(world.said.all().contains(reason), "{}", world.said.all());
        serves(&world, "good", "without a contract").await;
        // Changes show as ever.
        site.plugin("new", GOOD);
        world.says("new is new").await;
        serves(&world, "new", "came later").await;
        let left: Vec<_> = std::fs::read_dir(seen_by(&world, "schemas")).unwrap().flatten().collect();
        let halves = left.iter().filter(|entry| entry.file_name().to_string_lossy().starts_with(".smcp-"));
        assert_eq!(halves.count(), 0, "{left:?}");
        for whole in left.iter().filter(|entry| entry.path().extension().is_some_and(|e| e == "json")) {
            let text = std::fs::read_to_string(whole.path()).unwrap();
            assert!(serde_json::from_str::<Value>(&text).is_ok(), "{whole:?}: {text}");
        }
    }
}

#[tokio::test]
async fn a_log_that_can_not_be_begun_is_told() {
    let site = Site::empty();
    site.plugin("good", GOOD);
    let world = on_disk(&site, "logs", "ro", &["--log-dir", "logs"]);
    world.says("no log file in logs: Read-only file system").await;
    serves(&world, "good", "without a log").await;
}

#[tokio::test]
async fn a_log_that_fills_its_disk_is_told_once_and_goes_on_when_there_is_room() {
    let site = Site::empty();
    site.plugin("good", GOOD);
    let world = on_disk(&site, "logs", "size=8k", &["--log-dir", "logs"]);
    let log = seen_by(&world, "logs/mcp.log");
    let ballast = seen_by(&world, "logs/ballast");
    std::fs::write(&ballast, [0; 4096]).unwrap();
    for n in 0..60 {
        serves(&world, "good", &format!("number {n}")).await;
    }
    world
        .eventually("the console has every line", || {
            world.said.all().matches("call of good: ok").count() == 60
        })
        .await;
    let said = world.said.all();
    assert_eq!(said.matches("No space left on device").count(), 1, "{said}");
    assert!(said.contains("mcp.log can't be written"), "{said}");
    std::fs::remove_file(ballast).unwrap();
    serves(&world, "good", "the last one").await;
    world.says("mcp.log is written again").await;
    assert!(holds(&log, "mcp.log is written again"), "{:?}", std::fs::read_to_string(&log));
}

/// Standard output is for people; a full one is no reason not to serve.
#[tokio::test]
async fn a_console_that_takes_nothing_stops_no_server() {
    let site = Site::empty();
    site.plugin("good", GOOD);
    let script = "exec \"$@\" > /dev/full 2> said";
    let mut child = site
        .command(
            &["sh", "-c", script, "sh"],
            &["serve", "--host", "127.0.0.1", "--port", "0", "--log-dir", "logs"],
        )
        .spawn()
        .unwrap();
    eventually("it listens", || {
        let log = std::fs::read_to_string(site.path("logs/mcp.log")).unwrap_or_default();
        if log.contains("listening on 127.0.0.1:") { Ok(()) } else { Err(log) }
    })
    .await;
    let log = std::fs::read_to_string(site.path("logs/mcp.log")).unwrap();
    let port = log.split("listening on 127.0.0.1:").nth(1).unwrap();
    let port: String = port.chars().take_while(char::is_ascii_digit).collect();
    assert_eq!(reqwest::get(format!("http://127.0.0.1:{port}/health")).await.unwrap().status(), 200);
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success());
}

/// What a contract file was made into, what is said of it, and whether the file is as it was before afterwards.
#[tokio::test]
async fn contracts_that_are_not_what_was_written_are_told_and_not_believed() {
    let site = Site::empty();
    site.plugin("good", GOOD);
    drop(site.start(&[]));
    let path = site.path("schemas/good.json");
    let whole = std::fs::read_to_string(&path).unwrap();
    let newer = whole.replace("\"formatVersion\": 1", "\"formatVersion\": 99");
    let edited = whole.replace("\"text\"", "\"words\"");
    assert!(newer != whole && edited != whole);
    for (what, text, said, is_kept) in [
        (
            "truncated",
            &whole[..whole.len() / 2],
            "contract-unusable: the contract `schemas/good.json` is damaged",
            false,
        ),
        ("empty", "", "contract-unusable: the contract `schemas/good.json` is damaged", false),
        ("newer", &newer, "contract-unusable: the contract `schemas/good.json` has format 99", true),
        (
            "edited",
            &edited,
            "contract-differs: the contract `schemas/good.json` is not what the plugin says",
            false,
        ),
    ] {
        std::fs::write(&path, text).unwrap();
        let world = site.start(&[]);
        assert!(world.said.all().contains(said), "{what}: {}", world.said.all());
        assert_eq!(world.state("good").await.0, "ready");
        serves(&world, "good", what).await;
        let found = std::fs::read_to_string(&path).unwrap();
        assert_eq!(found, if is_kept { text } else { &whole }, "{what}");
        drop(world);
        if !is_kept {
            assert!(site.start(&[]).said.all().contains("(0 read anew)"), "{what}");
        }
    }
}

#[tokio::test]
async fn what_stands_in_a_contracts_place_is_told_and_left_alone() {
    for what in ["directory", "pipe", "unreadable"] {
        let site = Site::empty();
        site.plugin("good", GOOD);
        let path = site.path("schemas/good.json");
        std::fs::create_dir_all(site.path("schemas")).unwrap();
        match what {
            "directory" => std::fs::create_dir(&path).unwrap(),
            "pipe" => drop(std::process::Command::new("mkfifo").arg(&path).status().unwrap()),
            _ => {
                std::fs::write(&path, "{}").unwrap();
                std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
                std::fs::set_permissions(site.path("schemas"), std::fs::Permissions::from_mode(0o555))
                    .unwrap();
            }
        }
        let world = site.start_under(WITHOUT_POWERS, &[]);
        println!("a {what} in a contract's place: listens after {:.1} s", world.took.as_secs_f64());
        assert!(world.took < PROMPT * 2, "{what}: {:?}", world.took);
        let said = world.said.all();
        assert!(
            said.contains("contract-unusable: the contract `schemas/good.json` can't be read"),
            "{what}: {said}"
        );
        serves(&world, "good", what).await;
        assert!(std::fs::symlink_metadata(&path).is_ok(), "{what}");
        if what == "unreadable" {
            std::fs::set_permissions(site.path("schemas"), std::fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
}

/// A user may open so few files where nobody raised the limit.
#[tokio::test]
async fn a_low_limit_on_open_files_is_raised() {
    let site = Site::empty();
    site.plugin("good", GOOD);
    let world = site.start_under(&["sh", "-c", "ulimit -S -n 64; exec \"$@\"", "sh"], &[]);
    let open: Vec<_> =
        (0..300).map(|_| std::net::TcpStream::connect(("127.0.0.1", world.port)).unwrap()).collect();
    serves(&world, "good", "with many connections").await;
    drop(open);
}
