//! Functions documented as tools: a name, a description, and parameters with the words of their JSON schema.

use lam_types::{FunctionSpec, Target};

use super::{Argument, acts_on, function};

const NAME: &str = "Tool name:";
const DESCRIPTION: &str = "Description:";
const PARAMETERS: &str = "Parameters:";
const RETURNS: &str = "Returns:";
/// The parameters that name a control. They are no arguments with us.
const CONTROL: [&str; 2] = ["id", "name"];

/// All tools that can be called.
pub(super) fn read(system: &str) -> Result<Vec<FunctionSpec>, String> {
    let lines: Vec<&str> = system.lines().map(str::trim).collect();
    let starts: Vec<usize> = (0..lines.len()).filter(|at| lines[*at].starts_with(NAME)).collect();
    let mut functions = Vec::new();
    for (place, start) in starts.iter().enumerate() {
        let end = starts.get(place + 1).copied().unwrap_or(lines.len());
        functions.extend(read_one(&lines[*start..end])?);
    }
    Ok(functions)
}

/// The tool of these lines, of which the first has its name.
fn read_one(lines: &[&str]) -> Result<Option<FunctionSpec>, String> {
    let unread = |line: &str| format!("the tools' documentation: `{line}`");
    let name = lines[0].trim_start_matches(NAME).trim();
    if name.is_empty() || name.contains(|c: char| !c.is_alphanumeric() && c != '_') {
        return Err(unread(lines[0]));
    }
    let place = |label: &str| lines.iter().position(|line| line.starts_with(label));
    let from = place(PARAMETERS).ok_or_else(|| format!("the tools' documentation: `{name}` has no `{PARAMETERS}`"))?;
    let until = place(RETURNS).filter(|until| *until > from).unwrap_or(lines.len());
    let doc = lines[1..from].iter().find_map(|line| line.strip_prefix(DESCRIPTION)).unwrap_or_default().trim();
    let mut arguments = Vec::new();
    for line in lines[from + 1..until].iter().filter_map(|line| line.strip_prefix("- ")) {
        arguments.push(argument(line).ok_or_else(|| unread(line))?);
    }
    let target = match arguments.iter().any(|argument| argument.name == CONTROL[0]) {
        true => acts_on(name, ""),
        false => Target::Application,
    };
    if target != Target::Application {
        arguments.retain(|argument| !CONTROL.contains(&argument.name));
    }
    Ok(function(name, target, doc, &arguments))
}

/// `NAME (KIND, NEED): DOC Default: VALUE`
fn argument(line: &str) -> Option<Argument<'_>> {
    let (name, rest) = line.split_once(" (")?;
    let (kinds, doc) = rest.split_once("):")?;
    let (kind, need) = kinds.rsplit_once(", ")?;
    let doc = doc.rsplit_once("Default:").map_or(doc, |(doc, _)| doc).trim();
    Some(Argument { name, kind, is_optional: need == "optional", doc })
}
