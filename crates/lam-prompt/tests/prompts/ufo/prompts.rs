//! Prompts of each version, as short as they can be: the labels, the keys and the documentation stand as UFO has them.

use lam_prompt::{Message, Role, UfoAction, UfoQuestion, read_ufo};
use serde_json::{Value, json};

/// Which prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// Before the third version, without screenshots.
    Classic,
    /// The same with screenshots.
    ClassicVisual,
    /// The same with a list of actions.
    ClassicList,
    /// The third version.
    Third,
    /// The third version with a list of actions.
    ThirdList,
    /// The third version without screenshots, whose text still shows the old keys.
    ThirdText,
}

impl Version {
    pub const ALL: [Self; 6] =
        [Self::Classic, Self::ClassicVisual, Self::ClassicList, Self::Third, Self::ThirdList, Self::ThirdText];

    pub fn is_third(self) -> bool {
        matches!(self, Self::Third | Self::ThirdList | Self::ThirdText)
    }

    /// The keys that the system text asks for.
    fn form(self) -> &'static str {
        match self {
            Self::Classic | Self::ThirdText => {
                "{\"Observation\": <what you see>\n\"ControlLabel\": <a label>\n\"Args\": <{\"button\": \"left\"}>\n\
                 \"Plan\": <what is left; \"<FINISH>\" where nothing is>\n\"Comment\": <anything>}"
            }
            Self::ClassicVisual => {
                "{\"Observation\": <what you see>\n\"Plan\": <what is left, or \"<FINISH>\">\n\
                 \"SaveScreenshot\": <{\"save\": True/False, \"reason\": \"why\"}>}"
            }
            Self::ClassicList => {
                "{\"Observation\": <what you see>\n\"ActionList\": <a list of actions>\n\
                 \"Plan\": <what is left>\n\"SaveScreenshot\": <whether>}"
            }
            Self::Third => "{\"observation\": <what you see>\n\"action\": <the action>\n\"plan\": <a list of steps>}",
            Self::ThirdList => "{\"observation\": <what you see>\n\"action\": <a List of actions>\n\"plan\": <steps>}",
        }
    }
}

/// Functions as calls. The last one belongs to the application.
const CALLS: &str = r#"- The action types for UI elements are: ['click_input'].

"click_input" is to click a control.
[1] API call: click_input(button: str, double: bool = False, pressed: str = None)
[2] Args:
  - button: The button. One of ''left'', ''right'' or ''x'' (Default: ''left'')
  - double: Whether twice (Default: False)'
  - pressed: A key (Default: None)
[3] Example: click_input(button="left", double=False)
[4] Available control item: All control items.
[5] Return: None


"click_on_coordinates" is to click somewhere.
[1] API call: click_on_coordinates(x: float, y: float)
[2] Args:
  - x: From the left.
[4] Available control item: Control item is not required for this API.

"set_edit_text" is to put text into a control.
[1] API call: set_edit_text(text: str="The text, (any).", clear_current_text: bool=False)
[2] Args:
  - text: The text.
  - clear_current_text: Whether it replaces the old one. (Default: False)
[4] Available control item: [Edit]

"annotation" is to look again.
[1] API call: annotation(control_labels: List[str]=[])
[2] Args:
  - control_labels: Which.
[4] Available control item: All control items.

"texts" is to read a control.
[1] API call: texts()
[2] Args: None
[4] Available control item: Edit and Document control items.

"reorder" is to sort.
[1] API call: reorder(order: List[str], by: Dict[str, int] = {"a": 1})
[2] Args:
  - order: The order.

- There are additional shortcut APIs for your operations: ['select_paragraph'].

"select_paragraph" is to select paragraphs.
[1] API call: select_paragraph(start_index: int, end_index: int, non_empty: bool = True) 
[2] Args:
  - start_index: The first.
  - end_index: The last.
  - non_empty: Whether those with text alone.
[4] Available control item: The Document control item in the Word app.
"#;

/// Functions as tools.
const TOOLS: &str = "\
        Tool name: click_input
        Description: Click a control.

        Parameters:
        - id (string, required): Which. Default: N/A
- name (string, required): Its name. Default: N/A
- button (string, optional): The button. One of ''left'', ''right'' or ''x' Default: left
- double (boolean, optional): Whether twice Default: False

        Returns: What came of it.
        
        Example usage:
        click_input(id='', name='', button='left', double=False)
        

---

        Tool name: wait
        Description: Wait.

        Parameters:
        - seconds (number, required): How long. Default: N/A

        Returns: 
        

---

        Tool name: set_edit_text
        Description: Put text into a control.

        Parameters:
        - id (string, required): Which. Default: N/A
- name (string, required): Its name. Default: N/A
- text (string, required): The text. Default: N/A
- clear_current_text (boolean, optional): Whether it replaces the old one. Default: False

        Returns: 
        

---

        Tool name: select_paragraph
        Description: Select paragraphs.

        Parameters:
        - start_index (integer, required): The first. Default: N/A
- end_index (integer, required): The last. Default: N/A
- non_empty (unknown, optional): Whether those with text alone. Default: True

        Returns: 
        
        Example usage:
        select_paragraph(start_index='', end_index='', non_empty=True)
        

---

        Tool name: set_font
        Description: Set the font.

        Parameters:
        - font_name (unknown, optional): Its name. Default: None
- font_size (unknown, optional): Its size. Default: None

        Returns: 
        ";

/// A prompt of the AppAgent in the making.
#[derive(Clone, Debug)]
pub struct Prompt {
    pub version: Version,
    pub controls: Value,
    pub request: String,
    pub subtask: String,
    pub docs: String,
    pub blackboard: Option<Value>,
    pub last: Value,
    pub plan: Value,
}

impl Prompt {
    /// A first step.
    pub fn new(version: Version) -> Self {
        let kinds = [("Bold", "Button"), ("Font", "ComboBox"), ("body \u{e9}", "Document")];
        let control = |(place, (name, kind)): (usize, (&str, &str))| match version.is_third() {
            true => json!({"name": name, "id": (3 * place + 1).to_string(), "type": kind}),
            false => json!({"control_type": kind, "control_text": name, "label": (3 * place + 1).to_string()}),
        };
        Self {
            version,
            controls: kinds.into_iter().enumerate().map(control).collect(),
            request: "Make it bold and send it".into(),
            subtask: "make 'alpha' bold".into(),
            docs: String::new(),
            blackboard: None,
            last: json!([]),
            plan: json!([]),
        }
    }

    /// The same after these actions, of which UFO keeps what `step` says.
    pub fn after(self, steps: Value, plan: Value) -> Self {
        Self { blackboard: Some(steps), plan, ..self }
    }

    pub fn messages(&self) -> Vec<Message> {
        let docs = if self.version.is_third() { TOOLS } else { CALLS };
        let system = format!(
            "You are an AppAgent. Look at the [Step Trajectories Completed Previously].\n## Actions\n{docs}\n\
             ## Form\n{}\n\
             <## Response Examples:>\n[Example 1:]\n\"action\": [1]",
            self.version.form()
        );
        let blackboard = self.blackboard.as_ref().map(|steps| {
            let asked = json!([{"text": "[Step Trajectories Completed Previously:]\n []"}]);
            format!(
                "[Blackboard:][Questions & Answers:]\n {asked}[Request History:]\n []\
                 [Step Trajectories Completed Previously:]\n {steps}"
            )
        });
        let pictures = if self.version == Version::ClassicVisual {
            "Screenshot for the last step:Current Screenshots:Annotated Screenshot:"
        } else {
            ""
        };
        let user = format!(
            "{}{pictures}{}\n<Available Control Item:> {}\n<Overall User Request:> {}\n\
             <Previous Sub-tasks Results:> []\n<Sub-task for you to complete:> {}\n\
             <The actions you took at the last step and their results:> {}\n\
             <Current Application You are Working on:> a - Word\n\
             <Message and Tips from the HostAgent:> [\"be quick\"]\n\
             <Your Next Plan:> {}\n<Your response:>",
            blackboard.unwrap_or_default(),
            self.docs,
            self.controls,
            self.request,
            self.subtask,
            self.last,
            self.plan,
        );
        vec![Message::new(Role::System, system), Message::new(Role::User, user)]
    }

    pub fn read(&self) -> UfoAction {
        match read_ufo(&self.messages()) {
            Ok(Some(UfoQuestion::Action(action))) => *action,
            other => panic!("{:?}: {other:?}", self.version),
        }
    }
}
