//! `watch`: the report of a run while it goes on, in a browser.

use lam_report::Watch;
use lam_signal::{Cancel, Failure};
use serde_json::json;

use super::site::{page, wait};
use crate::args::WatchArgs;
use crate::interrupt::stop_on_interrupt;
use crate::output::Output;

/// Where the page is served, unless another port is named.
const PORT: u16 = 8001;

/// Serves the page until Ctrl-C.
pub fn watch(args: &WatchArgs, output: &Output) -> Result<(), Failure> {
    let cancel = Cancel::default();
    stop_on_interrupt(&cancel)?;
    let watch = Watch::start(&args.run, page(&args.page, PORT)?)?;
    let url = format!("http://{}/", watch.address());
    output.line(&format!("{} at {url}; Ctrl-C stops", args.run.display()));
    output.value(&json!({ "run": args.run, "page": url }))?;
    wait(&cancel, || watch.is_running())
}
