//! Compiles a loop three times, for AVX-512, AVX2 and the baseline, and chooses when it is called.

/// Level of the processor's vector instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Baseline,
}

/// Level of this processor.
#[inline]
pub(crate) fn level() -> Level {
    #[cfg(target_arch = "x86_64")]
    {
        use std::is_x86_feature_detected as has;
        if has!("avx512f") && has!("avx512vl") && has!("avx512dq") && has!("avx512bw") {
            return Level::Avx512;
        }
        if has!("avx2") && has!("fma") {
            return Level::Avx2;
        }
    }
    Level::Baseline
}

/// Whether this processor multiplies pairs of bf16.
#[inline]
pub(crate) fn multiplies_bf16() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        level() == Level::Avx512 && std::is_x86_feature_detected!("avx512bf16")
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        false
    }
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
