//! UFO's agent interaction protocol (AIP) as an environment: this side is the server, an unmodified UFO device client on
//! Windows dials in, and its tools are our functions, with UFO's own ids and names of controls.
//!
//! ```text
//! python -m ufo.client.client --ws --ws-server "ws://HOST:5000/ws?token=TOKEN" --client-id win1 --platform windows
//! ```
//!
//! AIP knows no reset and no reward: an episode begins with a launch command and the choice of a window, and its
//! verdict is `unsure`.

mod application;
mod device;
mod environment;
mod families;
mod functions;
mod hub;
mod line;
mod messages;
mod screen;

pub use application::{AipSettings, UfoAip};
