//! Kernels: compiled, kept, launched, broken.

use half::bf16;
use lam_cuda::{Addend, Buffer, CudaError, Device, Kernel, Matrix, Product, Scalar, Settings, Source};
use lam_signal::Fault;

use crate::{device, libraries, random, settings, with};

const SCALE: &str = r#"
    extern "C" __global__ void scale(float *values, int count, float factor) {
        int i = blockIdx.x * blockDim.x + threadIdx.x;
        if (i < count) values[i] *= factor;
    }"#;

fn kernel(device: &Device, name: &'static str, text: &'static str) -> Kernel {
    device.module(&Source::new(name, text)).unwrap().kernel(name).unwrap()
}

fn scale(device: &Device, values: &mut Buffer<f32>, factor: f32) -> Result<(), CudaError> {
    let (kernel, count) = (kernel(device, "scale", SCALE), values.len());
    let launch = device.launch(&kernel).write(values).value(count as i32).value(factor);
    // SAFETY: the arguments are the kernel's, and it stays within the count.
    unsafe { launch.run(count.div_ceil(64) as u32, 64, 0) }
}

#[derive(Clone, Copy)]
#[repr(C)]
struct Limits {
    low: i32,
    high: i64,
}

// SAFETY: as the kernel below declares it.
unsafe impl Scalar for Limits {}

pub fn a_kernel_gets_its_arguments_in_order() {
    let device = device();
    let text = r#"
        struct Limits { int low; long long high; };
        extern "C" __global__ void gather(long long *out, const unsigned char *bytes, Limits limits, const float *none,
                                          unsigned long long big, unsigned count) {
            if (threadIdx.x == 0 && blockIdx.y == 1 && blockIdx.z == 2) {
                out[0] = bytes[2];
                out[1] = limits.low;
                out[2] = limits.high;
                out[3] = none == 0;
                out[4] = (long long)big;
                out[5] = count;
                out[6] = gridDim.x * 100 + gridDim.y * 10 + gridDim.z;
            }
        }"#;
    let kernel = kernel(&device, "gather", text);
    let bytes = device.upload(&[1u8, 2, 3, 4]).unwrap();
    let mut out = device.alloc::<i64>(7).unwrap();
    let launch = device.launch(&kernel).write(&mut out).read(bytes.view(1..)).value(Limits { low: -3, high: 1 << 40 });
    let launch = launch.null().value(u64::MAX >> 1).value(9u32);
    // SAFETY: the arguments are the kernel's, and it stays within seven numbers.
    unsafe { launch.run((1, 2, 3), 32, 0).unwrap() };
    assert_eq!(device.read(&out).unwrap(), [4, -3, 1 << 40, 1, i64::MAX, 9, 123]);
}

pub fn threads_of_a_block_wait_for_one_another() {
    let device = device();
    let text = r#"
        KERNEL void reverse(float *values) {
            DYN_SMEM(memory);
            float *shared = (float *)memory;
            shared[threadIdx.x] = values[threadIdx.x];
            __syncthreads();
            values[threadIdx.x] = shared[blockDim.x - 1 - threadIdx.x];
        }"#;
    let kernel = kernel(&device, "reverse", text);
    let values = random(300, 3);
    let mut buffer = device.upload(&values).unwrap();
    let launch = device.launch(&kernel).write(&mut buffer);
    // SAFETY: the argument is the kernel's, and it stays within a block's numbers.
    unsafe { launch.run(1, 300, 1200).unwrap() };
    assert_eq!(device.read(&buffer).unwrap(), values.into_iter().rev().collect::<Vec<_>>());
}

pub fn a_source_is_compiled_once_and_kept_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { cache: Some(folder.path().to_path_buf()), ..settings() };
    let files = || -> Vec<_> {
        let entries = std::fs::read_dir(folder.path().join("kernels")).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let run = || {
        let device = Device::open_with(&libraries(), &settings).unwrap();
        let mut values = device.upload(&[1f32, 2.0]).unwrap();
        scale(&device, &mut values, 3.0).unwrap();
        assert_eq!(device.read(&values).unwrap(), [3.0, 6.0]);
    };
    run();
    let [file] = <[_; 1]>::try_from(files()).unwrap();
    let name = file.file_name().unwrap().to_str().unwrap().to_owned();
    assert!(name.starts_with("scale-sm_90a-") && name.ends_with(".cubin"), "{name}");
    let written = std::fs::metadata(&file).unwrap().modified().unwrap();
    run();
    assert_eq!(std::fs::metadata(&file).unwrap().modified().unwrap(), written, "it was compiled again");
    // One that was cut is made again.
    std::fs::write(&file, "cut").unwrap();
    run();
    assert!(std::fs::metadata(&file).unwrap().len() > 1000);
    // Another architecture has its own.
    with(&[("EMULATED_CAPABILITY", "89")], run);
    assert_eq!(files().len(), 2);
}

pub fn what_the_compiler_refuses_is_told_in_its_words() {
    let device = device();
    let error = device.module(&Source::new("broken", "KERNEL void f(int *x) {\n  x[0] = nothing;\n}")).err().unwrap();
    let text = error.to_string();
    assert!(text.starts_with("kernels `broken` for sm_90a: "), "{text}");
    assert!(text.contains("broken.cu:2") && text.contains("nothing"), "{text}");
}

pub fn a_kernel_that_is_not_there_is_named() {
    let module = device().module(&Source::new("scale", SCALE)).unwrap();
    let text = module.kernel("scael").err().unwrap().to_string();
    assert_eq!(text, "kernels `scale`: there is no kernel `scael`");
}

pub fn a_launch_that_no_card_takes_is_refused() {
    let device = device();
    let kernel = kernel(&device, "scale", SCALE);
    let mut values = device.upload(&[1f32]).unwrap();
    let most = device.properties().shared_memory;
    for (grid, block, shared, taken) in
        [(1, 1024, most, true), (0, 1, 0, false), (1, 1025, 0, false), (1, 1, most + 1, false)]
    {
        let launch = device.launch(&kernel).write(&mut values).value(1i32).value(1f32);
        // SAFETY: the arguments are the kernel's, and it stays within the count.
        let launched = unsafe { launch.run(grid, block, shared) };
        assert_eq!(launched.is_ok(), taken, "{grid} {block} {shared}");
        if let Err(error) = launched {
            assert!(error.to_string().starts_with("kernel `scale` failed: CUDA_ERROR_INVALID_VALUE (1"), "{error}");
        }
    }
    assert_eq!(device.read(&values).unwrap(), [1.0]);
}

pub fn a_kernel_that_breaks_down_is_named() {
    with(&[("EMULATED_FAIL", "scale:2")], || {
        let device = device();
        let mut values = device.upload(&[1f32]).unwrap();
        scale(&device, &mut values, 2.0).unwrap();
        assert_eq!(device.read(&values).unwrap(), [2.0]);
        scale(&device, &mut values, 2.0).unwrap();
        // It is seen by what comes next, whatever that is, and from then on.
        for error in [device.synchronize().unwrap_err(), device.upload(&[1f32]).unwrap_err()] {
            let details = error.details();
            assert_eq!(details.what, "kernel `scale` failed");
            assert!(details.reason.starts_with("CUDA_ERROR_ILLEGAL_ADDRESS (700"), "{error}");
            assert!(details.hint.contains("LAM_CUDA_SYNCHRONOUS=1"), "{error}");
        }
    });
    with(&[("EMULATED_FAIL", "scale:1")], || {
        let device = Device::open_with(&libraries(), &Settings { synchronous: true, ..settings() }).unwrap();
        let mut values = device.upload(&[1f32]).unwrap();
        assert!(matches!(scale(&device, &mut values, 2.0), Err(CudaError::Kernel { .. })));
    });
    // A device that is opened anew is whole.
    let device = device();
    scale(&device, &mut device.upload(&[1f32]).unwrap(), 2.0).unwrap();
}

pub fn mistakes_in_kernels_are_failures() {
    let texts = [
        ("deadlock", "KERNEL void deadlock() { if (threadIdx.x < 32) __syncthreads(); else bar_sync(1, 64); }"),
        ("beyond", "KERNEL void beyond() { st_shared4(threadIdx.x * 4, 1); }"),
        ("misaligned", "KERNEL void misaligned() { u32 r[4]; ldm4(r, 2); }"),
    ];
    for (name, text) in texts {
        let device = device();
        let kernel = kernel(&device, name, text);
        // SAFETY: it takes nothing and touches no memory of the device.
        unsafe { device.launch(&kernel).run(1, 64, 128).unwrap() };
        let text = device.synchronize().unwrap_err().to_string();
        assert!(text.starts_with(&format!("kernel `{name}` failed: CUDA_ERROR_LAUNCH_FAILED (719")), "{text}");
    }
}

pub fn an_address_that_is_nobodys_is_a_failure() {
    let text = "KERNEL void astray(float *values, long long far) { values[blockIdx.x * far + threadIdx.x] = 1; }
        KERNEL void another(float *values) { values[threadIdx.x] = 1; }";
    // Without memory that is poisoned, which would be the first call to fail.
    let device = Device::open_with(&libraries(), &Settings { poison: false, ..settings() }).unwrap();
    let module = device.module(&Source::new("astray", text)).unwrap();
    let kernel = module.kernel("astray").unwrap();
    let mut values = device.zeros::<f32>(64).unwrap();
    let launch = device.launch(&kernel).write(&mut values).value(1_i64 << 40);
    // SAFETY: it is not; the emulation sees it.
    unsafe { launch.run(2, 64, 0).unwrap() };
    let first = device.synchronize().unwrap_err().to_string();
    assert!(first.starts_with("kernel `astray` failed: CUDA_ERROR_ILLEGAL_ADDRESS (700"), "{first}");
    assert!(first.contains("in kernel astray, block 1,0,0, thread "), "{first}");
    // Whatever is asked for from then on, the first failure is what is told.
    let other = Source::new("other", "KERNEL void other(float *values) { values[threadIdx.x] = 1; }");
    let (a, b) = (device.alloc::<bf16>(64).unwrap(), device.alloc::<bf16>(64).unwrap());
    let product = Product { m: 8, n: 8, k: 8, a: Matrix::new(&a, 8), b: Matrix::new(&b, 8), alpha: 1.0 };
    let later = [
        module.kernel("another").err().unwrap(),
        device.module(&other).err().unwrap(),
        device.upload(&[1f32]).unwrap_err(),
        device.read_late(&values).unwrap_err(),
        device.product(&product, Addend::Nothing, &mut values, 8).unwrap_err(),
    ];
    for error in later {
        assert_eq!(error.to_string(), first);
    }
}

pub fn modules_do_not_mix_what_has_the_same_name() {
    let device = device();
    let text = |value| {
        format!(
            "template <class T> struct Held {{ static T value() {{ static T held = {value}; return held; }} }};
            KERNEL void tell(int *out) {{ out[0] = Held<int>::value(); }}"
        )
    };
    let kernels = [3, 5, 7].map(|value| {
        let module = device.module(&Source::new("tell", text(value))).unwrap();
        (value, module.kernel("tell").unwrap())
    });
    for (value, kernel) in &kernels {
        let mut out = device.zeros::<i32>(1).unwrap();
        let launch = device.launch(kernel).write(&mut out);
        // SAFETY: the argument is the kernel's, and it writes one number.
        unsafe { launch.run(1, 1, 0).unwrap() };
        assert_eq!(device.read(&out).unwrap(), [*value]);
    }
}

pub fn boxes_are_fetched_with_zeros_outside() {
    let device = device();
    let text = r#"
        KERNEL void fetch(float *out, TMAP map, int row, int column) {
            DYN_SMEM(memory);
            u32 bar = 4096;
            if (threadIdx.x == 0) mbar_init(bar, 1);
            __syncthreads();
            if (threadIdx.x == 0) { mbar_expect(bar, 4096); tma_box(0, map, bar, column, row); }
            mbar_wait(bar, 0);
            for (int i = threadIdx.x; i < 2048; i += blockDim.x) {
                u32 at = i * 2;
                at ^= ((at >> 7) & 7) << 4;
                out[i] = emu::b2f(*(unsigned short *)(memory + at));
            }
        }"#;
    let kernel = kernel(&device, "fetch", text);
    let (rows, columns, stride) = (40, 72, 80);
    let values: Vec<_> = random(rows * stride, 5).into_iter().map(bf16::from_f32).collect();
    let matrix = device.upload(&values).unwrap();
    let map = device.tensor_map(&matrix, (rows, columns), stride).unwrap();
    let mut out = device.alloc::<f32>(2048).unwrap();
    let launch = device.launch(&kernel).write(&mut out).value(map).value(16i32).value(32i32);
    // SAFETY: the arguments are the kernel's, and it writes one box.
    unsafe { launch.run(1, 64, 8192).unwrap() };
    let expected = |index: usize| {
        let (row, column) = (16 + index / 64, 32 + index % 64);
        if row < rows && column < columns { values[row * stride + column].to_f32() } else { 0.0 }
    };
    assert_eq!(device.read(&out).unwrap(), (0..2048).map(expected).collect::<Vec<_>>());
}
