//! The machine's clocks, read here and nowhere else: everywhere else time is an argument.

use std::time::Duration;

use nix::libc;
use nix::time::{ClockId, clock_gettime};

use crate::event::Timestamp;
use crate::event::terminal::Clock;

/// The time since the machine started, suspend included, in microseconds.
#[must_use]
pub fn boottime() -> Timestamp {
    Timestamp(micros(ClockId::CLOCK_BOOTTIME))
}

/// The time of day, in microseconds since 1970-01-01 00:00 UTC.
///
/// It may jump, and is only as right as [`synchronised`] says.
#[must_use]
pub fn realtime_micros() -> u64 {
    micros(ClockId::CLOCK_REALTIME)
}

/// The date and time of day where this machine is, as a clock on the wall shows them.
#[must_use]
pub fn local() -> Clock {
    let part = |number: i8| u8::try_from(number).unwrap_or(0);
    let now = jiff::Timestamp::from_microsecond(i64::try_from(realtime_micros()).unwrap_or(0));
    let now =
        now.unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_zoned_datetime(jiff::tz::TimeZone::system());
    Clock {
        date: Some((part(now.month()), part(now.day()))),
        time: Some((part(now.hour()), part(now.minute()), part(now.second()))),
    }
}

/// Whether something keeps the time of day right, as the kernel was told (`STA_UNSYNC` clear).
#[must_use]
pub fn synchronised() -> bool {
    #[expect(unsafe_code, reason = "neither std nor nix wraps adjtimex")]
    // SAFETY: `timex` is plain old data for which zeroes are valid; `modes` 0 only reads, and the
    // call writes no further than the struct it is given.
    let (state, status) = unsafe {
        let mut timex: libc::timex = std::mem::zeroed();
        let state = libc::adjtimex(&raw mut timex);
        (state, timex.status)
    };
    state >= 0 && status & libc::STA_UNSYNC == 0
}

fn micros(clock: ClockId) -> u64 {
    // The two clocks above exist on every kernel that runs this; zero beats a panic.
    let time = clock_gettime(clock).map_or(Duration::ZERO, Duration::from);
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boottime_does_not_run_backwards_and_realtime_is_after_2020() {
        let earlier = boottime();
        assert!(boottime() >= earlier);
        assert!(earlier.0 > 0);
        assert!(realtime_micros() > 1_577_836_800_000_000);
    }
}
