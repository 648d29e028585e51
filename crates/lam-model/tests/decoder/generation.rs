//! Generation gives the logits of training, whatever else is in the batch.

use lam_model::{Finetuning, PackedBatch};

use crate::tiny;

fn tokens(n: u32, seed: u32) -> Vec<u32> {
    (0..n).map(|i| (i * 11 + seed * 7 + i * i % 3) % 37).collect()
}

#[test]
fn prefill_and_steps_equal_the_training_forward() {
    let decoder = tiny::reloaded(&Finetuning::Lora(tiny::lora(0.0)));
    tiny::wake(&decoder);
    let (a, b) = (tokens(40, 1), tokens(9, 2));
    let mut cache = decoder.new_cache(3).unwrap();
    decoder.decode(&mut cache, &[(2, &a[..30]), (0, &b[..1])]).unwrap();
    for i in 30..38 {
        decoder.decode(&mut cache, &[(0, &b[i - 29..i - 28]), (2, &a[i..=i])]).unwrap();
    }
    decoder.decode(&mut cache, &[(2, &a[38..39])]).unwrap();
    let last = decoder.decode(&mut cache, &[(2, &a[39..])]).unwrap();
    let hidden = decoder.hidden(&PackedBatch::from_documents([&a])).unwrap();
    let expected = decoder.logits(&hidden, &[39]).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
    for (found, expected) in last.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-5 * (1.0 + expected.abs()), "{found} {expected}");
    }
}

#[test]
fn a_request_is_the_same_bits_alone_in_company_and_in_pieces() {
    let decoder = tiny::decoder();
    let (a, b, c) = (tokens(33, 1), tokens(50, 2), tokens(3, 3));
    let mut alone = decoder.new_cache(1).unwrap();
    let expected = decoder.decode(&mut alone, &[(0, &a)]).unwrap();
    let mut company = decoder.new_cache(4).unwrap();
    let together = decoder.decode(&mut company, &[(1, &b), (3, &a), (0, &c)]).unwrap();
    assert_eq!(together[37..74], expected);
    let mut pieces = decoder.new_cache(1).unwrap();
    decoder.decode(&mut pieces, &[(0, &a[..17])]).unwrap();
    decoder.decode(&mut pieces, &[(0, &a[17..18])]).unwrap();
    assert_eq!(decoder.decode(&mut pieces, &[(0, &a[18..])]).unwrap(), expected);
}

#[test]
fn a_copied_or_shortened_prefix_goes_on_as_if_computed() {
    let decoder = tiny::decoder();
    let (a, b) = (tokens(33, 1), tokens(20, 2));
    let mut cache = decoder.new_cache(3).unwrap();
    decoder.decode(&mut cache, &[(0, &a), (1, &b)]).unwrap();
    cache.copy_prefix(0, 1, 20);
    cache.truncate(0, 20);
    assert_eq!((cache.length(0), cache.length(1)), (20, 20));
    let both = decoder.decode(&mut cache, &[(0, &b[..5]), (1, &b[..5])]).unwrap();
    let whole: Vec<u32> = a[..20].iter().chain(&b[..5]).copied().collect();
    let expected = decoder.decode(&mut cache, &[(2, &whole)]).unwrap();
    assert_eq!(both[..37], expected);
    assert_eq!(both[37..], expected);
}

#[test]
fn a_slot_that_does_not_exist_or_appears_twice_is_refused() {
    let decoder = tiny::decoder();
    let mut cache = decoder.new_cache(2).unwrap();
    assert!(decoder.decode(&mut cache, &[(2, &[1])]).is_err());
    assert!(decoder.decode(&mut cache, &[(0, &[1]), (0, &[2])]).is_err());
    assert!(decoder.decode(&mut cache, &[(0, &[])]).is_err());
    assert!(decoder.decode(&mut cache, &[(0, &[37])]).is_err());
}
