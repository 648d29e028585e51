//! Log-probabilities of given answers, by the training forward.

use lam_model::{Allowed, Answer, Decoder, Mode};

use crate::InferenceError;

/// Tokens that go through the model at once.
const TOKENS_AT_ONCE: usize = 8192;

/// log p of each answer token after its prompt, in nats. Shape of each: `[answer]`.
///
/// # Errors
/// When a prompt is empty or the model fails.
pub fn score(decoder: &Decoder, pairs: &[(&[u32], &[u32])]) -> Result<Vec<Vec<f32>>, InferenceError> {
    let any: Vec<Vec<Allowed>> = pairs.iter().map(|(_, answer)| vec![None; answer.len()]).collect();
    let answers = pairs.iter().zip(&any).map(|(&(prompt, answer), allowed)| Given { prompt, answer, allowed });
    score_among(decoder, &answers.collect::<Vec<_>>(), 1.0)
}

/// An answer that is there already, and what might have stood at each of its places.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// What stands before it.
    pub prompt: &'a [u32],
    /// Its tokens.
    pub answer: &'a [u32],
    /// What might have stood at each of them.
    pub allowed: &'a [Allowed],
}

/// As [`score`], of the distribution that answers are drawn from: of logits divided by `temperature`, and under a
/// constraint over what might have stood there alone. By the forward pass of training in the decoder's precision.
///
/// # Errors
/// As [`score`], and where an answer's token is not among them.
pub fn score_among(
    decoder: &Decoder,
    answers: &[Given<'_>],
    temperature: f32,
) -> Result<Vec<Vec<f32>>, InferenceError> {
    if answers.iter().any(|given| given.prompt.is_empty()) {
        return Err(InferenceError::Request { field: "prompt", reason: "is empty".into() });
    }
    let mut scores = Vec::with_capacity(answers.len());
    let mut rest = answers;
    while !rest.is_empty() {
        let (batch, after) = rest.split_at(batch_end(rest));
        scores.extend(score_batch(decoder, batch, temperature)?);
        rest = after;
    }
    Ok(scores)
}

fn batch_end(answers: &[Given<'_>]) -> usize {
    let mut tokens = 0;
    let fits = |given: &&Given<'_>| {
        tokens += given.prompt.len() + given.answer.len();
        tokens <= TOKENS_AT_ONCE
    };
    answers.iter().take_while(fits).count().max(1)
}

fn score_batch(decoder: &Decoder, given: &[Given<'_>], temperature: f32) -> Result<Vec<Vec<f32>>, InferenceError> {
    let texts: Vec<Vec<u32>> = given.iter().map(|one| [one.prompt, one.answer].concat()).collect();
    let answers = texts.iter().zip(given).map(|(text, one)| Answer::after_prompt(text, one.prompt.len()));
    let packed = decoder.pack_answers(&answers.collect::<Vec<_>>());
    if packed.rows.is_empty() {
        return Ok(packed.split(&[]));
    }
    let allowed: Vec<Allowed> = given.iter().flat_map(|one| one.allowed.iter().cloned()).collect();
    let hidden = decoder.forward(&packed.batch, Mode::Evaluate)?;
    let places = (packed.rows.as_slice(), packed.tokens.as_slice());
    let logprobs = decoder.token_logprobs_among(&hidden, places, &allowed, temperature)?;
    Ok(packed.split(&logprobs.to_vec1::<f32>()?))
}
