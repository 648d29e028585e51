//! What commands share that serve something until Ctrl-C: the token, the settings of a page, the wait.

use std::time::Duration;

use lam_http_server::{Access, SiteSettings};
use lam_signal::{Cancel, Failure, Secret};

use crate::args::{PageArgs, TokenArgs};

/// The variable that holds the token where none is named.
const TOKEN: &str = "LAM_SERVE_TOKEN";
/// How often it is looked whether to stop.
const LOOK: Duration = Duration::from_millis(100);

/// The token that was typed, or that a variable holds: the one that was named, or [`TOKEN`].
pub fn token(args: &TokenArgs) -> Result<Option<Secret>, Failure> {
    let empty = |what: String| Failure::config(what).hint("set it to a token, or leave it out");
    match (args.token.as_deref(), args.token_env.as_deref()) {
        (Some(typed), _) => Secret::new(typed).map(Some).ok_or_else(|| empty("`--token` holds no token".to_owned())),
        (None, Some(variable)) => {
            Secret::of_variable(variable).map(Some).ok_or_else(|| empty(format!("`{variable}` holds no token")))
        }
        (None, None) => Ok(Secret::of_variable(TOKEN)),
    }
}

/// How a page is served, on this port where none is named.
pub fn page(args: &PageArgs, port: u16) -> Result<SiteSettings, Failure> {
    let host = args.host.clone().unwrap_or_else(|| Access::default().host);
    let access = Access { host, token: token(&args.token)?, ..Access::default() };
    Ok(SiteSettings { access, port: args.port.unwrap_or(port), ..SiteSettings::default() })
}

/// Waits until somebody asks to stop.
///
/// # Errors
/// A server that is not running any more.
pub fn wait(cancel: &Cancel, is_running: impl Fn() -> bool) -> Result<(), Failure> {
    while !cancel.is_cancelled() {
        if !is_running() {
            return Err(Failure::runtime("the server ended by itself"));
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}
