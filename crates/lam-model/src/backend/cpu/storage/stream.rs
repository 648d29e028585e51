//! The residual stream, or the gradient by it: rows of f32, and the same in a run's precision for who multiplies them.

use std::ops::Deref;

use half::bf16;

use super::activation::{Lent, View, round_all};
use super::buffer::Buffer;
use crate::Precision;

/// Rows of f32. Rounded ones are kept, because two groups read the same gradient, and who adds to it can round on the way.
pub(crate) struct Stream {
    values: Buffer<f32>,
    rounded: Option<Buffer<bf16>>,
}

/// A stream's rows, to be changed: whoever changes the first writes all of the second, where there is one.
pub(crate) type Parts<'a> = (&'a mut [f32], Option<&'a mut [bf16]>);

impl Stream {
    /// These rows.
    pub(crate) fn new(values: Buffer<f32>) -> Self {
        Self { values, rounded: None }
    }

    /// The rows to be changed, and where they are to be rounded to if the precision is bf16.
    pub(crate) fn parts(&mut self, precision: Precision) -> Parts<'_> {
        self.rounded = match precision {
            Precision::F32 => None,
            Precision::Bf16 => Some(self.rounded.take().unwrap_or_else(|| Buffer::room(self.values.len()))),
        };
        (&mut self.values, self.rounded.as_deref_mut())
    }

    /// The rows in a precision.
    pub(crate) fn lent(&mut self, precision: Precision) -> Lent<'_> {
        let rounded = || {
            let mut narrow = Buffer::room(self.values.len());
            round_all(&self.values, &mut narrow);
            narrow
        };
        Lent::As(match precision {
            Precision::F32 => View::F32(&self.values),
            Precision::Bf16 => View::Bf16(self.rounded.get_or_insert_with(rounded)),
        })
    }
}

impl Deref for Stream {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::cpu::storage::activation::rounded;
    use crate::finite_difference::values;

    #[test]
    fn rounded_rows_are_those_that_were_written_last() {
        let first = values(100, 1);
        let mut stream = Stream::new(first.clone().into());
        let is = |stream: &mut Stream, right: &[bf16]| matches!(stream.lent(Precision::Bf16).view(), View::Bf16(narrow) if narrow == right);
        assert!(is(&mut stream, &rounded(&first)));
        let (wide, narrow) = stream.parts(Precision::Bf16);
        wide.fill(3.0);
        narrow.expect("in bf16 there is a place").fill(bf16::ONE);
        assert!(is(&mut stream, &[bf16::ONE; 100]));
        stream.parts(Precision::F32).0.fill(2.0);
        assert!(is(&mut stream, &rounded(&[2.0; 100])));
    }
}
