//! A tensor's numbers where they lie in a file that is opened once, read by place, a piece at a time: in f32 or in bf16.

use std::fs::{File, Metadata};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use half::slice::HalfFloatSliceExt;
use half::vec::HalfBitsVecExt;
use half::{bf16, f16};
use lam_gguf::Format;
use rayon::prelude::*;

use super::activation::round_into;
use crate::ModelError;

/// Bytes that are read at once.
pub(crate) const PIECE: usize = 1 << 20;
/// Numbers that a thread reads at once.
pub(crate) const NUMBERS: usize = PIECE / 4;

/// A file of weights, open. Replaced by another under its name, or removed, it is still read; written to, it is refused.
#[derive(Debug)]
pub(crate) struct WeightFile {
    file: File,
    path: PathBuf,
    /// Length in bytes, seconds and nanoseconds of the last change, when it was opened.
    state: (u64, i64, i64),
}

/// Where a tensor lies in a file.
#[derive(Clone, Debug)]
pub(crate) struct FileSpan {
    pub(crate) file: Arc<WeightFile>,
    pub(crate) name: String,
    pub(crate) format: Format,
    pub(crate) shape: Vec<usize>,
    /// In bytes from the file's beginning.
    pub(crate) start: u64,
    /// Heads whose rows lie in llama.cpp's order, the two halves of a head interleaved.
    pub(crate) interleaved: Option<usize>,
}

impl WeightFile {
    /// Opens a file for as long as any of its tensors is to be read.
    pub(crate) fn open(path: &Path) -> Result<Self, ModelError> {
        let file = File::open(path).map_err(ModelError::io(path))?;
        let state = state(&file.metadata().map_err(ModelError::io(path))?);
        Ok(Self { file, path: path.to_owned(), state })
    }

    /// Refuses what was read if the file was written to since it was opened.
    fn refuse_if_changed(&self) -> Result<(), ModelError> {
        if state(&self.file.metadata().map_err(ModelError::io(&self.path))?) == self.state {
            return Ok(());
        }
        let hint = "weights are read again when they are needed: leave a model's files as they are while it is in use";
        Err(ModelError::file_with_hint(&self.path, "was written to since the model was opened", hint))
    }
}

fn state(of: &Metadata) -> (u64, i64, i64) {
    (of.len(), of.mtime(), of.mtime_nsec())
}

impl FileSpan {
    /// The file's name.
    pub(crate) fn path(&self) -> &Path {
        &self.file.path
    }

    /// How many numbers it has.
    pub(crate) fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether its numbers lie one by one, in the order in which they are used.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self.format, Format::F32 | Format::F16 | Format::BF16) && self.interleaved.is_none()
    }

    /// All numbers in f32, finite.
    pub(crate) fn whole_f32(&self) -> Result<Vec<f32>, ModelError> {
        if !self.is_plain() {
            let values = self.read_f32(0, self.count())?;
            self.refuse_unless(values.iter().all(|value| value.is_finite()))?;
            return Ok(values);
        }
        let mut values = vec![0.0; self.count()];
        self.in_parts(&mut values, |first, part| {
            self.to_f32(first, part)?;
            self.refuse_unless(part.iter().all(|value| value.is_finite()))
        })?;
        Ok(values)
    }

    /// All numbers in bf16, rounded where they are stored in more bits, finite.
    pub(crate) fn whole_bf16(&self) -> Result<Vec<bf16>, ModelError> {
        if !self.is_plain() {
            let mut values = Vec::with_capacity(self.count());
            for first in (0..self.count()).step_by(PIECE) {
                let piece = self.read_f32(first, PIECE.min(self.count() - first))?;
                self.refuse_unless(piece.iter().all(|value| value.is_finite()))?;
                values.extend(piece.into_iter().map(bf16::from_f32));
            }
            return Ok(values);
        }
        // As integers, because their zeros come cleared from the allocator.
        let mut values: Vec<bf16> = vec![0_u16; self.count()].reinterpret_into();
        self.in_parts(&mut values, |first, part| self.to_bf16(first, part))?;
        Ok(values)
    }

    /// Some numbers in f32, whatever they are.
    pub(crate) fn read_f32(&self, first: usize, count: usize) -> Result<Vec<f32>, ModelError> {
        let values = if self.is_plain() {
            let mut values = vec![0.0; count];
            self.to_f32(first, &mut values)?;
            values
        } else {
            let mut values = Vec::with_capacity(count);
            self.runs(first, count, |first, count| self.run_f32(first, count, &mut values))?;
            values
        };
        self.file.refuse_if_changed()?;
        Ok(values)
    }

    /// Some numbers in bf16, finite, to a slice. The file's state is the caller's to check.
    pub(crate) fn to_bf16(&self, first: usize, to: &mut [bf16]) -> Result<(), ModelError> {
        if self.format != Format::BF16 {
            round_into(&self.finite_f32(first, to.len())?, to);
            return Ok(());
        }
        let bits = to.reinterpret_cast_mut();
        self.read(first, bits)?;
        // A number of which every bit of the exponent is set is none.
        let largest = bits.iter().fold(0, |most, bits| most.max(bits & 0x7fff));
        self.refuse_unless(largest < 0x7f80)
    }

    /// Some numbers in f32, finite. The file's state is the caller's to check.
    pub(crate) fn finite_f32(&self, first: usize, count: usize) -> Result<Vec<f32>, ModelError> {
        let mut values = vec![0.0; count];
        self.to_f32(first, &mut values)?;
        self.refuse_unless(values.iter().all(|value| value.is_finite()))?;
        Ok(values)
    }

    /// Refuses what was read if its file was written to meanwhile.
    pub(crate) fn refuse_if_changed(&self) -> Result<(), ModelError> {
        self.file.refuse_if_changed()
    }

    /// Lets threads fill parts of all numbers, each from its first one on.
    fn in_parts<T: Send>(
        &self,
        values: &mut [T],
        fill: impl Fn(usize, &mut [T]) -> Result<(), ModelError> + Sync,
    ) -> Result<(), ModelError> {
        let parts = values.par_chunks_mut(NUMBERS).enumerate();
        parts.try_for_each(|(part, values)| fill(part * NUMBERS, values))?;
        self.file.refuse_if_changed()
    }

    fn to_f32(&self, first: usize, to: &mut [f32]) -> Result<(), ModelError> {
        if self.format == Format::F32 {
            return self.read(first, to);
        }
        let mut bits = vec![0_u16; to.len()];
        self.read(first, &mut bits)?;
        let wide = to.iter_mut().zip(bits);
        match self.format {
            Format::BF16 => wide.for_each(|(to, bits)| *to = bf16::from_bits(bits).to_f32()),
            _ => wide.for_each(|(to, bits)| *to = f16::from_bits(bits).to_f32()),
        }
        Ok(())
    }

    /// Reads numbers as they are stored, which must be as wide as `T`.
    fn read<T: Plain>(&self, first: usize, to: &mut [T]) -> Result<(), ModelError> {
        assert_eq!(self.format.block(), (1, size_of::<T>()), "numbers of another width");
        assert!(first + to.len() <= self.count(), "numbers behind the last");
        let at = self.start + (first * size_of::<T>()) as u64;
        // SAFETY: the numbers are plain: any bytes are some, and they lie back to back.
        let bytes = unsafe { std::slice::from_raw_parts_mut(to.as_mut_ptr().cast::<u8>(), size_of_val(to)) };
        self.read_bytes(bytes, at)?;
        to.iter_mut().for_each(|number| *number = number.of_file());
        Ok(())
    }

    /// Reads bytes from a place in the file on.
    pub(super) fn read_bytes(&self, bytes: &mut [u8], at: u64) -> Result<(), ModelError> {
        self.file.file.read_exact_at(bytes, at).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => {
                self.file.refuse_if_changed().err().unwrap_or_else(|| {
                    ModelError::file(&self.file.path, format!("ends inside of tensor `{}`", self.name))
                })
            }
            _ => ModelError::io(&self.file.path)(error),
        })
    }

    pub(super) fn refuse_unless(&self, finite: bool) -> Result<(), ModelError> {
        if finite {
            return Ok(());
        }
        let reason = format!("tensor `{}` holds values that are not finite numbers", self.name);
        let hint = "the training that wrote it diverged, or the file is damaged";
        Err(ModelError::file_with_hint(&self.file.path, reason, hint))
    }
}

/// Numbers that any bytes are.
trait Plain: Copy {
    /// What it is in memory, of what its bytes are in the file.
    fn of_file(self) -> Self;
}

impl Plain for u16 {
    fn of_file(self) -> Self {
        u16::from_le(self)
    }
}

impl Plain for f32 {
    fn of_file(self) -> Self {
        f32::from_bits(u32::from_le(self.to_bits()))
    }
}
