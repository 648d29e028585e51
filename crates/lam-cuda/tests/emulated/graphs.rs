//! Work that is captured and done again; work that is timed.

use half::bf16;
use lam_cuda::{Addend, Buffer, CudaError, Device, Matrix, Product, Source};

use crate::device;

const ADD: &str = r#"
    extern "C" __global__ void add(float *values, float what) { values[threadIdx.x] += what; }"#;

fn add(device: &Device, values: &mut Buffer<f32>, what: f32) -> Result<(), CudaError> {
    let kernel = device.module(&Source::new("add", ADD))?.kernel("add")?;
    let count = values.len() as u32;
    let launch = device.launch(&kernel).write(values).value(what);
    // SAFETY: the arguments are the kernel's, one thread a number.
    unsafe { launch.run(1, count, 0) }
}

pub fn captured_work_is_done_again() {
    let device = device();
    let ones = device.upload(&[bf16::ONE; 4]).unwrap();
    let mut values = device.zeros::<f32>(4).unwrap();
    // The kernel is compiled before: a capture is no time for that.
    add(&device, &mut values, 0.0).unwrap();
    let graph = device.capture(|| {
        add(&device, &mut values, 1.0)?;
        let (a, b) = (Matrix::new(&ones, 2), Matrix::new(&ones, 2));
        device.product(&Product { m: 2, n: 2, k: 2, a, b, alpha: 0.5 }, Addend::Output(1.0), &mut values, 2)?;
        Ok::<_, CudaError>(values)
    });
    let graph = graph.unwrap();
    assert_eq!(device.read(&graph.kept).unwrap(), [0.0; 4], "captured work is not done");
    for times in 1..4 {
        // SAFETY: the values are kept by the graph, the ones live here.
        unsafe { graph.replay().unwrap() };
        assert_eq!(device.read(&graph.kept).unwrap(), [2.0 * times as f32; 4]);
    }
}

pub fn memory_of_a_graph_is_its_own() {
    let device = device();
    let mut values = device.zeros::<f32>(4).unwrap();
    add(&device, &mut values, 0.0).unwrap();
    let before = device.used();
    let graph = device.capture(|| {
        let mut between = device.zeros::<f32>(4)?;
        add(&device, &mut between, 3.0)?;
        device.copy(&mut values, &between)
    });
    let graph = graph.unwrap();
    assert!(device.used() > before, "what the work dropped is still the graph's");
    let other = device.upload(&[7f32; 4]).unwrap();
    // SAFETY: the values live here.
    unsafe { graph.replay().unwrap() };
    assert_eq!(device.read(&values).unwrap(), [3.0; 4]);
    assert_eq!(device.read(&other).unwrap(), [7.0; 4]);
    drop((graph, other));
    assert_eq!(device.used(), before);
}

pub fn a_graph_has_its_memory_again_within_itself() {
    let device = device();
    let mut values = device.zeros::<f32>(256).unwrap();
    add(&device, &mut values, 0.0).unwrap();
    let before = device.used();
    let graph = device.capture(|| {
        for _ in 0..10 {
            let mut between = device.zeros::<f32>(256)?;
            add(&device, &mut between, 1.0)?;
            device.copy(&mut values, &between)?;
        }
        Ok::<_, CudaError>(())
    });
    assert_eq!(device.used(), before + 1024, "one buffer of the ten");
    drop(graph.unwrap());
    assert_eq!(device.used(), before);
}

pub fn graphs_share_what_they_need_between_launches() {
    let device = device();
    let memory = device.scratch();
    let mut values = device.zeros::<f32>(256).unwrap();
    add(&device, &mut values, 0.0).unwrap();
    let before = device.used();
    let mut graph = |what: f32, count: usize| {
        let work = || {
            let mut between = device.zeros::<f32>(count)?;
            add(&device, &mut between, what)?;
            device.copy(values.view_mut(..count), &between)
        };
        device.capture_in(&memory, work).unwrap()
    };
    let (one, two) = (graph(1.0, 256), graph(2.0, 4));
    assert_eq!(device.used(), before + 1024, "the same memory for both");
    for (graph, expected) in [(&one, [1.0; 4]), (&two, [2.0; 4]), (&one, [1.0; 4])] {
        // SAFETY: the values live here.
        unsafe { graph.replay().unwrap() };
        assert_eq!(device.read(values.view(..4)).unwrap(), expected);
    }
    drop((one, memory));
    assert_eq!(device.used(), before + 1024, "the other graph still has it");
    drop(two);
    assert_eq!(device.used(), before);
}

pub fn what_shared_memory_cannot_keep_is_refused() {
    let device = device();
    let memory = device.scratch();
    let kept = || device.capture_in(&memory, || device.zeros::<f32>(4)).map(drop);
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(kept)).unwrap_err();
    assert!(panic.downcast_ref::<String>().unwrap().contains("buffers that captured work leaves"), "{panic:?}");
    assert_eq!(device.read(&device.upload(&[1f32]).unwrap()).unwrap(), [1.0], "the device goes on");
}

pub fn what_other_threads_want_meanwhile_is_done() {
    let device = device();
    let [mut values, mut others] = [(); 2].map(|()| device.zeros::<f32>(256).unwrap());
    add(&device, &mut values, 0.0).unwrap();
    let before = device.used();
    let graph = device.capture(|| {
        add(&device, &mut values, 1.0)?;
        let other = || {
            let mut between = device.zeros::<f32>(256).unwrap();
            add(&device, &mut between, 5.0).unwrap();
            device.copy(&mut others, &between).unwrap();
            assert_eq!(device.read(&others).unwrap(), [5.0; 256]);
        };
        std::thread::scope(|scope| scope.spawn(other).join()).unwrap();
        add(&device, &mut values, 1.0)
    });
    let graph = graph.unwrap();
    assert_eq!((device.used(), device.read(&values).unwrap()), (before, vec![0.0; 256]));
    device.fill_zero(&mut others).unwrap();
    // SAFETY: the values live here.
    unsafe { graph.replay().unwrap() };
    assert_eq!(device.read(&values).unwrap(), [2.0; 256]);
    assert_eq!(device.read(&others).unwrap(), [0.0; 256], "it is in no graph");
}

pub fn work_that_waits_cannot_be_captured() {
    let device = device();
    let values = device.upload(&[1f32]).unwrap();
    let before = device.used();
    let waiting: [&dyn Fn() -> Result<(), CudaError>; 3] =
        [&|| device.read(&values).map(drop), &|| device.read_late(&values).map(drop), &|| {
            device.upload(&[2f32]).map(drop)
        }];
    for work in waiting {
        let failed = device.capture(|| {
            let _between = device.alloc::<f32>(4)?;
            work()
        });
        let text = failed.err().unwrap().to_string();
        assert!(text.contains("CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"), "{text}");
        assert_eq!((device.used(), device.read(&values).unwrap()), (before, vec![1.0]), "the device goes on");
    }
}

pub fn work_is_timed() {
    let device = device();
    let mut values = device.zeros::<f32>(4).unwrap();
    let mut runs = 0;
    let time = device.time(3, || {
        runs += 1;
        std::thread::sleep(std::time::Duration::from_millis(2));
        add(&device, &mut values, 1.0)
    });
    assert_eq!(runs, 4);
    let time = time.unwrap();
    assert!((2.0..2000.0).contains(&time), "{time}");
}

pub fn the_time_of_work_is_shared_out() {
    let device = device();
    let ones = device.upload(&[bf16::ONE; 4]).unwrap();
    let mut values = device.zeros::<f32>(4).unwrap();
    let work = || {
        for _ in 0..3 {
            add(&device, &mut values, 1.0)?;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
        let (a, b) = (Matrix::new(&ones, 2), Matrix::new(&ones, 2));
        device.product(&Product { m: 2, n: 2, k: 2, a, b, alpha: 0.5 }, Addend::Output(1.0), &mut values, 2)
    };
    let shares = device.profile(work).unwrap();
    let [product, added] = <[_; 2]>::try_from(shares).unwrap();
    assert!(product.name.starts_with("product m2/n2/k2/nn/f32+") && product.milliseconds > 20.0, "{product:?}");
    assert_eq!((added.name.as_str(), added.launches, product.launches), ("add", 3, 1));
}
