//! Settings of the C allocator that a training process wants.

use crate::backend::cpu::storage::buffer::give_back_spare;

/// Keeps large freed blocks in the process instead of handing them back to the kernel, where glibc is the allocator.
///
/// A step allocates the same large buffers as the step before; without this, each is mapped, cleared and unmapped
/// again. Call it once, first thing in `main`.
pub fn tune_allocator() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `mallopt` only sets parameters of the allocator.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 30);
        libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
        libc::mallopt(libc::M_TOP_PAD, 64 << 20);
    }
}

/// Hands freed memory back to the kernel after all: buffers of steps that are kept for the next step, and, where glibc is
/// the allocator, freed blocks. For what is not needed again, such as weights that were laid out elsewhere, or the
/// activations of a training that has ended.
pub fn give_back_freed() {
    give_back_spare();
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `malloc_trim` touches only what nobody holds.
    unsafe {
        libc::malloc_trim(0);
    }
}
