//! One entry for each unit, with the instructions that it needs, of what is written once for all of them.

/// Makes the functions `hardware`, `avx512`, `avx2`, `neon` and `model` of one that is generic over its tiles.
macro_rules! each_unit {
    ($run:ident($($argument:ident: $kind:ty),*)) => {
        $crate::backend::cpu::kernel::tiles::each_unit::each_unit! {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
            hardware, $crate::backend::cpu::kernel::tiles::hardware::Hardware, $run($($argument: $kind),*)
        }
        $crate::backend::cpu::kernel::tiles::each_unit::each_unit! {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
            avx512, $crate::backend::cpu::kernel::tiles::fused::Avx512, $run($($argument: $kind),*)
        }
        $crate::backend::cpu::kernel::tiles::each_unit::each_unit! {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            avx2, $crate::backend::cpu::kernel::tiles::fused::Avx2, $run($($argument: $kind),*)
        }
        $crate::backend::cpu::kernel::tiles::each_unit::each_unit! {
            #[cfg(target_arch = "aarch64")]
            neon, $crate::backend::cpu::kernel::tiles::neon::Neon, $run($($argument: $kind),*)
        }
        $crate::backend::cpu::kernel::tiles::each_unit::each_unit! {
            model, $crate::backend::cpu::kernel::tiles::model::Model, $run($($argument: $kind),*)
        }
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
