//! One entry for each unit, with the instructions that it needs, of what is written once for all of them.

/// Makes the functions `hardware`, `avx512`, `avx2`, `chain_avx512`, `chain_avx2`, `neon`, `dots` and `model` of one that is generic over its tiles. For
/// modules of this folder.
macro_rules! each_unit {
    ($run:ident $arguments:tt) => {
        each_unit! {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
            hardware, super::hardware::Hardware, $run $arguments
        }
        each_unit! {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
            avx512, super::fused::Avx512, $run $arguments
        }
        each_unit! {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            avx2, super::fused::Avx2, $run $arguments
        }
        each_unit! {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
            chain_avx512, super::chain::ChainAvx512, $run $arguments
        }
        each_unit! {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            chain_avx2, super::chain::ChainAvx2, $run $arguments
        }
        each_unit! {
            #[cfg(target_arch = "aarch64")]
            neon, super::neon::Neon, $run $arguments
        }
        each_unit! {
            #[cfg(target_arch = "aarch64")]
            dots, super::dots::Dots, $run $arguments
        }
        each_unit! { model, super::model::Model, $run $arguments }
    };
    ($(#[$meta:meta])* $name:ident, $tiles:ty, $run:ident($($argument:ident: $kind:ty),*)) => {
        /// By this unit.
        ///
        /// # Safety
        /// The processor has it; and the caller's.
        $(#[$meta])*
        pub(super) unsafe fn $name($($argument: $kind),*) {
            // SAFETY: the caller's.
            unsafe { $run::<$tiles>($($argument),*) }
        }
    };
}

pub(super) use each_unit;
