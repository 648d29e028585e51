//! Embedding, and the gradient by its table. T tokens, D width, V vocabulary.

use half::bf16;
use lam_cuda::{CudaError, View, ViewMut};

use super::{Ops, blocks, check_eights, check_length};
use crate::backend::cuda::sources::Family;

impl Ops {
    /// Row `tokens[t]` of the table becomes row t. Shapes: tokens `[T]`; table [V, D]; y [T, D]. Tokens are below V.
    pub(crate) fn embed(
        &self,
        tokens: View<'_, i32>,
        table: View<'_, bf16>,
        d: usize,
        y: ViewMut<'_, f32>,
    ) -> Result<(), CudaError> {
        check_eights(&[d]);
        check_length(y.as_view(), tokens.len() * d);
        let kernel = self.kernel(Family::Embedding, "embed")?;
        let launch = self.device.launch(&kernel).read(tokens).read(table).write(y).value(d as i32);
        // SAFETY: the arguments are the kernel's, checked above; that tokens are rows of the table is checked with a batch.
        unsafe { launch.run(tokens.len() as u32, 256, 0) }
    }

    /// Adds each row of g to the row of its token, in the order of the tokens. Shapes: g [T, D]; gradient [V, D].
    pub(crate) fn embed_backward(
        &self,
        tokens: &[u32],
        g: View<'_, f32>,
        d: usize,
        gradient: ViewMut<'_, f32>,
    ) -> Result<(), CudaError> {
        check_eights(&[d]);
        check_length(g, tokens.len() * d);
        let groups = Groups::of(tokens);
        let most = groups.tokens.last().map_or(0, |&token| token as usize + 1);
        check_length(gradient.as_view(), most * d);
        let [own, starts, rows] = [&groups.tokens, &groups.starts, &groups.rows].map(|list| self.device.upload(list));
        let kernel = self.kernel(Family::Embedding, "embed_backward")?;
        let launch = self.device.launch(&kernel).read(g).read(&own?).read(&starts?).read(&rows?);
        let launch = launch.write(gradient).value(d as i32);
        // SAFETY: the arguments are the kernel's, checked above; each block has a token's row of its own.
        unsafe { launch.run((groups.tokens.len() as u32, blocks(d, 1024)), 128, 0) }
    }
}

/// Rows of a batch by their tokens.
struct Groups {
    /// The tokens that there are, ascending.
    tokens: Vec<i32>,
    /// Where each token's rows begin in `rows`, and where the last one's end.
    starts: Vec<i32>,
    /// Rows, ascending within a token.
    rows: Vec<i32>,
}

impl Groups {
    fn of(tokens: &[u32]) -> Self {
        let mut rows: Vec<i32> = (0..tokens.len() as i32).collect();
        rows.sort_by_key(|&row| tokens[row as usize]);
        let mut groups = Self { tokens: Vec::new(), starts: Vec::new(), rows };
        for (place, &row) in groups.rows.iter().enumerate() {
            let token = tokens[row as usize] as i32;
            if groups.tokens.last() != Some(&token) {
                groups.tokens.push(token);
                groups.starts.push(place as i32);
            }
        }
        groups.starts.push(tokens.len() as i32);
        groups
    }
}
