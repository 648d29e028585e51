//! A tensor's place in a file, and the forms in which its numbers may lie there. Knows no number.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::GgufError;
use crate::cursor::{Cursor, DAMAGED};

/// Most dimensions, as in ggml.
const DIMENSIONS: u32 = 4;
const OTHER_TYPE: &str = "known are F32, F16, BF16, Q8_0, Q4_0, Q4_K and Q6_K: fetch the model in Q8_0, Q4_K_M, Q4_0, \
                          BF16, F16 or F32, or make such a file of the original one with llama-quantize";

/// How numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// 32-bit floats.
    F32,
    /// 16-bit floats of IEEE 754.
    F16,
    /// Upper halves of 32-bit floats.
    BF16,
    /// 32 × 8 bits under a scale.
    Q8_0,
    /// 32 × 4 bits under a scale.
    Q4_0,
    /// 256 × 4 bits, scales and minima of 6 bits for each 32.
    Q4K,
    /// 256 × 6 bits, scales of 8 bits for each 16.
    Q6K,
}

impl Format {
    /// All of them, with ggml's number.
    const ALL: [(u32, Self); 7] = [
        (0, Self::F32),
        (1, Self::F16),
        (30, Self::BF16),
        (8, Self::Q8_0),
        (2, Self::Q4_0),
        (12, Self::Q4K),
        (14, Self::Q6K),
    ];

    /// ggml's number.
    pub(crate) fn number(self) -> u32 {
        let known = Self::ALL.into_iter().find(|(_, format)| *format == self);
        known.expect("every format stands in the list").0
    }

    /// ggml's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::BF16 => "BF16",
            Self::Q8_0 => "Q8_0",
            Self::Q4_0 => "Q4_0",
            Self::Q4K => "Q4_K",
            Self::Q6K => "Q6_K",
        }
    }

    /// Numbers and bytes of a block.
    pub fn block(self) -> (usize, usize) {
        match self {
            Self::F32 => (1, 4),
            Self::F16 | Self::BF16 => (1, 2),
            Self::Q8_0 => (32, 34),
            Self::Q4_0 => (32, 18),
            Self::Q4K => (256, 144),
            Self::Q6K => (256, 210),
        }
    }
}

/// ggml's names of the types that are not read here.
fn other_name(kind: u32) -> String {
    const NAMES: [(u32, &str); 26] = [
        (3, "Q4_1"),
        (6, "Q5_0"),
        (7, "Q5_1"),
        (9, "Q8_1"),
        (10, "Q2_K"),
        (11, "Q3_K"),
        (13, "Q5_K"),
        (15, "Q8_K"),
        (16, "IQ2_XXS"),
        (17, "IQ2_XS"),
        (18, "IQ3_XXS"),
        (19, "IQ1_S"),
        (20, "IQ4_NL"),
        (21, "IQ3_S"),
        (22, "IQ2_S"),
        (23, "IQ4_XS"),
        (24, "I8"),
        (25, "I16"),
        (26, "I32"),
        (27, "I64"),
        (28, "F64"),
        (29, "IQ1_M"),
        (34, "TQ1_0"),
        (35, "TQ2_0"),
        (39, "MXFP4"),
        (40, "NVFP4"),
    ];
    let known = NAMES.iter().find(|(number, _)| *number == kind);
    known.map_or_else(|| format!("number {kind}"), |(_, name)| (*name).to_owned())
}

/// A tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Its name in the file.
    pub name: String,
    /// Its dimensions, rows before columns: the other way round than they stand in the file.
    pub shape: Vec<usize>,
    /// How its numbers are stored.
    pub format: Format,
    /// Where they begin, in bytes from the file's beginning.
    pub start: u64,
    /// How many bytes they take.
    pub bytes: u64,
}

impl Tensor {
    /// Reads a description; `start` counts from the beginning of the tensors' bytes until the header's end is known.
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, GgufError> {
        let name = cursor.name("the name of a tensor")?;
        let what = format!("tensor `{name}`");
        let count = cursor.u32(&what)?;
        if !(1..=DIMENSIONS).contains(&count) {
            return cursor.fault(format!("{what} has {count} dimensions"));
        }
        let mut shape = Vec::new();
        for _ in 0..count {
            shape.push(cursor.u64(&what)?);
        }
        shape.reverse();
        let (kind, start) = (cursor.u32(&what)?, cursor.u64(&what)?);
        let Some((_, format)) = Format::ALL.into_iter().find(|(number, _)| *number == kind) else {
            let reason = format!("{what} is stored as {}, which is not read here", other_name(kind));
            return Err(GgufError::file(cursor.path, reason, OTHER_TYPE));
        };
        let (numbers, width) = format.block();
        let columns = shape.last().copied().unwrap_or_default();
        if columns == 0 || !columns.is_multiple_of(numbers as u64) {
            return cursor.fault(format!("{what} has rows of {columns} numbers, no blocks of {}", format.name()));
        }
        let total = shape.iter().try_fold(1_u64, |total, size| total.checked_mul(*size));
        let bytes = total.and_then(|total| (total / numbers as u64).checked_mul(width as u64));
        if bytes == Some(0) {
            return cursor.fault(format!("{what} of shape {shape:?} has no numbers"));
        }
        let Some(bytes) = bytes.filter(|bytes| *bytes <= cursor.size) else {
            return cursor.fault(format!("{what} of shape {shape:?} is larger than the file of {} bytes", cursor.size));
        };
        let shape = shape.into_iter().map(|size| size as usize).collect();
        Ok(Self { name, shape, format, start, bytes })
    }

    /// How many numbers it has.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// The bytes of a small tensor.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(crate) fn read_bytes(&self, path: &Path) -> Result<Vec<u8>, GgufError> {
        let mut bytes = vec![0; self.bytes as usize];
        let file = File::open(path).map_err(GgufError::io(path))?;
        file.read_exact_at(&mut bytes, self.start).map_err(GgufError::io(path))?;
        Ok(bytes)
    }
}

/// Moves the tensors' places to the file's beginning; refuses those that reach out of the file or into each other.
pub(crate) fn settle(cursor: &Cursor<'_>, tensors: &mut [Tensor], alignment: u64) -> Result<(), GgufError> {
    let data = cursor.at.next_multiple_of(alignment);
    for tensor in tensors.iter_mut() {
        if !tensor.start.is_multiple_of(alignment) {
            let (name, offset) = (&tensor.name, tensor.start);
            return cursor.fault(format!("tensor `{name}` begins at byte {offset}, no multiple of {alignment}"));
        }
        let start = data.checked_add(tensor.start);
        let end = start.and_then(|start| start.checked_add(tensor.bytes));
        let (Some(start), Some(_)) = (start, end.filter(|end| *end <= cursor.size)) else {
            let (name, offset, bytes) = (&tensor.name, tensor.start, tensor.bytes);
            let reason = format!(
                "tensor `{name}` takes {bytes} bytes from byte {offset} after {data} on; the file has {}",
                cursor.size
            );
            return Err(GgufError::file(cursor.path, reason, DAMAGED));
        };
        tensor.start = start;
    }
    let mut places: Vec<&Tensor> = tensors.iter().collect();
    places.sort_by_key(|tensor| tensor.start);
    match places.windows(2).find(|pair| pair[0].start + pair[0].bytes > pair[1].start) {
        None => Ok(()),
        Some(pair) => cursor.fault(format!("tensors `{}` and `{}` share bytes", pair[0].name, pair[1].name)),
    }
}
