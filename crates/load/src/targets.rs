//! Where sessions connect to: the server itself, or a link before it.

use transport::Target;

use crate::plan::Role;

/// Where each kind of session connects to.
#[derive(Debug, Clone)]
pub struct Targets {
    /// Those that send.
    pub senders: Target,
    /// Those that only receive, or stay quiet.
    pub receivers: Target,
}

impl Targets {
    /// The target of a session.
    pub(crate) fn of(&self, role: &Role) -> &Target {
        if role.sender.is_some() {
            &self.senders
        } else {
            &self.receivers
        }
    }
}

impl From<Target> for Targets {
    /// One for all.
    fn from(target: Target) -> Self {
        Self {
            senders: target.clone(),
            receivers: target,
        }
    }
}
