//! What a repository holds, and which of it a model needs.

use serde::Deserialize;

use crate::{HubError, ModelId};

/// The repository's files at one commit.
#[derive(Debug, Deserialize)]
pub(crate) struct Listing {
    /// The commit that the revision stands for.
    #[serde(rename = "sha")]
    pub(crate) commit: String,
    #[serde(default)]
    siblings: Vec<Sibling>,
    #[serde(rename = "cardData", default)]
    card: serde_json::Value,
}

#[derive(Debug, Deserialize)]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    #[serde(rename = "blobId")]
    blob_id: Option<String>,
    lfs: Option<LargeFile>,
}

#[derive(Debug, Deserialize)]
struct LargeFile {
    sha256: Option<String>,
    size: Option<u64>,
}

/// How a file's bytes are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Digest {
    /// SHA-256 of the bytes, hex: large files.
    Sha256(String),
    /// Git's own hash of a blob, hex: small files.
    GitBlob(String),
}

impl Digest {
    /// The name that caches give the file.
    pub(crate) fn hex(&self) -> &str {
        match self {
            Digest::Sha256(hex) | Digest::GitBlob(hex) => hex,
        }
    }
}

/// A file to take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RemoteFile {
    /// Its name in the repository.
    pub(crate) name: String,
    /// Its size in bytes, where the hub says it.
    pub(crate) size: Option<u64>,
    /// Its hash, where the hub says it.
    pub(crate) digest: Option<Digest>,
}

impl RemoteFile {
    /// Whether it holds weights.
    pub(crate) fn is_weights(&self) -> bool {
        order(&self.name).0
    }
}

/// Files that say what the model is and how it reads and writes.
const DESCRIPTIONS: &[&str] = &[
    "config.json",
    "generation_config.json",
    "adapter_config.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
];

/// Where a model keeps further chat templates, each in a file of its own.
pub(crate) const FURTHER_TEMPLATES: &str = "additional_chat_templates/";

/// Whether the file is a further chat template, right in its folder and of a plain name.
fn is_further_template(name: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    let bare = name.strip_prefix(FURTHER_TEMPLATES).and_then(|name| name.strip_suffix(".jinja"));
    bare.is_some_and(|bare| !bare.is_empty() && bare.chars().all(is_plain))
}

/// Whether a model needs the file of this name; `is_whole` says whether its weights are in one file.
///
/// Weights in other forms, and the second copy that some repositories keep (`consolidated.safetensors`), stay.
pub(crate) fn is_needed(name: &str, is_whole: bool) -> bool {
    let is_of_shards = name == "model.safetensors.index.json" || is_shard(name);
    (is_of_shards && !is_whole)
        || DESCRIPTIONS.contains(&name)
        || is_further_template(name)
        || name == "model.safetensors"
        || name == "adapter_model.safetensors"
}

/// Descriptions come first, weights last, each in the order of their names.
pub(crate) fn order(name: &str) -> (bool, &str) {
    (name.ends_with(".safetensors"), name)
}

/// Letters of a licence's name at most.
const LICENSE_LETTERS: usize = 64;

impl Listing {
    /// The licence's name that the repository's card says, if it says one in the hub's form.
    pub(crate) fn license(&self) -> Option<String> {
        let is_plain = |name: &&str| {
            let letters = name.chars().all(|letter| letter.is_ascii_alphanumeric() || ".-_+".contains(letter));
            letters && !name.is_empty() && name.len() <= LICENSE_LETTERS
        };
        self.card["license"].as_str().filter(is_plain).map(str::to_owned)
    }

    /// Refuses a commit that could be no directory's name.
    pub(crate) fn check(&self) -> Result<(), String> {
        let is_hash = self.commit.len() >= 7 && self.commit.chars().all(|character| character.is_ascii_hexdigit());
        if is_hash { Ok(()) } else { Err(format!("`sha` = `{}` is not a commit", self.commit)) }
    }

    /// The files that the model needs: descriptions first, weights last.
    ///
    /// # Errors
    /// A repository without a configuration or without safetensors weights.
    pub(crate) fn needed(&self, id: &ModelId) -> Result<Vec<RemoteFile>, HubError> {
        let is_whole = self.has("model.safetensors");
        let needed = self.siblings.iter().filter(|sibling| is_needed(&sibling.rfilename, is_whole));
        let mut files: Vec<RemoteFile> = needed.map(Sibling::file).collect();
        files.sort_by(|one, other| order(&one.name).cmp(&order(&other.name)));
        self.refuse_incomplete(id, &files)?;
        Ok(files)
    }

    fn refuse_incomplete(&self, id: &ModelId, files: &[RemoteFile]) -> Result<(), HubError> {
        let unusable = |reason: &str, hint: &str| HubError::Unusable {
            model: id.to_string(),
            reason: reason.to_owned(),
            hint: hint.to_owned(),
        };
        let is_adapter = self.has("adapter_config.json");
        let gguf = self.siblings.iter().map(|sibling| &sibling.rfilename).find(|name| name.ends_with(".gguf"));
        if let Some(name) = gguf.filter(|_| !self.has("config.json") && !is_adapter) {
            let reason = format!("the repository holds GGUF files, such as `{name}`, and no config.json");
            return Err(unusable(&reason, "download the file that you want, and name it in the model's place"));
        }
        if !self.has("config.json") && !is_adapter {
            return Err(unusable("the repository has no config.json", "is it a model in transformers' layout?"));
        }
        if files.iter().any(RemoteFile::is_weights) {
            return Ok(());
        }
        let other = self.siblings.iter().map(|sibling| sibling.rfilename.as_str());
        let other: Vec<&str> =
            other.filter(|name| [".bin", ".gguf", ".pth", ".h5"].iter().any(|end| name.ends_with(end))).collect();
        Err(match other.first() {
            Some(name) => unusable(
                &format!("its weights are only there as `{name}`, not as safetensors"),
                "save it with transformers' save_pretrained(…, safe_serialization=True) and name that directory",
            ),
            None => unusable("the repository has no weights", "is it a model?"),
        })
    }

    fn has(&self, name: &str) -> bool {
        self.siblings.iter().any(|sibling| sibling.rfilename == name)
    }
}

impl Sibling {
    fn file(&self) -> RemoteFile {
        let large = self.lfs.as_ref();
        let sha256 = large.and_then(|large| hash(large.sha256.as_deref(), 64)).map(Digest::Sha256);
        let git = || hash(self.blob_id.as_deref(), 40).map(Digest::GitBlob);
        RemoteFile {
            name: self.rfilename.clone(),
            size: large.and_then(|large| large.size).or(self.size),
            digest: if large.is_some() { sha256 } else { git() },
        }
    }
}

/// The hash, if it is one of so many hex digits.
pub(crate) fn hash(text: Option<&str>, digits: usize) -> Option<String> {
    let is_hash = |text: &&str| text.len() == digits && text.chars().all(|character| character.is_ascii_hexdigit());
    text.filter(is_hash).map(str::to_lowercase)
}

/// `model-00001-of-00003.safetensors`
fn is_shard(name: &str) -> bool {
    let numbers = name.strip_prefix("model-").and_then(|rest| rest.strip_suffix(".safetensors"));
    let is_number = |text: &str| !text.is_empty() && text.chars().all(|character| character.is_ascii_digit());
    numbers.and_then(|numbers| numbers.split_once("-of-")).is_some_and(|(one, all)| is_number(one) && is_number(all))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(names: &[&str]) -> Listing {
        let files: Vec<_> = names.iter().map(|name| serde_json::json!({"rfilename": name})).collect();
        serde_json::from_value(serde_json::json!({"sha": "0123456789", "siblings": files})).unwrap()
    }

    fn needed(names: &[&str]) -> Result<Vec<String>, String> {
        let id: ModelId = "acme/tiny".parse().unwrap();
        let files = listing(names).needed(&id).map_err(|error| error.to_string())?;
        Ok(files.into_iter().map(|file| file.name).collect())
    }

    #[test]
    fn only_what_a_model_needs_is_taken_and_weights_come_last() {
        let shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
        let others =
            ["README.md", "consolidated.safetensors", "pytorch_model.bin", "onnx/model.safetensors", "a/config.json"];
        let names = [&shards[..], &others, &["tokenizer.json", "config.json", "model.safetensors.index.json"]].concat();
        let expected = ["config.json", "model.safetensors.index.json", "tokenizer.json", shards[0], shards[1]];
        assert_eq!(needed(&names).unwrap(), expected);
        let single = needed(&["config.json", "model.safetensors", "model.safetensors.index.json", shards[0]]);
        assert_eq!(single.unwrap(), ["config.json", "model.safetensors"]);
    }

    #[test]
    fn the_licence_is_what_the_card_says_in_a_word() {
        let of = |card: serde_json::Value| {
            let listing = serde_json::json!({"sha": "0123456789", "cardData": card});
            serde_json::from_value::<Listing>(listing).unwrap().license()
        };
        assert_eq!(of(serde_json::json!({"license": "apache-2.0"})).as_deref(), Some("apache-2.0"));
        for none in
            [serde_json::json!(null), serde_json::json!({"license": "a b\nc"}), serde_json::json!({"license": [1]})]
        {
            assert_eq!(of(none), None);
        }
    }

    #[test]
    fn further_templates_are_taken_from_their_folder_alone() {
        let template = "additional_chat_templates/tool_use.jinja";
        let others = ["../x.jinja", "a/../../x.jinja", "a/b.jinja", ".jinja", "x.txt"];
        let others = others.map(|name| format!("additional_chat_templates/{name}"));
        let names = [&["config.json", template, "other/x.jinja", "model.safetensors"][..]].concat();
        let names: Vec<&str> = names.into_iter().chain(others.iter().map(String::as_str)).collect();
        assert_eq!(needed(&names).unwrap(), [template, "config.json", "model.safetensors"]);
    }

    #[test]
    fn a_repository_that_is_no_usable_model_is_refused() {
        assert!(needed(&["README.md"]).unwrap_err().contains("no config.json"));
        let error = needed(&["config.json", "pytorch_model.bin"]).unwrap_err();
        assert!(error.contains("`pytorch_model.bin`") && error.contains("hint: save it"), "{error}");
        let error = needed(&["README.md", "tiny-Q4_K_M.gguf"]).unwrap_err();
        assert!(error.contains("`tiny-Q4_K_M.gguf`") && error.contains("hint: download the file"), "{error}");
        assert!(needed(&["config.json"]).unwrap_err().contains("no weights"));
    }
}
