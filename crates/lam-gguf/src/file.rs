//! A file, opened: everything but the numbers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::cursor::Cursor;
use crate::tensor::settle;
use crate::{GgufError, Tensor, Value};

/// Where tensors begin, unless the file says otherwise: at multiples of so many bytes.
pub(crate) const ALIGNMENT: u64 = 32;
const ALIGNMENT_KEY: &str = "general.alignment";

/// A file's metadata and the places of its tensors.
#[derive(Clone, Debug)]
pub struct Gguf {
    /// The file.
    pub path: PathBuf,
    /// Values by key.
    pub metadata: BTreeMap<String, Value>,
    /// Tensors, in the order of the file.
    pub tensors: Vec<Tensor>,
    /// Bytes of the file.
    pub size: u64,
}

impl Gguf {
    /// Reads a file's header.
    ///
    /// # Errors
    /// A file that is damaged, holds tensors of a type that is not read here, or is one of several.
    pub fn open(path: &Path) -> Result<Self, GgufError> {
        let mut cursor = Cursor::open(path)?;
        check_version(&mut cursor)?;
        let (tensors, keys) = (cursor.u64("the number of tensors")?, cursor.u64("the number of keys")?);
        // A key takes a length, a type and a byte; a tensor a length, dimensions, a type and a place.
        cursor.room(keys, 13, "the keys")?;
        let mut metadata = BTreeMap::new();
        for _ in 0..keys {
            let key = cursor.name("a key")?;
            let value = Value::read(&mut cursor, &key)?;
            if metadata.insert(key.clone(), value).is_some() {
                return cursor.fault(format!("the key `{key}` stands there twice"));
            }
        }
        cursor.room(tensors, 32, "the tensors")?;
        let mut found = Vec::new();
        let mut names = std::collections::BTreeSet::new();
        for _ in 0..tensors {
            let tensor = Tensor::read(&mut cursor)?;
            if !names.insert(tensor.name.clone()) {
                return cursor.fault(format!("tensor `{}` stands there twice", tensor.name));
            }
            found.push(tensor);
        }
        let mut gguf = Self { path: path.to_owned(), metadata, tensors: found, size: cursor.size };
        gguf.refuse_one_of_several()?;
        let alignment = gguf.alignment()?;
        settle(&cursor, &mut gguf.tensors, alignment)?;
        Ok(gguf)
    }

    /// A tensor by its name in the file.
    pub fn tensor(&self, name: &str) -> Option<&Tensor> {
        self.tensors.iter().find(|tensor| tensor.name == name)
    }

    fn alignment(&self) -> Result<u64, GgufError> {
        let alignment = self.whole(ALIGNMENT_KEY)?.unwrap_or(ALIGNMENT);
        if alignment.is_power_of_two() && alignment <= 1 << 20 {
            return Ok(alignment);
        }
        let reason = format!("`{ALIGNMENT_KEY}` = {alignment}: must be a power of two");
        Err(GgufError::file(&self.path, reason, crate::cursor::DAMAGED))
    }

    fn refuse_one_of_several(&self) -> Result<(), GgufError> {
        match self.whole("split.count")? {
            Some(count) if count > 1 => {
                let reason = format!("is one of {count} files of a model that was split");
                Err(GgufError::file(&self.path, reason, "put them together with llama-gguf-split --merge"))
            }
            _ => Ok(()),
        }
    }
}

fn check_version(cursor: &mut Cursor<'_>) -> Result<(), GgufError> {
    let magic = cursor.bytes(4, "the first four bytes")?;
    if magic != b"GGUF" {
        return cursor.fault("does not begin with `GGUF`");
    }
    let old = "make it again with llama.cpp's convert_hf_to_gguf.py, or fetch a newer file";
    match cursor.u32("the version")? {
        2 | 3 => Ok(()),
        version if matches!(version.swap_bytes(), 1..=0xff) => {
            Err(GgufError::file(cursor.path, "is written for big-endian machines", "fetch the little-endian file"))
        }
        version => Err(GgufError::file(cursor.path, format!("version {version}; known are 2 and 3"), old)),
    }
}
