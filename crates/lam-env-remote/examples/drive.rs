//! Drives an OpenEnv server that speaks our actions and observations: actions as JSON lines on stdin, what comes of
//! them as JSON lines on stdout, the verdict last.
//!
//!     cargo run --release -p lam-env-remote --example drive -- ws://HOST:PORT/ws SEED < ACTIONS
//!
//! The token comes from `LAM_REMOTE_TOKEN`.

use std::error::Error;
use std::io::BufRead;

use lam_env::{Application, TaskQuery};
use lam_env_remote::{ClientSettings, Remote};
use lam_signal::Secret;
use lam_types::{Action, Split};
use serde_json::json;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().ok_or("no address\nhint: drive ws://HOST:PORT/ws SEED < ACTIONS")?;
    let seed = arguments.next().map_or(Ok(1), |seed| seed.parse())?;
    let settings = ClientSettings { token: Secret::of_variable("LAM_REMOTE_TOKEN"), ..ClientSettings::default() };
    let remote = Remote::connect(&address, settings)?;
    println!("{}", json!({"environment": remote.environment(), "version": remote.version()}));
    let query = TaskQuery { split: Split::Test, phrasing: None, families: Vec::new(), count: 1, seed };
    let task = remote.tasks(&query)?.into_iter().next().ok_or("the server drew no task")?;
    let mut environment = remote.open()?;
    println!("{}", json!({"task": task, "screen": environment.reset(&task)?}));
    for line in std::io::stdin().lock().lines() {
        let action: Action = serde_json::from_str(&line?)?;
        let outcome = environment.act(&action)?;
        println!("{}", json!({"status": outcome.status, "message": outcome.message, "screen": outcome.observation}));
        if environment.has_ended() {
            break;
        }
    }
    println!("{}", json!({"verdict": environment.verify()?}));
    Ok(())
}
