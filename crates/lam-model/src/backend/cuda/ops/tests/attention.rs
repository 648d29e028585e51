//! Attention on every road: packed documents, windows, shared prefixes, head widths.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::norms::table;
use super::*;
use crate::backend::cpu::ops::attention::{self, Inputs, Kept};
use crate::backend::cpu::ops::rope::Rope;
use crate::backend::cpu::storage::activation::Activation;
use crate::backend::cuda::sources::Road;
use crate::backend::run::Heads;
use crate::batch::Span;
use crate::rotary::Rotary;

/// A batch and its heads.
struct Case {
    heads: Heads,
    spans: Vec<Span>,
}

/// Documents one after the other; one of several lengths is a prefix with branches.
fn case(dim: usize, (query, key_value): (usize, usize), window: Option<usize>, documents: &[&[usize]]) -> Case {
    let mut start = 0;
    let spans = documents.iter().map(|lengths| {
        let span = Span::new(start, lengths);
        start += span.length;
        span
    });
    Case { spans: spans.collect(), heads: Heads { query, key_value, dim, window } }
}

/// What attention reads and gives: queries, keys, values, output, and the gradient by it, each by itself.
struct Numbers {
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    g: Vec<f32>,
}

impl Case {
    fn tokens(&self) -> usize {
        self.spans.iter().map(|span| span.length).sum()
    }

    /// Widths of queries and of keys.
    fn widths(&self) -> (usize, usize) {
        (self.heads.query * self.heads.dim, self.heads.key_value * self.heads.dim)
    }

    fn numbers(&self) -> Numbers {
        let (t, (wq, wk)) = (self.tokens(), self.widths());
        let scaled = |values: Vec<f32>| narrowed(&values.iter().map(|value| value * 1.5).collect::<Vec<_>>());
        Numbers { q: scaled(exact(t * wq, 1)), k: scaled(exact(t * wk, 2)), v: exact(t * wk, 3), g: exact(t * wq, 4) }
    }

    /// Positions of all rows, and the rotation of these heads.
    fn rope(&self) -> (Rotary, Vec<usize>) {
        let places = |span: &Span| (0..span.length).map(|place| span.position(place)).collect::<Vec<_>>();
        (Rotary::plain(self.heads.dim, 1e4), self.spans.iter().flat_map(places).collect())
    }

    /// The processor's output, logarithms of denominators, and gradients, those by queries and keys turned back.
    fn wanted(&self, numbers: &Numbers, turn_back: bool) -> (Vec<f32>, Vec<f32>, [Vec<f32>; 3]) {
        let (t, (wq, wk)) = (self.tokens(), self.widths());
        let [q, k, v, g] =
            [&numbers.q, &numbers.k, &numbers.v, &numbers.g].map(|values| Activation::F32(values.clone().into()));
        let mut o = Activation::F32(vec![f32::NAN; t * wq].into());
        let mut logsumexp = vec![f32::NAN; t * self.heads.query];
        let inputs = Inputs { q: &q, k: &k, v: &v, spans: &self.spans };
        attention::forward(self.heads, inputs, &mut o, &mut logsumexp);
        let [mut dq, mut dk, mut dv] = [wq, wk, wk].map(|width| Activation::F32(vec![f32::NAN; t * width].into()));
        let kept = Kept { o: &o, logsumexp: &logsumexp, g: &g };
        attention::backward(self.heads, inputs, kept, [&mut dq, &mut dk, &mut dv]);
        if turn_back {
            let (rotary, positions) = self.rope();
            let rope = Rope::new(rotary, t);
            rope.rotate(&mut dq, wq, &positions, -1.0);
            rope.rotate(&mut dk, wk, &positions, -1.0);
        }
        (own(o), logsumexp, [dq, dk, dv].map(own))
    }

    /// Runs the case on the device and compares.
    fn check(&self, ops: &Ops, what: &str) {
        let (t, (wq, wk), heads) = (self.tokens(), self.widths(), self.heads);
        let numbers = self.numbers();
        let turn_back = t % 2 == 1;
        let (o, logsumexp, gradients) = self.wanted(&numbers, turn_back);
        let columns = wq + 2 * wk;
        let fused = |[q, k, v]: [&[f32]; 3]| -> Vec<f32> {
            (0..t).flat_map(|row| [&q[row * wq..][..wq], &k[row * wk..][..wk], &v[row * wk..][..wk]].concat()).collect()
        };
        let qkv = Matrix::of(ops, &fused([&numbers.q, &numbers.k, &numbers.v]), columns, columns + 64);
        let by_o = Matrix::of(ops, &numbers.g, wq, wq + 8);
        let seen = ops.seen(&self.spans, heads, t).unwrap();
        let (mut output, mut log_sums) =
            (Matrix::empty(ops, t, wq, wq + 16), ops.device.alloc::<f32>(heads.query * t).unwrap());
        ops.attention(qkv.place(), heads, &seen, output.place_mut(), log_sums.all_mut()).unwrap();
        near(&format!("{what}: o"), &output.read(ops), &o, 8e-3);
        let transposed =
            (0..heads.query * t).map(|i| logsumexp[i % t * heads.query + i / t] * std::f32::consts::LOG2_E);
        near(&format!("{what}: log sums"), &ops.device.read(&log_sums).unwrap(), &transposed.collect::<Vec<_>>(), 1e-4);

        let mut delta = ops.device.alloc::<f32>(heads.query * t).unwrap();
        ops.attention_delta(output.place(), by_o.place(), heads, t, delta.all_mut()).unwrap();
        let (rotary, positions) = self.rope();
        let pairs = ops.device.upload(&table(&rotary, t)).unwrap();
        let positions = ops.device.upload(&integers(positions)).unwrap();
        let rope = turn_back.then(|| (pairs.all(), positions.all()));
        let run = || {
            let mut by_qkv = Matrix::empty(ops, t, columns, columns + 32);
            let (sums, to) = ((log_sums.all(), delta.all()), by_qkv.place_mut());
            ops.attention_backward(qkv.place(), by_o.place(), sums.0, sums.1, heads, &seen, rope, to).unwrap();
            by_qkv.read(ops)
        };
        let found = run();
        if t < 100 {
            assert!(found == run(), "{what}: other gradients the second time");
        }
        let [dq, dk, dv] = &gradients;
        let columns_of = |all: &[f32], from: usize, width: usize| -> Vec<f32> {
            all.chunks(columns).flat_map(|row| row[from..from + width].to_vec()).collect()
        };
        for (name, from, width, wanted) in [("dq", 0, wq, dq), ("dk", wq, wk, dk), ("dv", wq + wk, wk, dv)] {
            near(&format!("{what}: {name}"), &columns_of(&found, from, width), wanted, 1.5e-2);
        }
    }
}

fn own(activation: Activation) -> Vec<f32> {
    match activation {
        Activation::F32(values) => values.to_vec(),
        Activation::Bf16(_) => unreachable!("the tests compute in f32"),
    }
}

/// The operations on one road, wherever it can be taken.
fn on(road: Road, ops: &Ops) -> Ops {
    Ops { widest: road, short: 0, ..ops.clone() }
}

#[track_caller]
fn check_all(road: Road, cases: &[Case]) {
    let Some(ops) = test_ops() else { return };
    if road != Road::Mma && ops.widest != Road::Roles {
        return not_run(&format!("{road:?} needs a card of compute capability 9.0"));
    }
    let ops = on(road, &ops);
    for (number, case) in cases.iter().enumerate() {
        case.check(&ops, &format!("{road:?}, case {number}, heads of {}", case.heads.dim));
    }
}

/// Documents, windows, prefixes with branches; rows that no tile ends with.
fn cases_of(dim: usize) -> Vec<Case> {
    vec![
        case(dim, (2, 1), None, &[&[1], &[77], &[128], &[5], &[40]]),
        case(dim, (2, 2), Some(70), &[&[205]]),
        // A prefix that is longer than a tile, branches that end within one, documents before and after.
        case(dim, (2, 1), None, &[&[33], &[150, 20, 131, 1, 60], &[7]]),
    ]
}

/// One batch with all of it.
fn short_case_of(dim: usize) -> Case {
    case(dim, (2, 1), Some(40), &[&[61], &[19, 30, 1, 25], &[14]])
}

#[test]
fn mma_equals_the_processor() {
    let cases = [64, 128].into_iter().flat_map(cases_of);
    check_all(Road::Mma, &cases.chain([16, 32, 80, 96].map(short_case_of)).collect::<Vec<_>>());
}

#[test]
fn wgmma_equals_the_processor() {
    check_all(Road::Wgmma, &[64, 128].into_iter().flat_map(cases_of).collect::<Vec<_>>());
}

#[test]
fn roles_equal_the_processor() {
    check_all(Road::Roles, &[64, 128].into_iter().flat_map(cases_of).collect::<Vec<_>>());
}

/// A batch of any documents, prefixes and windows.
fn drawn(dim: usize, seed: u64) -> Case {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let spans: Vec<Vec<usize>> = (0..random.random_range(1..4))
        .map(|_| {
            let branches = if random.random_bool(0.5) { 0 } else { random.random_range(2..5) };
            let first = random.random_range(1..150);
            [first].into_iter().chain((0..branches).map(|_| random.random_range(1..60))).collect()
        })
        .collect();
    let heads = [(1, 1), (2, 1), (3, 3), (4, 2)][random.random_range(0..4)];
    let window = random.random_bool(0.5).then(|| random.random_range(1..200));
    case(dim, heads, window, &spans.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

#[test]
fn any_batch_gives_the_processors_numbers() {
    for (seed, road) in [Road::Mma, Road::Wgmma, Road::Roles].into_iter().enumerate() {
        check_all(road, &[drawn(64, seed as u64), drawn(128, 10 + seed as u64)]);
    }
}

/// Cards with 99 KiB of shared memory a block have kernels of their own.
#[test]
fn blocks_with_less_shared_memory_give_the_same() {
    let Some(ops) = test_ops() else { return };
    short_case_of(128).check(&Ops { narrow: true, ..on(Road::Mma, &ops) }, "narrow");
}
