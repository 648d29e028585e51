//! Choices: one child of a list, a tab bar, a combo box. Knows no application.

use futures_util::future::join_all;

use super::Peer;
use super::peer::Reference;
use crate::fault::Fault;

const ACCESSIBLE: &str = "org.a11y.atspi.Accessible";
const SELECTION: &str = "org.a11y.atspi.Selection";

/// Chooses an object in its parent; whether the parent knows choices.
pub async fn choose(peer: &Peer, path: &str) -> Result<bool, Fault> {
    let properties = "org.freedesktop.DBus.Properties";
    let value: Option<zbus::zvariant::OwnedValue> = peer.call(path, properties, "Get", &(ACCESSIBLE, "Parent")).await?;
    let Some((_, parent)) = value.and_then(|value| Reference::try_from(value).ok()) else { return Ok(false) };
    let index: Option<i32> = peer.call(path, ACCESSIBLE, "GetIndexInParent", &()).await?;
    match index.filter(|index| *index >= 0) {
        Some(index) => select_child(peer, parent.as_str(), index).await,
        None => Ok(false),
    }
}

async fn select_child(peer: &Peer, path: &str, index: i32) -> Result<bool, Fault> {
    let done: Option<bool> = peer.call(path, SELECTION, "SelectChild", &(index)).await?;
    Ok(done.unwrap_or(false))
}

/// Chooses the entry called `name` in a list or combo box; its entries may stand one or two levels below it.
pub async fn choose_by_name(peer: &Peer, path: &str, name: &str) -> Result<bool, Fault> {
    let mut lists = vec![path.to_owned()];
    for _ in 0..3 {
        let mut below = Vec::new();
        for list in &lists {
            let children = peer.children(list).await?;
            let names = join_all(children.iter().map(|(_, child)| peer.name(child.as_str()))).await;
            for (index, found) in names.into_iter().enumerate() {
                if found?.trim() == name {
                    if select_child(peer, list, index as i32).await? || select_child(peer, path, index as i32).await? {
                        return Ok(true);
                    }
                    return peer.act(children[index].1.as_str(), 0).await;
                }
            }
            below.extend(children.into_iter().take(400).map(|(_, child)| child.to_string()));
        }
        lists = below;
    }
    Ok(false)
}
