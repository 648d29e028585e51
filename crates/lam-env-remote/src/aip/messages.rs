//! AIP's messages, as far as an environment needs them: field names are UFO's (`aip/messages.py`).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A message from a device. Fields that mean nothing here are let through: clients differ in them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ClientMessage {
    /// `register`, `heartbeat`, `task`, `command_results`, `error`, `task_end`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// `device` or `constellation`.
    pub client_type: Option<String>,
    /// The device's own name.
    pub client_id: Option<String>,
    /// What came of commands.
    pub action_results: Option<Vec<ToolResult>>,
    /// What failed on the device.
    pub error: Option<String>,
}

/// What came of one command.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ToolResult {
    /// How it went.
    pub status: ToolStatus,
    /// Why not.
    #[serde(default)]
    pub error: Option<String>,
    /// What the tool gave.
    #[serde(default)]
    pub result: Value,
    /// Whose result it is.
    #[serde(default)]
    pub call_id: Option<String>,
}

/// How a command went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolStatus {
    /// Carried out.
    Success,
    /// The tool failed.
    Failure,
    /// Left out, because an earlier one of the same message failed.
    Skipped,
    /// Not told.
    None,
}

/// A message to a device.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ServerMessage {
    /// `heartbeat`, `task`, `command`, `task_end` or `error`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `ok`, `continue`, `completed`, `failed` or `error`.
    pub status: &'static str,
    /// The episode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Name under which results refer to this message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_id: Option<String>,
    /// What is asked of the device, with `task`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_request: Option<String>,
    /// Name of the task, with `task`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_name: Option<String>,
    /// Whose tools are meant: `HostAgent` or `AppAgent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_name: Option<&'static str>,
    /// Title of the window in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process_name: Option<String>,
    /// Program of that window, such as `WINWORD.EXE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_name: Option<String>,
    /// The commands.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Command>,
    /// Why a device is turned away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A call of one of the device's tools.
#[derive(Clone, Debug, Serialize)]
pub struct Command {
    /// Such as `click_input`.
    pub tool_name: &'static str,
    /// `action` or `data_collection`.
    pub tool_type: &'static str,
    /// Its arguments.
    pub parameters: Map<String, Value>,
    /// Name under which its result comes.
    pub call_id: String,
}
