//! Which keys a query of attention sees, as lists by row that the kernels read (`../kernels/attention/sight.cuh`).

use lam_cuda::{Buffer, CudaError};

use super::Ops;
use crate::backend::run::Heads;
use crate::batch::Span;

/// Which keys each token of a batch sees, on the device.
pub(crate) struct Seen {
    /// Tokens.
    pub(crate) t: usize,
    pub(super) lo: Buffer<i32>,
    pub(super) hi: Buffer<i32>,
    /// Where the prefix begins and ends that a row sees beside its own text: only where there are any.
    pub(super) prefix: Option<(Buffer<i32>, Buffer<i32>)>,
    /// Mean length of documents.
    pub(super) mean: usize,
}

/// By row: the first key of its own text that it sees; the prefix it sees, as `first..end`; and the query after the last
/// that sees it as a key.
#[derive(Debug, Default, PartialEq, Eq)]
struct Lists {
    lo: Vec<i32>,
    first: Vec<i32>,
    end: Vec<i32>,
    hi: Vec<i32>,
}

impl Lists {
    fn of(spans: &[Span], window: Option<usize>) -> Self {
        let mut lists = Self::default();
        for span in spans {
            // Branches are only made of texts that fit into the window.
            let window = window.filter(|_| span.branches.is_empty()).unwrap_or(usize::MAX);
            for place in 0..span.length {
                lists.push(span, place, window);
            }
        }
        lists
    }

    fn push(&mut self, span: &Span, place: usize, window: usize) {
        let segment = span.segment(place);
        let branch = segment.start > 0;
        let lo = segment.start.max((place + 1).saturating_sub(window));
        // A key of the prefix is seen by all branches.
        let end = if branch { segment.end } else { span.length };
        let prefix = if branch { 0..span.shared() } else { lo..lo };
        let row = |place: usize| (span.start + place) as i32;
        self.lo.push(row(lo));
        self.first.push(row(prefix.start));
        self.end.push(row(prefix.end));
        self.hi.push(row(end.min(place.saturating_add(window))));
    }
}

impl Ops {
    /// What the tokens of these documents see.
    pub(crate) fn seen(&self, spans: &[Span], heads: Heads, t: usize) -> Result<Seen, CudaError> {
        let lists = Lists::of(spans, heads.window);
        assert_eq!(lists.lo.len(), t, "tokens of the documents");
        let prefix = if spans.iter().all(|span| span.branches.is_empty()) {
            None
        } else {
            Some((self.device.upload(&lists.first)?, self.device.upload(&lists.end)?))
        };
        let (lo, hi) = (self.device.upload(&lists.lo)?, self.device.upload(&lists.hi)?);
        Ok(Seen { t, lo, hi, prefix, mean: t / spans.len().max(1) })
    }
}

impl Ops {
    /// Each row sees the rows from `lo` on up to itself. For a forward alone: by which queries a row is seen as a key is
    /// not said. Within each 128 rows from a multiple of 128 on, `lo` does not fall.
    pub(super) fn seen_before(&self, lo: &[i32]) -> Result<Seen, CudaError> {
        Ok(Seen { t: lo.len(), lo: self.device.upload(lo)?, hi: self.device.alloc(0)?, prefix: None, mean: lo.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_see_their_text_its_window_and_their_prefix() {
        // A document of 4 tokens, then a prefix of 2 with branches of 2 and 1.
        let lists = Lists::of(&[Span::new(0, &[4]), Span::new(4, &[2, 2, 1])], Some(3));
        assert_eq!(lists.lo, [0, 0, 0, 1, 4, 4, 6, 6, 8]);
        assert_eq!(lists.first, [0, 0, 0, 1, 4, 4, 4, 4, 4]);
        assert_eq!(lists.end, [0, 0, 0, 1, 4, 4, 6, 6, 6]);
        assert_eq!(lists.hi, [3, 4, 4, 4, 9, 9, 8, 8, 9]);
    }
}
