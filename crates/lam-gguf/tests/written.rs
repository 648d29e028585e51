//! A file that is written and read again: values of every kind, tensors in every format, and what comes short.

use std::collections::BTreeMap;
use std::io::{Error, Write};

use lam_gguf::{Format, Gguf, Outline, Planned, Value};

const FORMATS: [Format; 7] =
    [Format::F32, Format::F16, Format::BF16, Format::Q8_0, Format::Q4_0, Format::Q4K, Format::Q6K];

fn outline() -> Outline {
    let values = [
        Value::Whole(7),
        Value::Whole(-3),
        Value::Whole(1 << 40),
        Value::Number(1.5),
        Value::Switch(true),
        Value::Text("zwei Wörter".into()),
        Value::Wholes(vec![-1, 3]),
        Value::Wholes(vec![1 << 40]),
        Value::Numbers(vec![0.25, -2.0]),
        Value::Texts(vec!["a".into(), String::new(), "ß".into()]),
        Value::Texts(vec![]),
    ];
    let metadata = values.into_iter().enumerate().map(|(number, value)| (format!("a.{number}"), value)).collect();
    let tensor = |(number, format)| Planned { name: format!("t{number}"), shape: vec![3, 256], format };
    Outline { metadata, tensors: FORMATS.into_iter().enumerate().map(tensor).collect() }
}

#[test]
fn what_is_written_is_read_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, outline) = (folder.path().join("a.gguf"), outline());
    let mut number = 0_u8;
    let file = std::fs::File::create(&path).expect("writable");
    let written = outline.write::<_, Error>(file, |tensor, out| {
        number += 1;
        // In pieces.
        (0..tensor.bytes()).try_for_each(|_| out.write_all(&[number]))
    });
    written.expect("all bytes came");
    let gguf = Gguf::open(&path).expect("what was written is right");
    assert_eq!(gguf.metadata, outline.metadata);
    let bytes = std::fs::read(&path).expect("readable");
    for (number, (tensor, planned)) in gguf.tensors.iter().zip(&outline.tensors).enumerate() {
        assert_eq!((&tensor.name, &tensor.shape, tensor.format), (&planned.name, &planned.shape, planned.format));
        let own = &bytes[tensor.start as usize..][..tensor.bytes as usize];
        assert!(own.iter().all(|byte| usize::from(*byte) == number + 1), "{}", tensor.name);
    }
    assert_eq!((gguf.tensors.len(), bytes.len() % 32), (7, 0));
}

#[test]
fn a_tensor_that_comes_short_is_an_error() {
    let outline = Outline { metadata: BTreeMap::new(), tensors: outline().tensors };
    let written = outline.write::<_, Error>(Vec::new(), |tensor: &Planned, out: &mut dyn Write| {
        out.write_all(&vec![0; tensor.bytes() as usize - usize::from(tensor.name == "t2")])
    });
    let error = written.expect_err("a byte is missing").to_string();
    assert!(error.contains("tensor `t2` came as 1535 bytes, planned were 1536"), "{error}");
}
