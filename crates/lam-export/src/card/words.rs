//! What a card says in words: what the model is, how it is loaded, what for and what not.

use lam_model::HubModel;

use super::CardFacts;
use crate::Kind;

/// Kinds of the stages whose models do not act yet.
const BASE: &str = "base";
const PHASE_1: &str = "phase1";

const ELSEWHERE: &str =
    "- Applications other than those it was trained in: its knowledge of controls does not carry over.\n";
const IN_SOMEONES_NAME: &str = "- Getting around access control, or acting in someone's name without their knowledge.";

const USE: &str = "One step at a time in the application that it was trained in: whoever runs it reads the controls on the \
screen, asks the model, checks that the action is one that may be taken, carries it out, and asks again. Research on \
agents that act in applications; a start for training in an application of one's own.";
const USE_REWARD: &str = "Comparing answers to one and the same state, in training by reinforcement or in choosing among \
sampled answers, in the application that it was trained in.";
const USE_PLANNER: &str = "Plans for requests in the application whose documentation it was trained on; a start for phase 2, \
which trains it to act.";
const USE_BASE: &str = "A start for phase 1, which trains it to plan, and for what comes after.";

/// The adapter over the base that its config names.
const AUTO: &str = "from peft import AutoPeftModelForCausalLM\n\n\
model = AutoPeftModelForCausalLM.from_pretrained(\"path/to/this\")";

pub(super) fn introduction(kind: Kind, made_by: &str) -> String {
    let what = match (kind, made_by) {
        (Kind::Reward, _) => {
            return "The reward model of a Large Action Model: it reads a state and an action and gives a score; \
                    2·sigmoid(score) − 1 estimates whether the step belongs to a successful attempt (+1) or a failed one \
                    (−1). Score each action at its last token."
                .to_owned();
        }
        (_, BASE) => "What a Large Action Model begins with: lam-train has taught it no plans and no actions yet.",
        (_, PHASE_1) => {
            "On the way to a Large Action Model, after its first phase: it reads a request and answers with a plan. What to \
             do on a screen it has not learned yet."
        }
        _ => {
            "A Large Action Model: it reads a request and the controls on a screen and answers with one grounded action at \
             a time."
        }
    };
    format!(
        "{what} Made with lam-train after “Large Action Models: From Inception to Implementation” (arXiv 2412.10047). The \
         chat template beside the weights is the one it was trained with; use no other."
    )
}

pub(super) fn intended_use(kind: Kind, made_by: &str) -> &'static str {
    match (kind, made_by) {
        (Kind::Reward, _) => USE_REWARD,
        (_, BASE) => USE_BASE,
        (_, PHASE_1) => USE_PLANNER,
        _ => USE,
    }
}

pub(super) fn limits(kind: Kind, made_by: &str) -> String {
    let own = match (kind, made_by) {
        (Kind::Reward, _) => {
            "- Judging whether a task is done, or whether an action may be taken: it guesses from what it reads, and can be \
             wrong with confidence.\n\
             - Comparing answers to different states, or of models unlike those it was trained on.\n"
        }
        (_, BASE | PHASE_1) => {
            "- Acting: it was not trained to choose actions. It is no chat model either, and it knows no facts.\n"
        }
        _ => {
            "- Acting without supervision in applications that hold data someone would miss: it can choose a wrong control \
             with confidence, and an action in a real application may not be undone.\n\
             - Anything but turning a request and a list of controls into one action: it is no chat model, and it knows no \
             facts.\n"
        }
    };
    format!("{own}{ELSEWHERE}{IN_SOMEONES_NAME}")
}

/// How it is loaded, by each program that can.
pub(super) fn loading(kind: Kind, facts: &CardFacts) -> String {
    match kind {
        Kind::Adapter if facts.has_own_base => format!(
            "adapter_config.json names the base by its path from here, so PEFT finds it where this directory is the \
             current one:\n\n{}\n\nFrom elsewhere, name both; from the hub, `subfolder=\"base\"` names the base:\n\n{}\n\n{}",
            python(
                "# cd path/to/this\nfrom peft import AutoPeftModelForCausalLM\n\n\
                 model = AutoPeftModelForCausalLM.from_pretrained(\".\")"
            ),
            python(
                "from peft import PeftModel\nfrom transformers import AutoModelForCausalLM\n\n\
                 base = AutoModelForCausalLM.from_pretrained(\"path/to/this/base\")\n\
                 model = PeftModel.from_pretrained(base, \"path/to/this\")"
            ),
            served()
        ),
        Kind::Adapter => {
            let (load, fetch) = match &facts.hub_base {
                Some(base @ HubModel { repository, revision: Some(revision) }) => {
                    let fetch = format!("lam-train model fetch {base} --output-dir path/to/base\n");
                    (at_revision(repository, revision), fetch)
                }
                _ => (python(AUTO), String::new()),
            };
            let commands = format!(
                "{fetch}lam-train export merged --model path/to/base --adapter path/to/this --output-dir merged\n\
                 lam-train serve model merged --executable"
            );
            format!("{load}\n\nlam-train serves it merged into its base:\n\n{}", shell(&commands))
        }
        Kind::Merged => format!(
            "{}\n\n{}",
            python(
                "from transformers import AutoModelForCausalLM, AutoTokenizer\n\n\
                 model = AutoModelForCausalLM.from_pretrained(\"path/to/this\")\n\
                 tokenizer = AutoTokenizer.from_pretrained(\"path/to/this\")"
            ),
            served()
        ),
        Kind::Reward => python(
            "from transformers import AutoModelForSequenceClassification, AutoTokenizer\n\n\
             model = AutoModelForSequenceClassification.from_pretrained(\"path/to/this\")\n\
             tokenizer = AutoTokenizer.from_pretrained(\"path/to/this\")  # pads as the model expects, on either side",
        ),
        Kind::Gguf => {
            let name = facts.gguf.as_ref().map(|file| file.name.as_str()).unwrap_or_default();
            format!(
                "{}\n\nWith Ollama, the Modelfile beside it says template, stop strings and parameters:\n\n{}\n\n{}",
                shell(&format!("llama-server -m path/to/this/{name} --jinja")),
                shell("cd path/to/this && ollama create NAME -f Modelfile && ollama run NAME"),
                served()
            )
        }
    }
}

/// With the base's revision named: not every program that loads adapters reads more of it than the name.
fn at_revision(repository: &str, revision: &str) -> String {
    format!(
        "adapter_config.json names the base and its revision. Not every program reads the revision there, nor does every \
         release of PEFT, so name both:\n\n{}",
        python(&format!(
            "from peft import PeftModel\nfrom transformers import AutoModelForCausalLM\n\n\
             base = AutoModelForCausalLM.from_pretrained({repository:?}, revision={revision:?})\n\
             model = PeftModel.from_pretrained(base, \"path/to/this\")"
        ))
    )
}

fn served() -> String {
    let command = "lam-train serve model path/to/this --executable";
    format!(
        "Over HTTP, as OpenAI's clients ask, its answers kept to the controls and functions of the question:\n\n{}",
        shell(command)
    )
}

fn python(code: &str) -> String {
    format!("```python\n{code}\n```")
}

fn shell(code: &str) -> String {
    format!("```sh\n{code}\n```")
}
