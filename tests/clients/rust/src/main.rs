//! Crate `rmcp`: one job (see ../../run) → what its client saw, as JSON.

use std::sync::{Arc, Mutex};

use rmcp::model::{CallToolRequestParams, ProgressNotificationParam, ProtocolVersion};
use rmcp::service::{
    ClientLifecycleMode, ClientServiceExt as _, NotificationContext, RoleClient, RunningService,
};
use rmcp::transport::{StreamableHttpClientTransport, TokioChildProcess};
use rmcp::{ClientHandler, ServiceError};
use serde_json::{Map, Value, json};

type Failure = Box<dyn std::error::Error>;

/// Keeps the steps of progress that it is told.
#[derive(Clone, Default)]
struct Listener(Arc<Mutex<Vec<Value>>>);

impl ClientHandler for Listener {
    async fn on_progress(&self, step: ProgressNotificationParam, _: NotificationContext<RoleClient>) {
        self.0.lock().expect("no holder panics").push(json!([step.progress, step.total]));
    }
}

type Client = RunningService<RoleClient, Listener>;

async fn connect(job: &Value) -> Result<Client, Failure> {
    let versions = vec![ProtocolVersion::V_2026_07_28];
    let lifecycle = match job["mode"].as_str() {
        Some("auto") => ClientLifecycleMode::Auto { preferred_versions: versions, legacy_version: None },
        Some("legacy") => ClientLifecycleMode::Initialize,
        _ => ClientLifecycleMode::Discover { preferred_versions: versions },
    };
    if job["transport"] == "http" {
        let url = format!("{}/mcp", job["url"].as_str().ok_or("no url")?);
        let transport = StreamableHttpClientTransport::from_uri(url);
        return Ok(Listener::default().serve_with_lifecycle(transport, lifecycle).await?);
    }
    let words: Vec<String> = serde_json::from_value(job["command"].clone())?;
    let (program, arguments) = words.split_first().ok_or("no command")?;
    let mut command = tokio::process::Command::new(program);
    command.args(arguments);
    Ok(Listener::default().serve_with_lifecycle(TokioChildProcess::new(command)?, lifecycle).await?)
}

async fn call(client: &Client, wanted: &Value) -> Result<Value, Failure> {
    client.service().0.lock().expect("no holder panics").clear();
    let name = wanted["name"].as_str().ok_or("no name")?.to_owned();
    let arguments: Map<String, Value> = serde_json::from_value(wanted["arguments"].clone())?;
    match client.call_tool(CallToolRequestParams::new(name).with_arguments(arguments)).await {
        Ok(result) => {
            let mut result = serde_json::to_value(result)?;
            result["steps"] = client.service().0.lock().expect("no holder panics").clone().into();
            Ok(result)
        }
        Err(ServiceError::McpError(error)) => Ok(json!({"error": error})),
        Err(error) => Err(error.into()),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let job: Value = serde_json::from_str(&std::env::args().nth(1).ok_or("no job")?)?;
    let client = connect(&job).await?;
    let tools = client.list_all_tools().await?;
    let mut calls = Map::new();
    for (key, wanted) in job["calls"].as_object().ok_or("no calls")? {
        calls.insert(key.clone(), call(&client, wanted).await?);
    }
    let info = client.peer_info().ok_or("the server said nothing of itself")?;
    println!(
        "{}",
        json!({
            "revision": info.protocol_version,
            "server": info.server_info.as_ref().map(|server| &server.name),
            "tools": tools,
            "calls": calls,
        })
    );
    client.cancel().await?;
    Ok(())
}
