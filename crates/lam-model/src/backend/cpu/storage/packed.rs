//! Numbers of a tensor that do not lie one by one, as they are used: in blocks, or rows in llama.cpp's order.

use candle_core::quantized::GgmlDType;
use candle_core::quantized::ggml_file::qtensor_from_ggml;
use half::{bf16, f16};
use lam_gguf::Format;

use super::span::{FileSpan, PIECE};
use crate::ModelError;
use crate::backend::storage::weight::Stored;

impl FileSpan {
    /// All of it in the blocks in which it lies, where they are of a form that is computed with.
    pub(crate) fn read_blocks(&self) -> Result<Option<Stored>, ModelError> {
        if !Stored::takes(self.format) {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        self.runs(0, self.count(), |first, count| self.pieces(first, count, |piece| bytes.extend_from_slice(piece)))?;
        self.refuse_if_changed()?;
        let blocks = Stored::of_blocks(self.format, bytes);
        self.refuse_unless(blocks.is_some())?;
        Ok(blocks)
    }

    /// Calls `each` with every run of numbers that lies in one piece in the file: its first number there and its length.
    pub(super) fn runs(
        &self,
        first: usize,
        count: usize,
        mut each: impl FnMut(usize, usize) -> Result<(), ModelError>,
    ) -> Result<(), ModelError> {
        let Some(heads) = self.interleaved else { return each(first, count) };
        let width: usize = self.shape[1..].iter().product();
        let dim = self.shape[0] / heads;
        let mut at = first;
        while at < first + count {
            let (row, column) = (at / width, at % width);
            let length = (width - column).min(first + count - at);
            let (head, half, pair) = (row / dim, row % dim / (dim / 2), row % (dim / 2));
            each((head * dim + 2 * pair + half) * width + column, length)?;
            at += length;
        }
        Ok(())
    }

    /// Numbers that lie in one piece, in f32.
    pub(super) fn run_f32(&self, first: usize, count: usize, values: &mut Vec<f32>) -> Result<(), ModelError> {
        let mut read = |bytes: &[u8]| match self.format {
            Format::BF16 => values.extend(pairs(bytes).map(|b| bf16::from_le_bytes(b).to_f32())),
            Format::F16 => values.extend(pairs(bytes).map(|b| f16::from_le_bytes(b).to_f32())),
            _ => values.extend(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))),
        };
        let dtype = match self.format {
            Format::F32 | Format::F16 | Format::BF16 => return self.pieces(first, count, &mut read),
            Format::Q8_0 => GgmlDType::Q8_0,
            Format::Q4_0 => GgmlDType::Q4_0,
            Format::Q4K => GgmlDType::Q4K,
            Format::Q6K => GgmlDType::Q6K,
        };
        let (size, _) = self.format.block();
        let (from, to) = (first / size * size, (first + count).next_multiple_of(size));
        let (mut skipped, mut left, mut expanded) = (first - from, count, Ok(()));
        self.pieces(from, to - from, |bytes| {
            let piece = expand(dtype, self.format, bytes).map(|piece| {
                let piece = &piece[skipped.min(piece.len())..];
                values.extend(&piece[..left.min(piece.len())]);
                left -= left.min(piece.len());
            });
            skipped = 0;
            expanded = std::mem::replace(&mut expanded, Ok(())).and(piece);
        })?;
        Ok(expanded?)
    }

    /// Calls `each` with the bytes of `count` numbers from the one at `first` on, whole blocks at a time.
    fn pieces(&self, first: usize, count: usize, mut each: impl FnMut(&[u8])) -> Result<(), ModelError> {
        let (numbers, width) = self.format.block();
        let (mut at, mut left) = (self.start + (first / numbers * width) as u64, count / numbers * width);
        let mut piece = vec![0; (PIECE / width * width).min(left)];
        while left > 0 {
            let length = piece.len().min(left);
            let piece = &mut piece[..length];
            self.read_bytes(piece, at)?;
            each(piece);
            at += length as u64;
            left -= length;
        }
        Ok(())
    }
}

fn pairs(bytes: &[u8]) -> impl Iterator<Item = [u8; 2]> {
    bytes.chunks_exact(2).map(|b| [b[0], b[1]])
}

/// The numbers of whole blocks.
fn expand(dtype: GgmlDType, format: Format, bytes: &[u8]) -> candle_core::Result<Vec<f32>> {
    let (numbers, width) = format.block();
    let device = candle_core::Device::Cpu;
    let blocks = qtensor_from_ggml(dtype, bytes, vec![bytes.len() / width * numbers], &device)?;
    blocks.dequantize(&device)?.to_vec1()
}
