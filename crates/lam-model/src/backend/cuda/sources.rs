//! The kernels' sources, as NVRTC gets them: one flat text a module, definitions of macros first. Knows no launches.

use lam_cuda::Source;

use crate::backend::cpu::kernel::blocks::BlockForm;

const DEVICE: &str = include_str!("kernels/device.cuh");
const VALUES: &str = include_str!("kernels/values.cuh");
const HALF: &str = include_str!("kernels/half.cuh");
const WGMMA: &str = include_str!("kernels/attention/wgmma.cuh");
const TILES: &str = include_str!("kernels/attention/tiles.cuh");
const SIGHT: &str = include_str!("kernels/attention/sight.cuh");
const FLASH: &str = include_str!("kernels/attention/flash.cuh");
const PAIR: &str = include_str!("kernels/attention/pair.cu");
const ROLES: &str = include_str!("kernels/attention/roles.cu");

/// Kernels that are compiled together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Family {
    Norm,
    Rope,
    Swiglu,
    Embedding,
    CrossEntropy,
    Rows,
    Score,
    Dequantise,
    Optimizer,
    Totals,
    Decode,
    AttentionDelta,
    Attention(Tiles),
    Cached(CachedHeads),
    Gather,
    Single,
    SingleBlocks(BlockForm),
    FewBlocks(BlockForm),
}

/// Positions of a page of keys and values.
pub(crate) const PAGE: usize = 64;
/// Positions whose keys one block of attention over pages takes.
pub(crate) const PART: usize = 4 * PAGE;

/// What the kernels of attention over pages are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CachedHeads {
    /// Values of a head.
    pub(crate) dim: usize,
    /// Query heads that a block takes at once: 1, 2 or 4.
    pub(crate) at_once: usize,
}

/// How attention is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Road {
    /// Products by mma.sync: any card, any head dimension that is a multiple of 16 up to 128.
    Mma,
    /// Products by wgmma: Hopper, head dimensions 64 and 128.
    Wgmma,
    /// The same, with warps that only fetch, by TMA.
    Roles,
}

/// Attention's kernels for one head dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Tiles {
    pub(crate) road: Road,
    /// Values of a head.
    pub(crate) dim: usize,
    /// Whether texts share prefixes.
    pub(crate) shared: bool,
    /// Whether a block has less than 128 KiB of shared memory.
    pub(crate) narrow: bool,
}

impl Tiles {
    /// Columns of a head's tiles: whole groups of 64.
    fn columns(self) -> usize {
        self.dim.next_multiple_of(64)
    }

    fn forward_keys(self) -> usize {
        if self.road == Road::Mma { 64 } else { 128 }
    }

    fn dq_keys(self) -> usize {
        match self.road {
            Road::Mma if self.narrow && self.columns() == 128 => 32,
            Road::Mma => 64,
            Road::Wgmma => 128,
            Road::Roles => 96,
        }
    }

    fn dkv_queries(self) -> usize {
        if self.road == Road::Mma && self.columns() == 128 { 32 } else { 64 }
    }

    /// Threads of a block.
    pub(crate) fn threads(self) -> u32 {
        if self.road == Road::Roles { 384 } else { 256 }
    }

    /// Bytes of shared memory of the forward's blocks.
    pub(crate) fn forward_bytes(self) -> usize {
        (128 + 4 * self.forward_keys()) * self.columns() * 2 + 1152
    }

    /// Bytes of shared memory of the blocks that make the gradient by the queries.
    pub(crate) fn dq_bytes(self) -> usize {
        match self.road {
            Road::Roles => (256 + 5 * self.dq_keys()) * self.columns() * 2 + 1152,
            _ => (256 + 4 * self.dq_keys()) * self.columns() * 2,
        }
    }

    /// Bytes of shared memory of the blocks that make the gradients by keys and values.
    pub(crate) fn dkv_bytes(self) -> usize {
        let queries = self.dkv_queries();
        match self.road {
            Road::Roles => {
                (256 + 6 * queries) * self.columns() * 2 + 9 * queries * 4 + 1152 + if self.shared { 512 } else { 0 }
            }
            _ => (256 + 4 * queries) * self.columns() * 2 + 6 * queries * 4,
        }
    }

    fn source(self) -> Source {
        let definitions = format!(
            "#define HEAD_DIM {}\n#define USE_WGMMA {}\n#define SHARED_PREFIXES {}\n#define FORWARD_KEYS {}\n\
             #define DQ_KEYS {}\n#define DKV_QUERIES {}\n",
            self.dim,
            u8::from(self.road != Road::Mma),
            u8::from(self.shared),
            self.forward_keys(),
            self.dq_keys(),
            self.dkv_queries(),
        );
        let (name, files): (_, &[&str]) = match self.road {
            Road::Mma => ("attention-mma", &[DEVICE, VALUES, WGMMA, TILES, SIGHT, FLASH, PAIR]),
            Road::Wgmma => ("attention-wgmma", &[DEVICE, VALUES, WGMMA, TILES, SIGHT, FLASH, PAIR]),
            Road::Roles => ("attention-roles", &[DEVICE, VALUES, WGMMA, TILES, SIGHT, ROLES]),
        };
        Source::new(name, definitions + &flat(files))
    }
}

impl CachedHeads {
    fn source(self) -> Source {
        let Self { dim, at_once } = self;
        let definitions =
            format!("#define HEAD_DIM {dim}\n#define HEADS {at_once}\n#define PAGE {PAGE}\n#define PART {PART}\n");
        let text = include_str!("kernels/attention/cached.cu");
        Source::new("attention-cached", definitions + &flat(&[DEVICE, VALUES, text]))
    }
}

impl Family {
    /// What is compiled.
    pub(crate) fn source(self) -> Source {
        let (name, text) = match self {
            Family::Norm => ("norm", include_str!("kernels/norm.cu")),
            Family::Rope => ("rope", include_str!("kernels/rope.cu")),
            Family::Swiglu => ("swiglu", include_str!("kernels/swiglu.cu")),
            Family::Embedding => ("embedding", include_str!("kernels/embedding.cu")),
            Family::CrossEntropy => ("cross-entropy", include_str!("kernels/cross_entropy.cu")),
            Family::Rows => ("rows", include_str!("kernels/rows.cu")),
            Family::Score => ("score", include_str!("kernels/score.cu")),
            Family::Dequantise => {
                let text = include_str!("kernels/dequantise.cu");
                return Source::new("dequantise", flat(&[DEVICE, VALUES, HALF, text]));
            }
            Family::Optimizer => ("optimizer", include_str!("kernels/optimizer.cu")),
            Family::Totals => ("totals", include_str!("kernels/totals.cu")),
            Family::Single => ("single", include_str!("kernels/single.cu")),
            Family::Decode => ("decode", include_str!("kernels/decode.cu")),
            Family::AttentionDelta => ("attention-delta", include_str!("kernels/attention/delta.cu")),
            Family::Gather => return gather(),
            Family::SingleBlocks(form) => {
                let names = ["single-blocks-q8-0", "single-blocks-q4-0", "single-blocks-q4-k"];
                return of_form(form, names, include_str!("kernels/single_blocks.cu"));
            }
            Family::FewBlocks(form) => {
                let names = ["few-blocks-q8-0", "few-blocks-q4-0", "few-blocks-q4-k"];
                return of_form(form, names, include_str!("kernels/few_blocks.cu"));
            }
            Family::Attention(tiles) => return tiles.source(),
            Family::Cached(heads) => return heads.source(),
        };
        Source::new(name, flat(&[DEVICE, VALUES, text]))
    }
}

/// What gathers keys and values from pages.
fn gather() -> Source {
    let text = flat(&[DEVICE, VALUES, include_str!("kernels/attention/gather.cu")]);
    Source::new("attention-gather", format!("#define PAGE {PAGE}\n") + &text)
}

/// Kernels over blocks of one form.
fn of_form(form: BlockForm, names: [&'static str; 3], text: &str) -> Source {
    let (name, form) = match form {
        BlockForm::Q8_0 => (names[0], "Q8_0"),
        BlockForm::Q4_0 => (names[1], "Q4_0"),
        BlockForm::Q4K => (names[2], "Q4_K"),
    };
    let definitions = format!("#define Q8_0 0\n#define Q4_0 1\n#define Q4_K 2\n#define FORM {form}\n");
    Source::new(name, definitions + &flat(&[DEVICE, VALUES, HALF, text]))
}

/// Files as one text. What they include stands before them.
fn flat(files: &[&str]) -> String {
    let lines = files.iter().flat_map(|file| file.lines());
    let own = lines.filter(|line| !line.starts_with("#include \"") && !line.starts_with("#pragma once"));
    own.flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests;
