//! Settings of the C allocator that a training process wants.

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

/// Lets threads that are made from now on take memory from where the first one does: where a single one of them works at
/// a time, what one frees the other uses, and nobody waits.
pub(crate) fn share_arena() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `mallopt` only sets a parameter of the allocator.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

/// Hands freed blocks back to the kernel after all, where glibc is the allocator.
pub(crate) fn trim() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `malloc_trim` touches only what nobody holds.
    unsafe {
        libc::malloc_trim(0);
    }
}
