//! Attention against itself written out, and its backward against finite differences.

use super::*;
use crate::ops::finite_difference::{check, values, weighted};

fn plain(heads: Heads, inputs: Inputs<'_>) -> Vec<f32> {
    let (e, wq, wk) = (heads.dim, heads.query * heads.dim, heads.key_value * heads.dim);
    let mut o = vec![0.0; inputs.q.len()];
    for &(start, length) in inputs.spans {
        for (i, h) in (0..length).flat_map(|i| (0..heads.query).map(move |h| (i, h))) {
            let j = h * heads.key_value / heads.query;
            let q = &inputs.q[(start + i) * wq + h * e..][..e];
            let seen: Vec<usize> = (0..=i).filter(|k| i - k < heads.window.unwrap_or(usize::MAX)).collect();
            let at = |k: usize| (start + k) * wk + j * e;
            let exps: Vec<f64> =
                seen.iter().map(|&k| (weighted(q, &inputs.k[at(k)..][..e]) * f64::from(heads.factor())).exp()).collect();
            let sum: f64 = exps.iter().sum();
            for (&k, p) in seen.iter().zip(&exps) {
                for c in 0..e {
                    o[(start + i) * wq + h * e + c] += (p / sum) as f32 * inputs.v[at(k) + c];
                }
            }
        }
    }
    o
}

fn cases() -> Vec<(Heads, Vec<(usize, usize)>)> {
    let heads = |query, key_value, dim, window| Heads { query, key_value, dim, window };
    vec![
        (heads(1, 1, 2, None), vec![(0, 1)]),
        (heads(4, 2, 6, None), vec![(0, 5), (5, 1), (6, 3)]),
        (heads(2, 1, 64, Some(3)), vec![(0, 9), (9, 70)]),
        (heads(2, 2, 80, Some(65)), vec![(0, 131)]),
    ]
}

fn run(heads: Heads, inputs: Inputs<'_>) -> (Vec<f32>, Vec<f32>) {
    let mut o = vec![f32::NAN; inputs.q.len()];
    let mut log_sums = vec![f32::NAN; inputs.q.len() / heads.dim];
    forward(heads, inputs, &mut o, &mut log_sums);
    (o, log_sums)
}

#[test]
fn the_forward_equals_attention_written_out() {
    for (heads, spans) in cases() {
        let t: usize = spans.iter().map(|s| s.1).sum();
        let (q, k, v) = (
            values(t * heads.query * heads.dim, 1),
            values(t * heads.key_value * heads.dim, 2),
            values(t * heads.key_value * heads.dim, 3),
        );
        let inputs = Inputs { q: &q, k: &k, v: &v, spans: &spans };
        for (a, b) in run(heads, inputs).0.iter().zip(plain(heads, inputs)) {
            assert!((a - b).abs() < 1e-5, "{heads:?}: {a} {b}");
        }
    }
}

#[test]
fn the_backward_is_the_slope_of_the_forward() {
    for (heads, spans) in cases() {
        let t: usize = spans.iter().map(|s| s.1).sum();
        let (nq, nk) = (t * heads.query * heads.dim, t * heads.key_value * heads.dim);
        let (q, k, v, g) = (values(nq, 1), values(nk, 2), values(nk, 3), values(nq, 4));
        let inputs = Inputs { q: &q, k: &k, v: &v, spans: &spans };
        let (o, log_sums) = run(heads, inputs);
        let (mut dq, mut dk, mut dv) = (vec![f32::NAN; nq], vec![f32::NAN; nk], vec![f32::NAN; nk]);
        let kept = Kept { o: &o, log_sums: &log_sums, g: &g };
        backward(heads, inputs, kept, [&mut dq, &mut dk, &mut dv]);
        let loss = |inputs: Inputs<'_>| weighted(&run(heads, inputs).0, &g);
        check("q", &q, &dq, |q| loss(Inputs { q, ..inputs }));
        check("k", &k, &dk, |k| loss(Inputs { k, ..inputs }));
        check("v", &v, &dv, |v| loss(Inputs { v, ..inputs }));
    }
}
