//! Who may do what: the `[access]` of the configuration against the bus's own credentials.
//!
//! Contract: names are resolved once, when configuration is loaded. Root and the user the daemon
//! runs as have every right: both could read the ports without us.

use nix::unistd::{Group, User, geteuid};
use tracing::warn;

use crate::config::Principal;
use crate::store::Client;

/// Who calls, by the bus's credentials.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The unique bus name.
    pub client: Client,
    /// The user id of the connection.
    pub uid: u32,
    /// All group ids of the connection.
    pub groups: Vec<u32>,
}

/// The holders of one right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Right {
    users: Vec<u32>,
    groups: Vec<u32>,
}

impl Right {
    /// Looks the names up. A name that this host does not know holds nothing, and the log says so.
    #[must_use]
    pub fn resolve(principals: &[Principal]) -> Self {
        let mut right = Self::default();
        for principal in principals {
            match principal {
                Principal::User(name) => match User::from_name(name) {
                    Ok(Some(user)) => right.users.push(user.uid.as_raw()),
                    _ => warn!(user = %name, "[access] names a user this host does not know"),
                },
                Principal::Group(name) => match Group::from_name(name) {
                    Ok(Some(group)) => right.groups.push(group.gid.as_raw()),
                    _ => warn!(group = %name, "[access] names a group this host does not know"),
                },
            }
        }
        right
    }

    /// Whether the caller holds it.
    #[must_use]
    pub fn permits(&self, caller: &Caller) -> bool {
        caller.uid == 0
            || caller.uid == geteuid().as_raw()
            || self.users.contains(&caller.uid)
            || caller.groups.iter().any(|group| self.groups.contains(group))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(uid: u32, groups: &[u32]) -> Caller {
        Caller { client: Client::new(":1.7"), uid, groups: groups.to_vec() }
    }

    #[test]
    fn users_and_groups_are_looked_up_and_strangers_refused() {
        let right = Right::resolve(&[
            Principal::User("daemon".into()),
            Principal::Group("no-such-group-here".into()),
        ]);
        let daemon = User::from_name("daemon").unwrap().unwrap().uid.as_raw();
        assert!(right.permits(&caller(daemon, &[])));
        assert!(right.permits(&caller(0, &[])));
        assert!(!right.permits(&caller(54_321, &[54_321])));
    }
}
