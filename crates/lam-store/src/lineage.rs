//! Lineage: from an artifact back to everything it was made from, by the hashes in the manifests.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::manifest::InputRef;
use crate::{Manifest, StoreError, hash_path, read_manifest, resolved};

/// Whether an ancestor is still what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// The recorded content is there.
    Intact,
    /// Something else is there now.
    Changed,
    /// Nothing is there now.
    Missing,
}

/// One input of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LineageInput {
    /// Name of the input, such as `model`.
    pub name: String,
    /// Its node's place in [`Lineage::nodes`].
    pub node: usize,
}

/// One artifact in a lineage.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LineageNode {
    /// `pipeline/stage`, with the file below it if only that was used; a path for what came from outside.
    pub name: String,
    /// Where it is or was.
    pub path: PathBuf,
    /// Content hash that the user of it recorded.
    pub hash: String,
    /// Whether that content is still there.
    pub state: NodeState,
    /// Kind, seed and code version of the stage that made it; `None` for an origin.
    pub made_by: Option<(String, u64, String)>,
    /// What it was made from.
    pub inputs: Vec<LineageInput>,
}

/// An artifact's ancestors; the artifact itself is the first node, and each node stands once.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lineage {
    /// The nodes.
    pub nodes: Vec<LineageNode>,
}

/// The lineage of a stage's output directory or of a file in it.
pub fn lineage(path: &Path) -> Result<Lineage, StoreError> {
    // Beside a path without a name, as `.` is, nothing would be found.
    let path = &if path.file_name().is_some() { path.to_owned() } else { resolved(path) };
    let hash = match owner_of(path)? {
        Some((directory, manifest)) => manifest.hash_of(path.strip_prefix(&directory).unwrap_or(Path::new(""))),
        None => None,
    };
    let hash = hash.map_or_else(|| hash_path(path), Ok)?;
    let mut lineage = Lineage { nodes: Vec::new() };
    lineage.add(path.to_path_buf(), hash)?;
    Ok(lineage)
}

impl Lineage {
    /// The tree as text; what was shown already is only named again.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        self.draw(0, "", "", &mut text, &mut vec![false; self.nodes.len()]);
        text
    }

    fn add(&mut self, path: PathBuf, hash: String) -> Result<usize, StoreError> {
        if let Some(known) = self.nodes.iter().position(|node| node.path == path && node.hash == hash) {
            return Ok(known);
        }
        let owner = owner_of(&path)?;
        let position = self.nodes.len();
        let state = state_of(&path, &hash, owner.as_ref())?;
        let name = path.display().to_string();
        self.nodes.push(LineageNode { name, path: path.clone(), hash, state, made_by: None, inputs: Vec::new() });
        if let Some((directory, manifest)) = owner.filter(|_| state == NodeState::Intact) {
            self.describe(position, &directory, &manifest)?;
        }
        Ok(position)
    }

    fn describe(&mut self, position: usize, directory: &Path, manifest: &Manifest) -> Result<(), StoreError> {
        let mut inputs = Vec::new();
        for (name, refs) in &manifest.inputs {
            for input in refs {
                let node = self.add(place_of(directory, input), input.hash.clone())?;
                inputs.push(LineageInput { name: name.clone(), node });
            }
        }
        let node = &mut self.nodes[position];
        let below = node.path.strip_prefix(directory).unwrap_or(Path::new(""));
        node.name = Path::new(&manifest.pipeline).join(&manifest.stage).join(below).display().to_string();
        node.name.truncate(node.name.trim_end_matches('/').len());
        node.made_by = Some((manifest.kind.clone(), manifest.seed, manifest.producer.clone()));
        node.inputs = inputs;
        Ok(())
    }

    fn draw(&self, position: usize, label: &str, indent: &str, text: &mut String, shown: &mut [bool]) {
        let node = &self.nodes[position];
        let short = node.hash.get(..12).unwrap_or(&node.hash);
        let made = match &node.made_by {
            Some((kind, seed, _)) => format!(" ({kind}, seed {seed})"),
            None => String::new(),
        };
        let state = match node.state {
            NodeState::Intact => "",
            NodeState::Changed => " CHANGED SINCE",
            NodeState::Missing => " MISSING NOW",
        };
        let again = shown[position] && !node.inputs.is_empty();
        let above = if again { ", as above" } else { "" };
        text.push_str(&format!("{label}{}{made} {short}{state}{above}\n", node.name));
        if again {
            return;
        }
        shown[position] = true;
        for (index, input) in node.inputs.iter().enumerate() {
            let last = index + 1 == node.inputs.len();
            let (branch, bar) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            let label = format!("{indent}{branch}{}: ", input.name);
            self.draw(input.node, &label, &format!("{indent}{bar}"), text, shown);
        }
    }
}

/// The result that `path` is, or is in, with its manifest.
fn owner_of(path: &Path) -> Result<Option<(PathBuf, Manifest)>, StoreError> {
    for directory in path.ancestors().take(4).filter(|directory| directory.is_dir()) {
        if let Some(manifest) = read_manifest(directory)? {
            return Ok(Some((directory.to_path_buf(), manifest)));
        }
    }
    Ok(None)
}

fn state_of(path: &Path, hash: &str, owner: Option<&(PathBuf, Manifest)>) -> Result<NodeState, StoreError> {
    if !path.exists() {
        return Ok(NodeState::Missing);
    }
    let found = match owner {
        Some((directory, manifest)) if manifest.damage(directory)?.is_none() => {
            manifest.hash_of(path.strip_prefix(directory).unwrap_or(Path::new("")))
        }
        _ => Some(hash_path(path)?),
    };
    Ok(if found.as_deref() == Some(hash) { NodeState::Intact } else { NodeState::Changed })
}

/// Where an input of the result in `directory` is.
fn place_of(directory: &Path, input: &InputRef) -> PathBuf {
    match (&input.stage, directory.parent()) {
        (Some(_), Some(run)) => run.join(&input.path),
        _ => PathBuf::from(&input.path),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use super::*;
    use crate::{MANIFEST_VERSION, record_files};

    fn result(run: &Path, stage: &str, content: &str, inputs: &[(&str, Option<&str>, &Path)]) {
        let directory = run.join(stage);
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("out.txt"), content).unwrap();
        let mut named: BTreeMap<String, Vec<InputRef>> = BTreeMap::new();
        for (name, stage, path) in inputs {
            let shown =
                stage.map_or(path.display().to_string(), |_| path.strip_prefix(run).unwrap().display().to_string());
            let input = InputRef { stage: stage.map(str::to_string), path: shown, hash: hash_path(path).unwrap() };
            named.entry((*name).to_string()).or_default().push(input);
        }
        let (files, output_hash) = record_files(&directory).unwrap();
        let manifest = Manifest {
            format_version: MANIFEST_VERSION,
            producer: "test".to_string(),
            pipeline: "quick".to_string(),
            stage: stage.to_string(),
            kind: format!("make-{stage}"),
            seed: 7,
            code: BTreeMap::new(),
            config: serde_json::json!({}),
            config_hash: String::new(),
            inputs: named,
            fingerprint: String::new(),
            output_hash,
            files,
            metrics: serde_json::Value::Null,
            started_at: 0,
            duration_s: 0.0,
            arithmetic: String::new(),
            reused_from: None,
        };
        manifest.write(&directory).unwrap();
        assert_eq!(read_manifest(&directory).unwrap().unwrap(), manifest);
    }

    #[test]
    fn the_tree_reaches_every_origin_once() {
        let root = tempfile::tempdir().unwrap();
        let run = root.path().join("quick");
        let origin = root.path().join("help.txt");
        fs::write(&origin, "help").unwrap();
        result(&run, "data", "1", &[("source", None, &origin)]);
        result(&run, "lam1", "2", &[("data", Some("data"), &run.join("data/out.txt"))]);
        result(
            &run,
            "lam2",
            "3",
            &[("data", Some("data"), &run.join("data/out.txt")), ("model", Some("lam1"), &run.join("lam1"))],
        );

        let found = lineage(&run.join("lam2")).unwrap();
        let text = found.to_text().replace(&root.path().display().to_string(), "");
        let short = |path: &Path| hash_path(path).unwrap()[..12].to_string();
        let expected = format!(
            "quick/lam2 (make-lam2, seed 7) {}\n\
             ├─ data: quick/data/out.txt (make-data, seed 7) {}\n\
             │  └─ source: /help.txt {}\n\
             └─ model: quick/lam1 (make-lam1, seed 7) {}\n   \
                └─ data: quick/data/out.txt (make-data, seed 7) {}, as above\n",
            short(&run.join("lam2")),
            short(&run.join("data/out.txt")),
            short(&origin),
            short(&run.join("lam1")),
            short(&run.join("data/out.txt")),
        );
        assert_eq!(text, expected);

        fs::write(run.join("data/out.txt"), "other").unwrap();
        assert!(lineage(&run.join("lam2")).unwrap().to_text().contains("CHANGED SINCE"));
        fs::remove_file(run.join("data/out.txt")).unwrap();
        assert!(lineage(&run.join("lam2")).unwrap().to_text().contains("MISSING NOW"));
    }

    #[test]
    fn newer_and_broken_manifests_are_refused() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("manifest.json"), "{\"format_version\": 9}").unwrap();
        let message = read_manifest(root.path()).unwrap_err().to_string();
        assert!(message.contains("format version 9 is newer than 1") && message.contains("hint: "), "{message}");
        fs::write(root.path().join("manifest.json"), "{\"format").unwrap();
        let message = read_manifest(root.path()).unwrap_err().to_string();
        assert!(message.contains("manifest.json: damaged: ") && message.contains("--force"), "{message}");
    }
}
