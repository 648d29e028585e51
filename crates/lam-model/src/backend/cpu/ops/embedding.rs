//! Embedding: row `tokens[t]` of the table becomes row t. Shapes: table [V, D]; y [T, D].

use crate::backend::cpu::kernel::numbers::Numbers;
use crate::backend::cpu::kernel::rows;

/// y of the tokens.
pub(crate) fn forward(tokens: &[u32], table: Numbers<'_>, d: usize) -> Vec<f32> {
    let mut y = Vec::with_capacity(tokens.len() * d);
    for &token in tokens {
        let row = token as usize * d..(token as usize + 1) * d;
        match table {
            Numbers::F32(table) => y.extend_from_slice(&table[row]),
            other => y.extend(other.to_f32(row)),
        }
    }
    y
}

/// Adds each row of `g` to the row of its token, in the order of the tokens.
pub(crate) fn backward(tokens: &[u32], g: &[f32], gradient: &mut [f32], d: usize) {
    for (&token, g) in tokens.iter().zip(g.chunks(d)) {
        rows::add(&mut gradient[token as usize * d..(token as usize + 1) * d], g);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finite_difference::{check, values, weighted};

    #[test]
    fn the_backward_is_the_slope_of_the_forward() {
        let (d, tokens) = (5, [3, 0, 3, 6]);
        let (table, g) = (values(7 * d, 1), values(tokens.len() * d, 2));
        let mut gradient = vec![0.0; table.len()];
        backward(&tokens, &g, &mut gradient, d);
        check("table", &table, &gradient, |table| weighted(&forward(&tokens, Numbers::F32(table), d), &g));
    }
}
