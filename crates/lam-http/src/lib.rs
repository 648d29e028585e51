//! Requests over HTTP as the machine is set up: whom to trust, which proxy to take, how long to wait.
//!
//! Endpoints and hubs are asked through one [`Client`]. It reads the variables that curl reads (`https_proxy`,
//! `no_proxy`, `SSL_CERT_FILE`, …), gives a key to nobody but the host it is meant for, ends at once when the work is
//! asked to stop, and understands how servers ask for patience. Knows no endpoint, no hub and no JSON.
//!
//! ```
//! use std::time::Duration;
//!
//! use lam_http::{Client, Request, Timeouts};
//! use lam_signal::Cancel;
//!
//! let client = Client::new(Timeouts::silence(Duration::from_secs(5)));
//! let error = client.send(&Request::get("http://127.0.0.1:1/"), &Cancel::default()).err();
//! assert!(error.is_some_and(|error| error.to_string().contains("127.0.0.1:1")));
//! ```

mod address;
mod authorities;
mod client;
mod error;
mod exchange;
mod forward;
mod patience;
mod proxies;
mod request;
mod tls;
mod told;

pub use address::{AddressFault, address};
pub use client::{Client, Timeouts, Variables};
pub use error::HttpError;
pub use exchange::{Body, Reply};
pub use patience::{Impatience, Patience, Wait, asked_wait};
pub use request::{Open, Request, Upload};
pub use told::{plain, unsigned};
