//! Alertmanager and AlertmanagerConfig, as far as it matters who selects whom: there is no Alertmanager in this program yet.

use super::Meta;
use super::shared::LabelSelector;
use serde::Deserialize;
use serde_json::Value;

/// An Alertmanager object.
#[derive(Debug, Clone, PartialEq)]
pub struct Alertmanager {
    /// Its metadata.
    pub meta: Meta,
    /// What it says.
    pub spec: AlertmanagerSpec,
}

/// `spec` of an Alertmanager, the fields that choose and judge AlertmanagerConfigs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AlertmanagerSpec {
    /// Its version: what that does not know is refused. That of the operator when empty.
    pub version: String,
    /// Which AlertmanagerConfigs; null selects none.
    pub alertmanager_config_selector: Option<LabelSelector>,
    /// In which namespaces; null is the own one.
    pub alertmanager_config_namespace_selector: Option<LabelSelector>,
    /// The AlertmanagerConfig of the own namespace that is the base of the configuration.
    pub alertmanager_configuration: Option<Base>,
}

/// The base of an Alertmanager's configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Base {
    /// Name of the AlertmanagerConfig.
    pub name: String,
}

/// An AlertmanagerConfig object.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertmanagerConfig {
    /// Its metadata.
    pub meta: Meta,
    /// What it says, as it stands.
    pub spec: Value,
}
