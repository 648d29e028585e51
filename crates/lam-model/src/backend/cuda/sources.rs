//! The kernels' sources, as NVRTC gets them: one flat text a module, definitions of macros first. Knows no launches.

use lam_cuda::Source;

const DEVICE: &str = include_str!("kernels/device.cuh");
const VALUES: &str = include_str!("kernels/values.cuh");
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
    #[cfg_attr(not(test), expect(dead_code, reason = "generation on a GPU comes later"))]
    Decode,
    AttentionDelta,
    Attention(Tiles),
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
            Family::Dequantise => ("dequantise", include_str!("kernels/dequantise.cu")),
            Family::Optimizer => ("optimizer", include_str!("kernels/optimizer.cu")),
            Family::Decode => ("decode", include_str!("kernels/decode.cu")),
            Family::AttentionDelta => ("attention-delta", include_str!("kernels/attention/delta.cu")),
            Family::Attention(tiles) => return tiles.source(),
        };
        Source::new(name, flat(&[DEVICE, VALUES, text]))
    }
}

/// Files as one text. What they include stands before them.
fn flat(files: &[&str]) -> String {
    let lines = files.iter().flat_map(|file| file.lines());
    let own = lines.filter(|line| !line.starts_with("#include \"") && !line.starts_with("#pragma once"));
    own.flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use lam_cuda::{Architecture, Compiler};
    use sha2::{Digest, Sha256};

    use super::*;

    /// Every module that some card runs, with the capabilities that it is tried for.
    fn modules() -> Vec<(Family, &'static [(u32, u32)])> {
        const ALL: &[(u32, u32)] = &[(8, 0), (9, 0), (10, 0)];
        let plain = [
            Family::Norm,
            Family::Rope,
            Family::Swiglu,
            Family::Embedding,
            Family::CrossEntropy,
            Family::Rows,
            Family::Score,
            Family::Dequantise,
            Family::Optimizer,
            Family::Decode,
            Family::AttentionDelta,
        ];
        let mut modules = plain.map(|family| (family, ALL)).to_vec();
        let roads = [
            (Road::Mma, &[32, 64, 80, 96, 128][..], ALL),
            (Road::Wgmma, &[64, 128], &ALL[1..2]),
            (Road::Roles, &[64, 128], &ALL[1..2]),
        ];
        for (road, dims, capabilities) in roads {
            for (&dim, shared) in dims.iter().flat_map(|dim| [(dim, false), (dim, true)]) {
                modules.push((Family::Attention(Tiles { road, dim, shared, narrow: false }), capabilities));
            }
        }
        let narrow = Tiles { road: Road::Mma, dim: 128, shared: true, narrow: true };
        modules.push((Family::Attention(narrow), &ALL[..1]));
        modules
    }

    /// What was compiled before is not compiled again: its digests are kept beside the build.
    #[test]
    fn nvrtc_takes_every_module_for_every_architecture() {
        let compiler = match Compiler::find() {
            Ok(compiler) => compiler,
            Err(error) => {
                assert!(std::env::var_os("LAM_REQUIRE_ENVIRONMENTS").is_none(), "{error}");
                return eprintln!("not run: {error}");
            }
        };
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/nvrtc");
        std::fs::create_dir_all(&kept).unwrap();
        let tasks = modules().into_iter().flat_map(|(family, of)| of.iter().map(move |&of| (family, of)));
        let tasks = std::sync::Mutex::new(tasks);
        let next = || tasks.lock().unwrap().next();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while let Some((family, capability)) = next() {
                        compiles(&compiler, family, capability, &kept);
                    }
                });
            }
        });
    }

    fn compiles(compiler: &Compiler, family: Family, capability: (u32, u32), kept: &Path) {
        let (source, architecture) = (family.source(), Architecture::of(capability));
        let key = format!("{architecture} {} {}", compiler.version(), source.text);
        let file = kept.join(Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        if file.exists() {
            return;
        }
        let (_, told) =
            compiler.compile_and_tell(&source, architecture).unwrap_or_else(|error| panic!("{family:?}: {error}"));
        // A wgmma that waits for the one before it is worth nothing.
        assert!(!told.contains("warning") && !told.contains("serializ"), "{family:?} for {architecture}: {told}");
        std::fs::write(file, told).unwrap();
    }
}
