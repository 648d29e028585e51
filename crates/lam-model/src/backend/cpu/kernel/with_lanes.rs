//! Chooses the lanes of this process for a loop that is written over them.

use lam_cuda::Numerics;

use super::features::Features;
pub(crate) use super::features::LanesLevel as Level;
use super::numerics::numerics;

/// `with_lanes! { /// doc  fn name(args) -> R = generic }`: calls `generic::<L>` with the lanes of this processor.
macro_rules! with_lanes {
    ($(#[$meta:meta])* fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? = $generic:ident) => {
        $(#[$meta])*
        pub(crate) unsafe fn $name($($arg: $ty),*) $(-> $ret)? {
            use $crate::backend::cpu::kernel::{lanes::Portable, with_lanes::{is_portable, level, Level}};
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx512bf16,avx512vnni,avx2,fma,f16c")]
            unsafe fn native($($arg: $ty),*) $(-> $ret)? {
                // SAFETY: the caller's.
                unsafe { $generic::<$crate::backend::cpu::kernel::lanes::Native<true>>($($arg),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx512bf16,avx512vnni,avx2,fma,f16c")]
            unsafe fn native_portable($($arg: $ty),*) $(-> $ret)? {
                // SAFETY: the caller's.
                unsafe { $generic::<$crate::backend::cpu::kernel::lanes::Native<false>>($($arg),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma,f16c")]
            unsafe fn avx512($($arg: $ty),*) $(-> $ret)? {
                // SAFETY: the caller's.
                unsafe { $generic::<Portable<true, 8>>($($arg),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,f16c")]
            unsafe fn avx2($($arg: $ty),*) $(-> $ret)? {
                // SAFETY: the caller's.
                unsafe { $generic::<Portable<true, 3>>($($arg),*) }
            }
            // SAFETY: the level says that the processor has these instructions; the rest is the caller's.
            unsafe {
                match level() {
                    #[cfg(target_arch = "x86_64")]
                    Level::Native if is_portable() => native_portable($($arg),*),
                    Level::Baseline if is_portable() => $generic::<Portable<true, 2>>($($arg),*),
                    #[cfg(target_arch = "x86_64")]
                    Level::Native => native($($arg),*),
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx512 => avx512($($arg),*),
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx2 => avx2($($arg),*),
                    #[cfg(target_arch = "aarch64")]
                    Level::Neon if !is_portable() => $generic::<$crate::backend::cpu::kernel::neon::Neon>($($arg),*),
                    // NEON has fused multiply-adds, and registers for as many rows.
                    #[cfg(target_arch = "aarch64")]
                    Level::Neon | Level::Baseline => $generic::<Portable<true, 4>>($($arg),*),
                    #[cfg(not(target_arch = "aarch64"))]
                    Level::Baseline => $generic::<Portable<false, 2>>($($arg),*),
                }
            }
        }
    };
}
pub(crate) use with_lanes;

/// Whether every level has to take the same sums: by fused multiply-adds, which have to be computed where a processor
/// has none.
#[inline]
pub(crate) fn is_portable() -> bool {
    numerics() == Numerics::Portable
}

/// Level of this process.
#[inline]
pub(crate) fn level() -> Level {
    Features::here().lanes
}
