//! The types of files that are written: in which format each tensor is stored. Knows names and widths, no numbers.

use crate::Format;

/// How a file's matrices are stored. Vectors (norms, biases) are F32 in all of them, as llama.cpp wants them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileType {
    /// 16-bit floats.
    F16,
    /// 8 bits and a half a number.
    Q8_0,
    /// Layers in four bits and a half a number; the embedding and the output layer in Q8_0.
    Q4K,
}

impl FileType {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::F16, Self::Q8_0, Self::Q4K];

    /// ggml's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::F16 => Format::F16.name(),
            Self::Q8_0 => Format::Q8_0.name(),
            Self::Q4K => Format::Q4K.name(),
        }
    }

    /// `general.file_type`: llama.cpp's number for files that are mostly of this type.
    pub(crate) fn number(self) -> i64 {
        match self {
            Self::F16 => 1,
            Self::Q8_0 => 7,
            // Q4_K_S.
            Self::Q4K => 14,
        }
    }

    /// The format of a tensor of this name (llama.cpp's) and shape. Rows that cannot be cut into a format's blocks are
    /// stored in the next wider one.
    pub fn format(self, name: &str, shape: &[usize]) -> Format {
        let width = match shape {
            [] | [_] => return Format::F32,
            [.., width] => *width,
        };
        let is_table = matches!(name, "token_embd.weight" | "output.weight");
        let wanted: &[Format] = match self {
            Self::F16 => &[],
            Self::Q4K if !is_table => &[Format::Q4K, Format::Q8_0],
            Self::Q8_0 | Self::Q4K => &[Format::Q8_0],
        };
        let fits = |format: &&Format| width.is_multiple_of(format.block().0);
        wanted.iter().find(fits).copied().unwrap_or(Format::F16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_odd_rows_are_kept_wider() {
        let of = |file: FileType, name: &str, shape: &[usize]| file.format(name, shape);
        assert_eq!(of(FileType::Q4K, "blk.0.ffn_up.weight", &[64, 512]), Format::Q4K);
        assert_eq!(of(FileType::Q4K, "blk.0.ffn_up.weight", &[512, 160]), Format::Q8_0);
        assert_eq!(of(FileType::Q4K, "blk.0.ffn_up.weight", &[512, 40]), Format::F16);
        assert_eq!(of(FileType::Q4K, "output.weight", &[100, 512]), Format::Q8_0);
        assert_eq!(of(FileType::F16, "blk.0.ffn_up.weight", &[64, 512]), Format::F16);
        for file in FileType::ALL {
            assert_eq!(of(file, "blk.0.attn_norm.weight", &[512]), Format::F32);
        }
    }
}
