//! The port as a diagnosis sees it: through the daemon, or opened for the purpose.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tillbus::frame::uart::Heard;
use tillbus::profile::Line;
use tillbus::protocol::Input;
use tillbus::transport::{Outputs, Port};
use tillbus::wiring::diagnose::model::Inputs;
use tillbus::wiring::diagnose::{Counted, Evidence};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval, sleep_until};

use crate::client::DeviceProxy;
use crate::error::Error;
use crate::record::refused;
use crate::value::{self, Map, text};

/// How often a port is looked at while somebody does something.
const BLINK: Duration = Duration::from_millis(250);

pub(super) enum Eye {
    /// No port: only what the person says.
    Closed,
    /// A device of the daemon's.
    Bus(DeviceProxy<'static>),
    /// A port of our own.
    Own(Box<Own>),
}

pub(super) struct Own {
    path: String,
    port: Port,
    heard: Vec<Heard>,
}

/// What a port shows at a moment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Look {
    pub(super) counted: Counted,
    /// The speed in force, in baud.
    pub(super) baud: u32,
    on: Option<Inputs>,
    changes: Option<[u64; 4]>,
    /// Nobody looks.
    is_blind: bool,
}

impl Look {
    /// What it says by itself.
    pub(super) fn evidence(&self) -> Evidence {
        if self.is_blind {
            return Evidence::default();
        }
        Evidence { on: self.on, ..Evidence::of_counts(&self.counted) }
    }

    /// What has come of a scan since then.
    pub(super) fn of_scan(&self, before: &Self) -> Evidence {
        let counted = self.counted.since(before.counted);
        let moved = self.changes.zip(before.changes).map(|(now, then)| {
            let [cts, dsr, dcd, ri] = now;
            let [old_cts, old_dsr, old_dcd, old_ri] = then;
            let [cts, dsr, dcd, ri] = [cts > old_cts, dsr > old_dsr, dcd > old_dcd, ri > old_ri];
            Inputs { cts, dsr, dcd, ri }
        });
        let Evidence { scan, .. } = Evidence::of_counts(&counted).scanned();
        Evidence { scan, moved, ..Evidence::default() }
    }

    /// The inputs that are not as they were, and whether a break has come: the data input.
    pub(super) fn touched(&self, before: &Self) -> (Inputs, bool) {
        let (now, then) = (self.on.unwrap_or_default(), before.on.unwrap_or_default());
        let inputs = Inputs {
            cts: now.cts != then.cts,
            dsr: now.dsr != then.dsr,
            dcd: now.dcd != then.dcd,
            ri: now.ri != then.ri,
        };
        let counted = self.counted.since(before.counted);
        (inputs, counted.breaks + counted.bad + counted.bytes > 0)
    }

    /// Whether anything has come since then.
    pub(super) fn is_more_than(&self, before: &Self) -> bool {
        self.counted != before.counted || self.changes != before.changes
    }
}

impl Eye {
    /// Opens a port at the usual speed. It is not written to; RTS and DTR go up.
    pub(super) fn own(path: &Path) -> Result<Self, Error> {
        let port =
            Port::open(path, &Line::default(), 9_600).map_err(|error| refused(path, &error))?;
        let path = path.display().to_string();
        Ok(Self::Own(Box::new(Own { path, port, heard: Vec::new() })))
    }

    /// Whether tillbus can switch RTS and DTR itself.
    pub(super) fn is_own(&self) -> bool {
        matches!(self, Self::Own(_))
    }

    /// What the port shows now.
    pub(super) async fn look(&self) -> Result<Look, Error> {
        match self {
            Self::Closed => Ok(Look { is_blind: true, ..Look::default() }),
            Self::Bus(device) => {
                let evidence = device.diagnose().await?;
                let evidence: Vec<Map> = evidence.iter().map(value::map).collect();
                Ok(of_bus(&evidence))
            }
            Self::Own(own) => Ok(own.look()),
        }
    }

    /// What has been heard since the last time.
    pub(super) fn take_heard(&mut self) -> Vec<Heard> {
        match self {
            Self::Own(own) => std::mem::take(&mut own.heard),
            _ => Vec::new(),
        }
    }

    /// Waits for a line, with the port watched meanwhile; nothing at the end of the input.
    pub(super) async fn wait(
        &mut self,
        lines: &mut mpsc::Receiver<String>,
    ) -> Result<Option<String>, Error> {
        match self {
            Self::Own(own) => own.wait(lines).await,
            _ => Ok(lines.recv().await),
        }
    }

    /// Waits for a line while RTS goes up and down every second and DTR every two, so that a meter can
    /// tell them apart.
    pub(super) async fn wait_blinking(
        &mut self,
        lines: &mut mpsc::Receiver<String>,
    ) -> Result<Option<String>, Error> {
        let Self::Own(own) = self else { return Ok(lines.recv().await) };
        let mut halves = interval(Duration::from_millis(500));
        let mut count = 0_u32;
        let line = loop {
            tokio::select! {
                line = own.wait(lines) => break line,
                _ = halves.tick() => {
                    count = count.wrapping_add(1);
                    let outputs = Outputs { rts: count & 1 == 0, dtr: count & 2 == 0 };
                    // A virtual port has none, and the meter will show that.
                    let _ = own.port.switch(outputs);
                }
            }
        };
        let _ = own.port.switch(Outputs { rts: true, dtr: true });
        line
    }

    /// Waits until something has come and the port has been quiet again, or for a line.
    pub(super) async fn wait_for_more(
        &mut self,
        before: &Look,
        lines: &mut mpsc::Receiver<String>,
    ) -> Result<Option<String>, Error> {
        let mut quiet: Option<(Instant, Look)> = None;
        loop {
            let next = Instant::now() + BLINK;
            tokio::select! {
                line = self.wait(lines) => return line,
                () = sleep_until(next) => {}
            }
            let now = self.look().await?;
            quiet = match quiet {
                Some((since, then)) if !now.is_more_than(&then) => {
                    if since.elapsed() > 2 * BLINK {
                        return Ok(Some(String::new()));
                    }
                    Some((since, then))
                }
                _ => now.is_more_than(before).then(|| (Instant::now(), now)),
            };
        }
    }
}

impl Own {
    fn look(&self) -> Look {
        let mut counted = Counted::default();
        for one in &self.heard {
            match one {
                Heard::Byte(_) => counted.bytes += 1,
                Heard::BadByte(_) => counted.bad += 1,
                Heard::Break => counted.breaks += 1,
            }
        }
        if counted.bad == 0 && is_code(&self.heard) {
            counted.codes = 1;
        }
        let lines = self.port.modem_lines();
        let on = lines.map(|lines| Inputs {
            cts: lines.cts,
            dsr: lines.dsr,
            dcd: lines.cd,
            ri: lines.ri,
        });
        let changes = self.port.counters().map(|counts| {
            [counts.cts.into(), counts.dsr.into(), counts.cd.into(), counts.ri.into()]
        });
        Look { counted, baud: 9_600, on, changes, is_blind: false }
    }

    async fn wait(&mut self, lines: &mut mpsc::Receiver<String>) -> Result<Option<String>, Error> {
        loop {
            let Self { path, port, heard } = self;
            let mut sink = |input: Input<'_>| match input {
                Input::Bytes(bytes) => heard.extend(bytes.iter().map(|byte| Heard::Byte(*byte))),
                Input::BadByte(byte) => heard.push(Heard::BadByte(byte)),
                Input::Break => heard.push(Heard::Break),
                _ => {}
            };
            tokio::select! {
                line = lines.recv() => return Ok(line),
                received = port.receive(&mut sink) => {
                    received.map_err(|error| refused(Path::new(path.as_str()), &error))?;
                }
            }
        }
    }
}

/// Whether what was heard reads as a code: text, three letters at least.
fn is_code(heard: &[Heard]) -> bool {
    let plain = |one: &Heard| matches!(one, Heard::Byte(b' '..=b'~'));
    let ends = |one: &Heard| matches!(one, Heard::Byte(b'\r' | b'\n' | b'\t' | 0x1D));
    let text = heard.iter().filter(|one| plain(one)).count();
    text >= 3 && heard.iter().all(|one| plain(one) || ends(one))
}

/// What the daemon says of a port.
fn of_bus(evidence: &[Map]) -> Look {
    let kind = |name: &str| evidence.iter().find(|item| text(item, "kind") == name);
    let count = |item: Option<&Map>, name: &str| {
        item.and_then(|item| item.get(name)).and_then(Value::as_u64).unwrap_or(0)
    };
    let (health, kernel) = (kind("health"), kind("kernel-counters"));
    let counted = Counted {
        codes: count(health, "events"),
        // Each bad byte and each break has been counted as a byte.
        bytes: count(health, "bytes")
            .saturating_sub(count(health, "line-error"))
            .saturating_sub(count(health, "break")),
        bad: count(health, "line-error"),
        breaks: count(health, "break"),
        sent: count(kernel, "sent"),
    };
    let flag = |item: &Map, name: &str| item.get(name).and_then(Value::as_bool).unwrap_or(false);
    let on = kind("modem-lines").map(|lines| Inputs {
        cts: flag(lines, "cts"),
        dsr: flag(lines, "dsr"),
        dcd: flag(lines, "cd"),
        ri: flag(lines, "ri"),
    });
    let changes = kernel.map(|item| {
        ["cts-changes", "dsr-changes", "cd-changes", "ri-changes"]
            .map(|name| count(Some(item), name))
    });
    let baud = u32::try_from(count(kind("line"), "baud")).unwrap_or(0);
    Look { counted, baud, on, changes, is_blind: false }
}
