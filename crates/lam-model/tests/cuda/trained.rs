//! Steps of the optimizer on the device.

use lam_learn::{AdamW, AdamWConfig};
use lam_model::{Decoder, Device, Finetuning, Mode};
use serde_json::json;

use crate::models::{batch, config, device_of, distance, lora, on_cpu, on_device, targets};

const ADAMW: AdamWConfig = AdamWConfig { beta1: 0.9, beta2: 0.98, eps: 1e-6, weight_decay: 0.1 };

fn backward(decoder: &Decoder) -> candle_core::backprop::GradStore {
    let hidden = decoder.forward(&batch(), Mode::Train { dropout_seed: None }).unwrap();
    decoder.cross_entropy(&hidden, &targets(&batch())).unwrap().backward().unwrap()
}

/// Trains some steps on whatever device the decoder is.
fn train(decoder: &Decoder, steps: usize) {
    let device = decoder.device_parameters();
    let host = if device.is_some() { Vec::new() } else { decoder.variables() };
    let mut optimizer = AdamW::new(host.clone(), ADAMW).unwrap().with_device(device.clone());
    for _ in 0..steps {
        if let Some(device) = &device {
            device.clear_gradients().unwrap();
        }
        let store = backward(decoder);
        let gradients: Vec<_> =
            host.iter().map(|(_, variable)| (store.get(variable).unwrap() * 0.01).unwrap()).collect();
        optimizer.step(&gradients, 1e-2, 0.01).unwrap();
    }
    decoder.fetch_variables().unwrap();
}

pub fn steps_are_those_of_the_processor() {
    for finetuning in [Finetuning::Lora(lora()), Finetuning::Full] {
        let (ours, right) = (on_device(config(json!({})), &finetuning), on_cpu(config(json!({})), &finetuning));
        let before = on_cpu(config(json!({})), &finetuning);
        train(&ours, 3);
        train(&right, 3);
        for (((name, found), (_, right)), (_, before)) in
            ours.variables().into_iter().zip(right.variables()).zip(before.variables())
        {
            let moved = |variable: &candle_core::Var| (variable.as_tensor() - before.as_tensor()).unwrap();
            // Where a gradient is near nothing, its sign, and with it AdamW's step, is chance.
            let off = distance(&moved(&found), &moved(&right));
            assert!(off < 0.35, "{name}: {off}");
        }
    }
}

pub fn micro_batches_add_up() {
    let decoder = on_device(config(json!({})), &Finetuning::Lora(lora()));
    let parameters = decoder.device_parameters().unwrap();
    let norm = |times: usize| {
        parameters.clear_gradients().unwrap();
        (0..times).for_each(|_| drop(backward(&decoder)));
        parameters.squared_norm().unwrap().sqrt()
    };
    let (one, three) = (norm(1), norm(3));
    assert!((three / one - 3.0).abs() < 1e-3, "{one} {three}");
}

pub fn moments_and_variables_come_and_go() {
    let finetuning = Finetuning::Lora(lora());
    let (trained, fresh) = (on_device(config(json!({})), &finetuning), on_device(config(json!({})), &finetuning));
    train(&trained, 2);
    let moments = trained.device_parameters().unwrap().moments().unwrap();
    assert!(
        moments.iter().all(|(_, first, _)| first.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap() > 0.0)
    );
    for ((_, to), (_, from)) in fresh.variables().into_iter().zip(trained.variables()) {
        to.set(from.as_tensor()).unwrap();
    }
    fresh.send_variables().unwrap();
    fresh.device_parameters().unwrap().load_moments(moments.clone()).unwrap();
    for ((name, first, second), (_, right_first, right_second)) in
        fresh.device_parameters().unwrap().moments().unwrap().into_iter().zip(moments)
    {
        assert_eq!((distance(&first, &right_first), distance(&second, &right_second)), (0.0, 0.0), "{name}");
    }
    // Byte for byte: the same step from the same state.
    let norm = |decoder: &Decoder| {
        decoder.device_parameters().unwrap().clear_gradients().unwrap();
        backward(decoder);
        decoder.device_parameters().unwrap().squared_norm().unwrap()
    };
    assert_eq!(norm(&fresh), norm(&trained));
}

pub fn what_is_not_chosen_stays() {
    let decoder = on_device(config(json!({})), &Finetuning::Full);
    let before: Vec<_> =
        decoder.variables().into_iter().map(|(name, var)| (name, var.as_tensor().copy().unwrap())).collect();
    let parameters = decoder.device_parameters().unwrap();
    let chosen: Vec<String> = parameters.names().into_iter().filter(|name| !name.contains("embed_tokens")).collect();
    parameters.train_only(&chosen).unwrap();
    assert_eq!(parameters.names(), chosen);
    train(&decoder, 1);
    for ((name, now), (_, before)) in decoder.variables().into_iter().zip(before) {
        assert_eq!(distance(now.as_tensor(), &before) == 0.0, name.contains("embed_tokens"), "{name}");
    }
}

pub fn a_model_that_does_not_fit_says_so() {
    let mut decoder = on_cpu(config(json!({ "hidden_size": 512, "intermediate_size": 2048 })), &Finetuning::Full);
    let error = decoder.to_device(&Device::Cuda(device_of(16))).unwrap_err().to_string();
    assert!(error.contains("memory") && error.contains("MiB"), "{error}");
}

pub fn a_shape_that_no_kernel_has_is_refused() {
    for (other, words) in [
        (json!({ "head_dim": 24 }), "`head_dim`"),
        (json!({ "head_dim": 256 }), "multiple of 16 up to 128"),
        (json!({ "hidden_size": 92 }), "`hidden_size`"),
        (json!({ "intermediate_size": 100 }), "`--device cpu`"),
    ] {
        let mut decoder = on_cpu(config(other), &Finetuning::Frozen);
        let error = decoder.to_device(&crate::models::device()).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
