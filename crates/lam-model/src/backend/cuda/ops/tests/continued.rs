//! Attention of many new rows behind pages, against f64 over whole texts.

use super::super::cached::{At, Standing};
use super::super::continued::Behind;
use super::cached::{LAYER, Pages, Texts};
use super::{Matrix, test_ops};
use crate::backend::run::Heads;

/// New rows of the texts, given as (text, start, count), behind a row that is not theirs.
fn check(texts: &Texts, new: &[(usize, usize, usize)]) {
    let Some(ops) = test_ops() else { return };
    let (pages, Heads { query, dim, .. }) = (Pages::of(&ops, texts), texts.heads);
    let (mut rows, mut behind) = (vec![(0, 0)], Vec::new());
    for &(text, start, count) in new {
        behind.push(Behind { page: pages.first[text], start, row: rows.len(), count });
        rows.extend((start..start + count).map(|position| (text, position)));
    }
    let place = |&(text, position): &(usize, usize)| At { token: 0, position, first: pages.first[text] };
    let all: Vec<At> = rows.iter().map(place).collect();
    let standing = Standing::new(&ops.device, &pages.addresses, &all).unwrap();
    let continued = ops.continued(&behind, texts.heads).unwrap();
    let asked: Vec<f32> = rows.iter().flat_map(|&(text, position)| texts.row(text, position)).copied().collect();
    let qkv = Matrix::of(&ops, &asked, texts.columns(), texts.columns() + 24);
    let mut o = Matrix::of(&ops, &vec![7.0; rows.len() * query * dim], query * dim, query * dim + 8);
    // SAFETY: all rows have been appended.
    unsafe {
        ops.attention_behind(qkv.place(), (texts.heads, LAYER), (&standing, &continued), o.place_mut()).unwrap();
    }
    let found = o.read(&ops);
    let mut found = found.chunks(query * dim);
    assert!(found.next().unwrap().iter().all(|value| *value == 7.0), "other rows stay");
    for (&(text, position), found) in rows[1..].iter().zip(found) {
        for (i, (found, expected)) in found.iter().zip(texts.expected(text, position)).enumerate() {
            let off = (found - expected).abs();
            // Weights are rounded to bf16 in tiles.
            assert!(
                off < 4e-3 + 8e-3 * expected.abs(),
                "{text}, {position}, {i}: {found} {expected}, {:?}",
                texts.heads
            );
        }
    }
}

#[test]
fn every_width_of_heads() {
    for (query, key_value, dim) in [(1, 1, 16), (4, 2, 64), (3, 1, 80), (2, 1, 128)] {
        let texts = Texts::new(Heads { query, key_value, dim, window: None }, &[150]);
        check(&texts, &[(0, 70, 80)]);
    }
}

#[test]
fn several_texts_and_windows() {
    for window in [None, Some(1), Some(40), Some(200), Some(1000)] {
        let texts = Texts::new(Heads { query: 2, key_value: 1, dim: 64, window }, &[130, 300, 64]);
        check(&texts, &[(1, 128, 172), (0, 1, 33), (2, 60, 4), (1, 10, 40)]);
    }
}
