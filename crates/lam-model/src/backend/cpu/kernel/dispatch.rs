//! Compiles a loop three times, for AVX-512, AVX2 and the baseline, and chooses when it is called.

use super::features::Features;
pub(crate) use super::features::Level;

/// Level of this process.
#[inline]
pub(crate) fn level() -> Level {
    Features::here().level
}

/// Whether this process multiplies pairs of bf16.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn multiplies_bf16() -> bool {
    Features::here().bf16
}

/// `dispatched! { /// doc  fn name(args) -> R { body } }`: the body must be safe code that vectorises by itself. It may
/// be generic over one kind of number.
macro_rules! dispatched {
    ($(#[$meta:meta])* fn $name:ident $(<$number:ident: $kind:path>)? ($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$meta])*
        pub(crate) fn $name $(<$number: $kind>)? ($($arg: $ty),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
            fn avx512 $(<$number: $kind>)? ($($arg: $ty),*) $(-> $ret)? $body
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2 $(<$number: $kind>)? ($($arg: $ty),*) $(-> $ret)? $body
            fn baseline $(<$number: $kind>)? ($($arg: $ty),*) $(-> $ret)? $body
            match $crate::backend::cpu::kernel::dispatch::level() {
                // SAFETY: the level says that the processor has these instructions.
                #[cfg(target_arch = "x86_64")]
                $crate::backend::cpu::kernel::dispatch::Level::Avx512 => unsafe { avx512($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::backend::cpu::kernel::dispatch::Level::Avx2 => unsafe { avx2($($arg),*) },
                $crate::backend::cpu::kernel::dispatch::Level::Baseline => baseline($($arg),*),
            }
        }
    };
}
pub(crate) use dispatched;
