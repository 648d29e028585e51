//! Loops compiled twice, for AVX2 and for every processor. Both give the same bits: nothing in them is fused or summed in
//! another order.

#[cfg(target_arch = "x86_64")]
use std::sync::OnceLock;

/// Whether AVX2 is there and not left out by `LAM_CPU=baseline`.
#[cfg(target_arch = "x86_64")]
pub(crate) fn has_avx2() -> bool {
    static HAS: OnceLock<bool> = OnceLock::new();
    *HAS.get_or_init(|| is_x86_feature_detected!("avx2") && std::env::var("LAM_CPU").as_deref() != Ok("baseline"))
}

/// `wide! { /// doc  fn name(args) -> R { body } }`: the body must be safe code that vectorises by itself.
macro_rules! wide {
    ($(#[$meta:meta])* fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$meta])*
        fn $name($($arg: $ty),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2")]
            fn avx2($($arg: $ty),*) $(-> $ret)? $body
            fn baseline($($arg: $ty),*) $(-> $ret)? $body
            #[cfg(target_arch = "x86_64")]
            if $crate::wide::has_avx2() {
                // SAFETY: the processor was asked.
                return unsafe { avx2($($arg),*) };
            }
            baseline($($arg),*)
        }
    };
}
pub(crate) use wide;
