//! Tools of an application: functions that its description spells out as clicks and texts.

use lam_types::Args;

use super::Actor;
use crate::application::ToolStep;
use crate::fault::Fault;

impl Actor<'_> {
    /// Does the steps of a tool.
    pub(super) async fn tool(&mut self, name: &str, args: &Args) -> Result<(), Fault> {
        let steps = self.file.tools.get(name).ok_or_else(|| Fault::invalid(format!("no function `{name}`")))?;
        self.refuse_dialog()?;
        for step in steps.clone() {
            match step {
                ToolStep::Click { click } => {
                    let control = self.named(&click).await?;
                    self.click(&control, "", false).await?;
                }
                ToolStep::Set { set, to } => {
                    let Some(value) = fill(&to, args) else { continue };
                    let control = self.named(&set).await?;
                    self.set_text(&control, &value).await?;
                }
            }
            self.refresh().await?;
        }
        Ok(())
    }
}

/// A template with arguments in its braces; `None` when one of them is not given.
fn fill(template: &str, args: &Args) -> Option<String> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, behind) = after.split_once('}')?;
        let value = args.get(name)?;
        text.push_str(before);
        text.push_str(&value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        rest = behind;
    }
    Some(text + rest)
}
