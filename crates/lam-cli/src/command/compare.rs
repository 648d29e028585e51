//! `compare`: runs beside each other.

use lam_signal::Failure;

use super::next;
use crate::args::CompareArgs;
use crate::output::Output;

/// Prints what differs, and writes the page if one is wanted.
pub fn compare(args: &CompareArgs, output: &Output) -> Result<(), Failure> {
    let comparison = lam_report::compare(&args.runs)?;
    if let Some(file) = &args.html {
        lam_store::write_atomic(file, comparison.to_html().as_bytes())?;
    }
    output.line(comparison.to_text().trim_end());
    if let Some(file) = &args.html {
        output.line(&format!("\npage: {}", file.display()));
    }
    output.next(&next::report(&args.runs[0]));
    output.value(&comparison)
}
