//! `export`: one kind of export of one model directory.

use lam_export::{ExportConfig, ExportInputs, Kind, Sources};
use lam_signal::Failure;

use super::next;
use super::room::make_room;
use crate::args::{ExportArgs, ExportKind};
use crate::output::Output;

/// Writes it, reloads it, compares it.
pub fn export(args: &ExportArgs, output: &Output) -> Result<(), Failure> {
    let kind = match args.kind {
        ExportKind::Adapter => Kind::Adapter,
        ExportKind::Merged => Kind::Merged,
        ExportKind::Reward => Kind::Reward,
    };
    make_room(&args.output_dir, Some(&args.model), args.force)?;
    let found = Sources::find(&args.model)?;
    let (stage, sources) = match &args.adapter {
        Some(adapter) => (adapter, found.under(adapter)),
        None => (&args.model, found),
    };
    let inputs = ExportInputs { stage, sources, evaluations: &[] };
    let record = lam_export::export(kind, &inputs, &args.output_dir, &ExportConfig::default())?;
    output.line(&format!("wrote {}", args.output_dir.display()));
    for check in &record.checks {
        output.line(&format!("  {}: largest difference of two logits {:.2e}", check.what, check.max_abs_difference));
    }
    output.next(&next::after_export(&args.output_dir, &args.model, args.kind));
    output.value(&record)
}
