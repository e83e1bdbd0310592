//! Errors as clients get them: `org.tillbus1.Error.<Name>`, one for each decision.

use crate::daemon::call;

/// A D-Bus error of ours.
#[derive(Debug, zbus::DBusError)]
#[zbus(prefix = "org.tillbus1.Error")]
pub(super) enum Error {
    #[zbus(error)]
    Zbus(zbus::Error),
    NotClaimed(String),
    NotOwner(String),
    AlreadyClaimed(String),
    AccessDenied(String),
    Unsupported(String),
    NotReady(String),
    DeviceGone(String),
    DeviceBusy(String),
    InvalidArgument(String),
    LimitExceeded(String),
    Expired(String),
    TransactionInProgress(String),
    OutcomeUnknown(String),
    Timeout(String),
    ConfigurationInvalid(String),
}

impl From<call::Error> for Error {
    fn from(error: call::Error) -> Self {
        let message = error.to_string();
        match error {
            call::Error::NotClaimed => Self::NotClaimed(message),
            call::Error::NotOwner => Self::NotOwner(message),
            call::Error::AlreadyClaimed => Self::AlreadyClaimed(message),
            call::Error::AccessDenied(_) => Self::AccessDenied(message),
            call::Error::Unsupported(_) => Self::Unsupported(message),
            call::Error::NotReady(_) => Self::NotReady(message),
            call::Error::DeviceGone => Self::DeviceGone(message),
            call::Error::DeviceBusy => Self::DeviceBusy(message),
            call::Error::InvalidArgument(_) => Self::InvalidArgument(message),
            call::Error::LimitExceeded(_) => Self::LimitExceeded(message),
            call::Error::Expired(_) => Self::Expired(message),
            call::Error::TransactionInProgress => Self::TransactionInProgress(message),
            call::Error::OutcomeUnknown(_) => Self::OutcomeUnknown(message),
            call::Error::Timeout => Self::Timeout(message),
            call::Error::ConfigurationInvalid(_) => Self::ConfigurationInvalid(message),
        }
    }
}
