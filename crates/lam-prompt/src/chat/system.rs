//! The system texts, in our own words: App. C fixes only their shape.

use lam_types::{ArgKind, ArgSpec, FunctionSpec, Target};

/// Asks for a plan.
pub(super) const PLAN: &str = "You plan tasks in desktop applications. Read the request and list the steps that \
fulfil it, in order, each one short and imperative. Answer with one JSON object: {\"plan\": [\"first step\", \"second step\"]}. \
Write nothing else.";

const ROLE: &str = "You operate an application through its user interface. You are given the controls that are on \
the screen, the request of the user, the actions taken so far and the plan you had; you choose the next action.

Rules:
- Choose one control and call one function in each answer. Some functions act on the application itself and take no control.
- Use only labels from the list of controls, and only the functions documented below, with their arguments.
- Look at the previous actions, do not repeat what is done, and do no more than was asked.
- Decide with each action whether it completes the request, and list the steps that remain after it.

Types of control and what can be done with them:
- Button: click it to carry out what it says.
- Edit: put text into it.
- TabItem: click it to show its page of controls.
- ListItem: click it to choose it.
- MenuItem: click it to choose it.
- ScrollBar: scroll the view.
- TreeItem: click it to choose or unfold it.
- Document: the text that is edited; type into it or scroll it.
- Hyperlink: click it to follow it.
- ComboBox: set its text, or click it to see its choices.

Functions:
";

const FORM: &str = "
Status of the request after your action:
- CONTINUE: more actions are needed.
- FINISH: your action completes the request.

Answer with one JSON object that has exactly these keys, in this order, and write nothing else:
- \"thought\": string, why you choose this action, in a few words.
- \"control_label\": string, the label of the chosen control, or \"\" for a function without a control.
- \"control_name\": string, the control_text that belongs to this label, or \"\".
- \"function\": string, the function to call, or \"\" if there is nothing to call.
- \"args\": object, the arguments of the call, {} if it has none.
- \"status\": string, CONTINUE or FINISH.
- \"plan\": array of strings, the steps that remain after this action, [] when nothing remains.";

/// Asks for an action.
pub(super) fn action_text(functions: &[FunctionSpec]) -> String {
    let docs: String = functions.iter().map(function_doc).collect();
    format!("{ROLE}{docs}{FORM}")
}

fn function_doc(function: &FunctionSpec) -> String {
    let names: Vec<&str> = function.args.iter().map(|arg| arg.name.as_str()).collect();
    let target = match &function.target {
        Target::Application => "takes no control".to_owned(),
        Target::Control(types) => {
            let types: Vec<&str> = types.iter().map(|kind| kind.as_str()).collect();
            format!("acts on {}", types.join(", "))
        }
    };
    let args: String = function.args.iter().map(arg_doc).collect();
    format!("- {}({}): {} It {target}.\n{args}", function.name, names.join(", "), function.doc)
}

fn arg_doc(arg: &ArgSpec) -> String {
    let kind = match &arg.kind {
        ArgKind::Text => "string".to_owned(),
        ArgKind::DocumentText => "string that stands in the document".to_owned(),
        ArgKind::Integer { min, max } => format!("integer from {min} to {max}"),
        ArgKind::ShownNumber(kind) => format!("number of a {kind} on the screen"),
        ArgKind::Paragraph => "number of a paragraph of the document".to_owned(),
        ArgKind::Boolean => "true or false".to_owned(),
        ArgKind::OneOf(words) => format!("one of {}", words.join(", ")),
    };
    let need = if arg.required { "required" } else { "optional" };
    format!("  - {} ({kind}, {need}): {}\n", arg.name, arg.doc)
}
