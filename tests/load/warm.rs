//! `tools/call` of plugins that are kept warm against starting the same argv directly from this program.

use std::fmt::Write as _;
use std::process::Command;

use serde_json::{Value, json};

use super::http::{self, Client};
use super::served::{Plugins, Server};
use super::{Wanted, calls, report};

/// What the slow plugin's modules take to be imported, in seconds of processor time.
const IMPORTS: f64 = 0.3;

/// Modules of the standard library that programs use, to begin with.
const STANDARD: &str = "asyncio, concurrent.futures, csv, ctypes, dataclasses, decimal, email.mime.text, http.client, \
    inspect, logging.config, sqlite3, ssl, tarfile, unittest.mock, urllib.request, xml.dom.minidom, zipfile";

pub(crate) fn measure(wanted: &Wanted) {
    let plugins = Plugins::new(2);
    let imports = slow_imports(&plugins, "plugin001");
    let server = Server::with(&wanted.smcp, &plugins, &["--warm"]);
    let programs = [("plugin000", "a small program", 0.35), ("plugin001", "one that imports for long", 0.1)];
    for (plugin, what, aim) in programs {
        let mut client = Client::to(server.port);
        let params =
            json!({"name": format!("{plugin}__command1"), "arguments": {"path": "a.txt", "count": 5}});
        let request = http::request("tools/call", params);
        let answer: Value = serde_json::from_slice(client.ask(&request).unwrap()).unwrap();
        let argv: Vec<String> = serde_json::from_value(answer["result"]["structuredContent"]["argv"].clone())
            .expect("the call's argv");
        wait_until_warm(&server, plugin);
        for callers in [1, 16] {
            let (ours, other, _) = calls::compare(wanted, &server, callers, &request, &argv);
            report::ratio(&format!("{what}, {callers} at a time: median"), "ms", &ours, &other, aim);
        }
    }
    report::figure("processor time of the imports", &[imports * 1000.0], "ms");
}

/// Has a plugin import modules for [`IMPORTS`]; how long that takes it.
fn slow_imports(plugins: &Plugins, plugin: &str) -> f64 {
    let directory = plugins.directory(plugin);
    let program = std::fs::read_to_string(directory.join("cli.py")).unwrap();
    let mut imports = format!("import {STANDARD}\n");
    for n in 0.. {
        std::fs::write(directory.join("cli.py"), format!("{imports}{program}")).unwrap();
        let probe = format!("{imports}import time; print(time.process_time() - began)");
        let began = "import time; began = time.process_time()\n";
        let run = || {
            let mut command = Command::new(&plugins.python);
            command.args(["-c", &format!("{began}{probe}")]).current_dir(&directory);
            let output = command.output().unwrap();
            String::from_utf8(output.stdout).unwrap().trim().parse::<f64>().expect("a time")
        };
        // The first writes the compiled modules.
        run();
        let took = report::median(vec![run(), run(), run()]);
        if took >= IMPORTS {
            return took;
        }
        std::fs::write(directory.join(format!("module{n}.py")), module()).unwrap();
        writeln!(imports, "import module{n}").unwrap();
    }
    unreachable!("each module takes some time")
}

/// A module as a large application has dozens: classes, functions, patterns.
fn module() -> String {
    let mut text = String::from("import re\nfrom dataclasses import dataclass\n");
    for n in 0..20 {
        write!(
            text,
            "\n@dataclass\nclass Thing{n}:\n    name: str = 'x'\n    size: int = {n}\n\n    def double(self):\n        \
             return self.size * 2\n\n\nPATTERN{n} = re.compile(r'(a{n}|b+)[c-z]*\\s+(?P<n{n}>\\d+)')\n\
             TABLE{n} = {{str(i): (i, i + {n}) for i in range(100)}}\n"
        )
        .unwrap();
    }
    text
}

fn wait_until_warm(server: &Server, plugin: &str) {
    let began = std::time::Instant::now();
    loop {
        let request = http::request("tools/call", json!({"name": "health", "arguments": {}}));
        let health: Value = serde_json::from_slice(Client::to(server.port).ask(&request).unwrap()).unwrap();
        let states = health["result"]["structuredContent"]["plugin_states"].as_array().expect("states");
        let warm = &states.iter().find(|state| state["name"] == plugin).expect("the plugin")["warm"];
        if warm == "ready" {
            return;
        }
        assert!(began.elapsed().as_secs() < 60, "{plugin}: {warm}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}
