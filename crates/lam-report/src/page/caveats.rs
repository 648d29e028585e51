//! What the numbers do not say. Each sentence is a departure from the paper or a limit of the method.

use maud::{Markup, html};

use crate::run::Run;

/// The list.
pub fn section(run: &Run) -> Markup {
    html! {
        h2 { "What these numbers do not say" }
        ul.caveats {
            li { strong { "The expert is a script. " } "Where no endpoint is configured, the teacher is a scripted expert, called “expert” everywhere, that stands in for GPT-4o. It fails for stated reasons: wordings it does not know, controls it looks for in the wrong place, long tasks it gives up on." }
            li { strong { "The application is embedded. " } "The environment is a Word-like editor with UFO’s control list and functions, not Word. Success in it does not carry over to another application without training there." }
            li { strong { "No GPT-4o judge. " } "Plans are compared by a deterministic matcher (same verb and object after normalisation), trajectories by a predicate over the final document. The paper uses GPT-4o for both, so the figures are stricter in some cases and looser in others." }
            li { strong { "Strict step success. " } "A step counts only if object, operation and status are all right. The paper prints step success above status accuracy for some models, which this definition rules out." }
            li { strong { "Times are not comparable. " } "Latency and completion time were measured on the machine of this run with a model of this size; the paper’s are those of a 7B model or a remote service, with a real application in the loop." }
            li { strong { "Intervals cover sampling only. " }
                @if run.is_repeated() { "They are Student’s intervals of the mean over " (run.seeds.len()) " seeds; the task families are the same in each." }
                @else { "They are intervals over test tasks (Wilson’s for proportions of tasks, by bootstrap for the rest), for one training seed. Another seed gives another model." }
            }
            li { strong { "Constrained decoding helps. " } "Online figures are measured with decoding constrained to executable answers; the invalid-action rate says nothing about what the model would write without it." }
        }
    }
}
