//! The page for people: its files, and what it shows that MCP does not carry.
//!
//! Plugins and help pages → files and data that can be serialised. Pure; knows neither HTTP nor JSON-RPC, the page itself
//! speaks MCP. Nothing of a plugin is ever in the files: the page's script puts it in place as text.

mod view;

pub use view::{Argv, Pages, Plugins, Refused, ToolView, argv, plugins, tool};

/// A file of the page.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Where it is served.
    pub path: &'static str,
    /// Its `Content-Type`.
    pub kind: &'static str,
    /// Its text.
    pub text: &'static str,
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Every file of the page, the page first. They are the same for everyone who asks.
pub const ASSETS: [Asset; 9] = [
    Asset { path: "/", kind: "text/html; charset=utf-8", text: include_str!("page/index.html") },
    Asset { path: "/page/page.css", kind: "text/css; charset=utf-8", text: include_str!("page/page.css") },
    Asset { path: "/page/app.js", kind: SCRIPT, text: include_str!("page/app.js") },
    Asset { path: "/page/ask.js", kind: SCRIPT, text: include_str!("page/ask.js") },
    Asset { path: "/page/dom.js", kind: SCRIPT, text: include_str!("page/dom.js") },
    Asset { path: "/page/form.js", kind: SCRIPT, text: include_str!("page/form.js") },
    Asset { path: "/page/help.js", kind: SCRIPT, text: include_str!("page/help.js") },
    Asset { path: "/page/server.js", kind: SCRIPT, text: include_str!("page/server.js") },
    Asset { path: "/page/tool.js", kind: SCRIPT, text: include_str!("page/tool.js") },
];

/// The file at a path.
pub fn asset(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path == path)
}

/// What a browser may do with the page: run and show its own files and talk to this server; show the images and
/// sounds that are in results. No script or style within the HTML, no frame around it, and no text that becomes markup.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self'; img-src 'self' data:; media-src data:; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
