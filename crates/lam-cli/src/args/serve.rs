//! Arguments of `serve`, and of commands that serve a page.

use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{Args, Subcommand};
use lam_inference::Dtype;

/// What can be served.
#[derive(Subcommand)]
pub enum ServeCommand {
    /// Serve an environment over OpenEnv's WebSocket protocol: each connection is a session with its own instance.
    Env(ServeEnvArgs),
    /// Serve models over OpenAI's HTTP protocol (/v1/chat/completions and its like; reward models at /v1/rewards), with
    /// a page at /.
    Model(ServeModelArgs),
}

/// What clients must show, for every command that serves.
#[derive(Args)]
pub struct TokenArgs {
    /// Token that clients must show, for which a browser asks as a password; in a variable it is seen by nobody who lists
    /// processes.
    #[arg(long, value_name = "TOKEN", conflicts_with = "token_env")]
    pub token: Option<String>,
    /// Environment variable that holds the token (default: LAM_SERVE_TOKEN, where that is set).
    #[arg(long, value_name = "NAME")]
    pub token_env: Option<String>,
}

/// Arguments of `serve model`.
#[derive(Args)]
pub struct ServeModelArgs {
    /// Model directories (reward models too), adapters that name their base, GGUF files, or a run, whose last model is
    /// served; NAME=DIR gives one another name.
    #[arg(value_name = "[NAME=]DIR | RUN", required = true)]
    pub models: Vec<String>,
    /// Address to listen on; one that others can reach needs a token.
    #[arg(long, default_value = "127.0.0.1")]
    pub host: String,
    /// Port to listen on; 0 for any that is free.
    #[arg(long, default_value_t = 8000)]
    pub port: u16,
    #[command(flatten)]
    pub token: TokenArgs,
    /// Let pages of this origin, such as http://localhost:3000, ask from a browser; once for each (default: none but the
    /// server's own).
    #[arg(long, value_name = "ORIGIN")]
    pub allow_origin: Vec<String>,
    /// Keep answers to App. C's question, and to UFO's, executable: its controls, its functions.
    #[arg(long)]
    pub executable: bool,
    /// Serve the reward models of the runs that are named too.
    #[arg(long)]
    pub with_reward: bool,
    /// Part of the title of the window to which UFO's requests are assigned (default: the one whose title they name).
    #[arg(long, value_name = "TITLE", allow_hyphen_values = true)]
    pub application: Option<String>,
    /// Answers in the making at once, for each base model.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = RangedU64ValueParser::<usize>::new().range(1..=1024))]
    pub slots: usize,
    /// Requests that may wait beside them; more are refused with 429.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = RangedU64ValueParser::<usize>::new().range(..=100_000))]
    pub queue: usize,
    /// Most tokens of a prompt and its answer together; the model's own limit holds too.
    #[arg(long, value_name = "N", default_value_t = 8192, value_parser = RangedU64ValueParser::<usize>::new().range(2..=16_777_216))]
    pub max_context: usize,
    /// Numbers that answers are generated in: auto (those in which the weights lie), float32 or bfloat16; on a GPU always
    /// bfloat16.
    #[arg(long, value_name = "DTYPE", default_value_t = Dtype::Auto)]
    pub dtype: Dtype,
    /// Largest body of a request.
    #[arg(long, value_name = "MIB", default_value_t = 4, value_parser = RangedU64ValueParser::<usize>::new().range(1..=1024))]
    pub max_body_mib: usize,
    /// Seconds that an answer may take, its wait among them.
    #[arg(long, value_name = "S", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub answer_timeout_s: u64,
    /// Seconds that a client may take to send a request, and to take what is sent to it.
    #[arg(long, value_name = "S", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub client_timeout_s: u64,
    /// Seconds that answers in the making may go on once the server is to stop.
    #[arg(long, value_name = "S", default_value_t = 30, value_parser = clap::value_parser!(u64).range(..=3600))]
    pub grace_s: u64,
}

/// Arguments of `serve env`.
#[derive(Args)]
pub struct ServeEnvArgs {
    /// Environment to serve.
    #[arg(long = "env", default_value = "sim")]
    pub environment: String,
    /// Address to listen on; one that others can reach needs a token.
    #[arg(long, default_value = "127.0.0.1")]
    pub host: String,
    /// Port to listen on; 0 for any that is free.
    #[arg(long, default_value_t = 8000)]
    pub port: u16,
    #[command(flatten)]
    pub token: TokenArgs,
    /// Sessions at once (default: the instances the environment runs at once, or 8).
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=4096))]
    pub max_sessions: Option<usize>,
    /// Largest message.
    #[arg(long, value_name = "MIB", default_value_t = 16, value_parser = RangedU64ValueParser::<usize>::new().range(1..=1024))]
    pub max_message_mib: usize,
    /// Actions after which an episode is cut off.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_steps: u32,
    /// Seconds without a message after which a session ends.
    #[arg(long, value_name = "S", default_value_t = 1800, value_parser = clap::value_parser!(u64).range(1..))]
    pub idle_timeout_s: u64,
}

/// Where a page is served, and to whom.
#[derive(Args)]
pub struct PageArgs {
    /// Address to listen on; one that others can reach needs a token (default: 127.0.0.1).
    #[arg(long)]
    pub host: Option<String>,
    /// Port to listen on; 0 for any that is free (default: 8001 for `watch`, 8002 for `act --web`).
    #[arg(long)]
    pub port: Option<u16>,
    #[command(flatten)]
    pub token: TokenArgs,
}

impl PageArgs {
    /// The first option that was given, if any was.
    pub fn given(&self) -> Option<&'static str> {
        let options = [
            ("--host", self.host.is_some()),
            ("--port", self.port.is_some()),
            ("--token", self.token.token.is_some()),
            ("--token-env", self.token.token_env.is_some()),
        ];
        options.into_iter().find(|(_, is_given)| *is_given).map(|(name, _)| name)
    }
}

/// Arguments of `watch`.
#[derive(Args)]
pub struct WatchArgs {
    /// A run directory, such as runs/quickstart; the run may be under way, or over.
    pub run: PathBuf,
    #[command(flatten)]
    pub page: PageArgs,
}
