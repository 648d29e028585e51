//! The header of a safetensors file: which tensors it holds, of which types and shapes, and where.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Metadata, TensorInfo};

use crate::WeightsError;

/// Longest header that the format allows, in bytes.
const LONGEST: u64 = 100_000_000;
const HINT: &str = "the file is truncated, damaged or not safetensors: fetch or save it again";

/// A header that is whole and fits its file: spans lie back to back from the first byte to the last.
#[derive(Clone, Debug)]
pub struct Header {
    /// Tensors by name.
    pub tensors: BTreeMap<String, TensorInfo>,
    /// What the file says of itself.
    pub notes: BTreeMap<String, String>,
    /// Where the numbers begin, in bytes from the file's beginning.
    pub start: u64,
    /// Where they end, and the file with them.
    pub end: u64,
}

/// What the first bytes of a file tell.
#[derive(Clone, Debug)]
pub enum Parsed {
    /// Everything.
    Header(Header),
    /// So many bytes are needed.
    Needs(u64),
}

/// One file of weights.
#[derive(Clone, Debug)]
pub struct Shard {
    /// Its name.
    pub file: String,
    /// Where it lies; empty for a file that was not downloaded.
    pub path: PathBuf,
    /// What is in it.
    pub header: Header,
}

impl Header {
    /// Reads the header out of a file's first bytes; `size` is the whole file's, in bytes, where it is known.
    ///
    /// # Errors
    /// A header that is not one, or does not fit the file.
    pub fn parse(path: &Path, size: Option<u64>, first: &[u8]) -> Result<Parsed, WeightsError> {
        let fault = |reason: String| Err(WeightsError::file(path, reason, HINT));
        let Some(length) = first.first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes)) else {
            return match size {
                Some(size) if size < 8 => fault(format!("{size} bytes are too few for a header")),
                _ => Ok(Parsed::Needs(8)),
            };
        };
        let start = length.saturating_add(8);
        if length > LONGEST || size.is_some_and(|size| start > size) {
            return fault(format!("a header of {length} bytes in a file of {}", size.unwrap_or_default()));
        }
        let Some(json) = usize::try_from(start).ok().and_then(|end| first.get(8..end)) else {
            return Ok(Parsed::Needs(start));
        };
        let described: Metadata = match serde_json::from_slice(json) {
            Ok(described) => described,
            Err(error) => return fault(format!("its header cannot be read: {error}")),
        };
        let end = start + described.data_len() as u64;
        match size {
            Some(size) if end > size => return fault(format!("its last tensor ends at byte {end} of {size}")),
            Some(size) if end < size => {
                let rest = size - end;
                return fault(format!("{rest} bytes after its last tensor, which ends at byte {end} of {size}"));
            }
            _ => {}
        }
        let tensors = described.tensors().into_iter().map(|(name, info)| (name, info.clone())).collect();
        let notes = described.metadata().clone().unwrap_or_default().into_iter().collect();
        Ok(Parsed::Header(Self { tensors, notes, start, end }))
    }
}

impl Shard {
    /// Reads a file's header.
    pub(crate) fn read(path: &Path) -> Result<Self, WeightsError> {
        // Opening a pipe waits for a writer.
        let found = std::fs::metadata(path).map_err(WeightsError::io(path))?;
        if !found.is_file() {
            return Err(WeightsError::file(path, "is no file", "weights lie in regular files: fetch or save it again"));
        }
        let (mut file, bytes) = (File::open(path).map_err(WeightsError::io(path))?, found.len());
        let mut first = Vec::new();
        let mut wanted = 8;
        loop {
            let missing = wanted - first.len() as u64;
            Read::by_ref(&mut file).take(missing).read_to_end(&mut first).map_err(WeightsError::io(path))?;
            match Header::parse(path, Some(bytes), &first)? {
                Parsed::Header(header) => {
                    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    return Ok(Self { file, path: path.to_owned(), header });
                }
                Parsed::Needs(more) if more > wanted => wanted = more,
                Parsed::Needs(_) => return Err(WeightsError::file(path, "it ended while it was read", HINT)),
            }
        }
    }

    /// Numbers in it by type, such as `BF16`.
    pub fn dtypes(&self) -> BTreeMap<String, u64> {
        let mut dtypes = BTreeMap::new();
        for info in self.header.tensors.values() {
            *dtypes.entry(format!("{:?}", info.dtype)).or_insert(0) += info.shape.iter().product::<usize>() as u64;
        }
        dtypes
    }

    /// Numbers in it.
    pub fn parameters(&self) -> u64 {
        self.dtypes().values().sum()
    }
}
