//! Whether this process may use AMX: what the processor has, what the system has switched on, and the permission that
//! Linux wants to be asked for. Multiplies nothing.

/// Whether tiles of bf16 and of bytes may be used, else why not; without a reason where the processor has none. Asks the system for
/// the permission, which the process keeps.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub(super) fn usable() -> Result<(), Option<String>> {
    processor()?;
    permission().map_err(Some)
}

#[cfg(all(target_arch = "x86_64", not(target_os = "linux")))]
pub(super) fn usable() -> Result<(), Option<String>> {
    Err(Some("only Linux is asked for tiles".into()))
}

/// CPUID and XCR0; asks the system for nothing.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn processor() -> Result<(), Option<String>> {
    /// Leaf 7, EDX: tiles, and their products of bf16 and of bytes.
    const TILES_AND_PRODUCTS: u32 = 1 << 24 | 1 << 22 | 1 << 25;
    /// XCR0: the system saves TILECFG and TILEDATA.
    const SAVED: u64 = 3 << 17;
    /// Leaf 1, ECX: XCR0 can be read.
    const OSXSAVE: u32 = 1 << 27;
    const UNSAVED: &str = "the system does not save tiles";
    if cpuid(0, 0)[0] < 0x1d || cpuid(7, 0)[3] & TILES_AND_PRODUCTS != TILES_AND_PRODUCTS {
        return Err(None);
    }
    // Palette 1 must have 8 tiles of 16 rows of 64 bytes at least.
    let [_, sizes, rows, _] = cpuid(0x1d, 1);
    if sizes >> 16 < 8 || sizes & 0xffff < 64 || rows & 0xffff < 16 {
        return Err(Some("its tiles are smaller than ours".into()));
    }
    if cpuid(1, 0)[2] & OSXSAVE == 0 {
        return Err(Some(UNSAVED.into()));
    }
    let (low, high): (u32, u32);
    // SAFETY: OSXSAVE says that the instruction exists; it reads one register.
    unsafe { std::arch::asm!("xgetbv", in("ecx") 0, out("eax") low, out("edx") high, options(nomem, nostack)) };
    let saved = (u64::from(high) << 32 | u64::from(low)) & SAVED == SAVED;
    if saved { Ok(()) } else { Err(Some(UNSAVED.into())) }
}

/// EAX, EBX, ECX and EDX of a leaf. The standard library's own is unsafe in some versions of Rust and safe in others.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn cpuid(leaf: u32, part: u32) -> [u32; 4] {
    let (mut a, mut b, mut c, mut d) = (leaf, 0_u64, part, 0_u32);
    // SAFETY: every x86-64 has the instruction. The compiler keeps RBX for itself, so it is put back.
    unsafe {
        std::arch::asm!(
            "mov {b}, rbx", "cpuid", "xchg {b}, rbx",
            b = inout(reg) b, inout("eax") a, inout("ecx") c, inout("edx") d,
            options(nomem, nostack, preserves_flags)
        );
    }
    [a, b as u32, c, d]
}

/// Asks Linux, which has TILEDATA switched off in every process at first.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn permission() -> Result<(), String> {
    const ARCH_REQ_XCOMP_PERM: libc::c_int = 0x1023;
    const XFEATURE_XTILEDATA: libc::c_ulong = 18;
    // SAFETY: changes only what this process may use.
    match unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) } {
        0 => Ok(()),
        _ => Err(refusal(&std::io::Error::last_os_error())),
    }
}

/// What an answer of the system means.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn refusal(error: &std::io::Error) -> String {
    let why = match error.raw_os_error() {
        Some(libc::EINVAL | libc::ENOSYS) => "it is older than 5.16",
        Some(libc::EPERM | libc::EACCES) => "a filter of system calls (seccomp) forbids it",
        Some(libc::ENOSPC) => "the signal stack of a thread is too small for tiles",
        _ => "unknown to us",
    };
    format!("the system refuses them: {error}; {why}")
}

#[cfg(all(test, target_arch = "x86_64", target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn refusals_say_what_they_mean() {
        for (number, words) in [
            (libc::EPERM, "seccomp"),
            (libc::EINVAL, "older than 5.16"),
            (libc::ENOSPC, "signal stack"),
            (libc::EIO, "unknown to us"),
        ] {
            let text = refusal(&std::io::Error::from_raw_os_error(number));
            assert!(text.starts_with("the system refuses them: ") && text.contains(words), "{text}");
        }
    }

    #[test]
    fn the_processor_says_what_it_is() {
        let [highest, b, c, d] = cpuid(0, 0);
        let name: Vec<u8> = [b, d, c].into_iter().flat_map(u32::to_le_bytes).collect();
        assert!(highest > 0 && name.iter().all(u8::is_ascii_graphic), "{name:?}");
        // Leaf 7, EBX, bit 5: AVX2, where the system saves its registers.
        assert!(!is_x86_feature_detected!("avx2") || cpuid(7, 0)[1] & 1 << 5 != 0);
    }

    #[test]
    fn the_answer_is_the_same_each_time() {
        assert_eq!(usable(), usable());
    }
}
