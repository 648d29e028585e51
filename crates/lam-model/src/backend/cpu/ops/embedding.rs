//! Embedding: row `tokens[t]` of the table becomes row t, which is the table's to give. Shapes: table [V, D]; y [T, D].

use crate::backend::cpu::kernel::rows;

/// Adds each row of `g` to the row of its token, in the order of the tokens.
pub(crate) fn backward(tokens: &[u32], g: &[f32], gradient: &mut [f32], d: usize) {
    for (&token, g) in tokens.iter().zip(g.chunks(d)) {
        rows::add(&mut gradient[token as usize * d..(token as usize + 1) * d], g);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::cpu::storage::weight::Weight;
    use crate::backend::storage;
    use crate::finite_difference::{check, values, weighted};

    #[test]
    fn the_backward_is_the_slope_of_the_forward() {
        let (d, tokens) = (5, [3, 0, 3, 6]);
        let (table, g) = (values(7 * d, 1), values(tokens.len() * d, 2));
        let mut gradient = vec![0.0; table.len()];
        backward(&tokens, &g, &mut gradient, d);
        check("table", &table, &gradient, |table| {
            let table = Weight::frozen("table".into(), storage::tensor(table.to_vec(), (7, d)).unwrap()).unwrap();
            let mut y = vec![0.0; tokens.len() * d];
            table.gather(&tokens, &mut y).unwrap();
            weighted(&y, &g)
        });
    }
}
