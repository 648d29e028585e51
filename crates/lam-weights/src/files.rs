//! The files that hold a model's or an adapter's weights, with their headers.

use std::path::{Path, PathBuf};

use crate::{Index, Shard, TensorInfo, WeightsError, refuse_links_outside};

/// `<stem>.safetensors`, or the shards of `<stem>.safetensors.index.json`.
#[derive(Clone, Debug)]
pub struct WeightFiles {
    /// The one file, or the index.
    pub path: PathBuf,
    /// Every file, in the order of the names.
    pub shards: Vec<Shard>,
}

impl WeightFiles {
    /// Looks for the weights in `directory` and checks their headers.
    ///
    /// # Errors
    /// A file that is missing or damaged, shards that are not those of the index, or a link out of the directory.
    pub fn open(directory: &Path, stem: &str) -> Result<Self, WeightsError> {
        refuse_links_outside(directory)?;
        let single = directory.join(format!("{stem}.safetensors"));
        let index = directory.join(format!("{stem}.safetensors.index.json"));
        if single.exists() || !index.exists() {
            refuse_pickled(directory, &single)?;
            let shard = Shard::read(&single)?;
            return Ok(Self { path: single, shards: vec![shard] });
        }
        let described = Index::read(&index)?;
        let mut shards = Vec::new();
        for name in described.shards() {
            let path = directory.join(name);
            if !path.exists() {
                let reason = format!("names `{name}`, which is missing");
                return Err(WeightsError::file(&index, reason, "the download is incomplete"));
            }
            shards.push(Shard::read(&path)?);
        }
        described.compare(&shards)?;
        Ok(Self { path: index, shards })
    }

    /// Every tensor with the shard that holds it.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &TensorInfo, &Shard)> {
        let of = |shard| move |(name, info)| (String::as_str(name), info, shard);
        self.shards.iter().flat_map(move |shard| shard.header.tensors.iter().map(of(shard)))
    }

    /// What the first file says of itself under a key.
    pub fn note(&self, key: &str) -> Option<&str> {
        self.shards.first()?.header.notes.get(key).map(String::as_str)
    }
}

/// Says so where the weights are only there in PyTorch's own form, which can hold programs.
fn refuse_pickled(directory: &Path, single: &Path) -> Result<(), WeightsError> {
    if single.exists() {
        return Ok(());
    }
    let pickled = ["pytorch_model.bin", "pytorch_model.bin.index.json", "adapter_model.bin"];
    match pickled.into_iter().find(|name| directory.join(name).exists()) {
        None => Ok(()),
        Some(name) => {
            let reason = format!("is missing; the weights are only there as `{name}`");
            let hint = "save them with save_pretrained(…, safe_serialization=True) and name that directory";
            Err(WeightsError::file(single, reason, hint))
        }
    }
}
