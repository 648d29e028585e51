//! Our own model as a policy: even fresh weights give actions that can be carried out, when constrained.

use lam_agent::{Policy, Request};
use lam_inference::{Generator, ModelPolicy, PolicyOptions, score};
use lam_model::{Decoder, Initialization};
use lam_prompt::{Renderer, Tokenizer, TokenizerConfig};
use lam_types::{Control, ControlType, FunctionSpec, Observation, PolicyId, State, Target};

use crate::tiny::config;

fn renderer() -> Renderer {
    let words = ["Bold", "Italic", "click_input"].map(str::to_owned).to_vec();
    let tokenizer = TokenizerConfig { vocab_size: 512, labels: 16, words };
    Renderer::new(Tokenizer::train(&["make the title bold"], &tokenizer).unwrap()).unwrap()
}

fn functions() -> Vec<FunctionSpec> {
    let target = Target::Control(vec![ControlType::Button]);
    vec![FunctionSpec { name: "click_input".into(), target, args: Vec::new(), doc: "Click it.".into() }]
}

fn state() -> State {
    let control = |(place, name): (usize, &str)| Control {
        label: (place + 1).to_string(),
        control_text: name.into(),
        control_type: ControlType::Button,
        enabled: true,
        selected: None,
        value: None,
        rectangle: None,
    };
    let controls = ["Bold", "Italic"].into_iter().enumerate().map(control).collect();
    State {
        request: "make the title bold".into(),
        observation: Observation { controls, ..Observation::default() },
        previous_actions: Vec::new(),
        previous_plan: Vec::new(),
    }
}

#[test]
fn constrained_answers_of_fresh_weights_are_actions_on_the_screen() {
    let renderer = renderer();
    let decoder = Decoder::init(config(renderer.tokenizer().vocab_size()), &Initialization::Normal, 3).unwrap();
    let id = PolicyId { name: "base".into(), hash: "0".into() };
    let mut options = PolicyOptions { logprobs: true, ..PolicyOptions::greedy(id) };
    options.sampling.temperature = 1.0;
    let generator = Generator::new(&decoder, 4).unwrap();
    let mut policy = ModelPolicy::new(generator, &renderer, functions(), options);

    let state = state();
    let request = |seed| Request { state: &state, task_id: "t", attempt: 1, step_index: 0, seed };
    let requests: Vec<_> = (0..8).map(request).collect();
    let decisions = policy.decide(&requests).unwrap();
    for decision in &decisions {
        let action = decision.answer.as_ref().unwrap();
        let control = state.observation.control(&action.control_label);
        assert_eq!(control.map_or("", |control| &control.control_text), action.control_name);
        let tokens = decision.tokens.as_ref().unwrap();
        assert_eq!(&tokens.tokenizer_hash, renderer.tokenizer().hash());
        let forward = score(&decoder, &[(&tokens.prompt_ids, &tokens.action_ids)]).unwrap().remove(0);
        assert!(tokens.logprobs.iter().zip(forward).all(|(own, forward)| (own - forward).abs() < 1e-4));
    }
    let alone = policy.decide(&requests[5..6]).unwrap();
    assert_eq!((&alone[0].answer, &alone[0].tokens), (&decisions[5].answer, &decisions[5].tokens));
}
