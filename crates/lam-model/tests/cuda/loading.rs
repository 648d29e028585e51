//! From files to a device and back without a second copy in the processor's memory: the same numbers as by way of it.

use std::fs;
use std::path::Path;

use candle_core::Tensor;
use lam_model::{Decoder, DecoderConfig, Device, Finetuning, Mode, ModelSource, Precision, write_fresh};
use serde_json::json;

use crate::memory::measured;
use crate::models::{batch, config, device, device_of, lora, wake};

const WEIGHTS: &str = "model.safetensors";

/// A fresh model in bf16 or f32.
fn written(config: DecoderConfig) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    write_fresh(&config, 3, directory.path()).unwrap();
    directory
}

fn load(directory: &Path, device: &Device, finetuning: &Finetuning) -> Decoder {
    let mut decoder = ModelSource::open(directory, None).unwrap().load_for(device, finetuning, 5).unwrap();
    decoder.set_precision(Precision::Bf16).unwrap();
    wake(&decoder);
    decoder
}

fn hidden(decoder: &Decoder) -> Vec<f32> {
    let hidden = decoder.forward(&batch(), Mode::Evaluate).unwrap().to_tensor().unwrap();
    hidden.flatten_all().unwrap().to_vec1().unwrap()
}

fn on_device(mut decoder: Decoder) -> Decoder {
    decoder.to_device(&device()).unwrap();
    decoder
}

fn modes() -> [Finetuning; 4] {
    let qlora = |bits| Finetuning::Qlora { lora: lora(), bits };
    [Finetuning::Frozen, Finetuning::Lora(lora()), qlora(8), qlora(4)]
}

/// Of widths whose rows can be cut into blocks.
fn blocks_fit(dtype: &str) -> DecoderConfig {
    config(json!({ "hidden_size": 256, "intermediate_size": 288, "torch_dtype": dtype }))
}

pub fn a_model_from_its_files_is_the_one_by_way_of_memory() {
    for dtype in ["bfloat16", "float32"] {
        let directory = written(blocks_fit(dtype));
        for finetuning in modes() {
            let right = on_device(load(directory.path(), &Device::Cpu, &finetuning));
            let mut ours = on_device(load(directory.path(), &device(), &finetuning));
            assert!(hidden(&ours) == hidden(&right), "{dtype} {finetuning:?}");
            assert_eq!(ours.weight_bytes(), right.weight_bytes(), "{dtype} {finetuning:?}");
            // Back in the processor's memory.
            let right = load(directory.path(), &Device::Cpu, &finetuning);
            ours.to_device(&Device::Cpu).unwrap();
            assert!(hidden(&ours) == hidden(&right), "{dtype} {finetuning:?} on the processor");
        }
    }
}

pub fn what_is_merged_and_saved_is_read_from_the_files() {
    for dtype in ["bfloat16", "float32"] {
        let directory = written(blocks_fit(dtype));
        for finetuning in modes() {
            let saved = |mut decoder: Decoder, precision| {
                if decoder.lora().is_some() {
                    decoder.merge_adapter().unwrap();
                }
                let out = tempfile::tempdir().unwrap();
                decoder.save_in(precision, out.path()).unwrap();
                [WEIGHTS, "config.json"].map(|file| fs::read(out.path().join(file)).unwrap())
            };
            for precision in [Precision::F32, Precision::Bf16] {
                let right = saved(load(directory.path(), &Device::Cpu, &finetuning), precision);
                let ours = saved(on_device(load(directory.path(), &device(), &finetuning)), precision);
                assert!(ours == right, "{dtype} {finetuning:?} in {precision:?}");
            }
        }
    }
}

pub fn a_model_may_be_saved_over_its_own_files() {
    let directory = written(blocks_fit("bfloat16"));
    let before = fs::read(directory.path().join(WEIGHTS)).unwrap();
    let decoder = on_device(load(directory.path(), &device(), &Finetuning::Frozen));
    decoder.save_in(Precision::F32, directory.path()).unwrap();
    assert!(fs::read(directory.path().join(WEIGHTS)).unwrap().len() > before.len());
    // The file that it came from is gone from the directory, and is still read.
    decoder.save_in(Precision::Bf16, directory.path()).unwrap();
    assert!(fs::read(directory.path().join(WEIGHTS)).unwrap() == before);
    fs::remove_file(directory.path().join(WEIGHTS)).unwrap();
    decoder.save_in(Precision::Bf16, directory.path()).unwrap();
    assert!(fs::read(directory.path().join(WEIGHTS)).unwrap() == before);
}

pub fn a_file_that_was_written_to_is_refused() {
    let directory = written(blocks_fit("bfloat16"));
    let path = directory.path().join(WEIGHTS);
    let whole = fs::read(&path).unwrap();
    let out = tempfile::tempdir().unwrap();
    for bytes in [&[&whole[..whole.len() - 2], &[1, 2]].concat()[..], &whole[..whole.len() / 2]] {
        fs::write(&path, &whole).unwrap();
        let mut loaded = load(directory.path(), &device(), &Finetuning::Lora(lora()));
        let mut uploaded = on_device(load(directory.path(), &device(), &Finetuning::Lora(lora())));
        uploaded.merge_adapter().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        fs::write(&path, bytes).unwrap();
        let errors = [
            loaded.to_device(&device()).unwrap_err().to_string(),
            uploaded.save_in(Precision::Bf16, out.path()).unwrap_err().to_string(),
            uploaded.save_in(Precision::F32, out.path()).unwrap_err().to_string(),
        ];
        for error in errors {
            assert!(error.contains(&*path.to_string_lossy()), "{error}");
            assert!(error.contains("was written to since the model was opened"), "{error}");
        }
        assert!(!out.path().join(WEIGHTS).exists());
    }
}

pub fn a_number_that_is_none_is_found_on_the_way_to_the_device() {
    let directory = written(blocks_fit("bfloat16"));
    let path = directory.path().join(WEIGHTS);
    let mut bytes = fs::read(&path).unwrap();
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + header(&bytes)]).unwrap();
    let place = header["model.layers.1.mlp.down_proj.weight"]["data_offsets"][1].as_u64().unwrap() as usize;
    let place = 8 + self::header(&bytes) + place - 2;
    bytes[place..place + 2].copy_from_slice(&0x7fc0_u16.to_le_bytes());
    fs::write(&path, bytes).unwrap();
    let error = load(directory.path(), &device(), &Finetuning::Frozen).to_device(&device()).unwrap_err().to_string();
    assert!(error.contains("model.layers.1.mlp.down_proj.weight` holds values that are not finite"), "{error}");
}

/// Bytes of a safetensors file's header.
fn header(bytes: &[u8]) -> usize {
    u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize
}

pub fn no_copy_stays_in_memory() {
    let large = json!({
        "hidden_size": 512, "intermediate_size": 1408, "num_hidden_layers": 12, "num_attention_heads": 8,
        "num_key_value_heads": 4, "vocab_size": 4096, "torch_dtype": "bfloat16",
    });
    let directory = written(config(large));
    let file = fs::metadata(directory.path().join(WEIGHTS)).unwrap().len() as usize;
    assert!(file > 70 << 20);
    let device = Device::Cuda(device_of(512));
    let qlora = Finetuning::Qlora { lora: lora(), bits: 4 };
    for finetuning in [Finetuning::Frozen, Finetuning::Lora(lora()), qlora] {
        let (decoder, stays, most) = measured(|| {
            let mut decoder = load(directory.path(), &device, &finetuning);
            decoder.to_device(&device).unwrap();
            decoder
        });
        println!("{finetuning:?}: {file} in the file, {stays} stay, {most} at most");
        // An eighth: the adapters with their moments' lists, and what threads read at a time.
        assert!(most < file / 8, "{finetuning:?}: {most} of {file}");
        // Saved, one tensor at a time: a fortieth of the model, in as many copies as its bytes take to be made.
        let out = tempfile::tempdir().unwrap();
        let (_, stays, most) = measured(|| {
            let mut decoder = decoder;
            if decoder.lora().is_some() {
                decoder.merge_adapter().unwrap();
            }
            decoder.save_in(Precision::Bf16, out.path()).unwrap();
        });
        println!("{finetuning:?}: {stays} stay, {most} at most while it is saved");
        assert!(most < file / 5, "{finetuning:?}: {most} of {file} while it is saved");
    }
}

pub fn values_of_f16_are_read_too() {
    let directory = written(blocks_fit("float32"));
    let path = directory.path().join(WEIGHTS);
    let tensors = candle_core::safetensors::load(&path, &candle_core::Device::Cpu).unwrap();
    let half = |tensor: &Tensor| tensor.to_dtype(candle_core::DType::F16).unwrap();
    let tensors = tensors.iter().map(|(name, tensor)| (name.clone(), half(tensor))).collect();
    candle_core::safetensors::save(&tensors, &path).unwrap();
    for finetuning in modes() {
        let right = on_device(load(directory.path(), &Device::Cpu, &finetuning));
        let ours = on_device(load(directory.path(), &device(), &finetuning));
        assert!(hidden(&ours) == hidden(&right), "{finetuning:?}");
    }
}
