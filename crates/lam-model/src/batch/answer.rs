//! Answers in texts: which tokens are scored, and which rows of the hidden states predict them.
//!
//! A row predicts the token after it, so the answer at the end of a prompt is predicted from the prompt's last row on.
//! Supervised losses, log-probabilities, rewards and PPO all read a batch this way. Does not know losses.

use super::{PackedBatch, Prefix, TextRows};

/// A text, and which of its tokens are the answer.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'t> {
    text: &'t [u32],
    tokens: Tokens<'t>,
}

#[derive(Clone, Copy, Debug)]
enum Tokens<'t> {
    /// From this place to the end of the text.
    From(usize),
    /// Those with a mark.
    Marked(&'t [bool]),
    /// The one that would follow the text: its row has read all of the text, and scores it.
    Next,
}

impl<'t> Answer<'t> {
    /// What comes after the first `prompt_length` tokens of the text.
    pub fn after_prompt(text: &'t [u32], prompt_length: usize) -> Self {
        Self { text, tokens: Tokens::From(prompt_length) }
    }

    /// The tokens of the text that have a mark.
    pub fn marked(text: &'t [u32], marks: &'t [bool]) -> Self {
        Self { text, tokens: Tokens::Marked(marks) }
    }

    /// A score of the whole text: its last row is read, and no token is predicted.
    pub fn score(text: &'t [u32]) -> Self {
        Self { text, tokens: Tokens::Next }
    }

    /// Number of tokens that are predicted.
    pub fn predicted_tokens(&self) -> usize {
        self.places().filter(|&place| place < self.text.len()).count()
    }

    /// The text, with all before the first row that is read as what it may share.
    pub fn prefix(&self) -> Prefix<'t> {
        Prefix { text: self.text, shareable: self.places().next().map_or(0, |place| place - 1) }
    }

    /// Where in the text the tokens of the answer are. The first token has nothing before it that could predict it.
    fn places(self) -> impl Iterator<Item = usize> {
        let end = self.text.len();
        (1..=end).filter(move |&place| match self.tokens {
            Tokens::From(start) => start <= place && place < end,
            Tokens::Marked(marks) => marks.get(place) == Some(&true),
            Tokens::Next => place == end,
        })
    }
}

/// Texts in one batch, and the rows that predict their answers.
#[derive(Clone, Debug)]
pub struct AnswerBatch {
    /// The texts.
    pub batch: PackedBatch,
    /// Rows of the hidden states that are read, answer by answer. Shape: `[N]`.
    pub rows: Vec<usize>,
    /// The token that each of these rows predicts; empty for scores. Shape: `[N]`.
    pub tokens: Vec<u32>,
    lengths: Vec<usize>,
}

impl AnswerBatch {
    /// Texts back to back, each with rows of its own.
    pub fn apart(answers: &[Answer<'_>]) -> Self {
        let texts: Vec<_> = answers.iter().map(|answer| Prefix { shareable: 0, ..answer.prefix() }).collect();
        Self::of(answers, PackedBatch::sharing(&texts))
    }

    pub(crate) fn of(answers: &[Answer<'_>], (batch, places): (PackedBatch, Vec<TextRows>)) -> Self {
        let (mut rows, mut tokens, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
        for (answer, text) in answers.iter().zip(&places) {
            let read = rows.len();
            rows.extend(answer.places().map(|place| text.row(place - 1)));
            tokens.extend(answer.places().filter_map(|place| answer.text.get(place)));
            lengths.push(rows.len() - read);
        }
        Self { batch, rows, tokens, lengths }
    }

    /// One value for each row that is read, given back answer by answer.
    pub fn split(&self, values: &[f32]) -> Vec<Vec<f32>> {
        let mut rest = values;
        let mut take = |&length: &usize| {
            let (these, after) = rest.split_at(length);
            rest = after;
            these.to_vec()
        };
        self.lengths.iter().map(&mut take).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: [u32; 5] = [10, 11, 12, 13, 14];

    #[test]
    fn each_answer_is_predicted_by_the_rows_before_its_tokens() {
        let marks = [true, false, true, false, true];
        let answers = [Answer::after_prompt(&TEXT, 3), Answer::marked(&TEXT, &marks), Answer::after_prompt(&TEXT, 5)];
        let packed = AnswerBatch::apart(&answers);
        assert_eq!(packed.batch.lengths, [5, 5, 5]);
        assert_eq!(packed.rows, [2, 3, 5 + 1, 5 + 3]);
        assert_eq!(packed.tokens, [13, 14, 12, 14]);
        assert_eq!(packed.split(&[0.1, 0.2, 0.3, 0.4]), [vec![0.1, 0.2], vec![0.3, 0.4], vec![]]);
        assert_eq!(answers.map(|answer| answer.predicted_tokens()), [2, 2, 0]);
        assert_eq!(answers.map(|answer| answer.prefix().shareable), [2, 1, 0]);
    }

    #[test]
    fn a_score_is_read_from_the_last_row() {
        let packed = AnswerBatch::apart(&[Answer::score(&TEXT[..2]), Answer::score(&TEXT)]);
        assert_eq!((packed.rows, packed.tokens), (vec![1, 2 + 4], vec![]));
        assert_eq!((Answer::score(&TEXT).prefix().shareable, Answer::score(&TEXT).predicted_tokens()), (4, 0));
    }

    #[test]
    fn texts_that_share_a_prompt_read_different_rows_of_their_own() {
        let text = |last: u32| (0..20).chain([last, 30]).collect::<Vec<u32>>();
        let texts = [text(21), text(22)];
        let answers = [Answer::after_prompt(&texts[0], 20), Answer::after_prompt(&texts[1], 20)];
        let prefixes = answers.map(|answer| answer.prefix());
        let packed = AnswerBatch::of(&answers, PackedBatch::sharing(&prefixes));
        assert_eq!(packed.batch.tokens(), 19 + 3 + 3);
        assert_eq!(packed.rows, [19, 20, 22, 23]);
        assert_eq!(packed.tokens, [21, 30, 22, 30]);
    }
}
