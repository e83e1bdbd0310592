//! Changes of configuration while terminals are at work.

use tracing::info;

use super::Transactions;
use crate::config::{Config, DeviceConfig};
use crate::daemon::Daemon;

impl Transactions {
    /// Whether a terminal is in the middle of a transaction. One that was cut off is not: what is changed may
    /// be what brings it back.
    fn is_at_work(&self, device: &str) -> bool {
        let live = self.open_on(device).and_then(|id| self.live.get(&id));
        live.is_some_and(|live| live.recovery.is_none() && live.closing.is_none())
    }
}

impl Daemon {
    /// Lets terminals that are at work keep their settings, in the configuration that is to be in force; what
    /// was asked for follows when they are done.
    pub(in crate::daemon) fn keep_terminals_at_work(&mut self, config: &mut Config) {
        let mut asked_for = None;
        for device in self.devices.values() {
            let Some(own) = &device.config else { continue };
            let is_same = config.devices.iter().any(|other| device.is_configured_as(other));
            if is_same || !self.transactions.is_at_work(&own.name) {
                continue;
            }
            info!(device = own.name, "at work; its settings change when it is done");
            asked_for.get_or_insert_with(|| config.clone());
            // Whatever is to be at its place would make the place ambiguous.
            config.devices.retain(|other| other.name != own.name && other.matches != own.matches);
            config.devices.push(DeviceConfig::clone(own));
        }
        self.transactions.deferred = asked_for;
    }

    /// Makes the changes that a terminal at work has kept from being made.
    pub(super) fn adopt_deferred(&mut self) {
        if let Some(config) = self.transactions.deferred.take() {
            self.adopt(config);
            self.refresh();
        }
    }
}
