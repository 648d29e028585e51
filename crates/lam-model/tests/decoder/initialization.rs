//! A model that starts with induction heads copies and looks up before any training.

use lam_model::{Decoder, DecoderConfig, Induction, Initialization, Mode, PackedBatch};

fn config() -> DecoderConfig {
    serde_json::from_value(serde_json::json!({
        "model_type": "mistral", "hidden_size": 160, "num_hidden_layers": 4, "num_attention_heads": 5,
        "num_key_value_heads": 5, "head_dim": 32, "intermediate_size": 384, "vocab_size": 512,
        "max_position_embeddings": 256, "rope_theta": 100000.0, "rms_norm_eps": 1e-5
    }))
    .unwrap()
}

/// Share of the second halves of some documents whose tokens are the most probable ones.
fn repeated(decoder: &Decoder) -> f64 {
    let (mut documents, mut places) = (Vec::new(), Vec::new());
    for i in 0..8usize {
        let span: Vec<u32> = (0..12).map(|j| (20 + (i * 97 + j * 41) % 480) as u32).collect();
        let start = documents.iter().map(Vec::len).sum::<usize>();
        places.extend((13..23).map(|p| (start + p, span[p + 1 - 12])));
        documents.push([span.clone(), span].concat());
    }
    let hidden = decoder.forward(&PackedBatch::from_documents(&documents), Mode::Evaluate).unwrap();
    let targets: Vec<_> =
        places.iter().map(|&(position, token)| lam_model::Target { position, token, weight: 1.0 }).collect();
    decoder.cross_entropy_counted(&hidden, &targets).unwrap().1 as f64 / targets.len() as f64
}

#[test]
fn induction_heads_repeat_a_span_at_step_zero() {
    let induction = Initialization::Induction(Induction::default());
    let share = repeated(&Decoder::init(config(), &induction, 1).unwrap());
    assert!(share > 0.8, "{share}");
    let share = repeated(&Decoder::init(config(), &Initialization::Normal, 1).unwrap());
    assert!(share < 0.2, "{share}");
}

#[test]
fn a_shape_without_room_is_refused() {
    let narrow = DecoderConfig { hidden_size: 96, ..config() };
    let induction = Initialization::Induction(Induction::default());
    assert!(Decoder::init(narrow, &induction, 1).unwrap_err().to_string().contains("`hidden_size` = 96"));
}

#[test]
fn the_same_seed_gives_the_same_weights() {
    let all = |seed| -> Vec<Vec<f32>> {
        let decoder = Decoder::init(config(), &Initialization::Induction(Induction::default()), seed).unwrap();
        decoder.variables().iter().map(|(_, v)| v.flatten_all().unwrap().to_vec1().unwrap()).collect()
    };
    assert_eq!(all(4), all(4));
    assert_ne!(all(4), all(5));
}
