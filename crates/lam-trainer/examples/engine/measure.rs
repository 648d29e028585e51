//! Clocks, memory and tokens. `measure.py` of the benchmark does the same for the peers. Knows no measurement.

use std::time::Instant;

use crate::Failure;

/// A field of this process's status in MiB: `VmHWM` is its peak, `VmRSS` what it holds now.
pub fn status_mib(field: &str) -> Result<f64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let kib = line.and_then(|line| line.split_whitespace().next()).ok_or("the process has no such status")?;
    Ok(kib.parse::<f64>()? / 1024.0)
}

/// Processor time of this process so far, in seconds: what counts where other programs run beside it.
fn processor_seconds() -> f64 {
    // SAFETY: `clock_gettime` fills the structure that it is given.
    let time = unsafe {
        let mut time: libc::timespec = std::mem::zeroed();
        libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time);
        time
    };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// A stopwatch over both clocks.
pub struct Stopwatch {
    wall: Instant,
    processor: f64,
}

impl Stopwatch {
    pub fn start() -> Self {
        Self { wall: Instant::now(), processor: processor_seconds() }
    }

    /// Wall seconds and processor seconds since the start.
    pub fn read(&self) -> (f64, f64) {
        (self.wall.elapsed().as_secs_f64(), processor_seconds() - self.processor)
    }
}

/// The same tokens as the peers'.
pub fn tokens(count: usize, vocabulary: usize) -> Vec<u32> {
    (0..count).map(|i| ((i * 7919 + i * i % 131) % vocabulary) as u32).collect()
}
