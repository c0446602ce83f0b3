//! What a verdict is about: the coordinates by which a broken link hides those behind it.

use crate::component::Component;
use std::fmt;

/// The subject of a verdict. An empty coordinate means "all of them".
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entity {
    /// The component.
    pub component: Option<Component>,
    /// The Prometheus object, `namespace/name`.
    pub prometheus: Option<String>,
    /// The node.
    pub node: Option<String>,
    /// Anything narrower: an object, a panel, a rule.
    pub item: Option<String>,
}

impl Entity {
    /// The cluster.
    pub fn cluster() -> Entity {
        Entity::default()
    }

    /// One component.
    pub fn of(component: Component) -> Entity {
        Entity { component: Some(component), ..Entity::default() }
    }

    /// One Prometheus object.
    pub fn prometheus(name: impl Into<String>) -> Entity {
        Entity { prometheus: Some(name.into()), ..Entity::default() }
    }

    /// The same, read by one Prometheus object.
    #[must_use]
    pub fn in_prometheus(mut self, name: impl Into<String>) -> Entity {
        self.prometheus = Some(name.into());
        self
    }

    /// The same on one node.
    #[must_use]
    pub fn on(mut self, node: impl Into<String>) -> Entity {
        self.node = Some(node.into());
        self
    }

    /// The same, narrower.
    #[must_use]
    pub fn item(mut self, item: impl Into<String>) -> Entity {
        self.item = Some(item.into());
        self
    }

    /// Whether a failure of `self` can be the cause of one of `other`: no coordinate that both name differs. Items are
    /// not compared: a Service and a monitor are different items of one path.
    pub fn on_the_path_of(&self, other: &Entity) -> bool {
        fn agree<T: PartialEq>(a: &Option<T>, b: &Option<T>) -> bool {
            match (a, b) {
                (Some(a), Some(b)) => a == b,
                _ => true,
            }
        }
        agree(&self.component, &other.component)
            && agree(&self.prometheus, &other.prometheus)
            && agree(&self.node, &other.node)
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            self.component.map(|c| c.as_str().to_owned()),
            self.prometheus.as_ref().map(|p| format!("prometheus/{p}")),
            self.node.as_ref().map(|n| format!("node/{n}")),
            self.item.clone(),
        ];
        let text: Vec<String> = parts.into_iter().flatten().collect();
        f.write_str(if text.is_empty() { "cluster" } else { "" })?;
        f.write_str(&text.join(" "))
    }
}
