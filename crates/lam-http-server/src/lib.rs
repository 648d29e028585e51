//! A server over HTTP/1.1: who may ask, connections with time limits and seats, an end in order.
//!
//! [`Access`] says who may ask: everybody on this machine, and who shows the token; in a browser, pages of other servers
//! that are named. [`Door`] lets connections in and ends those that send or take nothing; a route may go over to
//! WebSocket. [`read_body`] takes what a request brings, within limits. [`HttpServer`] is the life of a server around it:
//! threads of its own, and an end that waits for what is under
//! way. [`Site`] is a whole server of pages. Knows no route and no page.
//!
//! ```
//! use axum::Router;
//! use axum::routing::get;
//! use lam_http_server::{Site, SiteSettings};
//!
//! let router = Router::new().route("/", get(|| async { "here" }));
//! let site = Site::start(SiteSettings { port: 0, ..SiteSettings::default() }, router)?;
//! assert!(site.address().ip().is_loopback() && site.is_running());
//! site.stop();
//! # Ok::<(), lam_http_server::ServerError>(())
//! ```

mod access;
mod body;
mod connection;
mod door;
mod error;
mod origin;
mod page;
mod server;
mod site;

pub use access::{Access, Denied};
pub use body::{BodyError, read_body};
pub use door::Door;
pub use error::ServerError;
pub use origin::share_with;
pub use page::{html, json};
pub use server::{HttpServer, ServerThreads};
pub use site::{Site, SiteSettings};
