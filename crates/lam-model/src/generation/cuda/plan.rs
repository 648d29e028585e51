//! How the tokens of a call go through the layers: which of them together, and in which order. Knows no device.

use std::ops::Range;

use crate::batch::Span;
use crate::generation::read::{AdapterId, Read};

/// Tokens that go through the layers at once.
const AT_ONCE: usize = 4096;

/// New tokens of a slot that are attended to in tiles, over its pages gathered into rows. Fewer go one by one: by the
/// bytes that both read and write, gathering is the less from some sixteen on, and it takes more launches.
const TILED: usize = 32;

/// Logits that exist on the device at the same time, about.
const LOGITS: usize = 1 << 25;

/// A new token: where it goes, and which row of the logits it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) slot: usize,
    pub(crate) position: usize,
    pub(crate) token: u32,
    pub(crate) logits: Option<usize>,
}

/// Tokens that go through the layers together.
#[derive(Debug, Default)]
pub(crate) struct Pass {
    pub(crate) rows: Vec<Row>,
    /// Lengths of the prompts in front, which begin with their slot's first token: they need no pages to attend to.
    pub(crate) prompts: Vec<usize>,
    /// Lengths of the texts behind them, which go on with many tokens each.
    pub(crate) continued: Vec<usize>,
    /// Which rows have an adapter.
    pub(crate) adapted: Vec<(AdapterId, Range<usize>)>,
}

/// Rows whose logits exist at the same time, in a vocabulary of so many tokens.
pub(crate) fn at_once(vocabulary: usize) -> usize {
    (LOGITS / vocabulary).max(64)
}

/// A run of tokens of one slot.
struct Piece<'a> {
    slot: usize,
    start: usize,
    tokens: &'a [u32],
    adapter: Option<AdapterId>,
    /// The place of the first token's logits, had it some, and how many of the tokens have none.
    logits: usize,
    unscored: usize,
}

impl Piece<'_> {
    fn is_prompt(&self) -> bool {
        self.start == 0 && self.tokens.len() > 1
    }

    fn is_continued(&self) -> bool {
        self.start > 0 && self.tokens.len() >= TILED
    }

    fn rows(&self) -> impl Iterator<Item = Row> {
        self.tokens.iter().enumerate().map(|(i, &token)| Row {
            slot: self.slot,
            position: self.start + i,
            token,
            logits: (i >= self.unscored).then(|| self.logits + i - self.unscored),
        })
    }
}

/// The passes for some reads; `of` says how many tokens a slot holds, and its adapter. Where a long text is cut depends on
/// nothing but itself.
pub(crate) fn passes(reads: &[Read<'_>], of: impl Fn(usize) -> (usize, Option<AdapterId>)) -> Vec<Pass> {
    let mut pieces = Vec::new();
    let mut logits = 0;
    for &Read { slot, tokens, scored } in reads {
        let (length, adapter) = of(slot);
        let mut unscored = tokens.len() - scored;
        let mut start = length;
        for tokens in tokens.chunks(AT_ONCE) {
            pieces.push(Piece { slot, start, tokens, adapter, logits, unscored: unscored.min(tokens.len()) });
            logits += tokens.len() - unscored.min(tokens.len());
            unscored = unscored.saturating_sub(tokens.len());
            start += tokens.len();
        }
    }
    let mut passes = Vec::new();
    let mut together: Vec<Piece<'_>> = Vec::new();
    for piece in pieces {
        let rows: usize = together.iter().map(|piece| piece.tokens.len()).sum();
        if rows + piece.tokens.len() > AT_ONCE {
            passes.push(Pass::of(std::mem::take(&mut together)));
        }
        together.push(piece);
    }
    passes.extend((!together.is_empty()).then(|| Pass::of(together)));
    passes
}

impl Pass {
    fn of(mut pieces: Vec<Piece<'_>>) -> Self {
        pieces.sort_by_key(|piece| (!piece.is_prompt(), !piece.is_continued(), piece.adapter));
        let mut pass = Self::default();
        for piece in pieces {
            if piece.is_prompt() {
                pass.prompts.push(piece.tokens.len());
            } else if piece.is_continued() {
                pass.continued.push(piece.tokens.len());
            }
            let range = pass.rows.len()..pass.rows.len() + piece.tokens.len();
            match (piece.adapter, pass.adapted.last_mut()) {
                (None, _) => {}
                (Some(adapter), Some((last, before))) if *last == adapter && before.end == range.start => {
                    before.end = range.end;
                }
                (Some(adapter), _) => pass.adapted.push((adapter, range)),
            }
            pass.rows.extend(piece.rows());
        }
        pass
    }

    /// Rows of the prompts.
    pub(crate) fn front(&self) -> usize {
        self.prompts.iter().sum()
    }

    /// Rows of the prompts and of the texts behind them.
    pub(crate) fn tiled(&self) -> usize {
        self.front() + self.continued.iter().sum::<usize>()
    }

    /// The prompts as documents.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let mut start = 0;
        let span = |&length: &usize| {
            let span = Span::new(start, &[length]);
            start += length;
            span
        };
        self.prompts.iter().map(span).collect()
    }

    /// Rows whose logits are asked for, each with its place among them.
    pub(crate) fn scored(&self) -> Vec<(usize, usize)> {
        self.rows.iter().enumerate().filter_map(|(row, of)| Some((row, of.logits?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(slot: usize, tokens: &[u32], scored: usize) -> Read<'_> {
        Read { slot, tokens, scored }
    }

    #[test]
    fn prompts_come_first_and_those_with_the_same_adapter_side_by_side() {
        let (one, two) = (AdapterId(1), AdapterId(2));
        let of = |slot: usize| [(0, Some(two)), (5, None), (0, Some(one)), (7, Some(two)), (3, Some(one))][slot];
        let reads = [
            read(0, &[10, 11, 12], 2),
            read(1, &[13], 1),
            read(2, &[14, 15], 0),
            read(3, &[16, 17], 1),
            read(4, &[18], 1),
        ];
        let passes = passes(&reads, of);
        assert_eq!(passes.len(), 1);
        let pass = &passes[0];
        assert_eq!((pass.prompts.as_slice(), pass.front()), ([2, 3].as_slice(), 5));
        let tokens: Vec<u32> = pass.rows.iter().map(|row| row.token).collect();
        assert_eq!(tokens, [14, 15, 10, 11, 12, 13, 18, 16, 17]);
        assert_eq!(pass.adapted, [(one, 0..2), (two, 2..5), (one, 6..7), (two, 7..9)]);
        assert_eq!(pass.scored(), [(3, 0), (4, 1), (5, 2), (6, 4), (8, 3)]);
        assert_eq!(pass.rows[8], Row { slot: 3, position: 8, token: 17, logits: Some(3) });
        assert_eq!(pass.spans(), [Span::new(0, &[2]), Span::new(2, &[3])]);
    }

    #[test]
    fn texts_that_go_on_with_many_tokens_come_between_prompts_and_single_rows() {
        let (many, few) = ([7; TILED], [8; TILED - 1]);
        let reads = [read(0, &few, 1), read(1, &many, 1), read(2, &[1], 1), read(3, &[2, 3], 1), read(4, &many, 1)];
        let of = |slot| ([5, 9, 0, 0, 70][slot], (slot == 1).then_some(AdapterId(0)));
        let passes = passes(&reads, of);
        let pass = &passes[0];
        assert_eq!((pass.prompts.as_slice(), pass.continued.as_slice()), ([2].as_slice(), [TILED; 2].as_slice()));
        assert_eq!((pass.front(), pass.tiled(), pass.rows.len()), (2, 2 + 2 * TILED, 2 + 3 * TILED));
        let slots: Vec<usize> = [0, 2, 2 + TILED, 2 + 2 * TILED, 1 + 3 * TILED].map(|row| pass.rows[row].slot).into();
        assert_eq!(slots, [3, 4, 1, 0, 2]);
    }

    #[test]
    fn a_long_text_is_cut_by_its_own_length_and_keeps_its_scores() {
        let long: Vec<u32> = (0..AT_ONCE as u32 + 10).collect();
        let reads = [read(0, &[1], 1), read(1, &long, 12), read(2, &[2, 3], 1)];
        let passes = passes(&reads, |_| (0, None));
        let lengths: Vec<usize> = passes.iter().map(|pass| pass.rows.len()).collect();
        assert_eq!(lengths, [1, AT_ONCE, 12]);
        assert_eq!((passes[1].prompts.len(), passes[2].prompts.as_slice()), (1, [2].as_slice()));
        assert_eq!(passes[1].scored(), [(AT_ONCE - 2, 1), (AT_ONCE - 1, 2)]);
        let places: Vec<usize> = passes[2].scored().iter().map(|(_, place)| *place).collect();
        assert_eq!(places, [13, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        assert_eq!(passes[2].rows[2].position, AT_ONCE);
    }
}
