//! GUI-360's raw trajectories (arXiv 2511.04307): one per file, one step per line, with UFO's controls
//! and functions.

use std::collections::BTreeMap;

use lam_types::{
    Action, Args, Complete, Control, Observation, PastAction, Phrasing, PolicyId, Rect, Split, State, Status, Step,
    Task, Trajectory, Verdict,
};
use serde_json::Value;

use super::label::verdict;
use super::record::{Records, Refusal, control_type, list, name_of, named, optional, text, unquoted, whole};
use crate::import::json::{Entry, Source, visit};

/// Arguments that say where on the screen, in pixels: of no use on another screen.
const PIXELS: &[&str] = &[
    "x",
    "y",
    "coordinate",
    "coordinates",
    "coordinate_x",
    "coordinate_y",
    "start_x",
    "start_y",
    "end_x",
    "end_y",
    "start_coordinate",
    "end_coordinate",
];
/// What an action does between two places that are pixels and nothing else.
const BETWEEN_PIXELS: &[&str] = &["drag", "drag_on_coordinates"];

/// A line of the file.
struct Line {
    line: usize,
    place: String,
    /// The step's number, where it has one.
    id: Option<u64>,
    record: Value,
}

/// The steps of one file, as one trajectory. What cannot be used refuses it as a whole: what follows would lack its
/// history.
pub(super) fn read(source: Source<'_>, file: &str) -> Records {
    let mut found = Records { records: 1, ..Records::default() };
    let mut lines = Vec::new();
    let replaced = visit(source, |Entry { line, place, value }| match value {
        Ok(record) => match whole(&record, "step_id") {
            Ok(id) => lines.push(Line { line, place, id, record }),
            Err(refusal) => found.fault(line, &place, &name_of(&record), refusal),
        },
        Err(reason) => found.fault(line, &place, "", (String::new(), reason)),
    });
    found.repairs.replaced = replaced;
    if !found.faults.is_empty() {
        return found;
    }
    let read = ordered(&mut lines).and_then(|()| trajectory(&lines, file, &mut found.unknown_types));
    match read {
        Ok(trajectory) => {
            found.usable = 1;
            found.trajectories.push(named(trajectory));
        }
        Err((at, refusal)) => {
            let none = Line { line: 0, place: String::new(), id: None, record: Value::Null };
            let bad = lines.get(at).unwrap_or(&none);
            found.fault(bad.line, &bad.place, &name_of(&bad.record), refusal);
        }
    }
    found
}

/// Why a line cannot be used: its place in the order of steps, the field, and what is wrong with it.
type Bad = (usize, Refusal);

/// Puts the lines in the order of their steps, which must be those of one execution and all there.
fn ordered(lines: &mut [Line]) -> Result<(), Bad> {
    let bad = |at: usize, field: &str, reason: String| Err((at, (field.to_owned(), reason)));
    let Some(first) = lines.first() else { return bad(0, "", "holds no step".to_owned()) };
    let execution = name_of(&first.record);
    if let Some(at) = lines.iter().position(|line| name_of(&line.record) != execution) {
        let other = name_of(&lines[at].record);
        return bad(
            at,
            "execution_id",
            format!("`{other}` stands in the file of `{execution}`: a file is one execution"),
        );
    }
    let numbered = lines.iter().filter(|line| line.id.is_some()).count();
    if numbered == 0 {
        return Ok(());
    }
    if let Some(at) = lines.iter().position(|line| line.id.is_none()) {
        return bad(at, "step_id", "is missing, while other steps have theirs".to_owned());
    }
    lines.sort_by_key(|line| line.id);
    let begin = lines[0].id.filter(|id| *id <= 1).unwrap_or(1);
    for (at, line) in lines.iter().enumerate() {
        let (id, wanted) = (line.id.unwrap_or_default(), begin + at as u64);
        if id != wanted {
            let what =
                if id < wanted { format!("step {id} is there twice") } else { format!("step {wanted} is missing") };
            return bad(at, "step_id", format!("{what} in `{execution}`"));
        }
    }
    let last = lines.len() - 1;
    match whole(&lines[last].record, "total_steps").map_err(|refusal| (last, refusal))? {
        Some(total) if total != lines.len() as u64 => {
            bad(last, "total_steps", format!("`{execution}` has {total} steps, of which {} are here", lines.len()))
        }
        _ => Ok(()),
    }
}

fn trajectory(lines: &[Line], file: &str, unknown: &mut BTreeMap<String, usize>) -> Result<Trajectory, Bad> {
    let mut trajectory = begin(&lines[0].record, file).map_err(|refusal| (0, refusal))?;
    for (at, line) in lines.iter().enumerate() {
        let inside = |(field, reason): Refusal| (at, (format!("step.{field}"), reason));
        add(&line.record["step"], &mut trajectory, unknown).map_err(inside)?;
    }
    if trajectory.steps.is_empty() {
        return Err((0, ("step.action.function".to_owned(), "nothing is done in any step".to_owned())));
    }
    Ok(trajectory)
}

fn add(step: &Value, trajectory: &mut Trajectory, unknown: &mut BTreeMap<String, usize>) -> Result<(), Refusal> {
    let mut parsed = Value::Null;
    let written = unquoted(&step["action"], &mut parsed).map_err(|reason| ("action".to_owned(), reason))?;
    let status = match optional(step, "status").as_str() {
        "OVERALL_FINISH" => Status::Finish,
        // The end of a sub-task does not end the task.
        _ => Status::Continue,
    };
    if optional(written, "function").trim().is_empty() {
        return match trajectory.steps.last_mut() {
            // Nothing is done any more: the action before was the last one.
            Some(last) if status == Status::Finish => {
                last.action.status = status;
                Ok(())
            }
            _ if optional(step, "status").contains("FINISH") => Ok(()),
            _ => Err(("action.function".to_owned(), "is empty, and the step ends nothing".to_owned())),
        };
    }
    let observation = observation(step, unknown)?;
    let action = Action { status, ..action(step, written, &observation)? };
    let (history, plan) = match trajectory.steps.last() {
        None => (Vec::new(), Vec::new()),
        Some(last) => {
            let mut history = last.state.previous_actions.clone();
            history.push(PastAction::of(&last.action, last.status));
            (history, last.action.plan.clone())
        }
    };
    let state =
        State { request: trajectory.task.request.clone(), observation, previous_actions: history, previous_plan: plan };
    let step_index =
        u32::try_from(trajectory.steps.len()).map_err(|_| ("step_id".to_owned(), "too many".to_owned()))?;
    trajectory.steps.push(Step::new(step_index, state, action));
    Ok(())
}

fn begin(record: &Value, file: &str) -> Result<Trajectory, Refusal> {
    let application = optional(record, "app_domain");
    let mut parsed = Value::Null;
    let evaluation =
        unquoted(&record["evaluation"], &mut parsed).map_err(|reason| ("evaluation".to_owned(), reason))?;
    let complete = match (verdict(&evaluation["complete"]), optional(evaluation, "complete").to_lowercase().as_str()) {
        (Some(true), _) => Complete::Yes,
        (Some(false), _) => Complete::No,
        (None, "unsure") => Complete::Unsure,
        (None, other) => {
            return Err(("evaluation.complete".to_owned(), format!("`{other}` is not yes, no or unsure")));
        }
    };
    let split = if file.split('/').any(|part| part == "test") { Split::Test } else { Split::Train };
    Ok(Trajectory {
        trajectory_id: String::new(),
        task: Task {
            task_id: text(record, "execution_id")?,
            family: application.clone(),
            request: text(record, "request")?,
            environment: "gui360".into(),
            application,
            seed: 0,
            phrasing: Phrasing::Seen,
            split,
        },
        environment_version: "1".into(),
        attempt: 0,
        policy: PolicyId { name: "gui360".into(), hash: String::new() },
        steps: Vec::new(),
        verdict: Verdict {
            complete,
            reason: optional(evaluation, "reason"),
            judge: "gui360".into(),
            sub_scores: Vec::new(),
        },
        environment_error: None,
    })
}

fn observation(step: &Value, unknown: &mut BTreeMap<String, usize>) -> Result<Observation, Refusal> {
    let infos = &step["control_infos"];
    let inside = |(field, reason): Refusal| (format!("control_infos.{field}"), reason);
    let mut controls = Vec::new();
    for (index, info) in list(infos, "uia_controls_info").map_err(inside)?.iter().enumerate() {
        let at = |(field, reason): Refusal| (format!("control_infos.uia_controls_info[{index}].{field}"), reason);
        controls.push(Control {
            label: text(info, "label").map_err(at)?,
            control_text: optional(info, "control_text"),
            control_type: control_type(&text(info, "control_type").map_err(at)?, unknown),
            enabled: true,
            selected: None,
            value: None,
            rectangle: rectangle(&info["control_rect"]),
        });
    }
    Ok(Observation { controls, ..Observation::default() })
}

/// `[left, top, right, bottom]`, or an object with these names.
fn rectangle(value: &Value) -> Option<Rect> {
    let named = ["left", "top", "right", "bottom"].map(|side| value.get(side));
    let sides: Vec<Option<&Value>> = match value.as_array() {
        Some(sides) => sides.iter().map(Some).collect(),
        None => named.to_vec(),
    };
    let number = |side: &Option<&Value>| i32::try_from(side.as_ref()?.as_f64()? as i64).ok();
    match sides.iter().map(number).collect::<Option<Vec<i32>>>()?.as_slice() {
        [left, top, right, bottom] => Some(Rect { left: *left, top: *top, right: *right, bottom: *bottom }),
        _ => None,
    }
}

fn action(step: &Value, written: &Value, observation: &Observation) -> Result<Action, Refusal> {
    let inside = |(field, reason): Refusal| (format!("action.{field}"), reason);
    let mut args = match &written["args"] {
        Value::Object(args) => args.clone(),
        Value::Null => Args::new(),
        other => return Err(("action.args".to_owned(), format!("must be an object, not {other}"))),
    };
    let function = text(written, "function").map_err(inside)?;
    if BETWEEN_PIXELS.contains(&function.as_str()) {
        let reason = format!("`{function}` goes from one pixel to another, which no control stands for");
        return Err(("action.function".to_owned(), reason));
    }
    let control = control(written, observation).map_err(inside)?;
    args.retain(|name, _| !PIXELS.contains(&name.as_str()));
    Ok(Action {
        thought: optional(step, "thought"),
        control_label: control.map(|control| control.label.clone()).unwrap_or_default(),
        control_name: control.map(|control| control.control_text.clone()).unwrap_or_default(),
        function,
        args,
        status: Status::Continue,
        plan: Vec::new(),
    })
}

/// The control that the action is done on: by its label, else by its rectangle and its text. None for an action on the
/// application, which names no place.
fn control<'o>(written: &Value, observation: &'o Observation) -> Result<Option<&'o Control>, Refusal> {
    let label = optional(written, "control_label");
    if !label.is_empty() {
        let found = observation.control(&label);
        return found.map(Some).ok_or_else(|| ("control_label".to_owned(), format!("`{label}` is not on this screen")));
    }
    let named = [optional(written, "control_text"), optional(written, "control_test")];
    let name = named.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
    let place = rectangle(&written["rectangle"]).filter(|rect| rect.right > rect.left || rect.bottom > rect.top);
    let has_name = |control: &&&Control| control.control_text == name;
    let at_place: Vec<&Control> =
        observation.controls.iter().filter(|control| place.is_some() && control.rectangle == place).collect();
    let only = |controls: Vec<&'o Control>| if let [one] = controls[..] { Some(one) } else { None };
    let exact = at_place.iter().find(has_name).copied();
    let alone = || only(at_place.clone()).filter(|_| name.is_empty());
    let by_name =
        || only(observation.controls.iter().filter(|control| !name.is_empty() && has_name(&control)).collect());
    let found = exact.or_else(alone).or_else(by_name);
    let points = PIXELS.iter().any(|name| written["args"][*name].is_number() || written[*name].is_number());
    match found {
        None if place.is_some() || points || !name.is_empty() => {
            Err(("rectangle".to_owned(), format!("no control of this screen lies there and is called `{name}`")))
        }
        found => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(id: u64, total: u64, action: Value, status: &str) -> Value {
        json!({
            "execution_id": "word_1", "app_domain": "word", "request": "Make it bold", "step_id": id, "total_steps": total,
            "evaluation": {"complete": "yes", "reason": "it is bold"},
            "step": {
                "thought": "press it", "status": status, "action": action,
                "control_infos": {"uia_controls_info": [
                    {"control_type": "Button", "control_rect": [1, 2, 3, 4.5], "control_text": "Bold", "label": 7},
                    {"control_type": "Button", "control_rect": [1, 2, 3, 4.5], "control_text": "Italic", "label": 9},
                    {"control_type": "Pane", "control_text": "Page", "label": "8"}]},
            },
        })
    }

    fn click(label: &str) -> Value {
        json!({"function": "click", "args": {"button": "left", "x": 2, "y": 3}, "control_label": label})
    }

    fn found(lines: &[Value]) -> Records {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        read(Source::Text(&text), "test/data/word/1.jsonl")
    }

    #[test]
    fn a_file_is_a_trajectory_and_a_label_that_is_nowhere_is_named() {
        let quoted = Value::from(click("7").to_string());
        let found_ = found(&[
            line(1, 2, quoted, "FINISH"),
            line(2, 2, json!({"function": "save_as", "args": {}}), "OVERALL_FINISH"),
        ]);
        let trajectory = &found_.trajectories[0];
        assert_eq!((trajectory.task.split, trajectory.succeeded(), trajectory.steps.len()), (Split::Test, true, 2));
        let (first, last) = (&trajectory.steps[0], &trajectory.steps[1]);
        assert_eq!((first.action.control_name.as_str(), first.action.status), ("Bold", Status::Continue));
        assert_eq!(json!(first.action.args), json!({"button": "left"}), "no pixels");
        assert_eq!((last.action.status, last.state.previous_actions.len()), (Status::Finish, 1));
        assert_eq!((found_.unknown_types["Pane"], found_.records, found_.usable), (2, 1, 1));
        let bad = found(&[line(1, 2, click("7"), ""), line(2, 2, click("5"), "")]);
        let fault = &bad.faults[0];
        assert_eq!(
            (fault.line, fault.field.as_str(), fault.record.as_str()),
            (2, "step.action.control_label", "word_1")
        );
        assert_eq!((bad.trajectories.len(), bad.usable), (0, 0));
    }

    #[test]
    fn a_control_without_label_is_found_by_its_place_and_name() {
        let at =
            |name: &str, rect: Value| json!({"function": "click", "args": {}, "control_text": name, "rectangle": rect});
        let place = json!({"left": 1, "top": 2, "right": 3, "bottom": 4});
        for (action, label) in [
            (at("Bold", place.clone()), Ok("7")),
            (at("Italic", place.clone()), Ok("9")),
            (at("Page", Value::Null), Ok("8")),
            (json!({"function": "save_as", "args": {}, "control_text": ""}), Ok("")),
            (at("", place.clone()), Err("step.action.rectangle")),
            (at("Underline", place), Err("step.action.rectangle")),
            (json!({"function": "click", "args": {"x": 1, "y": 2}}), Err("step.action.rectangle")),
            (json!({"function": "drag", "args": {"start_x": 1}}), Err("step.action.function")),
        ] {
            let found = found(&[line(1, 1, action.clone(), "CONTINUE")]);
            let read = found.trajectories.first().map(|one| one.steps[0].action.control_label.clone());
            assert_eq!(
                read.ok_or_else(|| found.faults[0].field.clone()).as_deref().map_err(String::as_str),
                label,
                "{action}"
            );
        }
    }

    #[test]
    fn an_end_without_function_is_no_step() {
        let nothing = || json!({"function": "", "args": {}});
        let found_ = found(&[
            line(1, 3, click("7"), "CONTINUE"),
            line(2, 3, nothing(), "FINISH"),
            line(3, 3, nothing(), "OVERALL_FINISH"),
        ]);
        let steps = &found_.trajectories[0].steps;
        assert_eq!((steps.len(), steps[0].action.status), (1, Status::Finish));
        let idle = found(&[line(1, 2, click("7"), "CONTINUE"), line(2, 2, nothing(), "CONTINUE")]);
        assert_eq!(idle.faults[0].field, "step.action.function");
    }

    #[test]
    fn steps_are_ordered_by_their_ids_and_must_be_whole() {
        let step = |id: u64, total: u64, label: &str| line(id, total, click(label), "CONTINUE");
        let shuffled = found(&[step(2, 2, "9"), step(1, 2, "7")]);
        assert_eq!(shuffled.trajectories[0].steps[0].action.control_name, "Bold");
        let mut other = step(2, 2, "9");
        other["execution_id"] = "word_2".into();
        for (lines, field, words) in [
            (vec![step(1, 5, "7")], "total_steps", "has 5 steps, of which 1 are here"),
            (vec![step(1, 3, "7"), step(3, 3, "9")], "step_id", "step 2 is missing"),
            (vec![step(2, 2, "7")], "step_id", "step 1 is missing"),
            (vec![step(1, 2, "7"), step(1, 2, "9")], "step_id", "step 1 is there twice"),
            (vec![step(1, 2, "7"), other], "execution_id", "`word_2` stands in the file of `word_1`"),
        ] {
            let found = found(&lines);
            let fault = &found.faults[0];
            assert!(found.trajectories.is_empty() && fault.field == field && fault.reason.contains(words), "{fault:?}");
            assert!(fault.record.starts_with("word_"), "{fault:?}");
        }
        let kept = |id: Value, total: Value| {
            let mut line = step(1, 1, "7");
            (line["step_id"], line["total_steps"]) = (id, total);
            found(&[line]).faults.first().map_or("", |fault| fault.field.as_str()).to_owned()
        };
        for (id, total, field) in [
            (json!("1"), json!("1"), ""),
            (json!(1.0), json!(1.0), ""),
            (json!(1.0), json!(5.0), "total_steps"),
            (json!("1"), json!("5"), "total_steps"),
            (json!("3"), json!("3"), "step_id"),
            (json!("first"), json!(1), "step_id"),
            (json!(1), json!("all"), "total_steps"),
        ] {
            assert_eq!(kept(id.clone(), total.clone()), field, "{id} of {total}");
        }
    }
}
