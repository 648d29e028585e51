//! What the processor can do at most: multiply-adds on registers alone, in GFLOP/s over all threads.
//!
//! `--threads N`

use std::time::Instant;

use serde_json::{Value, json};

use crate::Failure;
use crate::options::{NotAvailable, Options};

/// Sums in flight, enough to hide the latency of an instruction.
const SUMS: usize = 12;
const ROUNDS: usize = 40_000_000;

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
}

/// GFLOP/s of a kernel that runs on all threads at once; the best of three.
fn gflops(threads: usize, kernel: impl Fn(usize) -> usize + Sync) -> f64 {
    let run = || {
        let start = Instant::now();
        let operations: usize = std::thread::scope(|scope| {
            let running: Vec<_> = (0..threads).map(|_| scope.spawn(|| kernel(ROUNDS))).collect();
            running.into_iter().map(|thread| thread.join().expect("the kernel does not panic")).sum()
        });
        operations as f64 / start.elapsed().as_secs_f64() / 1e9
    };
    (0..3).map(|_| run()).fold(0.0, f64::max)
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
    let bf16 = has!("avx512bf16").then(|| {
        // SAFETY: as above.
        gflops(threads, |rounds| unsafe { kernel::bf16_avx512(rounds) })
    });
    Ok(json!({ "f32": f32, "bf16": bf16 }))
}

#[cfg(not(target_arch = "x86_64"))]
pub fn run(_: &Options) -> Result<Value, Failure> {
    Err(NotAvailable("the peak of this kind of processor".into()).into())
}
