//! Models over HTTP, asked as OpenAI's clients ask: requests come and go in one batch, answers are streamed as they become
//! certain, what is too much is refused. Reward models score answers beside them. Knows no environment and no stage.
//!
//! ```no_run
//! use lam_serve::{Capacity, ModelPlace, Models, Server, ServerSettings};
//! use lam_signal::NoProgress;
//!
//! let place = ModelPlace { directory: "runs/quickstart/lam4".into(), name: Some("LAM4".into()) };
//! let device = lam_cuda::DeviceChoice::default();
//! let models = Models::load(&[place], Capacity::default(), &|_| None, (device, &NoProgress))?;
//! let server = Server::start(models, ServerSettings::default())?;
//! println!("http://{}/v1", server.address());
//! server.stop();
//! # Ok::<(), lam_signal::Failure>(())
//! ```

mod answering;
mod ask;
mod bodies;
mod calls;
mod engine;
mod error;
mod http;
mod metrics;
mod model;
mod model_thread;
mod prepare;
mod refusal;
mod reward;
mod text;
mod translation;
mod ufo;

pub use engine::{Engine, Loaded};
pub use error::ServeError;
pub use http::{Log, Server, ServerSettings};
pub use metrics::Metrics;
pub use model::{Capacity, ModelPlace, Models, ServedModel};
pub use reward::RewardModel;
