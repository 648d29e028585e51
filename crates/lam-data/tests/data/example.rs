//! The loss counts the answer and nothing else.

use lam_data::{DataError, limit_length, plan_example, preview, step_example, step_examples, text_example};
use lam_prompt::Style;
use lam_types::{Action, Args, Phrasing, Split, Status, StepStatus};

use crate::rows;

#[test]
fn only_the_answer_and_its_end_are_trained() {
    let renderer = rows::renderer();
    let trajectory = rows::trajectory("a", "make the word bold", Split::Train, Phrasing::Seen);
    let example = step_examples(&renderer, &trajectory, &[]).expect("one step").remove(0);
    let trained: Vec<u32> =
        example.input_ids.iter().zip(&example.loss_mask).filter(|(_, trained)| **trained).map(|(id, _)| *id).collect();
    assert_eq!(trained, renderer.action_answer(&trajectory.steps[0].action).expect("the template takes it"));
    assert_eq!(example.sample_id, "t-a/0");
    assert_eq!(example.input_ids.iter().filter(|id| Some(**id) == renderer.tokenizer().bos()).count(), 1);
    let drawn = preview(&renderer, &example, Style::Plain);
    assert_eq!(
        drawn,
        "t-a/0\n<s><|controls|> Bold 1 Ruler 2<|request|> make the word bold<|done|><|plan|><|answer|>\
         ⟦<|think|>⟧⟦ make it bold⟧⟦<|plan|><|do|>⟧⟦ click_input⟧⟦<|on|>⟧⟦ Bold 1⟧⟦<|args|><|status|>⟧⟦ FINISH⟧⟦</s>⟧\n"
            .to_owned()
            + &format!("{} of {} tokens are trained\n", example.trained(), example.input_ids.len())
    );
    assert!(preview(&renderer, &example, Style::Html).contains("<mark>&lt;/s&gt;</mark>"));
}

#[test]
fn a_plan_is_trained_without_its_task() {
    let renderer = rows::renderer();
    let pair = rows::pair("p1", "make the word bold", Split::Train);
    let example = plan_example(&renderer, &pair).expect("a pair with a plan");
    assert_eq!(example.trained(), renderer.plan_answer(&pair.plan).expect("the template takes it").len());
    let text = text_example(&renderer, "d".into(), "turn on the ruler").expect("a text");
    assert_eq!(text.trained(), text.input_ids.len() - 1);
}

#[test]
fn what_cannot_be_trained_on_is_named() {
    let renderer = rows::renderer();
    let mut pair = rows::pair("p1", "make the word bold", Split::Train);
    pair.plan = vec![" ".into()];
    let error = plan_example(&renderer, &pair).expect_err("no step").to_string();
    assert_eq!(
        error,
        "sample p1: no trainable token: plan of `make the word bold` has no step\nhint: remove the row, or give it an answer"
    );

    let mut trajectory = rows::trajectory("a", "make the word bold", Split::Train, Phrasing::Seen);
    let long = step_example(&renderer, &trajectory, &trajectory.steps[0], &[]).expect("a step");
    assert!(matches!(limit_length(&[long], 10), Err(DataError::TooLong { max_length: 10, .. })));

    let step = &mut trajectory.steps[0];
    step.status = StepStatus::InvalidAction;
    step.message = "gibberish".into();
    step.action = Action {
        thought: String::new(),
        control_label: String::new(),
        control_name: String::new(),
        function: String::new(),
        args: Args::new(),
        status: Status::Continue,
        plan: Vec::new(),
    };
    let error = step_examples(&renderer, &trajectory, &[]).expect_err("unreadable").to_string();
    assert!(error.starts_with("sample t-a/0: no trainable token: the answer could not be read: gibberish"), "{error}");
}
