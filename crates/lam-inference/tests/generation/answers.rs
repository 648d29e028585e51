//! What one request gets.

use lam_inference::{GenerationRequest, Generator, InferenceError, Sampling, StopReason, score};
use lam_model::{Mode, PackedBatch};

use crate::tiny::{EOS, VOCABULARY, answer, decoder, prompt, sampled};

#[test]
fn greedy_is_the_best_token_of_the_whole_forward() {
    let decoder = decoder();
    let completion = answer(&decoder, GenerationRequest::greedy(prompt(1, 1, 9), EOS, 12));
    let mut text = prompt(1, 1, 9);
    for &token in &completion.tokens {
        let hidden = decoder.forward(&PackedBatch::from_documents([&text]), Mode::Evaluate).unwrap();
        let logits =
            decoder.logits(&hidden, &[text.len() - 1]).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let best = (0..VOCABULARY).max_by(|a, b| logits[*a as usize].total_cmp(&logits[*b as usize])).unwrap();
        assert_eq!(token, best);
        text.push(token);
    }
    assert!(!completion.tokens.is_empty());
}

#[test]
fn logprobs_are_those_of_the_training_forward() {
    let decoder = decoder();
    let prompts: Vec<_> = (0..6).map(|own| prompt(own % 2, own, 5 + 4 * own)).collect();
    let requests = prompts.iter().zip(0..).map(|(prompt, seed)| sampled(prompt.clone(), seed)).collect();
    let completions = Generator::new(&decoder, 4).unwrap().run(requests).unwrap();
    let pairs: Vec<_> = prompts.iter().zip(&completions).map(|(p, c)| (p.as_slice(), c.tokens.as_slice())).collect();
    for (completion, scores) in completions.iter().zip(score(&decoder, &pairs).unwrap()) {
        for ((own, behavior), forward) in completion.logprobs.iter().zip(&completion.behavior_logprobs).zip(scores) {
            assert!((own - forward).abs() < 1e-4 && (behavior - forward).abs() < 1e-4, "{own} {behavior} {forward}");
        }
    }
}

#[test]
fn a_seed_decides_the_answer() {
    let decoder = decoder();
    let by_seed = |seed| answer(&decoder, sampled(prompt(2, 2, 8), seed)).tokens;
    assert_eq!(by_seed(3), by_seed(3));
    assert!((4..12).any(|seed| by_seed(seed) != by_seed(3)));
}

#[test]
fn every_end_has_its_reason() {
    let decoder = decoder();
    let stop_at = |stop_tokens: Vec<u32>, max_new_tokens| {
        let request =
            GenerationRequest { stop_tokens, ..GenerationRequest::greedy(prompt(1, 1, 9), EOS, max_new_tokens) };
        answer(&decoder, request)
    };
    let free = stop_at(Vec::new(), 6);
    assert_eq!((free.tokens.len(), free.stop), (6, StopReason::MaxNewTokens));
    let stopped = stop_at(vec![free.tokens[0]], 6);
    assert_eq!((stopped.tokens, stopped.stop), (free.tokens[..1].to_vec(), StopReason::StopToken));
    assert!(free.stop.to_string().contains("max_new_tokens"));
}

#[test]
fn a_cancelled_request_gives_back_what_it_has() {
    let decoder = decoder();
    let mut generator = Generator::new(&decoder, 2).unwrap();
    let long = || GenerationRequest { stop_tokens: Vec::new(), ..GenerationRequest::greedy(prompt(1, 1, 9), EOS, 50) };
    let (first, second) = (generator.submit(long()).unwrap(), generator.submit(long()).unwrap());
    for _ in 0..5 {
        assert!(generator.step().unwrap().is_empty());
    }
    let cut = generator.cancel(first).unwrap();
    assert_eq!(cut.stop, StopReason::Cancelled);
    assert!(!cut.tokens.is_empty() && cut.tokens.len() < 50);
    let mut rest = Vec::new();
    while !generator.is_idle() {
        rest.extend(generator.step().unwrap());
    }
    assert_eq!((rest.len(), rest[0].0), (1, second));
    assert_eq!(rest[0].1.tokens[..cut.tokens.len()], cut.tokens);
}

#[test]
fn a_bad_request_names_its_field() {
    let decoder = decoder();
    let mut generator = Generator::new(&decoder, 1).unwrap();
    let mut refused = |request| match generator.submit(request) {
        Err(InferenceError::Request { field, .. }) => field,
        other => panic!("{:?}", other.is_ok()),
    };
    let good = || GenerationRequest::greedy(vec![1], EOS, 4);
    let with = |sampling| GenerationRequest { sampling, ..good() };
    assert_eq!(refused(GenerationRequest { prompt: Vec::new(), ..good() }), "prompt");
    assert_eq!(refused(GenerationRequest { max_new_tokens: 0, ..good() }), "max_new_tokens");
    assert_eq!(refused(with(Sampling { temperature: f32::NAN, ..Sampling::default() })), "temperature");
    assert_eq!(refused(with(Sampling { top_p: 0.0, ..Sampling::default() })), "top_p");
    let outside = GenerationRequest::greedy(vec![VOCABULARY], EOS, 4);
    assert!(
        Generator::new(&decoder, 1)
            .unwrap()
            .run(vec![outside])
            .unwrap_err()
            .to_string()
            .contains("outside the embedding")
    );
}

#[test]
fn the_most_probable_tokens_are_told_beside_each_token() {
    let decoder = decoder();
    let places = crate::tiny::Places::new(14);
    let request = GenerationRequest {
        constraint: Some(Box::new(places)),
        max_new_tokens: 100,
        top_logprobs: 3,
        ..sampled(prompt(1, 1, 10), 3)
    };
    let completion = answer(&decoder, request);
    assert_eq!(completion.top_logprobs.len(), completion.tokens.len());
    for (top, (token, logprob)) in
        completion.top_logprobs.iter().zip(completion.tokens.iter().zip(&completion.logprobs))
    {
        assert!(top.len() == 3 && top[0].1 >= top[1].1 && top[1].1 >= top[2].1, "{top:?}");
        let own = top.iter().find(|(id, _)| id == token);
        assert!(own.map_or(*logprob <= top[2].1, |(_, value)| value == logprob), "{token} {logprob} {top:?}");
    }
}

#[test]
fn an_answer_is_seen_while_it_is_made() {
    let decoder = decoder();
    let mut generator = Generator::new(&decoder, 1).unwrap();
    let first = generator.submit(sampled(prompt(1, 1, 10), 3)).unwrap();
    generator.submit(sampled(prompt(2, 1, 10), 4)).unwrap();
    let mut seen = Vec::new();
    let whole = loop {
        let mut finished = generator.step_each().unwrap();
        if let Some((id, completion)) = finished.pop() {
            assert_eq!(id, first);
            break completion.unwrap();
        }
        assert_eq!(generator.waiting(), 1);
        let (id, partial) = generator.answering().next().unwrap();
        assert_eq!((id, partial.logprobs.len()), (first, partial.tokens.len()));
        assert!(partial.tokens.len() > seen.len() && partial.tokens.starts_with(&seen));
        seen = partial.tokens.to_vec();
    };
    assert!(!seen.is_empty() && whole.tokens.starts_with(&seen));
}
