//! Conversation logs: what a device sent, as evidence and as a test.
