//! A large embedding of which only rows are used stays in its file.

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};

use lam_model::{Decoder, DecoderConfig, Finetuning, Initialization, Mode, PackedBatch, Precision};

use crate::tiny;

#[test]
fn rows_of_a_large_embedding_are_read_from_its_file_and_refused_once_that_is_written_to() {
    let mut config: DecoderConfig = tiny::config();
    (config.hidden_size, config.num_hidden_layers, config.vocab_size) = (256, 1, 1 << 17);
    let directory = tempfile::tempdir().unwrap();
    let made = Decoder::init(config, &Initialization::Normal, 3).unwrap();
    made.save_in(Precision::Bf16, directory.path()).unwrap();
    drop(made);

    let frozen = Decoder::load(directory.path(), &Finetuning::Frozen, 0).unwrap();
    let full = Decoder::load(directory.path(), &Finetuning::Full, 0).unwrap();
    let table = (1 << 17) * 256;
    assert!(frozen.weight_bytes() < 2 * table + table, "the head alone has {} bytes", 2 * table);
    assert!(full.weight_bytes() > 8 * table);

    let tokens: Vec<u32> = (0..50).map(|i| i * 2_621 % (1 << 17)).collect();
    let batch = PackedBatch::from_documents([&tokens[..]]);
    let values = |decoder: &Decoder| -> Vec<f32> {
        let hidden = decoder.forward(&batch, Mode::Evaluate).unwrap().to_tensor().unwrap();
        hidden.flatten_all().unwrap().to_vec1().unwrap()
    };
    let (ours, right) = (values(&frozen), values(&full));
    assert!(ours.iter().zip(&right).all(|(a, b)| (a - b).abs() < 1e-5));

    let file = directory.path().join("model.safetensors");
    let mut file = OpenOptions::new().write(true).open(file).unwrap();
    file.seek(SeekFrom::End(-2)).unwrap();
    file.write_all(&[0, 0]).unwrap();
    // Whatever the file system's clock: a file is known by its length too.
    file.write_all(&[0]).unwrap();
    let message = frozen.forward(&batch, Mode::Evaluate).unwrap_err().to_string();
    assert!(message.contains("model.safetensors") && message.contains("was written to"), "{message}");
}
