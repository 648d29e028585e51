//! Attention against itself written out, and its backward against finite differences.

use super::*;
use crate::Precision;
use crate::backend::cpu::kernel::element::Element;
use crate::backend::cpu::storage::activation::rounded;
use crate::finite_difference::{check, values, weighted};

/// Queries, keys and values in f32.
#[derive(Clone, Copy)]
struct Plain<'a> {
    q: &'a [f32],
    k: &'a [f32],
    v: &'a [f32],
    spans: &'a [Span],
}

/// Whether a row sees one that is not after it: in its own text, and not too long ago.
fn sees(heads: Heads, span: &Span, i: usize, k: usize) -> bool {
    let branch = |place: usize| span.branches.iter().rposition(|&start| start <= place);
    let in_window = !span.branches.is_empty() || i - k < heads.window.unwrap_or(usize::MAX);
    in_window && (branch(k).is_none() || branch(k) == branch(i))
}

fn plain(heads: Heads, inputs: Plain<'_>) -> Vec<f32> {
    let (e, wq, wk) = (heads.dim, heads.query * heads.dim, heads.key_value * heads.dim);
    let mut o = vec![0.0; inputs.q.len()];
    for span in inputs.spans {
        let start = span.start;
        for (i, h) in (0..span.length).flat_map(|i| (0..heads.query).map(move |h| (i, h))) {
            let j = h * heads.key_value / heads.query;
            let q = &inputs.q[(start + i) * wq + h * e..][..e];
            let seen: Vec<usize> = (0..=i).filter(|&k| sees(heads, span, i, k)).collect();
            let at = |k: usize| (start + k) * wk + j * e;
            let exps: Vec<f64> = seen
                .iter()
                .map(|&k| (weighted(q, &inputs.k[at(k)..][..e]) * f64::from(heads.factor())).exp())
                .collect();
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

/// Documents one after the other; one of several lengths is a prefix with branches.
fn spans(documents: &[&[usize]]) -> Vec<Span> {
    let mut start = 0;
    let span = |lengths: &&[usize]| {
        let span = Span::new(start, lengths);
        start += span.length;
        span
    };
    documents.iter().map(span).collect()
}

fn cases() -> Vec<(Heads, Vec<Span>)> {
    let heads = |query, key_value, dim, window| Heads { query, key_value, dim, window };
    vec![
        (heads(1, 1, 2, None), spans(&[&[1]])),
        (heads(4, 2, 6, None), spans(&[&[5], &[1], &[3]])),
        (heads(2, 1, 64, Some(3)), spans(&[&[9], &[70]])),
        (heads(2, 2, 80, Some(65)), spans(&[&[131]])),
        (heads(2, 1, 128, None), spans(&[&[3], &[1]])),
        (heads(4, 2, 6, None), spans(&[&[2], &[4, 3, 1, 2], &[5]])),
        (heads(2, 1, 16, Some(80)), spans(&[&[71, 5, 1, 9, 2], &[30, 41, 30]])),
        // Blocks of queries that pass over branches before theirs, after a prefix of odd length.
        (heads(2, 1, 16, None), spans(&[&[21, 60, 50, 41], &[7, 128, 3]])),
        // More than the backward of bf16 does at once.
        (heads(2, 1, 8, None), spans(&[&[300]])),
        (heads(1, 1, 8, Some(40)), spans(&[&[290]])),
        (heads(1, 1, 8, None), spans(&[&[270, 20, 40]])),
    ]
}

fn activation(values: &[f32], precision: Precision) -> Activation {
    match precision {
        Precision::F32 => Activation::F32(values.to_vec().into()),
        Precision::Bf16 => Activation::Bf16(rounded(values).into()),
    }
}

fn wide(activation: &Activation) -> Vec<f32> {
    match activation {
        Activation::F32(values) => values.to_vec(),
        Activation::Bf16(values) => values.iter().map(|value| value.wide()).collect(),
    }
}

fn run(heads: Heads, inputs: Plain<'_>, precision: Precision) -> (Activation, Vec<f32>) {
    let [q, k, v] = [inputs.q, inputs.k, inputs.v].map(|values| activation(values, precision));
    let mut o = activation(&vec![f32::NAN; inputs.q.len()], precision);
    let mut logsumexp = vec![f32::NAN; inputs.q.len() / heads.dim];
    forward(heads, Inputs { q: &q, k: &k, v: &v, spans: inputs.spans }, &mut o, &mut logsumexp);
    (o, logsumexp)
}

fn gradients(heads: Heads, inputs: Plain<'_>, g: &[f32], precision: Precision) -> [Vec<f32>; 3] {
    let (o, logsumexp) = run(heads, inputs, precision);
    let [q, k, v, g] = [inputs.q, inputs.k, inputs.v, g].map(|values| activation(values, precision));
    let [mut dq, mut dk, mut dv] = [&q, &k, &v].map(|x| activation(&vec![f32::NAN; x.len()], precision));
    let kept = Kept { o: &o, logsumexp: &logsumexp, g: &g };
    backward(heads, Inputs { q: &q, k: &k, v: &v, spans: inputs.spans }, kept, [&mut dq, &mut dk, &mut dv]);
    [wide(&dq), wide(&dk), wide(&dv)]
}

/// Values that bf16 holds exactly, so that only what is computed differs.
fn exact(n: usize, seed: u64) -> Vec<f32> {
    rounded(&values(n, seed)).into_iter().map(Element::wide).collect()
}

#[test]
fn the_forward_equals_attention_written_out() {
    for (heads, spans) in cases() {
        let t: usize = spans.iter().map(|span| span.length).sum();
        let (nq, nk) = (t * heads.query * heads.dim, t * heads.key_value * heads.dim);
        let (q, k, v) = (exact(nq, 1), exact(nk, 2), exact(nk, 3));
        let inputs = Plain { q: &q, k: &k, v: &v, spans: &spans };
        for (precision, near) in [(Precision::F32, 1e-5), (Precision::Bf16, 0.02)] {
            for (a, b) in wide(&run(heads, inputs, precision).0).iter().zip(plain(heads, inputs)) {
                assert!((a - b).abs() < near, "{heads:?}: {a} {b}");
            }
        }
    }
}

#[test]
fn the_backward_is_the_slope_of_the_forward() {
    for (heads, spans) in cases() {
        let t: usize = spans.iter().map(|span| span.length).sum();
        let (nq, nk) = (t * heads.query * heads.dim, t * heads.key_value * heads.dim);
        let (q, k, v, g) = (exact(nq, 1), exact(nk, 2), exact(nk, 3), exact(nq, 4));
        let inputs = Plain { q: &q, k: &k, v: &v, spans: &spans };
        let [dq, dk, dv] = gradients(heads, inputs, &g, Precision::F32);
        let loss = |inputs: Plain<'_>| weighted(&wide(&run(heads, inputs, Precision::F32).0), &g);
        check("q", &q, &dq, |q| loss(Plain { q, ..inputs }));
        check("k", &k, &dk, |k| loss(Plain { k, ..inputs }));
        check("v", &v, &dv, |v| loss(Plain { v, ..inputs }));
        let narrow = gradients(heads, inputs, &g, Precision::Bf16);
        for (ours, right) in narrow.iter().zip([dq, dk, dv]) {
            let size = right.iter().map(|v| v.abs()).fold(0.0, f32::max);
            for (a, b) in ours.iter().zip(&right) {
                assert!((a - b).abs() < 0.03 * size + 1e-4, "{heads:?}: {a} {b}");
            }
        }
    }
}
