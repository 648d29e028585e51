//! `export`: one kind of export of one model directory.

use lam_export::{ExportConfig, ExportInputs, GgufType, Kind, Sources, evaluations_of};
use lam_signal::Failure;

use super::list::refuse_run;
use super::next;
use super::room::make_room;
use crate::args::{ExportArgs, ExportKind, GgufTypeArg};
use crate::output::Output;

/// Writes it, reloads it, compares it.
pub fn export(args: &ExportArgs, output: &Output) -> Result<(), Failure> {
    let kind = match args.kind {
        ExportKind::Adapter => Kind::Adapter,
        ExportKind::Merged => Kind::Merged,
        ExportKind::Reward => Kind::Reward,
        ExportKind::Gguf => Kind::Gguf,
    };
    if args.gguf_type.is_some() && kind != Kind::Gguf {
        let what = format!("`--type` says how a GGUF file is stored, and {} is none", kind.as_str());
        return Err(Failure::config(what).hint("leave it out, or export `gguf`"));
    }
    let gguf_type = match args.gguf_type {
        None | Some(GgufTypeArg::F16) => GgufType::F16,
        Some(GgufTypeArg::Q8) => GgufType::Q8,
        Some(GgufTypeArg::Q4K) => GgufType::Q4K,
    };
    let license = args.license.clone().unwrap_or_default();
    let config = ExportConfig { gguf_type, license, ..ExportConfig::default() };
    // A run's reward model is found where it is the run that is named; of other models there are several.
    if kind != Kind::Reward {
        refuse_run(&args.model)?;
    }
    make_room(&args.output_dir, Some(&args.model), args.force)?;
    let found = Sources::find(&args.model)?;
    let (stage, sources) = match &args.adapter {
        Some(adapter) => (adapter, found.under(adapter)),
        None => (&args.model, found),
    };
    let evaluations = evaluations_of(stage)?;
    let inputs = ExportInputs { stage, sources, evaluations: &evaluations };
    let record = lam_export::export(kind, &inputs, &args.output_dir, &config)?;
    output.line(&format!("wrote {}", args.output_dir.display()));
    for check in &record.checks {
        output.line(&format!("  {}: largest difference of two logits {:.2e}", check.what, check.max_abs_difference));
    }
    for note in &record.notes {
        output.line(&format!("  note: {note}"));
    }
    output.next(&next::after_export(&args.output_dir, &args.model, args.kind));
    output.value(&record)
}
