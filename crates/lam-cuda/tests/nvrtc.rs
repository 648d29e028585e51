//! NVIDIA's own compiler, which needs no card. `tests/live.rs` of the workspace says what becomes of a test where it is
//! missing; `scripts/fetch_cuda.sh --nvrtc` brings it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "../../../tests/live.rs"]
mod live;

use lam_cuda::{Architecture, Compiler, CudaError, Source};

fn main() {
    let missing = || Compiler::find().err().map(|error| error.to_string());
    live::run(live::live_tests![
        missing() => a_source_is_compiled_for_every_generation,
        missing() => what_it_refuses_is_told_with_its_line,
        missing() => a_card_gets_what_its_generation_runs,
    ])
}

/// With what the options allow: C++17, a lambda without `__device__`.
const TEXT: &str = r#"
    template <int N> struct Twice { static constexpr int value = 2 * N; };
    extern "C" __global__ void add(float *values, int count) {
        auto add = [](float value) { if constexpr (Twice<2>::value == 4) return value + 1; else return value; };
        for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) values[i] = add(values[i]);
    }"#;

fn a_source_is_compiled_for_every_generation() {
    let compiler = Compiler::find().unwrap();
    let mut images = Vec::new();
    for capability in [(8, 0), (8, 9), (9, 0), (10, 0)] {
        let image = compiler.compile(&Source::new("add", TEXT), Architecture::of(capability)).unwrap();
        assert_eq!(&image[..4], b"\x7fELF");
        assert!(!images.contains(&image), "{capability:?}");
        images.push(image);
    }
}

fn what_it_refuses_is_told_with_its_line() {
    let compiler = Compiler::find().unwrap();
    let source = Source::new("broken", "extern \"C\" __global__ void f(int *x) {\n  x[0] = nothing;\n}\n");
    let error = compiler.compile(&source, Architecture::of((9, 0))).unwrap_err();
    assert!(matches!(error, CudaError::Compile { .. }));
    let text = error.to_string();
    assert!(text.starts_with("kernels `broken` for sm_90a: broken.cu(2): error: identifier \"nothing\""), "{text}");
}

fn a_card_gets_what_its_generation_runs() {
    let compiler = Compiler::find().unwrap();
    let name = |capability| compiler.architecture_for(capability).map(|architecture| architecture.name());
    assert_eq!(name((8, 0)).unwrap(), "sm_80");
    assert_eq!(name((9, 0)).unwrap(), "sm_90a");
    // A later card of a known generation runs what was made for an earlier one; one of an unknown generation does not.
    assert_eq!(name((8, 99)).unwrap(), "sm_89");
    let error = name((99, 0)).unwrap_err().to_string();
    assert!(error.contains("does not know sm_990") && error.contains("scripts/fetch_cuda.sh"), "{error}");
}
