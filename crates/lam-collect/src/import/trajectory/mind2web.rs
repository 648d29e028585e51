//! Mind2Web's tasks: what people did on web pages, with the other elements that they could have chosen. In the
//! multimodal edition a row is one action; its rows are put together again.

use std::collections::{BTreeMap, HashMap};

use ego_tree::iter::Edge;
use lam_types::{
    Action, Args, Complete, Control, ControlType, Observation, PastAction, Phrasing, PolicyId, Rect, Split, State,
    Status, Step, Task, Trajectory, Verdict,
};
use scraper::{ElementRef, Node};
use serde_json::{Value, json};

use super::label::verdict;
use super::record::{Records, Refusal, each, list, named, optional, text, unquoted};
use crate::import::block::{single_spaced, tidy};
use crate::import::html::parsed;
use crate::import::json::Source;

/// Attributes that say what an element is called, best first.
const NAMES: &[&str] = &["aria_label", "aria-label", "title", "alt", "placeholder", "value", "name", "id", "class"];

/// Longest name that is taken from a page's text, in characters: some elements hold half a page.
const LONGEST_NAME: usize = 100;

/// The tasks of a file.
pub(super) fn read_all(source: Source<'_>, file: &str) -> Records {
    let rows = std::cell::RefCell::new(Vec::<(String, Vec<Value>)>::new());
    let mut found = each(source, &|record, found| {
        if record.get("actions").is_some() || record.get("target_action_index").is_none() {
            return read(record, file, found);
        }
        // A row is no record of its own.
        found.records -= 1;
        let (name, mut rows) = (text(record, "annotation_id")?, rows.borrow_mut());
        match rows.iter_mut().find(|(known, _)| *known == name) {
            Some((_, actions)) => actions.push(record.clone()),
            None => rows.push((name, vec![record.clone()])),
        }
        Ok(())
    });
    for (_, rows) in rows.into_inner() {
        let task = together(rows);
        found.take(0, "", &task, &|record, found| read(record, file, found));
    }
    found
}

/// One task of the rows of its actions, in their order.
fn together(mut rows: Vec<Value>) -> Value {
    let index = |row: &Value| optional(row, "target_action_index").parse::<u64>().unwrap_or(u64::MAX);
    rows.sort_by_key(index);
    let mut task = rows.first().cloned().unwrap_or_default();
    let expected = task["action_reprs"].as_array().map(Vec::len);
    task["actions"] = json!(rows);
    task["incomplete"] = json!(expected.is_some_and(|expected| expected != rows.len()).then_some(expected));
    task
}

/// One task with its actions.
fn read(record: &Value, file: &str, found: &mut Records) -> Result<(), Refusal> {
    let request = text(record, "confirmed_task")?;
    let actions = list(record, "actions")?;
    if let Some(expected) = record["incomplete"].as_u64() {
        let reason = format!("the task has {expected} actions, of which {} are here", actions.len());
        return Err(("target_action_index".to_owned(), reason));
    }
    let mut steps: Vec<Step> = Vec::new();
    for (index, action) in actions.iter().enumerate() {
        let at = |(field, reason): Refusal| (format!("actions[{index}].{field}"), reason);
        let is_last = index + 1 == actions.len();
        let step = step(action, &request, steps.last(), is_last).map_err(at)?;
        steps.push(step);
    }
    if steps.is_empty() {
        return Err(("actions".to_owned(), "nothing was done".to_owned()));
    }
    let split = if file.split('/').any(|part| part.starts_with("test")) { Split::Test } else { Split::Train };
    let website = text(record, "website")?;
    found.trajectories.push(named(Trajectory {
        trajectory_id: String::new(),
        task: Task {
            task_id: text(record, "annotation_id")?,
            family: optional(record, "domain"),
            request,
            environment: "mind2web".into(),
            application: website,
            seed: 0,
            phrasing: Phrasing::Seen,
            split,
        },
        environment_version: "1".into(),
        attempt: 0,
        policy: PolicyId { name: "mind2web".into(), hash: String::new() },
        steps,
        verdict: Verdict {
            complete: Complete::Yes,
            reason: "a person did it".into(),
            judge: "demonstration".into(),
            sub_scores: Vec::new(),
        },
        environment_error: None,
    }));
    Ok(())
}

fn step(action: &Value, request: &str, before: Option<&Step>, is_last: bool) -> Result<Step, Refusal> {
    let wanted = candidates(action, "pos_candidates")?;
    let Some(position) = target(&wanted) else {
        return Err(("pos_candidates".to_owned(), "no element is right".to_owned()));
    };
    let at = |(field, reason)| (format!("pos_candidates[{position}].{field}"), reason);
    let target = text(&wanted[position], "backend_node_id").map_err(at)?;
    let others = candidates(action, "neg_candidates")?;
    let said = said(&optional(action, "cleaned_html"))?;
    let (controls, labels) = screen(&wanted, &others, &said)?;
    let control = |label: &String| controls.iter().find(|control| control.label == *label);
    let label = labels.get(&target).ok_or(("pos_candidates".to_owned(), "no such element".to_owned()))?;
    let mut parsed = Value::Null;
    let written = unquoted(&action["operation"], &mut parsed).map_err(|reason| ("operation".to_owned(), reason))?;
    let (function, args) = operation(written)?;
    let right = wanted.iter().filter_map(|candidate| labels.get(&optional(candidate, "backend_node_id")));
    let acceptable_labels: Vec<String> = right.cloned().collect();
    let done = Action {
        thought: String::new(),
        control_label: label.clone(),
        control_name: control(label).map(|control| control.control_text.clone()).unwrap_or_default(),
        function,
        args,
        status: if is_last { Status::Finish } else { Status::Continue },
        plan: Vec::new(),
    };
    let mut previous_actions = before.map(|step| step.state.previous_actions.clone()).unwrap_or_default();
    previous_actions.extend(before.map(|step| PastAction::of(&step.action, step.status)));
    let observation = Observation { controls, ..Observation::default() };
    let step_index = before.map_or(0, |step| step.step_index + 1);
    let state = State { request: request.to_owned(), observation, previous_actions, previous_plan: Vec::new() };
    Ok(Step { acceptable_labels, ..Step::new(step_index, state, done) })
}

/// Elements that could have been chosen: objects, or the same as JSON in texts.
fn candidates(action: &Value, field: &str) -> Result<Vec<Value>, Refusal> {
    let candidate = |(index, value): (usize, &Value)| {
        let mut parsed = Value::Null;
        let read = unquoted(value, &mut parsed).cloned();
        read.map_err(|reason| (format!("{field}[{index}]"), reason))
    };
    list(action, field)?.iter().enumerate().map(candidate).collect()
}

/// The element that was chosen: the one that says so, else the topmost, else the first.
fn target(wanted: &[Value]) -> Option<usize> {
    let says = |word: &str| wanted.iter().position(|candidate| verdict(&candidate[word]) == Some(true));
    says("is_original_target").or_else(|| says("is_top_level_target")).or((!wanted.is_empty()).then_some(0))
}

/// What elements are called in the page's text, by their ids: their own words, else what pictures in them stand for.
fn said(page: &str) -> Result<HashMap<String, String>, Refusal> {
    let page = parsed(page).map_err(|fault| ("cleaned_html".to_owned(), fault.reason))?;
    let elements = page.tree.nodes().filter_map(ElementRef::wrap);
    let named = elements.filter(|element| element.value().name() != "select").filter_map(|element| {
        let id = element.value().attr("backend_node_id")?;
        let pictured =
            || element.descendants().filter_map(ElementRef::wrap).find_map(|below| below.value().attr("alt"));
        let words = words_of(element);
        let name = if words.is_empty() { single_spaced(pictured()?) } else { words };
        Some((id.to_owned(), shortened(name)))
    });
    Ok(named.collect())
}

/// Elements that mark parts of words.
const MARKS: &[&str] = &["b", "i", "em", "strong", "u", "sub", "sup", "font", "mark"];

/// What stands in an element, as far as a name needs it; words of different elements are apart.
fn words_of(element: ElementRef<'_>) -> String {
    let mut words = String::new();
    for edge in element.traverse() {
        let (node, opens) = match edge {
            Edge::Open(node) => (node, true),
            Edge::Close(node) => (node, false),
        };
        match node.value() {
            Node::Text(text) if opens => words.push_str(text),
            Node::Element(inner) if !MARKS.contains(&inner.name()) => words.push(' '),
            _ => {}
        }
        if words.len() > 4 * LONGEST_NAME {
            break;
        }
    }
    tidy(&words)
}

/// At most [`LONGEST_NAME`] characters, cut after a word.
fn shortened(name: String) -> String {
    match name.char_indices().nth(LONGEST_NAME) {
        None => name,
        Some((end, _)) => format!("{}…", name[..end].rsplit_once(' ').map_or(&name[..end], |(words, _)| words)),
    }
}

/// The candidates in the page's order, labelled from 1, and which label each element has.
fn screen(
    wanted: &[Value],
    others: &[Value],
    said: &HashMap<String, String>,
) -> Result<(Vec<Control>, BTreeMap<String, String>), Refusal> {
    let mut elements: Vec<(u64, &Value)> = Vec::new();
    for (index, candidate) in wanted.iter().chain(others).enumerate() {
        let id = optional(candidate, "backend_node_id");
        let number = id
            .parse()
            .map_err(|_| (format!("candidate {index}: backend_node_id"), format!("`{id}` is not a number")))?;
        elements.push((number, candidate));
    }
    elements.sort_by_key(|(number, _)| *number);
    elements.dedup_by_key(|(number, _)| *number);
    let control = |(index, (number, candidate)): (usize, &(u64, &Value))| Control {
        label: (index + 1).to_string(),
        control_text: name(candidate, said.get(&number.to_string())),
        control_type: kind(&optional(candidate, "tag")),
        enabled: true,
        selected: None,
        value: None,
        rectangle: rectangle(&attributes(candidate)),
    };
    let labels = elements.iter().enumerate().map(|(index, (number, _))| (number.to_string(), (index + 1).to_string()));
    let labels = labels.collect();
    Ok((elements.iter().enumerate().map(control).collect(), labels))
}

/// What an element is called: as the page says, else by its attributes.
fn name(candidate: &Value, said: Option<&String>) -> String {
    let attributes = attributes(candidate);
    let is_told = |name: &&&str| attributes[**name].as_str().is_some_and(|text| !text.trim().is_empty());
    let attribute = || NAMES.iter().find(is_told).and_then(|name| attributes[*name].as_str()).map(single_spaced);
    said.cloned().or_else(attribute).unwrap_or_else(|| optional(candidate, "tag"))
}

/// An element's attributes, which are JSON in a text.
fn attributes(candidate: &Value) -> Value {
    let mut parsed = Value::Null;
    unquoted(&candidate["attributes"], &mut parsed).cloned().unwrap_or_default()
}

/// The box of `"left,top,width,height"`; none where the element is not shown.
fn rectangle(attributes: &Value) -> Option<Rect> {
    let sides = attributes["bounding_box_rect"]
        .as_str()?
        .split(',')
        .map(|side| side.trim().parse().ok().filter(|side: &f64| side.is_finite()));
    match sides.collect::<Option<Vec<f64>>>()?[..] {
        [left, top, width, height] if width > 0.0 && height > 0.0 => Some(Rect {
            left: left as i32,
            top: top as i32,
            right: (left + width) as i32,
            bottom: (top + height) as i32,
        }),
        _ => None,
    }
}

fn kind(tag: &str) -> ControlType {
    match tag {
        "a" => ControlType::Hyperlink,
        "button" => ControlType::Button,
        "input" | "textarea" => ControlType::Edit,
        "select" => ControlType::ComboBox,
        "option" | "li" => ControlType::ListItem,
        "label" | "span" | "p" => ControlType::Text,
        _ => ControlType::Group,
    }
}

fn operation(operation: &Value) -> Result<(String, Args), Refusal> {
    let inside = |(field, reason): Refusal| (format!("operation.{field}"), reason);
    let value = optional(operation, "value");
    let with = |name: &str| Args::from_iter([(name.to_owned(), Value::from(value.clone()))]);
    match text(operation, "op").map_err(inside)?.as_str() {
        "CLICK" => Ok(("click_input".into(), Args::new())),
        "TYPE" => Ok(("set_edit_text".into(), with("text"))),
        "SELECT" => Ok(("select_option".into(), with("text"))),
        other => Err(("operation.op".to_owned(), format!("`{other}` is not CLICK, TYPE or SELECT"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Records {
        read_all(Source::Text(text), "train_1.json")
    }

    #[test]
    fn every_right_element_is_acceptable_and_an_unknown_operation_is_named() {
        let record = r#"{"annotation_id":"a","website":"shop","domain":"Shopping","confirmed_task":"Buy tea","actions":[
            {"operation":{"op":"TYPE","value":"tea"},"pos_candidates":[{"tag":"input","backend_node_id":"20","attributes":"{\"placeholder\":\"Search\"}"},
             {"tag":"div","backend_node_id":"9"}],"neg_candidates":[{"tag":"a","backend_node_id":"11","attributes":"{\"title\":\"Home\"}"}]},
            {"operation":{"op":"CLICK","value":""},"pos_candidates":[{"tag":"button","backend_node_id":"5"}],"neg_candidates":[]}]}"#;
        let read = found(record);
        let steps = &read.trajectories[0].steps;
        assert_eq!(steps[0].acceptable_labels, ["3", "1"]);
        assert_eq!(
            (steps[0].action.control_name.as_str(), &steps[0].action.args["text"]),
            ("Search", &Value::from("tea"))
        );
        assert_eq!((steps[1].action.status, steps[1].state.previous_actions.len()), (Status::Finish, 1));
        let bad = found(&record.replace("CLICK", "HOVER"));
        assert_eq!((bad.trajectories.len(), bad.faults[0].field.as_str()), (0, "actions[1].operation.op"));
    }

    #[test]
    fn names_come_from_the_page_the_original_target_wins_and_boxes_are_kept() {
        let page = "<div backend_node_id=1><a backend_node_id=2><text>Track  an</text><text>o<b>rder</b></text></a>\
                    <button backend_node_id=3><img alt=Bag></button><select backend_node_id=4><option>One</select></div>";
        let candidate = |id: u32, tag: &str, more: Value| {
            let attributes = json!({"class": "x", "bounding_box_rect": "10,20.5,30,40"}).to_string();
            let mut candidate = json!({"tag": tag, "backend_node_id": id.to_string(), "attributes": attributes});
            candidate.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            candidate
        };
        let wanted = [candidate(3, "button", json!({})), candidate(2, "a", json!({"is_original_target": true}))];
        let action = json!({"cleaned_html": page, "operation": {"op": "CLICK"}, "pos_candidates": wanted,
                            "neg_candidates": [candidate(4, "select", json!({}))]});
        let task = json!({"annotation_id": "a", "website": "shop", "confirmed_task": "Track it", "actions": [action]});
        let read = found(&task.to_string());
        let step = &read.trajectories[0].steps[0];
        let names: Vec<_> =
            step.state.observation.controls.iter().map(|control| control.control_text.as_str()).collect();
        assert_eq!(names, ["Track an order", "Bag", "x"]);
        assert_eq!(
            (step.action.control_name.as_str(), &step.acceptable_labels[..]),
            ("Track an order", &["2".to_owned(), "1".to_owned()][..])
        );
        let rect = Rect { left: 10, top: 20, right: 40, bottom: 60 };
        assert_eq!(step.state.observation.controls[0].rectangle, Some(rect));
        let deep = task.to_string().replace("<div backend", &format!("{}<div backend", "<div>".repeat(1000)));
        assert_eq!(found(&deep).faults[0].field, "actions[0].cleaned_html");
    }

    #[test]
    fn rows_of_single_actions_are_put_together() {
        let row = |index: u32, id: &str| {
            json!({"annotation_id": "a", "website": "shop", "confirmed_task": "Buy tea", "action_uid": "u", "action_reprs": ["x", "y"],
                   "target_action_index": index.to_string(), "operation": "{\"op\": \"CLICK\"}", "neg_candidates": [],
                   "pos_candidates": [format!("{{\"tag\": \"a\", \"backend_node_id\": \"{id}\"}}")]})
        };
        let read = found(&json!([row(1, "8"), row(0, "7")]).to_string());
        assert_eq!((read.records, read.usable, read.trajectories[0].steps.len()), (1, 1, 2), "{read:?}");
        let half = found(&row(1, "8").to_string());
        assert_eq!(
            (half.records, half.faults[0].field.as_str(), half.faults[0].record.as_str()),
            (1, "target_action_index", "a")
        );
    }
}
