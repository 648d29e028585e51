//! One registered device: commands out, results in by their ids, whatever comes in between. Knows no window and no task.

use std::time::{Duration, Instant};

use lam_signal::{Details, Fault, FaultKind};
use serde_json::{Map, Value};

use super::line::Line;
use super::messages::{ClientMessage, Command, ServerMessage, ToolResult, ToolStatus};
use crate::link::LinkError;

/// How long a device may take to say that it begins a task; clients that never say so take commands all the same.
const TASK_BEGINS: Duration = Duration::from_secs(5);

/// Whose tools are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agent {
    /// Windows and launching.
    Host,
    /// The controls of the chosen window.
    App,
}

impl Agent {
    fn as_str(self) -> &'static str {
        match self {
            Agent::Host => "HostAgent",
            Agent::App => "AppAgent",
        }
    }
}

/// A call of a tool.
pub struct Tool {
    /// Its name on the device.
    pub name: &'static str,
    /// Whether it only looks.
    pub is_data: bool,
    /// Its arguments.
    pub parameters: Map<String, Value>,
}

impl Tool {
    /// A tool that acts.
    pub fn action(name: &'static str, parameters: Value) -> Self {
        Self { name, is_data: false, parameters: map(parameters) }
    }

    /// A tool that looks.
    pub fn data(name: &'static str, parameters: Value) -> Self {
        Self { name, is_data: true, parameters: map(parameters) }
    }
}

fn map(parameters: Value) -> Map<String, Value> {
    parameters.as_object().cloned().unwrap_or_default()
}

/// The window that commands are meant for.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// Its title.
    pub title: String,
    /// Its program, as the device says it.
    pub program: String,
}

/// Why a call has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// The device is gone.
    Lost(String, LinkError),
    /// It takes too long, or does not know the tool: then a client says nothing.
    Late {
        /// Its name.
        device: String,
        /// The tool.
        tool: &'static str,
        /// The time it had.
        limit: Duration,
    },
    /// The tool failed, in the device's words.
    Failed(String),
}

impl Fault for DeviceError {
    fn kind(&self) -> FaultKind {
        FaultKind::Runtime
    }

    fn details(&self) -> Details {
        match self {
            Self::Lost(device, error) => error.details().at(format!("device `{device}` is lost")),
            Self::Late { device, tool, limit } => {
                let limit = limit.as_secs_f32();
                Details::new(format!("device `{device}` gave no result of `{tool}` within {limit} s"))
            }
            Self::Failed(words) => Details::new(words),
        }
    }
}

lam_signal::display_details!(DeviceError);

/// A registered device.
pub struct Device {
    name: String,
    line: Line,
    call_timeout: Duration,
    session: Option<String>,
    calls: u64,
    /// Whether an earlier call was lost: what it still does would meet the next episode.
    broken: bool,
}

impl Device {
    /// A device that has registered under this name.
    pub fn new(name: String, line: Line, call_timeout: Duration) -> Self {
        Self { name, line, call_timeout, session: None, calls: 0, broken: false }
    }

    /// Whether another episode can be played on it.
    pub fn is_usable(&self) -> bool {
        !self.broken && self.line.is_open()
    }

    /// Begins an episode. Older clients take commands only within a task that they were given.
    pub fn begin(&mut self, name: &str, request: &str) -> Result<(), DeviceError> {
        self.end();
        self.calls += 1;
        let session = format!("lam-{}", self.calls);
        self.session = Some(session.clone());
        let task = ServerMessage {
            kind: "task",
            status: "continue",
            session_id: Some(session.clone()),
            response_id: Some(session),
            user_request: Some(request.to_owned()),
            task_name: Some(name.to_owned()),
            ..ServerMessage::default()
        };
        self.send(&task)?;
        self.wait(TASK_BEGINS, |message| (message.kind == "task").then_some(())).map(drop)
    }

    /// Ends the episode, if there is one.
    pub fn end(&mut self) {
        let Some(session) = self.session.take() else { return };
        let over = ServerMessage {
            kind: "task_end",
            status: "completed",
            session_id: Some(session),
            ..ServerMessage::default()
        };
        // A device that is gone needs no goodbye.
        let _ = self.send(&over);
    }

    /// Calls a tool and takes its result.
    ///
    /// # Errors
    /// A tool that fails, a device that is gone or silent.
    pub fn call(&mut self, agent: Agent, window: &Window, tool: Tool) -> Result<Value, DeviceError> {
        self.calls += 1;
        let (call_id, response_id) = (format!("call-{}", self.calls), format!("response-{}", self.calls));
        let name = tool.name;
        let tool_type = if tool.is_data { "data_collection" } else { "action" };
        let command = Command { tool_name: name, tool_type, parameters: tool.parameters, call_id: call_id.clone() };
        let told = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let message = ServerMessage {
            kind: "command",
            status: "continue",
            session_id: self.session.clone(),
            response_id: Some(response_id),
            agent_name: Some(agent.as_str()),
            process_name: told(&window.title),
            root_name: told(&window.program),
            actions: vec![command],
            ..ServerMessage::default()
        };
        self.send(&message)?;
        // Results of calls that were given up may come first, and in any order.
        let ours = |message: ClientMessage| {
            message.action_results.into_iter().flatten().find(|result| result.call_id.as_deref() == Some(&call_id))
        };
        match self.wait(self.call_timeout, ours)? {
            Some(result) => outcome(name, result),
            None => {
                self.broken = true;
                Err(DeviceError::Late { device: self.name.clone(), tool: name, limit: self.call_timeout })
            }
        }
    }

    /// The first message that `take` takes; others mean nothing.
    fn wait<T>(
        &mut self,
        longest: Duration,
        take: impl Fn(ClientMessage) -> Option<T>,
    ) -> Result<Option<T>, DeviceError> {
        let until = Instant::now() + longest;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let text = self.line.receive(left).map_err(|error| DeviceError::Lost(self.name.clone(), error))?;
            let Some(text) = text else { return Ok(None) };
            if let Some(taken) = serde_json::from_str(&text).ok().and_then(&take) {
                return Ok(Some(taken));
            }
        }
    }

    fn send(&mut self, message: &ServerMessage) -> Result<(), DeviceError> {
        let text = serde_json::to_string(message).expect("a message of strings and JSON serialises");
        self.line.forget();
        self.line.send(text).map_err(|error| DeviceError::Lost(self.name.clone(), error))
    }
}

/// Heartbeats are answered at once, whether or not a tool is waited for.
pub fn at_once(text: &str) -> Option<String> {
    let message: ClientMessage = serde_json::from_str(text).ok()?;
    (message.kind == "heartbeat").then(|| heartbeat(None))
}

/// The sign of life; with a name it also confirms a registration.
pub fn heartbeat(response_id: Option<&str>) -> String {
    let response_id = response_id.map(str::to_owned);
    let message = ServerMessage { kind: "heartbeat", status: "ok", response_id, ..ServerMessage::default() };
    serde_json::to_string(&message).expect("a message of strings serialises")
}

fn outcome(tool: &str, result: ToolResult) -> Result<Value, DeviceError> {
    let why = result.error.filter(|error| !error.is_empty());
    match result.status {
        ToolStatus::Success => Ok(result.result),
        ToolStatus::Failure => Err(DeviceError::Failed(why.unwrap_or_else(|| format!("{tool} failed")))),
        ToolStatus::Skipped => Err(DeviceError::Failed(why.unwrap_or_else(|| format!("{tool} was skipped")))),
        ToolStatus::None => Err(DeviceError::Failed(why.unwrap_or_else(|| format!("{tool} told no outcome")))),
    }
}
