//! The command that somebody is likely to want next, as it would be typed.

use std::borrow::Cow;
use std::path::Path;

use lam_pipeline::{JOURNAL_FILE, Pipeline, RUNS_DIR, RunOptions, StageSpec, StageState, Status};

use crate::args::{ExportKind, ListCommand, PipelineArgs};
use crate::embedded;
use crate::registry::LAST_FIRST;

/// After a run: the last model that it has made, at a task.
pub fn after_run(pipeline: &Pipeline, run_dir: &Path, name_of: &dyn Fn(&str) -> Option<&'static str>) -> String {
    let stage_of = |name: &&str| pipeline.stages.iter().find(|stage| name_of(&stage.kind) == Some(*name));
    let is_made = |stage: &&StageSpec| run_dir.join(&stage.id).join(lam_store::MANIFEST_FILE).is_file();
    let model = LAST_FIRST.iter().filter_map(stage_of).find(is_made).filter(|_| pipeline.seeds.len() == 1);
    match model {
        Some(stage) => act(&run_dir.join(&stage.id), environment(pipeline)),
        None => report(run_dir),
    }
}

/// The environment that a pipeline is about: where its models are evaluated, else where its data come from.
fn environment(pipeline: &Pipeline) -> &str {
    let mut stages = pipeline.stages.iter().rev();
    let named = stages.find_map(|stage| lam_config::value_at(stage.config.table(), "environment"));
    named.and_then(|name| name.as_str()).unwrap_or("sim")
}

/// A model at a task.
pub fn act(model: &Path, environment: &str) -> String {
    let application = environment.strip_prefix("desktop:").map(|name| format!("desktop --app {}", word(name)));
    format!("lam-train act --model {} --env {}", path(model), application.unwrap_or_else(|| word(environment).into()))
}

/// A run of what was planned, with the same settings.
pub fn run(args: &PipelineArgs) -> String {
    format!("lam-train run {}", pipeline(args))
}

/// After a plan: the same part of it, run.
pub fn run_part(args: &PipelineArgs, options: &RunOptions) -> String {
    let mut text = run(args);
    for (flag, stage) in [("--from", &options.from), ("--until", &options.until), ("--only", &options.only)] {
        if let Some(stage) = stage {
            text.push_str(&format!(" {flag} {}", word(stage)));
        }
    }
    if !options.reuse {
        text.push_str(" --no-reuse");
    }
    text
}

/// What was typed of a pipeline.
fn pipeline(args: &PipelineArgs) -> String {
    let mut text = word(&args.pipeline).into_owned();
    for set in &args.set {
        text.push_str(&format!(" --set {}", word(set)));
    }
    if args.runs_dir != Path::new(RUNS_DIR) {
        text.push_str(&format!(" --runs-dir {}", path(&args.runs_dir)));
    }
    text
}

/// After a look at a graph.
pub fn plan(args: &PipelineArgs) -> String {
    format!("lam-train plan {}", pipeline(args))
}

/// After a look at where a run stands: the run itself while it is not done, else its report.
pub fn after_status(args: &PipelineArgs, run_dir: &Path, status: &Status) -> String {
    let is_done = status.stages.iter().all(|stage| stage.state == StageState::Done);
    let is_directory = embedded::run_directory(&args.pipeline).is_some();
    match (is_done || is_directory, status.running) {
        (_, true) => format!("lam-train status {}", pipeline(args)),
        (true, false) => report(run_dir),
        (false, false) => run(args),
    }
}

/// After training that Weights & Biases is told of: the upload of what has not been uploaded, by its own client.
pub fn sync_wandb(run_dir: &Path) -> Option<String> {
    let folder = lam_pipeline::wandb_runs_to_sync(run_dir)?;
    Some(format!("wandb sync {}/offline-run-*", path(&folder)))
}

/// Where the run stands that something lies in, if it lies in one.
pub fn status_around(artifact: &Path) -> Option<String> {
    let run = artifact.ancestors().skip(1).find(|folder| folder.join(JOURNAL_FILE).is_file())?;
    Some(format!("lam-train status {}", path(run)))
}

/// The report of a run.
pub fn report(run_dir: &Path) -> String {
    format!("lam-train report {}", path(run_dir))
}

/// After a report: another run beside it.
pub fn compare(run_dir: &Path) -> String {
    format!("lam-train compare {} OTHER_RUN", path(run_dir))
}

/// After a phase on its own: what its model is tried with.
pub fn after_phase(number: u8, output_dir: &Path) -> String {
    let model = path(&output_dir.join(format!("lam{number}"))).into_owned();
    match number {
        1 => format!("lam-train phase2 -c phase2 --model {model} --data TRAJECTORIES.parquet"),
        _ => format!("lam-train eval online --model {model} --output-dir {}", path(output_dir)),
    }
}

/// After data were made: whether they can be trained on.
pub fn check_data(data: &Path) -> String {
    format!("lam-train data check {}", path(data))
}

/// After data were checked: what a model is trained on in them.
pub fn preview_data(data: &Path, model: Option<&Path>) -> String {
    format!("lam-train data preview {} --model {}", path(data), model.map_or("MODEL".into(), path))
}

/// After data were seen: training on them.
pub fn train(data: &Path, model: &Path) -> String {
    format!("lam-train phase2 -c phase2 --model {} --data {}", path(model), path(data))
}

/// After rows were shown: their number and kinds.
pub fn data_stats(data: &Path) -> String {
    format!("lam-train data stats {}", path(data))
}

/// After a model was made or fetched.
pub fn inspect(model: &Path) -> String {
    format!("lam-train model inspect {}", path(model))
}

/// After a look into a model: the method with it as the base.
pub fn run_from(model: &str) -> String {
    format!("lam-train run quickstart --set {}", word(&format!("base.model_name_or_path={model}")))
}

/// After an export: the model asked over HTTP; a reward model answers nothing.
pub fn after_export(directory: &Path, source: &Path, kind: ExportKind) -> String {
    match kind {
        ExportKind::Merged | ExportKind::Gguf => format!("lam-train serve model {}", path(directory)),
        ExportKind::Adapter => format!("lam-train export merged --model {} --output-dir MERGED", path(source)),
        ExportKind::Reward => format!("lam-train lineage {}", path(source)),
    }
}

/// What is in a run.
pub fn status_of(run: &str) -> String {
    format!("lam-train status {}", word(run))
}

/// After an episode: many of them, in the same environment.
pub fn evaluate(model: &str, environment: &str) -> String {
    let setting = match environment {
        "sim" => String::new(),
        other => format!(" --set {}", word(&format!("environment={other}"))),
    };
    match (model, environment) {
        ("expert", "sim") => "lam-train run quickstart".to_owned(),
        ("expert", other) => format!("lam-train data collect --set {}", word(&format!("environment={other}"))),
        (model, _) => format!("lam-train eval online --model {}{setting}", word(model)),
    }
}

/// After a list: something that is done with an item of it.
pub fn after_list(command: &ListCommand, first: Option<&str>) -> String {
    match (command, first) {
        (ListCommand::Environments, _) => "lam-train list families --env sim".to_owned(),
        (ListCommand::Families { environment }, Some(family)) => {
            format!("lam-train act --env {} --family {family}", environment.as_deref().map_or("sim".into(), word))
        }
        (ListCommand::Models { .. }, first) => {
            format!("lam-train model init {} --output-dir MODEL", first.map_or("SHAPE".into(), word))
        }
        (ListCommand::Formats, _) => "lam-train data import FORMAT PATH".to_owned(),
        (ListCommand::Configs, _) => "lam-train config show phase2".to_owned(),
        (ListCommand::Pipelines | ListCommand::Families { .. }, _) => "lam-train plan quickstart".to_owned(),
    }
}

/// After manual pages were written.
pub fn read_manual(page: &Path) -> String {
    format!("man -l {}", path(page))
}

/// A path as a shell takes it for one word.
pub fn path(path: &Path) -> Cow<'_, str> {
    match path.to_string_lossy() {
        Cow::Borrowed(text) => word(text),
        Cow::Owned(text) => Cow::Owned(word(&text).into_owned()),
    }
}

/// Text as a shell takes it for one word.
pub fn word(text: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_alphanumeric() || "/-._=:,@%+".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => Cow::Borrowed(text),
        false => Cow::Owned(format!("'{}'", text.replace('\'', r"'\''"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(pipeline: &str, set: &[&str]) -> PipelineArgs {
        let set = set.iter().map(|set| (*set).to_owned()).collect();
        PipelineArgs { pipeline: pipeline.to_owned(), set, runs_dir: RUNS_DIR.into() }
    }

    #[test]
    fn commands_can_be_typed_as_they_stand() {
        let typed = args("my pipeline.toml", &["seeds=[1, 2]", "lam2.train.learning_rate=1e-3"]);
        let expected = "lam-train run 'my pipeline.toml' --set 'seeds=[1, 2]' --set lam2.train.learning_rate=1e-3";
        assert_eq!(run(&typed), expected);
        assert_eq!(report(Path::new("it's")), r"lam-train report 'it'\''s'");
    }

    #[test]
    fn runs_are_uploaded_where_there_are_some() {
        let place = tempfile::tempdir().expect("a directory");
        assert_eq!(sync_wandb(place.path()), None);
        let run = place.path().join("trackers/wandb/offline-run-20261130_120000-lam2");
        std::fs::create_dir_all(&run).expect("writable");
        std::fs::write(run.join("run-lam2.wandb"), "").expect("writable");
        let folder = place.path().join("trackers/wandb");
        assert_eq!(sync_wandb(place.path()), Some(format!("wandb sync {}/offline-run-*", folder.display())));
    }

    #[test]
    fn the_last_model_is_tried_where_it_was_evaluated() {
        let text = "name = \"p\"\n[[stage]]\nname = \"lam2\"\nkind = \"phase2\"\n[[stage]]\nname = \"e\"\n\
                    kind = \"eval.online\"\nset = { environment = \"desktop:writer\" }\n";
        let pipeline = Pipeline::load_with(Path::new("p.toml"), &[], &|_| Ok(text.to_owned())).expect("a pipeline");
        let name_of = |kind: &str| (kind == "phase2").then_some("LAM2");
        let run = tempfile::tempdir().expect("a folder");
        assert!(after_run(&pipeline, run.path(), &name_of).starts_with("lam-train report "), "it is not made yet");
        std::fs::create_dir(run.path().join("lam2")).expect("ours");
        std::fs::write(run.path().join("lam2").join(lam_store::MANIFEST_FILE), "{}").expect("ours");
        let next = after_run(&pipeline, run.path(), &name_of);
        let model = run.path().join("lam2");
        assert_eq!(next, format!("lam-train act --model {} --env desktop --app writer", model.display()));
    }
}
