//! `push`: a run's exports, its data, or a directory, to the hub.

use std::path::Path;

use lam_hub::{Folder, Hub, HubError, HubSettings, LeftOut, Push, Pushed, Repository, RepositoryKind, Sent};
use lam_publish::{Card, Parcel, Part, PublishError, Run};
use lam_signal::{Failure, Monitor};
use serde_json::{Value, json};

use super::size::size;
use crate::args::PushArgs;
use crate::hub::watched;
use crate::output::Output;

/// One repository's files, and what stays.
struct Errand {
    push: Push,
    left_out: Vec<LeftOut>,
}

/// Sends what was named, or says what would be sent.
pub fn push(args: &PushArgs, output: &Output) -> Result<(), Failure> {
    let hub = Hub::new(HubSettings::from_env()?);
    let errands = errands(args)?;
    let mut results: Vec<(&Errand, Pushed)> = Vec::new();
    let mut send = |monitor: Monitor<'_>| -> Result<(), HubError> {
        for errand in &errands {
            results.push((errand, hub.push(&errand.push, monitor)?));
        }
        Ok(())
    };
    let sent = watched("push", &args.repository, output, &mut send);
    let pushed: Vec<Value> = results.iter().map(|(errand, pushed)| value_of(errand, pushed)).collect();
    for (errand, pushed) in &results {
        tell(errand, pushed, output);
    }
    // What has been sent is told, also where the next could not be.
    if sent.is_ok() || !pushed.is_empty() {
        output.value(&json!({ "dry_run": args.dry_run, "pushed": pushed }))?;
    }
    sent
}

/// What is sent where. Everything is looked at before anything is sent.
fn errands(args: &PushArgs) -> Result<Vec<Errand>, Failure> {
    if Run::is_here(&args.source)? {
        return of_run(args);
    }
    if Run::is_over_seeds(&args.source)? {
        // It says which to name.
        Run::open(&args.source)?;
    }
    if let Some(part) = named(args).filter(|part| *part != Part::Dataset) {
        return Err(no_run(args, &format!("`--{}` is for runs", part.as_str())));
    }
    if args.all || args.license.is_some() {
        return Err(no_run(args, "`--all` and `--license` are for runs"));
    }
    let kind = if args.dataset { RepositoryKind::Dataset } else { RepositoryKind::Model };
    let Folder { files, left_out } = Folder::read(&args.source, args.checkpoints)?;
    let repository = Repository::new(kind, &args.repository)?;
    let what = args.source.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    Ok(vec![errand(args, repository, what.as_deref().unwrap_or("files"), (files, left_out))])
}

/// A part of a run was asked for where there is none.
fn no_run(args: &PushArgs, what: &str) -> Failure {
    match Run::open(&args.source) {
        Err(error @ PublishError::NoRun { .. }) => error.into(),
        _ => Failure::config(format!("{}: {what}, and this is a stage's result", args.source.display()))
            .hint("name the run's directory, or leave the option out to send this one as it stands"),
    }
}

/// The part of a run that one option names.
fn named(args: &PushArgs) -> Option<Part> {
    let asked = |part: &Part| match part {
        Part::Adapter => args.adapter,
        Part::Merged => args.merged,
        Part::Reward => args.reward,
        Part::Gguf => args.gguf,
        Part::Dataset => args.dataset,
    };
    Part::ALL.into_iter().find(asked)
}

fn of_run(args: &PushArgs) -> Result<Vec<Errand>, Failure> {
    let run = Run::open(&args.source)?;
    if args.checkpoints {
        return Err(Failure::config("`--checkpoints` is for directories")
            .hint("name the stage's directory, such as runs/quickstart/lam4"));
    }
    let parts = match named(args) {
        Some(part) => vec![part],
        None => {
            let has = run.parts()?;
            if !args.all || has.is_empty() {
                return Err(unsaid(&args.source, &has));
            }
            has
        }
    };
    if args.license.is_some() && !parts.contains(&Part::Dataset) {
        return Err(Failure::config("`--license` is for a run's data set, and none is sent").hint(
            "leave it out; an export's card has the licence from `license` of its stage (--dataset sends the data)",
        ));
    }
    let of_part = |part: Part| -> Result<Errand, Failure> {
        let name = if args.all { format!("{}{}", args.repository, part.suffix()) } else { args.repository.clone() };
        let repository = Repository::new(part.repository_kind(), &name)?;
        let card = Card { repository: &name, license: args.license.as_deref() };
        let Parcel { files, left_out, .. } = run.parcel(part, &card)?;
        Ok(errand(args, repository, part.as_str(), (files, left_out)))
    };
    parts.into_iter().map(of_part).collect()
}

/// A run was named, and not what of it.
fn unsaid(run: &Path, has: &[Part]) -> Failure {
    let options: Vec<String> = has.iter().map(|part| format!("--{}", part.as_str())).collect();
    let hint = match has {
        [] => "it has no export and no data; name the directory of a stage to send that".to_owned(),
        _ => format!("it has {}; --all sends each to a repository of its own", options.join(", ")),
    };
    Failure::config(format!("{}: say what of the run is sent", run.display())).hint(hint)
}

fn errand(
    args: &PushArgs,
    repository: Repository,
    what: &str,
    (files, left_out): (Vec<lam_hub::OutgoingFile>, Vec<LeftOut>),
) -> Errand {
    let message = args.message.clone().filter(|text| !text.trim().is_empty());
    let message = message.unwrap_or_else(|| format!("Upload {what} with lam-train {}", env!("CARGO_PKG_VERSION")));
    let push = Push { repository, files, private: args.private, message, dry_run: args.dry_run };
    Errand { push, left_out }
}

fn tell(errand: &Errand, pushed: &Pushed, output: &Output) {
    let count = |how: Sent| pushed.files.iter().filter(|file| file.how == how).count();
    let (name, bytes) = (&errand.push.repository, size(pushed.sent_bytes()));
    let visibility = if pushed.private { "private" } else { "public" };
    if errand.push.dry_run {
        for file in &pushed.files {
            output.line(&format!("  {:>10}  {}", size(file.bytes), file.name));
        }
        let files = match pushed.files.len() {
            1 => "1 file".to_owned(),
            several => format!("{several} files"),
        };
        let made = format!("{visibility}, where it has to be made");
        output.line(&format!("{name} ({made}): would get {files}, {bytes}, less what it has already"));
        output.line(&format!("  {}; the hub was not asked", pushed.url));
    } else {
        let (sent, stored, unchanged) = (count(Sent::Sent), count(Sent::Stored), count(Sent::Unchanged));
        let made = if pushed.is_new == Some(true) { ", new" } else { "" };
        output.line(&format!(
            "{name} ({visibility}{made}): {sent} sent, {bytes}; {stored} were in storage, {unchanged} unchanged"
        ));
        let commit = pushed.commit.as_deref().unwrap_or_default();
        let all = pushed.files.len();
        output.line(&format!("  commit {commit}; the hub lists all {all} files with their sizes and hashes"));
        output.line(&format!("  {}", pushed.url));
    }
    for LeftOut { name, reason } in &errand.left_out {
        output.line(&format!("  left out: {name} ({reason})"));
    }
    for name in &pushed.only_there {
        output.line(&format!("  stays there, and is not here: {name}"));
    }
}

fn value_of(errand: &Errand, pushed: &Pushed) -> Value {
    let mut value = serde_json::to_value(pushed).expect("names, numbers and texts");
    value["left_out"] = json!(errand.left_out);
    value
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;
    use crate::args::ExportKind;

    #[test]
    fn every_kind_of_export_is_a_part_that_can_be_sent() {
        for kind in ExportKind::value_variants() {
            let word = kind.to_possible_value().unwrap().get_name().to_owned();
            assert!(Part::ALL.iter().any(|part| part.as_str() == word), "`push` does not know `{word}`");
        }
    }
}
