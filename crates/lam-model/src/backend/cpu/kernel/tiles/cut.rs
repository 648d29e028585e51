//! How the reductions of a product's summands are cut into passes. Knows no tiles.

use super::block::STEP;

/// Steps of a pass over the reduction: 512 values. A strip of so many is 32 KB.
const PASS: usize = 16;
/// Steps that a last pass may have, so that an adapter beside a weight needs none of its own.
const LAST_PASS: usize = 20;

/// A stretch of a term's reduction, from `first` on.
pub(super) struct Stretch {
    pub(super) term: usize,
    pub(super) first: usize,
    pub(super) values: usize,
}

impl Stretch {
    fn steps(&self) -> usize {
        self.values.div_ceil(STEP)
    }
}

/// Stretches whose sums are taken in one go.
#[derive(Default)]
pub(super) struct Pass {
    pub(super) stretches: Vec<Stretch>,
    pub(super) steps: usize,
}

/// The summands' reductions in passes; one that is empty where there is nothing to sum.
pub(super) fn passes(reductions: &[usize]) -> Vec<Pass> {
    let mut left: usize = reductions.iter().map(|reduction| reduction.div_ceil(STEP)).sum();
    let mut passes = vec![Pass::default()];
    let mut room = if left <= LAST_PASS { LAST_PASS } else { PASS };
    for (term, reduction) in reductions.iter().enumerate() {
        let mut first = 0;
        while first < *reduction {
            if room == 0 {
                passes.push(Pass::default());
                room = if left <= LAST_PASS { LAST_PASS } else { PASS };
            }
            let stretch = Stretch { term, first, values: (*reduction - first).min(room * STEP) };
            let steps = stretch.steps();
            (first, room, left) = (first + stretch.values, room - steps, left - steps);
            let pass = passes.last_mut().expect("there is a first pass");
            pass.steps += steps;
            pass.stretches.push(stretch);
        }
    }
    passes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(reductions: &[usize]) -> Vec<usize> {
        let passes = passes(reductions);
        for (term, reduction) in reductions.iter().enumerate() {
            let own = passes.iter().flat_map(|pass| &pass.stretches).filter(|stretch| stretch.term == term);
            let mut next = 0;
            for stretch in own {
                assert!(stretch.first == next && next.is_multiple_of(STEP), "{reductions:?}");
                next += stretch.values;
            }
            assert_eq!(next, *reduction, "every value once");
        }
        passes.iter().map(|pass| pass.steps).collect()
    }

    #[test]
    fn an_adapter_needs_no_pass_of_its_own() {
        assert_eq!(steps(&[512, 8]), [17]);
        assert_eq!(steps(&[640]), [20]);
        assert_eq!(steps(&[641]), [16, 5]);
        assert_eq!(steps(&[1408, 16]), [16, 16, 13]);
        assert_eq!(steps(&[512, 8, 256, 8, 256, 8]), [16, 19]);
        assert_eq!(steps(&[]), [0]);
    }
}
