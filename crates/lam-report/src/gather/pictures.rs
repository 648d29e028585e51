//! Screenshots that an evaluation kept, for the trajectories that the viewer shows, as text that a page can hold.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine;

use crate::run::{Episode, StageRecord};

/// Below a stage's directory, the pictures by policy and task: one before each step, one at the end.
const DIRECTORY: &str = "screenshots";
/// Bytes of all pictures in one page; later trajectories go without, so that a page stays one that opens at once.
const IN_ALL: u64 = 6 << 20;

/// The screen before each step and after the last, as data URIs, by trajectory; none of those that have no pictures.
pub fn read(stages: &[(StageRecord, PathBuf)], episodes: &[Episode]) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    let mut left = IN_ALL;
    for one in episodes.iter().map(|episode| &episode.trajectory).filter(|one| !one.steps.is_empty()) {
        let below = Path::new(DIRECTORY).join(lam_store::file_name_of(&one.policy.name)).join(&one.task.task_id);
        let Some(files) = stages.iter().find_map(|(_, path)| pictures(&path.join(&below))) else { continue };
        let size = files.iter().filter_map(|file| Some(file.metadata().ok()?.len())).sum::<u64>();
        if size > left {
            continue;
        }
        let uris: Option<Vec<String>> = files.iter().map(|file| uri(file)).collect();
        if let Some(uris) = uris {
            left -= size;
            found.insert(one.trajectory_id.clone(), uris);
        }
    }
    found
}

/// The pictures of an episode in their order; `None` where there are none.
fn pictures(episode: &Path) -> Option<Vec<PathBuf>> {
    let entries = std::fs::read_dir(episode).ok()?.flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|kind| kind == "png")).collect();
    files.sort();
    (!files.is_empty()).then_some(files)
}

fn uri(file: &Path) -> Option<String> {
    let bytes = std::fs::read(file).ok()?;
    Some(format!("data:image/png;base64,{}", base64::engine::general_purpose::STANDARD.encode(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_come_in_order_and_only_from_where_they_are() {
        let place = std::env::temp_dir().join(format!("lam-pictures-{}", std::process::id()));
        std::fs::create_dir_all(&place).unwrap();
        for name in ["01.png", "00.png", "notes.txt"] {
            std::fs::write(place.join(name), name).unwrap();
        }
        let names = pictures(&place).unwrap();
        assert!(names.iter().map(|path| path.file_name().unwrap()).eq(["00.png", "01.png"]), "{names:?}");
        assert_eq!(uri(&names[0]).unwrap(), "data:image/png;base64,MDAucG5n");
        assert!(pictures(&place.join("elsewhere")).is_none());
        std::fs::remove_dir_all(&place).unwrap();
    }
}
