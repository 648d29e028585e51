//! From the log-probabilities of tokens to those of whole answers.

use candle_core::{Result, Tensor, bail};

/// Sum over the tokens of each answer, answers one after the other: log p of an answer, from those of its tokens. Shapes:
/// `[N]` and A lengths of sum N → `[A]`.
///
/// # Errors
/// Lengths that are not those of the values.
pub fn answer_sums(values_n: &Tensor, lengths: &[usize]) -> Result<Tensor> {
    let (values, counted) = (values_n.dims1()?, lengths.iter().sum::<usize>());
    if values != counted {
        bail!("{values} values for answers of {counted} tokens");
    }
    let answers = lengths.iter().enumerate().flat_map(|(answer, &length)| std::iter::repeat_n(answer as u32, length));
    let answers_n = Tensor::from_vec(answers.collect::<Vec<u32>>(), counted, values_n.device())?;
    Tensor::zeros(lengths.len(), values_n.dtype(), values_n.device())?.index_add(&answers_n, values_n, 0)
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;

    #[test]
    fn each_answer_has_the_sum_of_its_own_tokens() {
        let values = Var::new(&[-1.0f32, -0.5, -2.0, -0.25], &Device::Cpu).unwrap();
        let sums = answer_sums(&values, &[1, 3]).unwrap();
        assert_eq!(sums.to_vec1::<f32>().unwrap(), [-1.0, -2.75]);
        let weighted = (sums * Tensor::new(&[3.0f32, 5.0], &Device::Cpu).unwrap()).unwrap();
        let gradient = weighted.sum_all().unwrap().backward().unwrap().get(&values).unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(gradient, [3.0, 5.0, 5.0, 5.0]);
        assert!(answer_sums(&values, &[1, 2]).unwrap_err().to_string().contains("4 values for answers of 3 tokens"));
    }
}
