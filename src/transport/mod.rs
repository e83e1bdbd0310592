//! What carries bytes: the only code that touches a device's file descriptor.
