//! What the processor's decoder says of an answer, token for token, over the answer's own text: where two devices differ in
//! a token for a good reason, what follows is compared all the same.

use lam_inference::{Completion, GenerationRequest, Sampler, StopReason};
use lam_model::{Decoder, Mode, PackedBatch, logsumexp};

/// Scores closer than this may change places: each device rounds in its own places.
const SCORES: f32 = 0.1;
/// The same of a token's log-probability.
const LOGPROBS: f32 = 0.12;
/// So much probability may lie between two tokens that the same point draws.
const BETWEEN: f32 = 0.04;

/// What was compared.
#[derive(Clone, Copy, Debug, Default)]
pub struct Compared {
    /// Tokens that had to be the processor's, or were.
    pub equal: usize,
    /// Tokens that are others, as they may be.
    pub unlike: usize,
}

impl Compared {
    pub fn and(self, other: Self) -> Self {
        Self { equal: self.equal + other.equal, unlike: self.unlike + other.unlike }
    }
}

/// Panics unless the completion is one that the processor's decoder gives to the request, up to rounding.
pub fn check(right: &Decoder, mut request: GenerationRequest, completion: &Completion) -> Compared {
    let rows = scores(right, &request.prompt, &completion.tokens);
    let mut sampler = Sampler::new(request.sampling);
    let mut compared = Compared::default();
    for (place, (&token, row)) in completion.tokens.iter().zip(&rows).enumerate() {
        let forced = request.constraint.as_mut().and_then(|constraint| constraint.forced());
        if let Some(forced) = forced {
            assert_eq!(token, forced, "place {place}");
        } else {
            let allowed = request.constraint.as_mut().map(|constraint| constraint.allowed().to_vec());
            let seen = request.prompt.iter().chain(&completion.tokens[..place]).copied();
            let choice = sampler.choose(row, allowed.as_deref(), seen).unwrap().token;
            if choice == token {
                compared.equal += 1;
            } else {
                compared.unlike += 1;
                let greedy = request.sampling.temperature == 0.0;
                let allowed = allowed.unwrap_or_else(|| (0..row.len() as u32).collect());
                assert!(allowed.contains(&token), "place {place}: {token} is not allowed");
                let off = if greedy { row[choice as usize] - row[token as usize] } else { 0.0 };
                let between = if greedy { 0.0 } else { between(row, &allowed, choice, token) };
                assert!(off < SCORES && between < BETWEEN, "place {place}: {token} for {choice}, {off} {between}");
            }
        }
        let (own, right) = (completion.logprobs[place], row[token as usize] - logsumexp(row));
        assert!((own - right).abs() < LOGPROBS, "place {place}: log p {own} {right}");
        request.constraint.iter_mut().for_each(|constraint| constraint.advance(token));
    }
    assert_eq!(completion.stop, end(&request, &completion.tokens), "{:?}", completion.tokens);
    compared
}

/// Why an answer of these tokens ends.
fn end(request: &GenerationRequest, tokens: &[u32]) -> StopReason {
    if request.stop_tokens.contains(tokens.last().unwrap()) {
        StopReason::StopToken
    } else if request.constraint.as_ref().is_some_and(|constraint| constraint.is_done()) {
        StopReason::ConstraintComplete
    } else {
        assert_eq!(tokens.len(), request.max_new_tokens);
        StopReason::MaxNewTokens
    }
}

/// Scores before each token of an answer. Shape of each: `[V]`.
fn scores(decoder: &Decoder, prompt: &[u32], answer: &[u32]) -> Vec<Vec<f32>> {
    let text = [prompt, answer].concat();
    let hidden = decoder.forward(&PackedBatch::from_documents([&text]), Mode::Evaluate).unwrap();
    let positions: Vec<usize> = (prompt.len() - 1..text.len() - 1).collect();
    decoder.logits(&hidden, &positions).unwrap().to_vec2().unwrap()
}

/// The probability, among the allowed tokens and at temperature 1, of those that stand between two of them.
fn between(row: &[f32], allowed: &[u32], one: u32, other: u32) -> f32 {
    let scores: Vec<f32> = allowed.iter().map(|&token| row[token as usize]).collect();
    let normalizer = logsumexp(&scores);
    let among = |token: &u32| (one.min(other) + 1..one.max(other)).contains(token);
    allowed.iter().zip(&scores).filter(|(token, _)| among(token)).map(|(_, score)| (score - normalizer).exp()).sum()
}
