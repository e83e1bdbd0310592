//! What goes wrong on a line, beside the events.
//!
//! Contract: numbers, never payload. A bad frame is news, not an exit.

/// Something a device or its line did wrong; the session goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The line went quiet or away in the middle of a frame.
    #[error("a frame was cut off after {bytes} bytes")]
    Partial {
        /// How many bytes had come.
        bytes: usize,
    },
    /// A frame grew past its bound and was dropped up to its end.
    #[error("a frame went past {limit} bytes without an end")]
    Overlong {
        /// The bound.
        limit: usize,
    },
    /// A frame's checksum is not that of its bytes.
    #[error("checksum wrong: got {got:X}, want {want:X}")]
    Checksum {
        /// What the frame carried.
        got: u32,
        /// What its bytes give.
        want: u32,
    },
    /// A frame holds a byte that its standard does not allow there.
    #[error("byte {at} of a frame is not what its protocol has there")]
    Malformed {
        /// Offset in the frame.
        at: usize,
    },
    /// Bytes came that belong to no frame.
    #[error("{bytes} bytes outside any frame")]
    Noise {
        /// How many.
        bytes: usize,
    },
    /// The device sent what reads as no code at the speed in force.
    #[error("{bytes} garbled bytes at {baud} baud")]
    Garbled {
        /// How many.
        bytes: usize,
        /// The speed in force, in baud.
        baud: u32,
    },
    /// A byte came with a parity or framing error.
    #[error("a byte came with a parity or framing error")]
    BadByte,
    /// The line was held low for longer than a byte.
    #[error("break on the line")]
    Break,
    /// The device did not answer in time.
    #[error("no reply to a command")]
    NoReply,
    /// The device refused a command.
    #[error("the device refused a command with status {status:02X}")]
    Refused {
        /// The status byte of its answer.
        status: u8,
    },
    /// A terminal's answer is about something else than what it was asked.
    #[error("the answer is of another {what} than was asked for")]
    Misfit {
        /// What differs.
        what: &'static str,
    },
    /// A terminal tells how a transaction went that is over for us.
    #[error("the terminal answers an earlier transaction")]
    Late,
    /// The device's flow control kept a write from leaving.
    #[error("{bytes} bytes could not be sent: the device does not take them")]
    Stalled {
        /// How many.
        bytes: usize,
    },
    /// What came over a line that is wired through could not go on, since the other line is not open.
    #[error("{bytes} bytes could not be passed through: the other line is not open")]
    Severed {
        /// How many.
        bytes: usize,
    },
    /// The terminal said nothing to a code.
    #[error("the terminal said nothing to a code within {millis} ms")]
    Unanswered {
        /// How long it had.
        millis: u64,
    },
    /// What the device says of itself is not what its protocol needs.
    #[error("the device has no {lacks}: is it set to the mode that its profile is for?")]
    Unsuitable {
        /// What it would need.
        lacks: &'static str,
    },
}

impl Fault {
    /// Every kind there is, as [`Self::kind`] names them.
    pub const KINDS: [&'static str; 16] = [
        "partial-frame",
        "overlong-frame",
        "bad-checksum",
        "malformed-frame",
        "noise",
        "garbled",
        "line-error",
        "break",
        "no-reply",
        "refused",
        "other-answer",
        "late-answer",
        "write-stalled",
        "not-passed-through",
        "code-unanswered",
        "unsuitable-device",
    ];

    /// The word used on the bus and in the log field `FAULT`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Partial { .. } => "partial-frame",
            Self::Overlong { .. } => "overlong-frame",
            Self::Checksum { .. } => "bad-checksum",
            Self::Malformed { .. } => "malformed-frame",
            Self::Noise { .. } => "noise",
            Self::Garbled { .. } => "garbled",
            Self::BadByte => "line-error",
            Self::Break => "break",
            Self::NoReply => "no-reply",
            Self::Refused { .. } => "refused",
            Self::Misfit { .. } => "other-answer",
            Self::Late => "late-answer",
            Self::Stalled { .. } => "write-stalled",
            Self::Severed { .. } => "not-passed-through",
            Self::Unanswered { .. } => "code-unanswered",
            Self::Unsuitable { .. } => "unsuitable-device",
        }
    }
}
