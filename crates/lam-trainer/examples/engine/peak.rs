//! What the processor can do at most: multiply-adds on registers or tiles alone, in GFLOP/s over all threads.
//!
//! `--threads N`

use std::time::Instant;

use serde_json::{Value, json};

use crate::Failure;
use crate::options::{NotAvailable, Options};

/// Sums in flight, enough to hide the latency of an instruction.
const SUMS: usize = 12;
/// A run of some milliseconds, which is over before another program has its turn.
const ROUNDS: usize = 2_000_000;
const RUNS: usize = 60;

#[cfg(target_arch = "x86_64")]
mod kernel {
    use std::arch::x86_64::{
        __m512bh, _mm256_fmadd_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm512_dpbf16_ps, _mm512_fmadd_ps,
        _mm512_set1_ps, _mm512_setzero_ps,
    };
    use std::hint::black_box;

    use super::SUMS;

    /// Floating-point operations of `rounds` rounds.
    #[target_feature(enable = "avx2,fma")]
    pub fn f32_avx2(rounds: usize) -> usize {
        let factor = black_box(_mm256_set1_ps(0.5));
        let mut sums = [_mm256_setzero_ps(); SUMS];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm256_fmadd_ps(factor, factor, *sum);
            }
        }
        black_box(sums);
        rounds * SUMS * 8 * 2
    }

    /// As `f32_avx2`.
    #[target_feature(enable = "avx512f")]
    pub fn f32_avx512(rounds: usize) -> usize {
        let factor = black_box(_mm512_set1_ps(0.5));
        let mut sums = [_mm512_setzero_ps(); SUMS];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm512_fmadd_ps(factor, factor, *sum);
            }
        }
        black_box(sums);
        rounds * SUMS * 16 * 2
    }

    /// As `f32_avx2`, with products of pairs of bf16.
    #[target_feature(enable = "avx512f,avx512bf16")]
    pub fn bf16_avx512(rounds: usize) -> usize {
        // SAFETY: both types are 64 bytes without any invalid value.
        let pairs: __m512bh = unsafe { std::mem::transmute(black_box(_mm512_set1_ps(0.5))) };
        let mut sums = [_mm512_setzero_ps(); SUMS];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm512_dpbf16_ps(*sum, pairs, pairs);
            }
        }
        black_box(sums);
        rounds * SUMS * 32 * 2
    }

    /// As `f32_avx2`, with tiles: four sums of 16 × 16, which is what a product has, and 32 values of the reduction.
    ///
    /// # Safety
    /// The processor has tiles of bf16, and Linux has let this process use them.
    pub unsafe fn bf16_amx(rounds: usize) -> usize {
        #[repr(C, align(64))]
        struct Config {
            palette: u8,
            start_row: u8,
            reserved: [u8; 14],
            row_bytes: [u16; 16],
            rows: [u8; 16],
        }
        let mut config = Config { palette: 1, start_row: 0, reserved: [0; 14], row_bytes: [0; 16], rows: [0; 16] };
        config.row_bytes[..8].fill(64);
        config.rows[..8].fill(16);
        let rounds = rounds / TILES_ARE_LARGER;
        // SAFETY: the caller's; all tiles are given back.
        unsafe {
            std::arch::asm!(
                "ldtilecfg [{config}]",
                "tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3",
                "tilezero tmm4", "tilezero tmm5", "tilezero tmm6", "tilezero tmm7",
                "2:",
                "tdpbf16ps tmm0, tmm4, tmm6", "tdpbf16ps tmm1, tmm4, tmm7",
                "tdpbf16ps tmm2, tmm5, tmm6", "tdpbf16ps tmm3, tmm5, tmm7",
                "dec {rounds}",
                "jnz 2b",
                "tilerelease",
                config = in(reg) &raw const config,
                rounds = inout(reg) rounds => _,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack)
            );
        }
        rounds * 4 * 16 * 16 * 32 * 2
    }

    /// How many times fewer rounds of tiles take about as long.
    const TILES_ARE_LARGER: usize = 16;
}

/// GFLOP/s of a kernel that runs on all threads at once; the best of many.
fn gflops(threads: usize, kernel: impl Fn(usize) -> usize + Sync) -> f64 {
    let run = || {
        let start = Instant::now();
        let operations: usize = std::thread::scope(|scope| {
            let running: Vec<_> = (0..threads).map(|_| scope.spawn(|| kernel(ROUNDS))).collect();
            running.into_iter().map(|thread| thread.join().expect("the kernel does not panic")).sum()
        });
        operations as f64 / start.elapsed().as_secs_f64() / 1e9
    };
    (0..RUNS).map(|_| run()).fold(0.0, f64::max)
}

#[cfg(target_arch = "x86_64")]
pub fn run(options: &Options) -> Result<Value, Failure> {
    use std::is_x86_feature_detected as has;
    let threads = options.number("threads")?;
    if !has!("avx2") || !has!("fma") {
        return Err(NotAvailable("the peak of a processor without AVX2".into()).into());
    }
    // SAFETY: each kernel runs only where the processor has its instructions.
    let mut f32 = gflops(threads, |rounds| unsafe { kernel::f32_avx2(rounds) });
    if has!("avx512f") {
        // SAFETY: as above.
        f32 = f32.max(gflops(threads, |rounds| unsafe { kernel::f32_avx512(rounds) }));
    }
    let mut bf16 = has!("avx512bf16").then(|| {
        // SAFETY: as above.
        gflops(threads, |rounds| unsafe { kernel::bf16_avx512(rounds) })
    });
    if lam_model::Processor::here().used.contains(&"amx") {
        // SAFETY: the engine has asked for both.
        let tiles = gflops(threads, |rounds| unsafe { kernel::bf16_amx(rounds) });
        bf16 = Some(bf16.map_or(tiles, |pairs| pairs.max(tiles)));
    }
    Ok(json!({ "f32": f32, "bf16": bf16 }))
}

#[cfg(not(target_arch = "x86_64"))]
pub fn run(_: &Options) -> Result<Value, Failure> {
    Err(NotAvailable("the peak of this kind of processor".into()).into())
}
