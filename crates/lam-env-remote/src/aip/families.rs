//! A file of tasks for devices: which window, how it is launched, what is asked. Knows no connection.

use std::collections::BTreeSet;
use std::path::Path;

use lam_env::random::stream;
use lam_env::{EnvError, GuardRules, TaskQuery};
use lam_tasks::order_of_turns;
use lam_types::{Phrasing, Split, Task};
use serde::Deserialize;

use crate::RemoteError;

/// Name of this environment.
pub const ENVIRONMENT: &str = "ufo-aip";

const HINT: &str = "[[family]] tables with name, window, requests and, if wanted, launch and split; a [guard] table";

/// The file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Families {
    /// What the policy may not do on the device.
    #[serde(default)]
    pub guard: GuardRules,
    /// The families of tasks.
    #[serde(default, rename = "family")]
    pub families: Vec<Family>,
}

/// Tasks that begin alike.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    /// Its name.
    pub name: String,
    /// Title of the window; `*` stands for any run of characters.
    pub window: String,
    /// Command that is run on the device before the window is looked for.
    pub launch: Option<String>,
    /// The set its tasks belong to.
    #[serde(default = "test")]
    pub split: Split,
    /// What is asked, a task each.
    pub requests: Vec<String>,
}

fn test() -> Split {
    Split::Test
}

impl Families {
    /// Reads a file.
    ///
    /// # Errors
    /// Names the file, the line where it is known, and what is wrong.
    pub fn load(path: &Path) -> Result<Self, RemoteError> {
        let wrong = |reason: String| RemoteError::Tasks { file: path.display().to_string(), reason, hint: HINT };
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        let families: Self = toml::from_str(&text).map_err(|error| wrong(error.to_string().trim_end().to_owned()))?;
        families.check().map_err(wrong)?;
        Ok(families)
    }

    fn check(&self) -> Result<(), String> {
        self.guard.check().map_err(|reason| format!("[guard] `allow_keys`: {reason}"))?;
        let mut names = BTreeSet::new();
        for Family { name, window, requests, .. } in &self.families {
            if name.is_empty() || window.is_empty() {
                return Err(format!("family `{name}`: name and window must not be empty"));
            }
            if requests.is_empty() || requests.iter().any(|request| request.trim().is_empty()) {
                return Err(format!("family `{name}`: requests must be there and not be empty"));
            }
            if !names.insert(name) {
                return Err(format!("family `{name}` stands there twice"));
            }
        }
        Ok(())
    }

    /// The family of a task.
    pub fn find(&self, name: &str) -> Option<&Family> {
        self.families.iter().find(|family| family.name == name)
    }

    /// The tasks of a query, each at most once: families take turns, and where not every one has a turn, it is drawn
    /// which have.
    ///
    /// # Errors
    /// A family that does not exist.
    pub fn draw(&self, query: &TaskQuery) -> Result<Vec<Task>, EnvError> {
        if let Some(unknown) = query.families.iter().find(|name| self.find(name).is_none()) {
            let known: Vec<&str> = self.families.iter().map(|family| family.name.as_str()).collect();
            return Err(EnvError::UnknownFamily {
                task_id: "query".to_owned(),
                family: unknown.clone(),
                environment: ENVIRONMENT.to_owned(),
                hint: format!("the file has {}", known.join(", ")),
            });
        }
        let wanted = |family: &&Family| {
            family.split == query.split && (query.families.is_empty() || query.families.contains(&family.name))
        };
        let wanted: Vec<&Family> = self.families.iter().filter(wanted).collect();
        let mut random = stream(&["turns", ENVIRONMENT, query.split.as_str()], query.seed);
        let order = order_of_turns(wanted.len(), query.count, &mut random);
        let wanted: Vec<&Family> = order.into_iter().map(|place| wanted[place]).collect();
        let rounds = wanted.iter().map(|family| family.requests.len()).max().unwrap_or(0);
        let turns = (0..rounds).flat_map(|round| wanted.iter().map(move |family| (round, *family)));
        let turns = turns.filter(|(round, family)| *round < family.requests.len());
        let is_seen = query.phrasing != Some(Phrasing::Unseen);
        Ok(turns.filter(|_| is_seen).take(query.count).map(|(round, family)| family.task(round, query.seed)).collect())
    }
}

impl Family {
    /// The task of one round; seeds begin at different requests.
    fn task(&self, round: usize, seed: u64) -> Task {
        let count = self.requests.len() as u64;
        let index = (round as u64 + seed % count) % count;
        Task {
            task_id: format!("{ENVIRONMENT}-{}-{index}", self.name),
            family: self.name.clone(),
            request: self.requests[index as usize].clone(),
            environment: ENVIRONMENT.to_owned(),
            application: self.name.clone(),
            seed: index,
            phrasing: Phrasing::Seen,
            split: self.split,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(text: &str) -> Result<Families, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tasks.toml");
        std::fs::write(&path, text).unwrap();
        Families::load(&path).map_err(|error| error.to_string())
    }

    const FILE: &str = "[guard]\ndeny_controls = [\"*Exit*\"]\n\
        [[family]]\nname = \"word\"\nwindow = \"*- Word\"\nlaunch = \"start winword\"\nrequests = [\"a\", \"b\"]\n\
        [[family]]\nname = \"notes\"\nwindow = \"*Notepad\"\nrequests = [\"c\"]\n";

    #[test]
    fn families_take_turns_and_no_task_comes_twice() {
        let families = loaded(FILE).unwrap();
        assert_eq!(families.guard.deny_controls, ["*Exit*"]);
        let query = |split, names: &[&str]| TaskQuery {
            split,
            phrasing: None,
            families: names.iter().map(|name| (*name).to_owned()).collect(),
            count: 10,
            seed: 1,
        };
        let requests = |query| families.draw(&query).unwrap().into_iter().map(|task| task.request).collect::<Vec<_>>();
        assert_eq!(requests(query(Split::Test, &[])), ["b", "c", "a"]);
        assert_eq!(requests(query(Split::Test, &["notes"])), ["c"]);
        assert!(requests(query(Split::Train, &[])).is_empty());
        let unknown = families.draw(&query(Split::Test, &["excel"])).unwrap_err().to_string();
        assert!(unknown.contains("`excel`") && unknown.contains("hint: the file has word, notes"), "{unknown}");
    }

    #[test]
    fn fewer_tasks_than_families_are_drawn_from_all_of_them() {
        let families = loaded(FILE).unwrap();
        let first = |seed| {
            let query = TaskQuery { split: Split::Test, phrasing: None, families: Vec::new(), count: 1, seed };
            families.draw(&query).unwrap().remove(0).family
        };
        assert_eq!((0..20).map(first).collect::<BTreeSet<_>>(), ["notes", "word"].map(str::to_owned).into());
    }

    #[test]
    fn the_shipped_file_is_understood() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/devices/word.toml");
        let families = Families::load(&path).unwrap();
        assert!(families.find("word_new_document").is_some_and(|family| family.launch.is_some()));
        assert!(!families.guard.deny_controls.is_empty());
    }

    #[test]
    fn a_file_that_cannot_be_meant_is_named() {
        for (text, words) in [
            ("[[family]]\nname = \"x\"\nwindow = \"*\"\nrequest = [\"a\"]\n", "unknown field `request`"),
            ("[[family]]\nname = \"x\"\nwindow = \"*\"\nrequests = []\n", "family `x`: requests must be there"),
            ("[[family]]\nname = \"x\"\nwindow = \"\"\nrequests = [\"a\"]\n", "window must not be empty"),
            (&format!("{FILE}{}", FILE.split_once("]\n").unwrap().1), "line "),
            ("[guard]\nallow_keys = [\"{NOKEY}\"]\n", "there is no key `{NOKEY}`"),
        ] {
            let said = loaded(text).unwrap_err();
            assert!(said.contains("tasks.toml: ") && said.contains(words) && said.contains("\nhint: "), "{said}");
        }
    }
}
