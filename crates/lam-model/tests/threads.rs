//! What the first thread of a process is set up for; in a process of its own, for it is set up once.

use candle_core::{Device, Tensor};
use rayon::prelude::*;

fn sum(count: u64) -> u64 {
    (0..count).into_par_iter().sum()
}

#[test]
fn the_caller_computes_too_and_candle_starts_no_threads() {
    // SAFETY: the only test of this process; the thread that waits for it reads no environment.
    unsafe {
        std::env::set_var("RAYON_NUM_THREADS", "2");
        lam_model::tune_threads();
    }
    assert_eq!((rayon::current_thread_index(), rayon::current_num_threads()), (Some(0), 2));
    assert_eq!(sum(1000), 499_500);
    // The caller sleeps meanwhile: another thread's work does not need it.
    assert_eq!(std::thread::spawn(|| sum(1000)).join().unwrap(), 499_500);

    // More elements than candle adds on one thread by itself.
    let ones = Tensor::ones(1 << 18, candle_core::DType::F32, &Device::Cpu).unwrap();
    let twos = (&ones + &ones).unwrap().to_vec1::<f32>().unwrap();
    assert!(twos.iter().all(|value| *value == 2.0));
    if let Ok(threads) = std::fs::read_dir("/proc/self/task") {
        let names = threads.map(|thread| std::fs::read_to_string(thread.unwrap().path().join("comm")).unwrap());
        let names: Vec<String> = names.collect();
        assert!(!names.iter().any(|name| name.starts_with("candle")), "{names:?}");
    }
}
