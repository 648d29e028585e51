//! Tokens that are attended for together: neighbours that see the same blocks of keys and values, for a while at least.
//! Knows which blocks, not what is computed with them.

use std::ops::Range;

use super::super::key_values::{BLOCK, KeyValues};

/// Queries of one key-value head that are taken together: a tile's rows twice.
const TOGETHER: usize = 32;
/// Scores that a bundle of more than one token has at most, so that they stay in the caches.
const SCORES: usize = 1 << 16;

/// A new token: where it stands, and the oldest position that it sees.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) slot: usize,
    pub(crate) oldest: usize,
    pub(crate) position: usize,
}

/// Some tokens, one after the other, and the blocks that they see.
pub(crate) struct Bundle {
    /// Which of the tokens.
    pub(crate) tokens: Range<usize>,
    /// What each of them sees, in places from the first position of the bundle's oldest block on.
    pub(super) seen: Vec<Range<usize>>,
    /// Places of all blocks from the oldest to the newest.
    pub(super) places: usize,
    /// In the order of their blocks.
    pub(super) runs: Vec<Run>,
}

/// Blocks, one after the other, that the same tokens of a bundle see.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// Which of the bundle's tokens.
    pub(super) tokens: Range<usize>,
    /// The first block's place among those of the bundle.
    pub(super) first: usize,
    pub(super) blocks: Vec<u32>,
}

impl Token {
    /// The blocks that it sees, by their place in its slot.
    fn blocks(&self) -> Range<usize> {
        self.oldest / BLOCK..self.position / BLOCK + 1
    }

    /// Whether it begins with the same block as another.
    fn shares_with(&self, other: &Self, cache: &KeyValues) -> bool {
        let (own, others) = (self.blocks(), other.blocks());
        let first = own.start.max(others.start);
        let in_both = first < own.end.min(others.end);
        in_both && cache.blocks(self.slot)[first] == cache.blocks(other.slot)[first]
    }
}

impl Bundle {
    /// All tokens in bundles, of which none has more queries than are worth it; `group` heads share keys and values.
    pub(crate) fn all(cache: &KeyValues, tokens: &[Token], group: usize) -> Vec<Self> {
        let most = (TOGETHER / group).max(1);
        let mut bundles = Vec::new();
        let mut start = 0;
        for end in 1..=tokens.len() {
            let goes_on = end < tokens.len()
                && end - start < most
                && tokens[end].shares_with(&tokens[end - 1], cache)
                && (end + 1 - start) * group * places(&tokens[start..=end]).len() * BLOCK <= SCORES;
            if !goes_on {
                bundles.push(Self::of(cache, start..end, &tokens[start..end]));
                start = end;
            }
        }
        bundles
    }

    fn of(cache: &KeyValues, range: Range<usize>, tokens: &[Token]) -> Self {
        let all = places(tokens);
        let base = all.start * BLOCK;
        let seen = tokens.iter().map(|token| token.oldest - base..token.position + 1 - base).collect();
        let mut runs: Vec<Run> = Vec::new();
        for place in all.clone() {
            for (tokens, block) in holders(cache, tokens, place) {
                let first = place - all.start;
                let goes_on = |run: &&mut Run| run.tokens == tokens && run.first + run.blocks.len() == first;
                match runs.iter_mut().rev().find(goes_on) {
                    Some(run) => run.blocks.push(block),
                    None => runs.push(Run { tokens, first, blocks: vec![block] }),
                }
            }
        }
        Self { tokens: range, seen, places: all.len() * BLOCK, runs }
    }
}

/// Places of the blocks that any of some tokens sees, and of those between.
fn places(tokens: &[Token]) -> Range<usize> {
    let mut all = tokens[0].blocks();
    for blocks in tokens.iter().map(Token::blocks) {
        all = all.start.min(blocks.start)..all.end.max(blocks.end);
    }
    all
}

/// The blocks that tokens see at a place, each with the neighbours that see it.
fn holders(cache: &KeyValues, tokens: &[Token], place: usize) -> Vec<(Range<usize>, u32)> {
    let mut holders: Vec<(Range<usize>, u32)> = Vec::new();
    for (i, token) in tokens.iter().enumerate().filter(|(_, token)| token.blocks().contains(&place)) {
        let block = cache.blocks(token.slot)[place];
        match holders.last_mut() {
            Some((range, last)) if range.end == i && *last == block => range.end = i + 1,
            _ => holders.push((i..i + 1, block)),
        }
    }
    holders
}

#[cfg(test)]
mod tests {
    use super::super::super::key_values::Shape;
    use super::*;
    use crate::KeyValueFormat;

    fn cache(slots: usize) -> KeyValues {
        KeyValues::new(Shape { format: KeyValueFormat::F32, layers: 1, heads: 1, dim: 4 }, slots)
    }

    fn token(slot: usize, oldest: usize, position: usize) -> Token {
        Token { slot, oldest, position }
    }

    /// Tokens, first block and number of blocks of each run.
    fn runs(bundle: &Bundle) -> Vec<(Range<usize>, usize, usize)> {
        bundle.runs.iter().map(|run| (run.tokens.clone(), run.first, run.blocks.len())).collect()
    }

    #[test]
    fn tokens_share_the_blocks_of_their_beginning_and_have_their_own_afterwards() {
        let mut cache = cache(4);
        cache.grow(0, 150);
        cache.share(0, 1, 150);
        cache.share(0, 2, 64);
        for (slot, count) in [(0, 10), (1, 10), (2, 100), (3, 20)] {
            cache.grow(slot, count);
        }
        let tokens = [token(0, 0, 159), token(1, 0, 159), token(2, 0, 163), token(3, 0, 19)];
        let bundles = Bundle::all(&cache, &tokens, 2);
        assert_eq!(bundles.iter().map(|bundle| bundle.tokens.clone()).collect::<Vec<_>>(), [0..3, 3..4]);
        let own = [(0..3, 0, 1), (0..2, 1, 1), (2..3, 1, 2), (0..1, 2, 1), (1..2, 2, 1)];
        assert_eq!(runs(&bundles[0]), own);
        assert_eq!((bundles[0].places, bundles[0].seen[2].clone()), (192, 0..164));
        // As many queries as are taken together: four heads of eight tokens.
        let tokens: Vec<Token> = (10..27).map(|position| token(3, 0, position.min(19))).collect();
        let counts: Vec<usize> = Bundle::all(&cache, &tokens, 4).iter().map(|bundle| bundle.tokens.len()).collect();
        assert_eq!(counts, [8, 8, 1]);
    }

    #[test]
    fn a_window_leaves_old_blocks_out() {
        let mut cache = cache(1);
        cache.grow(0, 300);
        let tokens: Vec<Token> = (190..195).map(|position| token(0, position - 60, position)).collect();
        let bundles = Bundle::all(&cache, &tokens, 1);
        assert_eq!((bundles.len(), bundles[0].places, bundles[0].seen[0].clone()), (1, 128, 2..63));
        assert_eq!(runs(&bundles[0]), [(0..5, 0, 1), (2..5, 1, 1)]);
    }

    #[test]
    fn long_texts_are_bundled_less() {
        let mut cache = cache(1);
        cache.grow(0, 20_000);
        let tokens: Vec<Token> = (19_990..20_000).map(|position| token(0, 0, position)).collect();
        let counts: Vec<usize> = Bundle::all(&cache, &tokens, 1).iter().map(|bundle| bundle.tokens.len()).collect();
        assert_eq!(counts, [3, 3, 3, 1]);
    }
}
