//! Pipelines and configurations carried inside the binary, so that it works far from a checkout.

use std::io;
use std::path::{Component, Path, PathBuf};

/// Path below the top of the project, and text.
const FILES: &[(&str, &str)] = &[
    ("pipelines/quickstart.toml", include_str!("../../../pipelines/quickstart.toml")),
    ("pipelines/full.toml", include_str!("../../../pipelines/full.toml")),
    ("pipelines/phase4.toml", include_str!("../../../pipelines/phase4.toml")),
    ("pipelines/rounds.toml", include_str!("../../../pipelines/rounds.toml")),
    ("pipelines/ablations.toml", include_str!("../../../pipelines/ablations.toml")),
    ("pipelines/ablations-seeds.toml", include_str!("../../../pipelines/ablations-seeds.toml")),
    ("pipelines/sampled.toml", include_str!("../../../pipelines/sampled.toml")),
    ("pipelines/seeds.toml", include_str!("../../../pipelines/seeds.toml")),
    ("pipelines/miniwob.toml", include_str!("../../../pipelines/miniwob.toml")),
    ("pipelines/miniwob-seeds.toml", include_str!("../../../pipelines/miniwob-seeds.toml")),
    ("pipelines/miniwob-shares.toml", include_str!("../../../pipelines/miniwob-shares.toml")),
    ("pipelines/miniwob-smoke.toml", include_str!("../../../pipelines/miniwob-smoke.toml")),
    ("pipelines/mistral-7b.toml", include_str!("../../../pipelines/mistral-7b.toml")),
    ("pipelines/mistral-7b-smoke.toml", include_str!("../../../pipelines/mistral-7b-smoke.toml")),
    ("pipelines/own-environment.toml", include_str!("../../../pipelines/own-environment.toml")),
    ("pipelines/writer.toml", include_str!("../../../pipelines/writer.toml")),
    ("pipelines/writer-seeds.toml", include_str!("../../../pipelines/writer-seeds.toml")),
    ("pipelines/writer-smoke.toml", include_str!("../../../pipelines/writer-smoke.toml")),
    ("configs/phase1.toml", include_str!("../../../configs/phase1.toml")),
    ("configs/phase2.toml", include_str!("../../../configs/phase2.toml")),
    ("configs/phase3.toml", include_str!("../../../configs/phase3.toml")),
    ("configs/phase4.toml", include_str!("../../../configs/phase4.toml")),
    ("configs/own-data.toml", include_str!("../../../configs/own-data.toml")),
];

/// Names of the pipelines inside the binary.
pub fn names() -> impl Iterator<Item = &'static str> {
    FILES.iter().filter_map(|(path, _)| path.strip_prefix("pipelines/")?.strip_suffix(".toml"))
}

/// Where a pipeline given by path or by name is read from, if there is one.
pub fn locate(pipeline: &str) -> Option<PathBuf> {
    find("pipelines", Path::new(pipeline))
}

/// The directory of a run, where that is named and no pipeline.
pub fn run_directory(named: &str) -> Option<&Path> {
    Some(Path::new(named)).filter(|path| path.is_dir() && locate(named).is_none())
}

/// Where a configuration given by path or by name is read from, if there is one. What ends with `.toml` is a path: a
/// file of that name that is missing must not be taken for ours.
pub fn locate_configuration(given: &Path) -> Option<PathBuf> {
    if given.extension().is_some() { Some(given.to_owned()) } else { find("configs", given) }
}

fn find(folder: &str, given: &Path) -> Option<PathBuf> {
    let named = Path::new(folder).join(given).with_extension("toml");
    let embedded = |path: &Path| FILES.iter().any(|(known, _)| Path::new(known) == path);
    [given.to_owned(), named].into_iter().find(|path| path.is_file() || embedded(&plain(path)))
}

/// The text of a file: on disk, else inside the binary.
pub fn read_text(path: &Path) -> io::Result<String> {
    match std::fs::read_to_string(path) {
        Err(error) if [io::ErrorKind::NotFound, io::ErrorKind::IsADirectory].contains(&error.kind()) => {
            let wanted = plain(path);
            FILES.iter().find(|(path, _)| Path::new(path) == wanted).map(|(_, text)| (*text).to_owned()).ok_or(error)
        }
        read => read,
    }
}

/// The path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::args::Cli;

    #[test]
    fn a_directory_does_not_hide_a_pipeline() {
        assert!(Path::new("src").is_dir() && locate("src").is_none());
        assert_eq!(locate("quickstart").unwrap(), Path::new("pipelines/quickstart.toml"));
        assert_eq!((run_directory("src"), run_directory("quickstart")), (Some(Path::new("src")), None));
        assert_eq!(run_directory("not/there"), None);
    }

    #[test]
    fn the_configurations_of_the_phases_are_inside() {
        let folder = tempfile::tempdir().unwrap();
        for number in 1..=4 {
            let name = format!("configs/phase{number}.toml");
            assert!(read_text(Path::new(&name)).is_ok_and(|text| text.contains("learning_rate")), "{name}");
            let by_name = locate_configuration(Path::new(&format!("phase{number}")));
            assert_eq!(by_name.as_deref(), Some(Path::new(&name)));
            assert!(read_text(&locate_configuration(Path::new(&format!("phase{number}.toml"))).unwrap()).is_err());
            assert!(read_text(&folder.path().join(&name)).is_err(), "a path elsewhere is what it says");
        }
        assert!(names().all(|name| !name.starts_with("phase1")));
        let own_data = locate_configuration(Path::new("own-data")).unwrap();
        assert!(read_text(&own_data).is_ok_and(|text| text.contains("[base]")));
    }

    #[test]
    fn help_names_every_pipeline() {
        let mut command = Cli::command();
        let run = command.find_subcommand_mut("run").unwrap().render_long_help().to_string();
        let words: Vec<&str> = run.split(|letter: char| !letter.is_alphanumeric() && letter != '-').collect();
        for name in names() {
            assert!(words.contains(&name), "the help of `run` does not name `{name}`");
        }
    }

    #[test]
    fn every_pipeline_of_the_project_is_inside() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pipelines");
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut stems: Vec<String> =
            files.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
        let mut inside: Vec<String> = names().map(str::to_owned).collect();
        stems.sort();
        inside.sort();
        assert_eq!(inside, stems);
    }
}
