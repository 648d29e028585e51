//! Our own model as a policy: states become prompts, answers become actions. The only place where generation meets
//! the words of the agent.

use std::time::Instant;

use lam_agent::{Decision, Policy, PolicyError, Request, Unreadable};
use lam_prompt::Renderer;
use lam_types::{FunctionSpec, PolicyId, Tokens};

use crate::{Completion, GenerationRequest, Generator, InferenceError, Sampling, StopReason};

/// How our model answers as a policy.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyOptions {
    /// Who it is, such as `LAM2` and its model's hash.
    pub id: PolicyId,
    /// How tokens are chosen; the seed comes with each question.
    pub sampling: Sampling,
    /// Answer the first attempt at a task greedily, whatever `sampling` says.
    pub first_attempt_greedy: bool,
    /// Longest answer, in tokens.
    pub max_new_tokens: usize,
    /// Whether answers are kept executable.
    pub constrained: bool,
    /// Whether every token's log-probability is recorded.
    pub logprobs: bool,
}

impl PolicyOptions {
    /// Greedy, constrained, without log-probabilities: how a model is evaluated.
    pub fn greedy(id: PolicyId) -> Self {
        let sampling = Sampling::default();
        Self { id, sampling, first_attempt_greedy: false, max_new_tokens: 256, constrained: true, logprobs: false }
    }
}

/// Our own model as a policy.
pub struct ModelPolicy<'a> {
    generator: Generator<'a>,
    renderer: &'a Renderer,
    functions: Vec<FunctionSpec>,
    options: PolicyOptions,
}

impl<'a> ModelPolicy<'a> {
    /// A policy that may call `functions`.
    pub fn new(
        generator: Generator<'a>,
        renderer: &'a Renderer,
        functions: Vec<FunctionSpec>,
        options: PolicyOptions,
    ) -> Self {
        Self { generator, renderer, functions, options }
    }

    fn generation_request(&self, request: &Request<'_>) -> Result<GenerationRequest, InferenceError> {
        let observation = &request.state.observation;
        let greedy = self.options.first_attempt_greedy && request.attempt == 0;
        let temperature = if greedy { 0.0 } else { self.options.sampling.temperature };
        Ok(GenerationRequest {
            prompt: self.renderer.action_prompt(request.state, &self.functions)?,
            constraint: self.options.constrained.then(|| self.renderer.action_constraint(observation, &self.functions)),
            sampling: Sampling { temperature, seed: request.seed, ..self.options.sampling },
            max_new_tokens: self.options.max_new_tokens,
            stop_tokens: self.renderer.stop_tokens().to_vec(),
            logprobs: self.options.logprobs,
            logprob_temperature: 1.0,
            top_logprobs: 0,
            adapter: None,
        })
    }

    fn decision(&self, prompt_ids: Vec<u32>, completion: Completion, seconds: f64) -> Decision {
        let parsed = self.renderer.parse_action(&completion.tokens);
        let answer = parsed.map_err(|error| {
            let text = self.renderer.tokenizer().decode(&completion.tokens);
            let reason = match completion.stop {
                StopReason::StopToken | StopReason::ConstraintComplete => error.to_string(),
                unfinished => format!("{unfinished}: {error}"),
            };
            Unreadable { text, reason }
        });
        let logprobs = if self.options.logprobs { completion.logprobs } else { Vec::new() };
        let tokenizer_hash = self.renderer.tokenizer().hash().to_owned();
        let tokens = Tokens { prompt_ids, action_ids: completion.tokens, logprobs, tokenizer_hash };
        Decision { answer, tokens: Some(tokens), seconds }
    }

    fn failed(&self, error: &InferenceError) -> PolicyError {
        PolicyError::failed(&self.options.id.name, error)
    }
}

impl Policy for ModelPolicy<'_> {
    fn id(&self) -> PolicyId {
        self.options.id.clone()
    }

    fn decide(&mut self, requests: &[Request<'_>]) -> Result<Vec<Decision>, PolicyError> {
        let started = Instant::now();
        let questions: Result<Vec<_>, _> = requests.iter().map(|request| self.generation_request(request)).collect();
        let questions = questions.map_err(|error| self.failed(&error))?;
        let prompts: Vec<_> = questions.iter().map(|question| question.prompt.clone()).collect();
        let completions = self.generator.run(questions).map_err(|error| self.failed(&error))?;
        let seconds = started.elapsed().as_secs_f64();
        let answers = prompts.into_iter().zip(completions);
        Ok(answers.map(|(prompt, completion)| self.decision(prompt, completion, seconds)).collect())
    }
}
