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
    ("pipelines/seeds.toml", include_str!("../../../pipelines/seeds.toml")),
    ("pipelines/miniwob.toml", include_str!("../../../pipelines/miniwob.toml")),
    ("pipelines/miniwob-smoke.toml", include_str!("../../../pipelines/miniwob-smoke.toml")),
    ("pipelines/mistral-7b.toml", include_str!("../../../pipelines/mistral-7b.toml")),
    ("pipelines/mistral-7b-smoke.toml", include_str!("../../../pipelines/mistral-7b-smoke.toml")),
    ("pipelines/own-environment.toml", include_str!("../../../pipelines/own-environment.toml")),
    ("pipelines/writer.toml", include_str!("../../../pipelines/writer.toml")),
    ("pipelines/writer-smoke.toml", include_str!("../../../pipelines/writer-smoke.toml")),
];

/// Names of the pipelines inside the binary.
pub fn names() -> impl Iterator<Item = &'static str> {
    FILES.iter().filter_map(|(path, _)| path.strip_prefix("pipelines/")?.strip_suffix(".toml"))
}

/// Where a pipeline given by path or by name is read from, if there is one.
pub fn locate(pipeline: &str) -> Option<PathBuf> {
    let given = Path::new(pipeline);
    let named = Path::new("pipelines").join(pipeline).with_extension("toml");
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
    use super::*;

    #[test]
    fn a_directory_does_not_hide_a_pipeline() {
        assert!(Path::new("src").is_dir() && locate("src").is_none());
        assert_eq!(locate("quickstart").unwrap(), Path::new("pipelines/quickstart.toml"));
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
