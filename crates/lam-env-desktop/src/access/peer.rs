//! One application on the accessibility bus: typed calls on its objects. A call on an object that is gone is an
//! answer, a silent or dead application is the end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use atspi_common::{Interface, InterfaceSet, RelationType, Role, StateSet};
use futures_util::future::join;
use serde::de::DeserializeOwned;
use zbus::connection::Builder;
use zbus::zvariant::{DynamicType, OwnedObjectPath, OwnedValue, Type};

use crate::fault::Fault;

const ACCESSIBLE: &str = "org.a11y.atspi.Accessible";
const APPLICATION: &str = "org.a11y.atspi.Application";
const REGISTRY: &str = "org.a11y.atspi.Registry";
/// The root object of every application, and of the registry.
pub const ROOT: &str = "/org/a11y/atspi/accessible/root";
/// Longest wait for one call.
const CALL_LIMIT: Duration = Duration::from_secs(15);
/// Longest wait for an application to let one in on its own socket.
const DIRECT_LIMIT: Duration = Duration::from_secs(2);

/// A reference to an object: its application's bus name and its path.
pub type Reference = (String, OwnedObjectPath);

/// An application, by its name on the bus.
#[derive(Clone)]
pub struct Peer {
    bus: zbus::Connection,
    name: String,
    /// The application's own socket: what is asked there passes no daemon, which otherwise works as long as both ends.
    direct: Option<zbus::Connection>,
    /// What an object is as long as it is there, by its path, which no other gets.
    kinds: Arc<Mutex<HashMap<String, (Role, InterfaceSet)>>>,
}

impl Peer {
    /// The application called `name` on this bus.
    pub fn new(connection: zbus::Connection, name: impl Into<String>) -> Self {
        Self { bus: connection, name: name.into(), direct: None, kinds: Arc::default() }
    }

    /// The registry of applications.
    pub fn registry(connection: zbus::Connection) -> Self {
        Self::new(connection, REGISTRY)
    }

    /// The same bus, another application.
    pub fn other(&self, name: &str) -> Self {
        Self::new(self.bus.clone(), name)
    }

    /// The same application, asked on a socket of its own if it has one that answers.
    pub async fn directly(self) -> Self {
        let direct = tokio::time::timeout(DIRECT_LIMIT, self.connect()).await.ok().flatten();
        Self { direct, ..self }
    }

    async fn connect(&self) -> Option<zbus::Connection> {
        let address: String = self.call(ROOT, APPLICATION, "GetApplicationBusAddress", &()).await.ok()??;
        let direct = Builder::address(address.as_str()).ok()?.p2p().build().await.ok()?;
        // Toolkits may let clients in and know no object there.
        let asked = Self { direct: Some(direct.clone()), ..self.clone() };
        let is_there = !asked.states(ROOT).await.ok()?.is_empty() || !asked.children(ROOT).await.ok()?.is_empty();
        is_there.then_some(direct)
    }

    /// Calls a method; `None` when the object does not exist any more or does not know the method.
    pub async fn call<B, R>(&self, path: &str, interface: &str, method: &str, body: &B) -> Result<Option<R>, Fault>
    where
        B: serde::Serialize + DynamicType,
        R: DeserializeOwned + Type,
    {
        let (connection, name) = match &self.direct {
            Some(direct) => (direct, None),
            None => (&self.bus, Some(self.name.as_str())),
        };
        let call = connection.call_method(name, path, Some(interface), method, body);
        let answer = tokio::time::timeout(CALL_LIMIT, call).await;
        let answer = answer.map_err(|_| Fault::lost(format!("the application did not answer {method} in time")))?;
        match answer {
            Ok(message) => Ok(message.body().deserialize().ok()),
            Err(zbus::Error::MethodError(name, text, _)) => match name.as_str() {
                "org.freedesktop.DBus.Error.ServiceUnknown"
                | "org.freedesktop.DBus.Error.NoReply"
                | "org.freedesktop.DBus.Error.NameHasNoOwner"
                | "org.freedesktop.DBus.Error.Disconnected" => {
                    Err(Fault::lost(format!("the application is gone: {}", text.unwrap_or_default())))
                }
                _ => Ok(None),
            },
            Err(error) if self.direct.is_some() => Err(Fault::lost(format!("the application is gone: {error}"))),
            Err(error) => Err(Fault::lost(format!("the accessibility bus is gone: {error}"))),
        }
    }

    async fn property(&self, path: &str, interface: &str, name: &str) -> Result<Option<OwnedValue>, Fault> {
        self.call(path, "org.freedesktop.DBus.Properties", "Get", &(interface, name)).await
    }

    /// What an object is called.
    pub async fn name(&self, path: &str) -> Result<String, Fault> {
        let value = self.property(path, ACCESSIBLE, "Name").await?;
        Ok(value.and_then(|value| String::try_from(value).ok()).unwrap_or_default())
    }

    /// Role; `Invalid` for objects that are gone.
    pub async fn role(&self, path: &str) -> Result<Role, Fault> {
        let role: Option<u32> = self.call(path, ACCESSIBLE, "GetRole", &()).await?;
        Ok(role.and_then(|role| Role::try_from(role).ok()).unwrap_or(Role::Invalid))
    }

    /// States; none for objects that are gone.
    pub async fn states(&self, path: &str) -> Result<StateSet, Fault> {
        Ok(self.call(path, ACCESSIBLE, "GetState", &()).await?.unwrap_or(StateSet::empty()))
    }

    /// The interfaces an object has.
    pub async fn interfaces(&self, path: &str) -> Result<InterfaceSet, Fault> {
        Ok(self.call(path, ACCESSIBLE, "GetInterfaces", &()).await?.unwrap_or(InterfaceSet::empty()))
    }

    /// Role and interfaces; `Invalid` for objects that are gone. Asked once of what has no text: a paragraph becomes a heading
    /// by its style.
    pub async fn kind(&self, path: &str) -> Result<(Role, InterfaceSet), Fault> {
        if let Some(kind) = self.kinds().get(path) {
            return Ok(*kind);
        }
        let (role, interfaces) = join(self.role(path), self.interfaces(path)).await;
        let kind = (role?, interfaces?);
        if kind.0 != Role::Invalid && !kind.1.contains(Interface::Text) {
            self.kinds().insert(path.to_owned(), kind);
        }
        Ok(kind)
    }

    fn kinds(&self) -> MutexGuard<'_, HashMap<String, (Role, InterfaceSet)>> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The objects below one.
    pub async fn children(&self, path: &str) -> Result<Vec<Reference>, Fault> {
        Ok(self.call(path, ACCESSIBLE, "GetChildren", &()).await?.unwrap_or_default())
    }

    /// The name of the object that labels this one.
    pub async fn label(&self, path: &str) -> Result<String, Fault> {
        let relations: Option<Vec<(u32, Vec<Reference>)>> = self.call(path, ACCESSIBLE, "GetRelationSet", &()).await?;
        let labels = relations.into_iter().flatten().filter(|(kind, _)| *kind == RelationType::LabelledBy as u32);
        match labels.flat_map(|(_, targets)| targets).next() {
            Some((_, target)) => self.name(target.as_str()).await,
            None => Ok(String::new()),
        }
    }

    /// Sets the number of an object; whether it has one.
    pub async fn set_value(&self, path: &str, value: f64) -> Result<bool, Fault> {
        let body = ("org.a11y.atspi.Value", "CurrentValue", zbus::zvariant::Value::from(value));
        let done: Option<()> = self.call(path, "org.freedesktop.DBus.Properties", "Set", &body).await?;
        Ok(done.is_some())
    }

    /// Does one of an object's actions; whether it has it.
    pub async fn act(&self, path: &str, index: i32) -> Result<bool, Fault> {
        let done: Option<bool> = self.call(path, "org.a11y.atspi.Action", "DoAction", &(index)).await?;
        Ok(done.unwrap_or(false))
    }

    /// Names of an object's actions.
    pub async fn actions(&self, path: &str) -> Result<Vec<String>, Fault> {
        let actions: Option<Vec<(String, String, String)>> =
            self.call(path, "org.a11y.atspi.Action", "GetActions", &()).await?;
        Ok(actions.into_iter().flatten().map(|(name, _, _)| name).collect())
    }

    /// Gives an object the keyboard.
    pub async fn focus(&self, path: &str) -> Result<bool, Fault> {
        let done: Option<bool> = self.call(path, "org.a11y.atspi.Component", "GrabFocus", &()).await?;
        Ok(done.unwrap_or(false))
    }

    /// Where an object is on the screen: x, y, width, height in pixels.
    pub async fn extents(&self, path: &str) -> Result<Option<(i32, i32, i32, i32)>, Fault> {
        self.call(path, "org.a11y.atspi.Component", "GetExtents", &(0u32)).await
    }
}
