//! Which texts of a batch share the rows of their prefix, and where each text's rows are then.
//!
//! An agent's prompt lists the screen before the task: in a real application, hundreds of tokens that are the same in
//! most steps of a batch. Causal attention makes the rows of an equal prefix equal, so one copy of them serves all
//! texts, and the gradients that flow back into it add up to what the copies would have got.

use super::PackedBatch;

/// A shorter prefix than this is not worth a fork.
const LEAST: usize = 16;
/// Branches have at most so many times the rows of their prefix: more would spare little, and leave the threads
/// fewer documents to divide among them.
const BRANCHES: usize = 4;

/// A text, and how much of it may share rows with others.
#[derive(Clone, Copy, Debug)]
pub struct Prefix<'a> {
    /// All tokens of the text.
    pub text: &'a [u32],
    /// How many of the first may share their rows; below the text's length. A row that a loss reads should not.
    pub shareable: usize,
}

/// Where a text is in its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextRows {
    prefix: usize,
    shared: usize,
    rest: usize,
}

impl TextRows {
    /// The row of the text's token at `place`.
    pub fn row(&self, place: usize) -> usize {
        if place < self.shared { self.prefix + place } else { self.rest + place - self.shared }
    }
}

impl PackedBatch {
    /// Packs texts so that those that begin alike share the rows of their prefix. Says where each text is.
    ///
    /// The order of the rows depends on the texts alone. What the model computes for a row is what it would compute
    /// in [`PackedBatch::from_documents`], but for rounding and for dropout, which draws once for a shared row.
    pub fn sharing(texts: &[Prefix<'_>]) -> (Self, Vec<TextRows>) {
        let mut batch = Self::default();
        let mut places = vec![TextRows { prefix: 0, shared: 0, rest: 0 }; texts.len()];
        for group in groups(texts) {
            let prefix = batch.tokens();
            if group.shared > 0 {
                let first = batch.lengths.len();
                batch.push(&texts[group.members[0]].text[..group.shared]);
                batch.forks.push(first..first + 1 + group.members.len());
            }
            for member in group.members {
                places[member] = TextRows { prefix, shared: group.shared, rest: batch.tokens() };
                batch.push(&texts[member].text[group.shared..]);
            }
        }
        (batch, places)
    }

    fn push(&mut self, segment: &[u32]) {
        self.input_ids.extend_from_slice(segment);
        self.lengths.push(segment.len());
    }
}

/// Rows that [`PackedBatch::sharing`] makes of the texts.
pub fn shared_rows(texts: &[Prefix<'_>]) -> usize {
    let rows = |group: Group| {
        let rest = group.members.iter().map(|&member| texts[member].text.len() - group.shared);
        group.shared + rest.sum::<usize>()
    };
    groups(texts).into_iter().map(rows).sum()
}

/// Texts that share their first tokens; a text alone shares none.
struct Group {
    shared: usize,
    members: Vec<usize>,
}

/// Texts in lexical order, gathered as long as one more in a group spares rows.
fn groups(texts: &[Prefix<'_>]) -> Vec<Group> {
    let shareable =
        |index: usize| &texts[index].text[..texts[index].shareable.min(texts[index].text.len().saturating_sub(1))];
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by_key(|&index| (shareable(index), index));
    let mut groups: Vec<Group> = Vec::new();
    for index in order {
        if let Some(group) = groups.last_mut() {
            let first = &shareable(group.members[0])[..group.shared];
            let shared = first.iter().zip(shareable(index)).take_while(|(a, b)| a == b).count();
            let others = group.members.len() - 1;
            let rest = |&member: &usize| texts[member].text.len() - shared;
            let branches: usize = group.members.iter().chain([&index]).map(rest).sum();
            if shared >= LEAST && shared * (others + 1) > group.shared * others && branches <= BRANCHES * shared {
                group.shared = shared;
                group.members.push(index);
                continue;
            }
        }
        groups.push(Group { shared: shareable(index).len(), members: vec![index] });
    }
    for group in groups.iter_mut().filter(|group| group.members.len() == 1) {
        group.shared = 0;
    }
    groups
}
