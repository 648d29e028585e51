//! Every unit that this processor has, against the plainest, bit by bit; and what has no tiles, nearly.

use super::*;
use crate::backend::cpu::kernel::dispatch;
use crate::backend::cpu::kernel::element::Element;
use crate::backend::cpu::storage::activation::rounded;
use crate::finite_difference::values;

/// Output, logsumexp and the three gradients.
#[derive(PartialEq)]
struct Results([Vec<bf16>; 4], Vec<f32>);

fn results(unit: Option<Unit>, heads: Heads, spans: &[Span]) -> Results {
    let rows: usize = spans.iter().map(|span| span.length).sum();
    let (by_query, by_key) = (rows * heads.query * heads.dim, rows * heads.key_value * heads.dim);
    let some = |count: usize, seed: u64| rounded(&values(count, seed).iter().map(|x| 3.0 * x).collect::<Vec<_>>());
    let (q, k, v, g) = (some(by_query, 1), some(by_key, 2), some(by_key, 3), some(by_query, 4));
    let inputs = Inputs { q: &q, k: &k, v: &v, spans };
    let nothing = |count: usize| vec![bf16::NAN; count];
    let (mut o, mut logsumexp) = (nothing(by_query), vec![f32::NAN; rows * heads.query]);
    forward_by(unit, heads, inputs, &mut o, &mut logsumexp);
    let (mut dq, mut dk, mut dv) = (nothing(by_query), nothing(by_key), nothing(by_key));
    let kept = Kept { o: &o, logsumexp: &logsumexp, g: &g };
    backward_by(unit, heads, inputs, kept, [&mut dq, &mut dk, &mut dv]);
    Results([o, dq, dk, dv], logsumexp)
}

#[test]
fn every_unit_gives_the_same_bits() {
    let heads = |query, key_value, dim, window| Heads { query, key_value, dim, window };
    for (heads, lengths) in [
        (heads(2, 1, 18, None), &[40_usize][..]),
        (heads(2, 2, 64, Some(33)), &[100]),
        (heads(1, 1, 32, None), &[37, 70, 20]),
        (heads(1, 1, 16, None), &[270]),
    ] {
        let spans = [Span::new(0, lengths), Span::new(lengths.iter().sum(), &[3])];
        let right = results(Some(Unit::Model), heads, &spans);
        for unit in Unit::all_here() {
            assert!(results(Some(unit), heads, &spans) == right, "{unit:?} {heads:?} {lengths:?}");
        }
        // Without tiles, and on Arm with them, sums are taken in another order.
        for unit in [None, Unit::here()] {
            for (ours, right) in results(unit, heads, &spans).0.iter().zip(&right.0) {
                let largest = right.iter().map(|x| x.wide().abs()).fold(0.0, f32::max);
                let apart = ours.iter().zip(right).map(|(a, b)| (a.wide() - b.wide()).abs()).fold(0.0, f32::max);
                let who = (unit, dispatch::level());
                assert!(apart <= 0.02 * largest, "{who:?} {heads:?} {lengths:?}: {apart} of {largest}");
            }
        }
    }
}

#[test]
fn results_depend_on_no_number_of_threads() {
    let heads = Heads { query: 4, key_value: 2, dim: 32, window: None };
    let spans = [Span::new(0, &[50, 20, 70]), Span::new(140, &[90]), Span::new(230, &[33])];
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| results(Unit::here(), heads, &spans))
    };
    let one = with(1);
    assert!(with(2) == one && with(5) == one);
}
